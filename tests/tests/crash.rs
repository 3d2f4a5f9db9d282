//! `kill -9` at random moments: every acknowledged span and log record must be there after the restart, once, with every
//! field as it was sent; a request without an acknowledgement is there as a whole or not at all.
//!
//! `TRACEWELL_CRASH_CYCLES` says how often (default 100), `TRACEWELL_CRASH_SEED` repeats a run's choices.

mod records;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use records::{Sent, is_stored};
use tracewell_tests::{Api, Server, ServerOptions};

/// How many requests are looked up at the same time.
const CHECKS_AT_ONCE: usize = 4;

/// What was sent in one cycle.
#[derive(Default)]
struct Ledger {
    acknowledged: Vec<Sent>,
    unanswered: Vec<Sent>,
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_records_survive_kill_9() -> anyhow::Result<()> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>()).transpose();
    let cycles = number("TRACEWELL_CRASH_CYCLES")?.unwrap_or(100);
    let seed = number("TRACEWELL_CRASH_SEED")?.unwrap_or_else(|| rand::rng().random());
    println!("TRACEWELL_CRASH_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let data = tempfile::tempdir()?;
    let mut acknowledged: Vec<Sent> = Vec::new();
    let (mut records, mut kept_without_answer) = (0, 0);
    let mut ledger = Ledger::default();
    for cycle in 0..=cycles {
        // What the last cycle left behind is checked by the server that this one kills.
        let server =
            Server::start(data.path(), &ServerOptions { flags: flags(&mut rng), ..Default::default() }).await?;
        let api = server.api();
        let checked = async {
            all_stored(&api, &ledger.acknowledged).await?;
            for sent in &ledger.unanswered {
                kept_without_answer += usize::from(is_stored(&api, sent).await?);
            }
            anyhow::Ok(())
        };
        checked.await.with_context(|| format!("cycle {cycle}"))?;
        records += ledger.acknowledged.iter().map(Sent::len).sum::<usize>();
        acknowledged.append(&mut ledger.acknowledged);
        ledger = write_until_killed(server, &mut rng).await.with_context(|| format!("cycle {cycle}"))?;
    }
    // Flushes and merges of later cycles must not have touched what earlier ones acknowledged.
    let server = Server::start(data.path(), &ServerOptions::default()).await?;
    let api = server.api();
    acknowledged.append(&mut ledger.acknowledged);
    all_stored(&api, &acknowledged).await.context("in the end")?;
    ensure!(records > cycles as usize, "only {records} records were acknowledged in {cycles} cycles");
    println!(
        "{cycles} cycles: {records} records acknowledged, none lost, doubled or changed; {kept_without_answer} requests kept without an answer"
    );
    server.stop().await
}

/// Everything is there, or else what is lost is named.
async fn all_stored(api: &Api, sent: &[Sent]) -> anyhow::Result<()> {
    let each = stream::iter(sent).map(anyhow::Ok);
    each.try_for_each_concurrent(CHECKS_AT_ONCE, |sent| async move {
        ensure!(is_stored(api, sent).await?, "lost: {}", sent.name());
        Ok(())
    })
    .await
}

fn flags(rng: &mut StdRng) -> Vec<String> {
    match rng.random_range(0..3) {
        0 => vec![],
        1 => vec!["--flush-interval=100ms".to_owned()],
        _ => vec!["--flush-interval=50ms".to_owned(), "--compaction-interval=100ms".to_owned()],
    }
}

/// Between two requests of a writer, at most: checking what was written takes longer than writing it, and it is the
/// number of crashes that counts.
const PAUSE_MAX_MS: u64 = 80;

async fn write_until_killed(server: Server, rng: &mut StdRng) -> anyhow::Result<Ledger> {
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let writers: Vec<_> = (0..4)
        .map(|number| {
            let (grpc, http) = (server.otlp_grpc.clone(), server.otlp_http.clone());
            let rng = StdRng::seed_from_u64(rng.random());
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                match number % 2 {
                    0 => write_over_grpc(grpc, rng, ledger).await,
                    _ => write_over_http(http, rng, ledger).await,
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(rng.random_range(20..1_200))).await;
    server.kill().await?;
    for writer in writers {
        writer.await??;
    }
    let ledger = Arc::into_inner(ledger).context("a writer is still running")?;
    ledger.into_inner().map_err(|_| anyhow::anyhow!("a writer panicked"))
}

fn note(ledger: &Mutex<Ledger>, sent: Sent, answered: bool) -> anyhow::Result<()> {
    let mut ledger = ledger.lock().map_err(|_| anyhow::anyhow!("a writer panicked"))?;
    if answered {
        ledger.acknowledged.push(sent)
    } else {
        ledger.unanswered.push(sent)
    }
    Ok(())
}

async fn write_over_grpc(url: String, mut rng: StdRng, ledger: Arc<Mutex<Ledger>>) -> anyhow::Result<()> {
    let channel = tonic::transport::Endpoint::from_shared(url)?.connect_lazy();
    let mut traces = TraceServiceClient::new(channel.clone());
    let mut logs = LogsServiceClient::new(channel);
    loop {
        let sent = Sent::random(&mut rng);
        let answered = match &sent {
            Sent::Traces(request) => traces
                .export(request.clone())
                .await
                .map(|answer| answer.into_inner().partial_success.is_none_or(|partial| partial.rejected_spans == 0)),
            Sent::Logs(request) => logs.export(request.clone()).await.map(|answer| {
                answer.into_inner().partial_success.is_none_or(|partial| partial.rejected_log_records == 0)
            }),
        };
        if let Ok(whole) = answered {
            ensure!(whole, "a part of {} was rejected", sent.name());
        }
        let ended = answered.is_err();
        note(&ledger, sent, !ended)?;
        if ended {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..PAUSE_MAX_MS))).await;
    }
}

async fn write_over_http(url: String, mut rng: StdRng, ledger: Arc<Mutex<Ledger>>) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    loop {
        let sent = Sent::random(&mut rng);
        let (path, body) = match &sent {
            Sent::Traces(request) => ("traces", request.encode_to_vec()),
            Sent::Logs(request) => ("logs", request.encode_to_vec()),
        };
        let post = http.post(format!("{url}/v1/{path}")).header("content-type", "application/x-protobuf");
        let answered = post.body(body).send().await.is_ok_and(|answer| answer.status().is_success());
        note(&ledger, sent, answered)?;
        if !answered {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..PAUSE_MAX_MS))).await;
    }
}
