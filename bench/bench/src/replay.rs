//! Restart after a crash with a long journal: how long until the server is ready, and the memory that it takes.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use tracewell_corpus::Signal;
use tracewell_tests::{Server, ServerOptions};

use crate::corpus::Corpus;
use crate::process::{cpu_seconds, peak_rss_mib};
use crate::report::{Report, at_most};
use crate::send::{Compression, Load, send};

/// Fills the journal of a server that never flushes, kills it, and starts it as usual.
pub async fn run(data: &Path, corpus: &Corpus, bytes: u64, report: &mut Report) -> anyhow::Result<()> {
    let flags = ["flush-interval=10h", "flush-bytes=100GiB", "live-bytes-max=100GiB", "journal-bytes-max=100GiB"];
    let flags = flags.iter().map(|flag| format!("--{flag}")).collect();
    let options = ServerOptions { flags, ..ServerOptions::default() };
    let server = Server::start(data, &options).await?;
    let load = Load {
        signal: Signal::Traces,
        files: &corpus.traces,
        compression: Compression::None,
        concurrency: 8,
        pace: None,
        bytes_max: bytes,
    };
    send(&server.otlp_http, &load).await?;
    let status = server.api().get("/status", &[]).await?;
    let journal = status["journalBytes"].as_f64().context("no journalBytes")?;
    let live = |status: &serde_json::Value| -> u64 {
        let tables = status["tables"].as_array().into_iter().flatten();
        tables.map(|table| table["liveRows"].as_u64().unwrap_or(0) + table["segmentRows"].as_u64().unwrap_or(0)).sum()
    };
    let rows = live(&status);
    server.kill().await?;
    let began = Instant::now();
    let server = Server::start(data, &ServerOptions::default()).await?;
    let seconds = began.elapsed().as_secs_f64();
    let id = server.id().context("the server has ended")?;
    let gigabytes = journal / 1e9;
    report.add("journal that is replayed", gigabytes, "GB", None);
    report.add("replay until ready", seconds, "s", None);
    report.add("replay of 4 GB until ready (by proportion)", seconds * 4.0 / gigabytes, "s", at_most(10.0, 3.0));
    report.add("replay: CPU", cpu_seconds(id)?, "s", None);
    report.add("replay: peak resident memory", peak_rss_mib(id)?, "MiB", None);
    let found = live(&server.api().get("/status", &[]).await?);
    anyhow::ensure!(found == rows, "{found} rows after the replay of {rows}");
    server.kill().await
}
