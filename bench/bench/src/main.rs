//! Benchmarks of the real binary. `bench/RESULTS.md` has figures and method.

mod api;
mod corpus;
mod generate;
mod large_trace;
mod load;
mod process;
mod questions;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures Tracewell: what a record costs to take in, how many bytes it takes, how fast questions are answered.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a corpus: files that `tracewell send` reads, and the answers to questions about them
    Generate(generate::GenerateArgs),
    /// Fill a server with the shop's telemetry, then ask questions
    Shop {
        /// Spans to send
        #[arg(long, default_value_t = 1_000_000)]
        spans: u64,
        /// Log records to send
        #[arg(long, default_value_t = 1_500_000)]
        logs: u64,
        /// Requests under way at once
        #[arg(long, default_value_t = 8)]
        concurrency: usize,
        /// Where the server keeps its data; a temporary folder by default
        #[arg(long)]
        data_dir: Option<PathBuf>,
    },
    /// Ask the UI's questions while the shop's telemetry is in memory, in segments, and merged
    Api {
        /// Spans to send
        #[arg(long, default_value_t = 1_000_000)]
        spans: u64,
        /// Log records to send
        #[arg(long, default_value_t = 1_500_000)]
        logs: u64,
        /// How often to ask each question
        #[arg(long, default_value_t = 30)]
        runs: usize,
    },
    /// Send one trace of many spans, and read it in each form
    LargeTrace {
        /// Its spans
        #[arg(long, default_value_t = 1_000_000)]
        spans: u64,
    },
    /// Fill a server with the OTLP files of a data set and report its bytes
    Files {
        /// Files of length-delimited OTLP requests: spans
        #[arg(long)]
        traces: PathBuf,
        /// Files of length-delimited OTLP requests: log records
        #[arg(long)]
        logs: PathBuf,
        /// Requests under way at once
        #[arg(long, default_value_t = 8)]
        concurrency: usize,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Generate(args) => generate::run(&args),
        Command::Shop { spans, logs, concurrency, data_dir } => {
            let corpus = corpus::shop(spans, logs);
            let temporary = tempfile::tempdir()?;
            let data = data_dir.unwrap_or_else(|| temporary.path().to_owned());
            let server = load::fill(&data, &corpus, concurrency).await?;
            questions::ask(&server, &corpus).await?;
            server.stop().await
        }
        Command::Api { spans, logs, runs } => {
            let data = tempfile::tempdir()?;
            api::measure(data.path(), &corpus::shop(spans, logs), runs).await
        }
        Command::LargeTrace { spans } => {
            let data = tempfile::tempdir()?;
            large_trace::measure(data.path(), spans).await
        }
        Command::Files { traces, logs, concurrency } => {
            let corpus = corpus::files(&traces, &logs)?;
            let data = tempfile::tempdir()?;
            load::fill(data.path(), &corpus, concurrency).await?.stop().await
        }
    }
}
