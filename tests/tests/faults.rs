//! Trouble that a server must live through by itself: a disk that is full, an end in the middle of the rush hour, a journal that
//! is larger than the memory. Nothing that was acknowledged may be missing afterwards.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use tokio::task::JoinHandle;
use tracewell_tests::{Answer, Ledger, Sender, Server, ServerOptions, SmallDisk, Traffic};

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_somebody_fills_is_waited_for() -> anyhow::Result<()> {
    let disk = SmallDisk::mount(192).await?;
    let server = Server::start(&disk.data_dir(), &on(&disk)).await?;
    let rush = Rush::begin(&server, 0..4)?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let filler = disk.fill()?;
    refuses_within(&server, Duration::from_secs(20)).await?;
    let mut ledger = rush.end().await?;
    ensure!(ledger.len() > 1_000, "only {} records were acknowledged before the disk was full", ledger.len());

    // Over both transports, retryable, with a time; and whoever looks sees why, and everything that was acknowledged.
    let mut traffic = Traffic::new(99);
    for sender in [Sender::http(&server), Sender::grpc(&server)?] {
        let refused = async {
            // What a flush that failed gives back is room for a request.
            loop {
                disk.fill()?;
                match sender.send(&traffic.visits_now(1), &mut ledger).await? {
                    Answer::TryAgain => return anyhow::Ok(()),
                    Answer::Acknowledged => {}
                    answer => anyhow::bail!("on a full disk: {answer:?}"),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), refused).await.context("a full disk is not refused")??;
    }
    let degraded = server.api().get("/status", &[]).await?["degraded"].clone();
    ensure!(degraded.as_str().is_some_and(|reason| reason.contains("disk") || reason.contains("space")), "{degraded}");
    ledger.check(&server.api()).await?;

    std::fs::remove_file(filler)?;
    accepts_within(&server, &mut traffic, &mut ledger, Duration::from_secs(20)).await?;
    server.api().post("/maintenance/flush").await?;
    ledger.check(&server.api()).await?;
    server.kill().await?;
    let server = Server::start(&disk.data_dir(), &on(&disk)).await?;
    ledger.check(&server.api()).await?;
    server.stop().await?;
    disk.unmount().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_too_small_refuses_until_it_is_larger() -> anyhow::Result<()> {
    let disk = SmallDisk::mount(24).await?;
    // Nothing is merged or expires, so that the records themselves fill the disk.
    let mut options = on(&disk);
    options.flags.push("--compaction-interval=0ms".to_owned());
    let server = Server::start(&disk.data_dir(), &options).await?;
    let rush = Rush::begin(&server, 0..6)?;
    refuses_within(&server, Duration::from_secs(120)).await?;
    let mut ledger = rush.end().await?;
    ledger.check(&server.api()).await?;
    // A restart on the full disk changes nothing: it opens, answers, and refuses.
    server.stop().await?;
    let server = Server::start(&disk.data_dir(), &options).await?;
    ledger.check(&server.api()).await?;

    disk.resize(96).await?;
    accepts_within(&server, &mut Traffic::new(99), &mut ledger, Duration::from_secs(20)).await?;
    server.kill().await?;
    let server = Server::start(&disk.data_dir(), &options).await?;
    ledger.check(&server.api()).await?;
    server.stop().await?;
    disk.unmount().await
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_full_load_ends_in_time_and_loses_nothing() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let options = ServerOptions::with_flags(&["--flush-interval=500ms", "--compaction-interval=500ms"]);
    let mut all = Ledger::default();
    for round in 0..2 {
        let server = Server::start(data.path(), &options).await?;
        let rush = Rush::begin(&server, round * 8..round * 8 + 8)?;
        // A reader that never leaves by itself must not hold up the end.
        let tail = reqwest::get(format!("{}/api/v1/logs/tail", server.http)).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        server.stop().await?;
        drop(tail);
        let ledger = rush.end().await?;
        ensure!(ledger.len() > 1_000, "only {} records were acknowledged", ledger.len());
        all.merge(ledger);
    }
    let server = Server::start(data.path(), &options).await?;
    all.check(&server.api()).await?;
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_larger_than_the_memory_is_replayed_before_ready() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let keeping = ["--flush-interval=1h", "--flush-bytes=2GiB", "--live-bytes-max=4GiB", "--compaction-interval=0ms"];
    let server = Server::start(data.path(), &ServerOptions::with_flags(&keeping)).await?;
    let mut ledger = Ledger::default();
    let (mut traffic, sender) = (Traffic::new(3), Sender::http(&server));
    for _ in 0..50 {
        let answer = sender.send(&traffic.visits_now(20), &mut ledger).await?;
        ensure!(matches!(answer, Answer::Acknowledged), "{answer:?}");
    }
    let client = reqwest::Client::new();
    for number in 0..LARGE_REQUESTS {
        let post = client.post(format!("{}/v1/logs", server.otlp_http)).header("content-encoding", "gzip");
        let answer = post.header("content-type", "application/x-protobuf").body(large_request(number)?).send().await?;
        ensure!(answer.status() == 200, "{}", answer.text().await?);
    }
    server.kill().await?;

    let little = ["--flush-interval=1h", "--flush-bytes=16MiB", "--live-bytes-max=32MiB"];
    let starting = Server::begin(data.path(), &ServerOptions::with_flags(&little)).await?;
    let id = starting.id().context("the server has ended")?;
    let readiness = reqwest::get(format!("{}/readyz", starting.http)).await?;
    ensure!(readiness.status() == 503, "ready before the replay: {}", readiness.status());
    let reason = readiness.text().await?;
    ensure!(reason.contains("replaying the journal"), "{reason}");
    ensure!(reqwest::get(format!("{}/healthz", starting.http)).await?.status() == 200, "not alive while it replays");
    let server = starting.ready().await?;
    ensure!(reqwest::get(format!("{}/readyz", server.http)).await?.status() == 200, "not ready after the replay");
    let peak = peak_mebibytes(id)?;
    let query = [("q", "service:\"\" filler"), ("start", "now-1h"), ("end", "now"), ("buckets", "1")];
    let stored = server.api().get("/logs/histogram", &query).await?["count"].clone();
    ensure!(stored == LARGE_REQUESTS * RECORDS_EACH, "{stored} of {}", LARGE_REQUESTS * RECORDS_EACH);
    ledger.check_traces(&server.api()).await?;
    println!("{peak} MiB at the peak of the replay");
    ensure!(peak < PEAK_MEBIBYTES_MAX, "{peak} MiB at the peak of the replay of {LARGE_REQUESTS} MiB");
    server.stop().await
}

/// Each is about a megabyte, and compressed in the journal.
const LARGE_REQUESTS: u64 = 600;
const RECORDS_EACH: u64 = 128;
/// The live tier's 32 MiB, the flushes beside it, and what a debug build takes before it has any record: well below the 600.
const PEAK_MEBIBYTES_MAX: u64 = 400;

fn large_request(number: u64) -> anyhow::Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
    let record = |index| LogRecord {
        time_unix_nano: now,
        body: Some(AnyValue {
            value: Some(Value::StringValue(format!("{number} {index} {}", "filler ".repeat(1_170)))),
        }),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: (0..RECORDS_EACH).map(record).collect(), ..ScopeLogs::default() }];
    let request =
        ExportLogsServiceRequest { resource_logs: vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }] };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&request.encode_to_vec())?;
    Ok(gzip.finish()?)
}

