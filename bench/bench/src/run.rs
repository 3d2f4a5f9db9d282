//! `tracewell-bench run`: everything that is measured, in order.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::corpus::Corpus;
use crate::report::Report;
use crate::send::Compression;
use crate::{fill, floor, questions, replay, steady};

/// What to measure, and on what.
#[derive(Args)]
pub struct RunArgs {
    /// A corpus of `tracewell-bench generate`, or a data set with traces.otlp.zst and logs.otlp.zst
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// What to measure; all of it by default
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// An empty folder for the servers' data, which stays; a temporary one by default
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the figures to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How requests are compressed on the wire
    #[arg(long, value_enum, default_value = "none")]
    compression: Compression,
    /// The steady rate
    #[arg(long, default_value_t = 50_000.0, value_name = "SPANS")]
    rate: f64,
    /// For how long, if the corpus has so many spans
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// How much is left in the journal when the server is killed
    #[arg(long, default_value_t = 4_000_000_000, value_name = "BYTES")]
    journal: u64,
    /// How many spans and log records the entropy floor is computed from
    #[arg(long, default_value_t = 200_000, value_name = "COUNT")]
    sample: usize,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// As fast as it goes: CPU, memory, bytes on disk
    Fill,
    /// Questions with known answers, on the filled server
    Questions,
    /// A steady rate: memory, acknowledgement, visibility
    Steady,
    /// Restart with a long journal
    Replay,
    /// The entropy of the data
    Floor,
}

/// Runs the command.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let data = args.data.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&data).with_context(|| format!("could not create {}", data.display()))?;
    ensure!(std::fs::read_dir(&data)?.next().is_none(), "{} is not empty: name a new folder", data.display());
    let corpus = Corpus::open(&args.corpus)?;
    let wants = |part: Part| args.only.is_empty() || args.only.contains(&part);
    let mut report = Report::default();
    report.detail(
        "corpus",
        json!({ "spans": corpus.truth.spans, "logs": corpus.truth.logs, "traceBytes": corpus.truth.trace_bytes,
                "logBytes": corpus.truth.log_bytes, "compression": format!("{:?}", args.compression) }),
    );
    if wants(Part::Floor) {
        let spans = floor::of_spans(&corpus.traces, args.sample)?;
        floor::report("span", &spans, &mut report);
        let logs = floor::of_logs(&corpus.logs, args.sample)?;
        floor::report("log record", &logs, &mut report);
    }
    if wants(Part::Fill) || wants(Part::Questions) {
        let server = fill::fill(&data.join("fill"), &corpus, args.compression, &mut report).await?;
        if wants(Part::Questions) && corpus.has_answers {
            questions::ask(&server, &corpus.truth, &mut report).await?;
        }
        server.stop().await?;
    }
    if wants(Part::Steady) && corpus.truth.spans > 0 {
        steady::run(&data.join("steady"), &corpus, args.rate, args.seconds, args.compression, &mut report).await?;
    }
    if wants(Part::Replay) && corpus.truth.spans > 0 {
        replay::run(&data.join("replay"), &corpus, args.journal, &mut report).await?;
    }
    floor::ratios(&mut report);
    report.print();
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report.json())?)
            .with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok(())
}
