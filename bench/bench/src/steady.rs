//! A server at a steady rate of spans: its memory, its CPU time, how fast it acknowledges, and how soon records are found.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tracewell_corpus::Signal;
use tracewell_tests::{Server, ServerOptions};

use crate::corpus::Corpus;
use crate::freshness;
use crate::process::{cpu_seconds, peak_rss_mib};
use crate::report::{Report, at_most, percentile_ms};
use crate::send::{Compression, Load, send};

/// Sends at most `seconds` of spans at `rate` a second to a new server, with all its background work.
pub async fn run(
    data: &Path,
    corpus: &Corpus,
    rate: f64,
    seconds: u64,
    compression: Compression,
    report: &mut Report,
) -> anyhow::Result<()> {
    let server = Server::start(data, &ServerOptions::default()).await?;
    let id = server.id().context("the server has ended")?;
    let pace = rate * corpus.truth.trace_bytes as f64 / corpus.truth.spans as f64;
    let load = Load {
        signal: Signal::Traces,
        files: &corpus.traces,
        compression,
        concurrency: 64,
        pace: Some(pace),
        bytes_max: (pace * seconds as f64) as u64,
    };
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let probe = tokio::spawn(freshness::probe(server.otlp_http.clone(), server.api(), stopped));
    let mut sent = send(&server.otlp_http, &load).await?;
    stop.send(true)?;
    let mut visible = probe.await??;
    let spans = sent.bytes as f64 * corpus.truth.spans as f64 / corpus.truth.trace_bytes as f64;
    let name = format!("at {rate:.0} spans/s");
    report.add(format!("{name}: rate that was kept"), spans / sent.wall.as_secs_f64(), "/s", None);
    report.add(format!("{name}: peak resident memory"), peak_rss_mib(id)?, "MiB", at_most(512.0, 300.0));
    report.add(format!("{name}: CPU, per million spans"), cpu_seconds(id)? * 1e6 / spans, "s", None);
    report.add(
        format!("{name}: acknowledgement, p50"),
        percentile_ms(&mut sent.latencies, 0.5),
        "ms",
        at_most(8.0, 5.0),
    );
    report.add(
        format!("{name}: acknowledgement, p99"),
        percentile_ms(&mut sent.latencies, 0.99),
        "ms",
        at_most(50.0, 25.0),
    );
    let count = visible.len();
    report.add(
        format!("{name}: visible after acknowledgement, p99 of {count}"),
        percentile_ms(&mut visible, 0.99),
        "ms",
        at_most(1_000.0, 200.0),
    );
    // Within ten seconds, whatever is under way.
    tokio::time::timeout(Duration::from_secs(30), server.stop()).await?
}