fn on(disk: &SmallDisk) -> ServerOptions {
    ServerOptions { flags: vec!["--flush-interval=1s".to_owned()], launcher: disk.launcher() }
}

/// The peak of a process's memory so far.
fn peak_mebibytes(id: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kibibytes = line.trim().trim_end_matches(" kB").trim();
    Ok(kibibytes.parse::<u64>().with_context(|| format!("VmHWM {line}"))? / 1024)
}

/// Waits until the server says that its disk is full.
async fn refuses_within(server: &Server, limit: Duration) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < limit {
        let degraded = server.api().get("/status", &[]).await?["degraded"].clone();
        if degraded.as_str().is_some_and(|reason| reason.contains("disk") || reason.contains("space")) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the server did not notice within {limit:?} that its disk is full")
}

/// Sends until the server takes it again.
async fn accepts_within(
    server: &Server,
    traffic: &mut Traffic,
    ledger: &mut Ledger,
    limit: Duration,
) -> anyhow::Result<()> {
    let (began, sender) = (Instant::now(), Sender::grpc(server)?);
    while began.elapsed() < limit {
        match sender.send(&traffic.visits_now(5), ledger).await? {
            Answer::Acknowledged => return Ok(()),
            Answer::TryAgain => tokio::time::sleep(Duration::from_millis(200)).await,
            Answer::Unanswered => anyhow::bail!("the server does not answer any more"),
        }
    }
    anyhow::bail!("records were still refused {limit:?} after there was space again")
}

/// Exporters that send as fast as they are answered, over both transports.
struct Rush {
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<anyhow::Result<Ledger>>>,
}

impl Rush {
    fn begin(server: &Server, seeds: std::ops::Range<u64>) -> anyhow::Result<Rush> {
        let stop = Arc::new(AtomicBool::new(false));
        let senders = [Sender::http(server), Sender::grpc(server)?];
        let writers = seeds.map(|seed| {
            let (stop, sender) = (Arc::clone(&stop), senders[seed as usize % 2].clone());
            tokio::spawn(async move {
                let (mut traffic, mut ledger) = (Traffic::new(seed), Ledger::default());
                while !stop.load(Ordering::Relaxed) {
                    match sender.send(&traffic.visits_now(10), &mut ledger).await? {
                        Answer::Acknowledged => {}
                        Answer::TryAgain => tokio::time::sleep(Duration::from_millis(20)).await,
                        Answer::Unanswered => break,
                    }
                }
                Ok(ledger)
            })
        });
        Ok(Rush { writers: writers.collect(), stop })
    }

    /// Stops the exporters; what was acknowledged.
    async fn end(self) -> anyhow::Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Ledger::default();
        for writer in self.writers {
            all.merge(writer.await??);
        }
        Ok(all)
    }
}
