//! Benchmarks of the real binary. `bench/RESULTS.md` has figures and method.

mod api;
mod columns;
mod corpus;
mod fill;
mod floor;
mod freshness;
mod generate;
mod large_trace;
mod process;
mod questions;
mod replay;
mod report;
mod row_binary;
mod run;
mod send;
mod steady;

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
    /// Measure everything on a corpus, or the bytes of a data set, and print the table
    Run(run::RunArgs),
    /// Ask the UI's questions of a corpus while it is in memory, in segments, and merged
    Api(api::ApiArgs),
    /// Send one trace of many spans, and read it in each form
    LargeTrace {
        /// Its spans
        #[arg(long, default_value_t = 1_000_000)]
        spans: u64,
    },
    /// Write a corpus as rows for ClickHouse, in its `RowBinary` format (bench/chdb reads them)
    Rows(row_binary::RowsArgs),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Generate(args) => generate::run(&args),
        Command::Run(args) => run::run(args).await,
        Command::Api(args) => api::run(&args).await,
        Command::LargeTrace { spans } => {
            let data = tempfile::tempdir()?;
            large_trace::measure(data.path(), spans).await
        }
        Command::Rows(args) => row_binary::run(&args),
    }
}
