//! Filling a server, and what that cost.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tracewell_tests::{Server, ServerOptions};

use crate::corpus::Corpus;
use crate::process::{bytes_below, cpu_seconds, peak_rss_mib, rss_mib};

/// Starts a server on `data` and sends it the corpus; prints what it cost. The server is left running, with all data
/// flushed and merged.
pub async fn fill(data: &Path, corpus: &Corpus, concurrency: usize) -> anyhow::Result<Server> {
    let server = Server::start(data, &ServerOptions::default()).await?;
    let id = server.id().context("the server has ended")?;
    println!("idle: {:.0} MiB resident", rss_mib(id)?);
    if !corpus.traces.is_empty() {
        let cost = send(&server, id, "traces", &corpus.traces, concurrency).await?;
        report("spans", corpus.span_count, corpus.trace_bytes(), &cost);
    }
    if !corpus.logs.is_empty() {
        let cost = send(&server, id, "logs", &corpus.logs, concurrency).await?;
        report("log records", corpus.log_count, corpus.log_bytes(), &cost);
    }
    println!("peak while ingesting: {:.0} MiB resident", peak_rss_mib(id)?);
    let before = cpu_seconds(id)?;
    server.api().post("/maintenance/flush").await?;
    server.api().post("/maintenance/compact").await?;
    println!("flushing and merging the rest: {:.1} CPU seconds", cpu_seconds(id)? - before);
    sizes(&server, corpus).await?;
    println!("peak after merging: {:.0} MiB resident", peak_rss_mib(id)?);
    println!("segment objects on disk, merged inputs included: {} bytes", bytes_below(data, "segments")?);
    Ok(server)
}

/// What sending took.
pub struct Cost {
    wall: Duration,
    cpu_seconds: f64,
}

/// Sends requests of a signal, so many at once; while the server refuses for lack of room, again.
pub async fn send(
    server: &Server,
    id: u32,
    signal: &str,
    requests: &[Bytes],
    concurrency: usize,
) -> anyhow::Result<Cost> {
    let http = reqwest::Client::new();
    let url = format!("{}/v1/{signal}", server.otlp_http);
    let (began, cpu) = (Instant::now(), cpu_seconds(id)?);
    futures::stream::iter(requests)
        .map(|request| post(&http, &url, request.clone()))
        .buffer_unordered(concurrency)
        .try_collect::<()>()
        .await?;
    Ok(Cost { wall: began.elapsed(), cpu_seconds: cpu_seconds(id)? - cpu })
}

async fn post(http: &reqwest::Client, url: &str, body: Bytes) -> anyhow::Result<()> {
    loop {
        let request = http.post(url).header("content-type", "application/x-protobuf").body(body.clone());
        let answer = request.send().await?;
        if answer.status() != 503 {
            ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn report(what: &str, count: u64, bytes: u64, cost: &Cost) {
    let wall = cost.wall.as_secs_f64();
    println!(
        "{count} {what} of {:.0} B: {wall:.1} s, {:.0}/s acknowledged; server {:.1} CPU seconds = {:.0}/s/core, {:.1} MB/s/core, {:.1} CPU s per million",
        bytes as f64 / count as f64,
        count as f64 / wall,
        cost.cpu_seconds,
        count as f64 / cost.cpu_seconds,
        bytes as f64 / 1e6 / cost.cpu_seconds,
        cost.cpu_seconds * 1e6 / count as f64,
    );
}

async fn sizes(server: &Server, corpus: &Corpus) -> anyhow::Result<()> {
    let status = server.api().get("/status", &[]).await?;
    for table in status["tables"].as_array().context("no tables in /status")? {
        let (bytes, rows) =
            (table["segmentBytes"].as_f64().unwrap_or(0.0), table["segmentRows"].as_f64().unwrap_or(0.0));
        let sent = if table["signal"] == "traces" { corpus.trace_bytes() } else { corpus.log_bytes() };
        println!(
            "{}: {rows} rows in {} segments, {:.1} B a row, {:.1} % of the OTLP bytes",
            table["signal"],
            table["segments"],
            bytes / rows,
            bytes * 100.0 / sent as f64,
        );
    }
    Ok(())
}
