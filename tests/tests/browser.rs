//! The web UI in headless Chromium, on the real server with the shop's data: from a search to a trace to its logs, the
//! keyboard, the live tail, accessibility in both themes. The tests themselves are in `ui/test/e2e`; `cargo xtask test` installs
//! what they need and names the browser in `TRACEWELL_TEST_CHROMIUM`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use tokio::process::Command;
use tracewell_tests::{Answer, Ledger, Sender, Server, ServerOptions, Traffic};

const SECOND: u64 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_way_from_a_search_to_a_trace_to_its_logs() -> anyhow::Result<()> {
    let chromium = std::env::var("TRACEWELL_TEST_CHROMIUM")
        .context("TRACEWELL_TEST_CHROMIUM is not set: use cargo xtask test, which installs Chromium")?;
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &ServerOptions::with_flags(&["--flush-interval=2s"])).await?;
    send_half_an_hour(&server).await?;
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    let status = Command::new("npm")
        .args(["run", "--silent", "e2e"])
        .current_dir(ui)
        .env("CHROMIUM", chromium)
        .env("TRACEWELL_URL", &server.http)
        .env("TRACEWELL_OTLP_URL", &server.otlp_http)
        .kill_on_drop(true)
        .status()
        .await?;
    ensure!(status.success(), "the browser tests failed ({status})");
    server.stop().await
}

/// A part of it in segments, the last of it in memory; with a bad time in the middle.
async fn send_half_an_hour(server: &Server) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() * SECOND;
    let (mut traffic, sender, mut ledger) = (Traffic::new(1), Sender::http(server), Ledger::default());
    for minute in (1..=30).rev() {
        let begin = now - minute * 60 * SECOND;
        let batch = traffic.visits((0..60).map(|second| begin + second * SECOND), (12..18).contains(&minute));
        let answer = sender.send(&batch, &mut ledger).await?;
        ensure!(matches!(answer, Answer::Acknowledged), "minute {minute}: {answer:?}");
        if minute == 10 {
            server.api().post("/maintenance/flush").await?;
        }
    }
    Ok(())
}
