//! Filling a server as fast as it goes, and what that cost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tracewell_corpus::Signal;
use tracewell_tests::{Server, ServerOptions};

use crate::columns;
use crate::corpus::Corpus;
use crate::process::{cpu_seconds, peak_rss_mib, reset_peak, rss_mib};
use crate::report::{Report, at_least, at_most, percentile_ms};
use crate::send::{Compression, Load, send};

/// Sends all of a corpus to a new server, which is left running with everything flushed and merged.
pub async fn fill(
    data: &Path,
    corpus: &Corpus,
    compression: Compression,
    report: &mut Report,
) -> anyhow::Result<Server> {
    // Merged inputs go at once, so that what is on disk is what is needed.
    let options = ServerOptions { flags: vec!["--deletion-grace=1s".to_owned()], ..ServerOptions::default() };
    let server = Server::start(data, &options).await?;
    let id = server.id().context("the server has ended")?;
    report.add("resident memory, idle", rss_mib(id)?, "MiB", None);
    let mut parts = Vec::new();
    for signal in [Signal::Traces, Signal::Logs] {
        if corpus.records(signal) > 0 {
            one_signal(&server, id, corpus, signal, compression, report).await?;
        }
    }
    for (signal, name) in [(Signal::Traces, "traces"), (Signal::Logs, "logs")] {
        if corpus.records(signal) > 0 {
            parts.push(sizes(&server, data, corpus, signal, name, report).await?);
        }
    }
    for (what, parts, records) in parts {
        columns::print(what, &parts, records);
        report.detail(&format!("bytes of {what}s by column"), serde_json::to_value(parts)?);
    }
    Ok(server)
}

async fn one_signal(
    server: &Server,
    id: u32,
    corpus: &Corpus,
    signal: Signal,
    compression: Compression,
    report: &mut Report,
) -> anyhow::Result<()> {
    let what = noun(signal);
    reset_peak(id)?;
    let before = cpu_seconds(id)?;
    let load =
        Load { signal, files: corpus.files(signal), compression, concurrency: 8, pace: None, bytes_max: u64::MAX };
    let mut sent = send(&server.otlp_http, &load).await?;
    let acknowledged = cpu_seconds(id)? - before;
    let began = Instant::now();
    server.api().post("/maintenance/flush").await?;
    server.api().post("/maintenance/compact").await?;
    let cpu = cpu_seconds(id)? - before;
    let records = corpus.records(signal) as f64;
    let per_million = 1e6 / records;
    report.add(format!("{what}s a second acknowledged (wall time)"), records / sent.wall.as_secs_f64(), "/s", None);
    report.add(format!("CPU until acknowledged, per million {what}s"), acknowledged * per_million, "s", None);
    let goal = if signal == Signal::Traces { at_most(16.25, 5.9) } else { at_most(9.0, 5.0) };
    report.add(format!("CPU until flushed and merged, per million {what}s"), cpu * per_million, "s", goal);
    if signal == Signal::Traces {
        report.add("spans/s/core, durable, with compaction", records / cpu, "/s", at_least(100e3, 170e3));
    } else {
        let megabytes = corpus.bytes(signal) as f64 / 1e6;
        report.add("log MB/s/core (OTLP), durable and searchable", megabytes / cpu, "MB/s", at_least(60.0, 130.0));
    }
    report.add(format!("rest of flushing and merging {what}s"), began.elapsed().as_secs_f64(), "s wall", None);
    report.add(
        format!("acknowledgement of {what}s at full load, p50"),
        percentile_ms(&mut sent.latencies, 0.5),
        "ms",
        None,
    );
    report.add(
        format!("acknowledgement of {what}s at full load, p99"),
        percentile_ms(&mut sent.latencies, 0.99),
        "ms",
        None,
    );
    report.add(format!("peak resident memory, {what}s at full load"), peak_rss_mib(id)?, "MiB", None);
    Ok(())
}

/// The bytes of a signal, when the inputs of merges are gone.
async fn sizes(
    server: &Server,
    data: &Path,
    corpus: &Corpus,
    signal: Signal,
    name: &str,
    report: &mut Report,
) -> anyhow::Result<(&'static str, columns::Parts, u64)> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let (records, parts) = loop {
        let status = server.api().get("/status", &[]).await?;
        let tables = status["tables"].as_array().context("no tables in /status")?;
        let table = tables.iter().find(|table| table["signal"] == name).context("no table of the signal")?;
        let (wanted, rows) = (table["segments"].as_u64(), table["segmentRows"].as_u64().unwrap_or(0));
        let (segments, parts) = columns::parts(data, name)?;
        if wanted == Some(segments as u64) {
            ensure!(rows == corpus.records(signal), "{rows} rows of {} sent", corpus.records(signal));
            report.add(format!("segments of {name}"), segments as f64, "", None);
            break (rows, parts);
        }
        ensure!(Instant::now() < deadline, "{segments} segments on disk but {wanted:?} in the catalog");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let sum: u64 = parts.values().sum();
    let index = parts.get("index").copied().unwrap_or(0);
    let each = |bytes: u64| bytes as f64 / records as f64;
    let what = noun(signal);
    let goal = if signal == Signal::Traces { at_most(35.5, 30.0) } else { at_most(17.0, 12.0) };
    report.add(format!("bytes a {what} on disk"), each(sum), "B", goal);
    report.add(format!("  of that, the index of a {what}"), each(index), "B", None);
    report.add(
        format!("share of the OTLP bytes of {name}"),
        sum as f64 * 100.0 / corpus.bytes(signal) as f64,
        "%",
        None,
    );
    if signal == Signal::Logs {
        let raw = corpus.truth.log_body_bytes + corpus.truth.log_attribute_bytes;
        report.add(
            "log bytes with index / body and attributes",
            sum as f64 * 100.0 / raw as f64,
            "%",
            at_most(12.0, 7.0),
        );
        report.add(
            "log bytes with index / body alone",
            sum as f64 * 100.0 / corpus.truth.log_body_bytes as f64,
            "%",
            None,
        );
    }
    Ok((what, parts, records))
}

fn noun(signal: Signal) -> &'static str {
    if signal == Signal::Traces { "span" } else { "log record" }
}
