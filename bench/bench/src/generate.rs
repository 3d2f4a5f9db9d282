//! `tracewell-bench generate`: makes a corpus on disk.

use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use clap::Args;
use tracewell_corpus::{Plan, write_files};

/// What to make, and where.
#[derive(Args)]
pub struct GenerateArgs {
    /// A folder, which is created
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    size: Size,
}

/// How large a corpus is, and when it happened.
#[derive(Args, Clone, Copy)]
pub struct Size {
    /// Spans, at least: the last trace is whole
    #[arg(long, default_value_t = 1_000_000)]
    pub spans: u64,
    /// Log records
    #[arg(long, default_value_t = 1_500_000)]
    pub logs: u64,
    /// Everything follows from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Over how many hours the traces are spread
    #[arg(long, default_value_t = 6)]
    pub hours: u64,
    /// When the last trace starts, in Unix seconds; half a minute ago by default
    #[arg(long, value_name = "SECONDS")]
    pub end: Option<u64>,
}

impl Size {
    /// The plan of the corpus.
    pub fn plan(&self) -> anyhow::Result<Plan> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs();
        let end = self.end.unwrap_or(now - 30);
        let start = self.hours.checked_mul(3_600).and_then(|seconds| end.checked_sub(seconds));
        let start = start.with_context(|| format!("--hours {}: that begins before 1970", self.hours))?;
        ensure!(self.hours > 0 && end < 9_000_000_000, "--hours and --end must name a range after 1970");
        let (start, end) = (start * 1_000_000_000, end * 1_000_000_000);
        Ok(Plan { seed: self.seed, spans: self.spans, logs: self.logs, start, end })
    }
}

/// Runs the command.
pub fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let truth = write_files(&args.size.plan()?, &args.out)?;
    println!(
        "{} spans of {:.0} B and {:.1} attributes in {} traces, {} log records of {:.0} B (bodies {:.0} B) in {}: {:.1} s",
        truth.spans,
        truth.trace_bytes as f64 / truth.spans.max(1) as f64,
        truth.span_attributes as f64 / truth.spans.max(1) as f64,
        truth.trace_count,
        truth.logs,
        truth.log_bytes as f64 / truth.logs.max(1) as f64,
        truth.log_body_bytes as f64 / truth.logs.max(1) as f64,
        args.out.display(),
        began.elapsed().as_secs_f64(),
    );
    Ok(())
}
