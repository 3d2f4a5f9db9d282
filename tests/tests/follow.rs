//! `tracewell logs --follow`, while records are written all the time: each record once, from the page on without a gap.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tracewell_tests::{Server, ServerOptions, tracewell};

/// Records that are there before.
const BEFORE: u64 = 300;
const RECORDS: u64 = 3_000;

/// Writes the numbers, some in a request, one request after the other. The clock of the sender is ahead.
async fn write(http: &reqwest::Client, server: &Server, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(20);
    let record = |number: u64| {
        json!({
            "timeUnixNano": now.as_nanos().to_string(), "body": {"stringValue": format!("line {number}")},
            "attributes": [
                {"key": "number", "value": {"intValue": number}},
                {"key": "a", "value": {"doubleValue": 0.1}},
                {"key": "unusual key", "value": {"arrayValue": {"values": [{"boolValue": true}]}}},
            ],
        })
    };
    let records: Vec<Value> = numbers.map(record).collect();
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let answer = http.post(format!("{}/v1/logs", server.otlp_http)).json(&body).send().await?;
    ensure!(answer.status().is_success(), "refused: {}", answer.status());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_records_come_once_each_and_none_is_missed() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &ServerOptions::default()).await?;
    let http = reqwest::Client::new();
    write(&http, &server, 0..BEFORE).await?;
    // A part of what the page lists comes from a segment.
    server.api().post("/maintenance/flush").await?;
    let mut follower = tracewell()?
        .args(["logs", "--follow", "--json", "--limit", "1000", "--server", &server.http])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(follower.stdout.take().context("no output")?).lines();
    let writing = async {
        // It begins to follow somewhere in between.
        for from in (BEFORE..RECORDS).step_by(3) {
            write(&http, &server, from..(from + 3).min(RECORDS)).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        let mut seen: HashMap<u64, u64> = HashMap::new();
        while !seen.contains_key(&(RECORDS - 1)) {
            let line = lines.next_line().await?.context("it ended")?;
            let record: Value = serde_json::from_str(&line)?;
            *seen.entry(record["attributes"]["number"].as_u64().context("a number")?).or_default() += 1;
        }
        anyhow::Ok(seen)
    };
    let both = async { futures::try_join!(writing, reading) };
    let ((), mut seen) =
        tokio::time::timeout(Duration::from_secs(120), both).await.context("a record is missing")??;
    // The rest of the last batch.
    while let Ok(Ok(Some(line))) = tokio::time::timeout(Duration::from_millis(500), lines.next_line()).await {
        let record: Value = serde_json::from_str(&line)?;
        *seen.entry(record["attributes"]["number"].as_u64().context("a number")?).or_default() += 1;
    }
    let first = *seen.keys().min().context("no record")?;
    let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).map(|(number, _)| number).collect();
    ensure!(twice.is_empty(), "{} records came twice: {twice:?}", twice.len());
    let missing: Vec<u64> = (first..RECORDS).filter(|number| !seen.contains_key(number)).collect();
    ensure!(missing.is_empty(), "{} records are missing after {first}: {missing:?}", missing.len());
    ensure!(first < BEFORE, "the page has nothing of before, but begins with {first}");
    server.stop().await
}
