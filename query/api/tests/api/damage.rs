//! Damaged data is left out, named, and never an error for the rest.

use std::path::{Path, PathBuf};

use axum::http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use tracewell_model::UnixNanos;

use crate::server::{Server, request};

fn rows_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("lists") {
        let path = entry.expect("lists").path();
        match path.is_dir() {
            true => found.extend(rows_files(&path)),
            false => found.extend(path.ends_with("rows.parquet").then_some(path)),
        }
    }
    found
}

fn record(number: u64) -> Value {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": (1_700_000_000_000_000_000 + number).to_string(),
        "severityNumber": 9,
        "body": {"stringValue": format!("message {number}")},
    }]}]}]})
}

#[tokio::test]
async fn an_answer_without_damaged_rows_says_which_and_why() {
    let server = Server::start().await;
    server.send_logs("default", &record(1)).await;
    server.post("/api/v1/maintenance/flush", &[]).await;
    let damaged = rows_files(server.data_dir());
    server.send_logs("default", &record(2)).await;
    server.post("/api/v1/maintenance/flush", &[]).await;
    let range = "start=1699999999&end=1700000001";
    let logs = format!("/api/v1/logs?{range}");
    let sound = server.post("/api/v1/maintenance/verify", &[]).await.json();
    assert_eq!((sound["segments"].as_u64(), sound["problems"].as_array().map(Vec::len)), (Some(2), Some(0)));

    let mut bytes = std::fs::read(&damaged[0]).expect("reads");
    bytes[10] ^= 1;
    std::fs::write(&damaged[0], bytes).expect("writes");
    let page = server.json(&logs).await;
    assert_eq!(page["logs"].as_array().map(Vec::len), Some(1), "{page}");
    assert_eq!(page["logs"][0]["body"], "message 2");
    assert_eq!(page["exactness"]["state"], "partial");
    let reason = page["exactness"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("all rows of segment") && reason.contains("rows.parquet is damaged"), "{reason}");
    let histogram = server.json(&format!("/api/v1/logs/histogram?{range}")).await;
    assert_eq!(histogram["exactness"]["state"], "partial");
    let status = server.json("/api/v1/status").await;
    assert!(status["damaged"][0].as_str().is_some_and(|what| what.contains("rows.parquet")), "{status}");
    let report = server.post("/api/v1/maintenance/verify", &[]).await.json();
    let problems = report["problems"].as_array().expect("problems");
    assert!(!problems.is_empty() && problems[0]["subject"].as_str().is_some_and(|s| s.starts_with("segment ")));

    // An export is whole or breaks off, unless a part is asked for.
    let broken = server.router.clone().oneshot(request(Method::GET, "/api/v1/export?signal=logs", &[])).await;
    assert!(broken.expect("infallible").into_body().collect().await.is_err());
    let reply = server.get("/api/v1/export?signal=logs&partial=true", &[]).await;
    let messages: Vec<&[u8]> = tracewell_otlp::delimited(&reply.body).map(|message| message.expect("whole")).collect();
    let logs = tracewell_otlp::decode_logs(messages[0], UnixNanos(1)).expect("OTLP").records;
    assert_eq!((messages.len(), logs.len()), (1, 1));

    // What has no damaged rows in its time range is exact.
    let page = server.json("/api/v1/logs?start=1699999990&end=1699999991").await;
    assert_eq!(page["exactness"]["state"], "exact");
}
