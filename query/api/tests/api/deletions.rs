//! Deleting on request.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const RANGE: &str = "start=1699999999&end=1700000001";

fn record(number: u64, trace: &str) -> Value {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "timeUnixNano": (1_700_000_000_000_000_000 + number).to_string(),
        "body": {"stringValue": format!("message {number}")},
        "traceId": trace,
        "attributes": [{"key": "user.id", "value": {"intValue": number.to_string()}}],
    }]}]}]})
}

fn span(trace: &str) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": trace,
        "spanId": "00f067aa0ba902b7",
        "name": "GET /",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000000000100",
    }]}]}]})
}

async fn bodies(server: &Server, tenant: &str) -> Vec<String> {
    let page = server.json_of(tenant, &format!("/api/v1/logs?{RANGE}")).await;
    let logs = page["logs"].as_array().expect("logs");
    logs.iter().map(|log| log["body"].as_str().expect("text").to_owned()).collect()
}

async fn spans_counted(server: &Server) -> u64 {
    let services = server.json("/api/v1/services?start=1699900000&end=1700100000").await;
    services["services"].as_array().expect("services").iter().filter_map(|service| service["spanCount"].as_u64()).sum()
}

async fn deleted(server: &Server, path: &str) -> Value {
    let reply = server.post(path, &[]).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    reply.json()
}

#[tokio::test]
async fn a_trace_what_a_query_finds_and_a_tenant_are_deleted_and_recorded() {
    let server = Server::start().await;
    server.send_traces("default", &span(TRACE)).await;
    server.send_logs("default", &record(1, TRACE)).await;
    server.send_logs("default", &record(2, "")).await;
    server.send_logs("default", &record(3, "")).await;
    server.send_logs("other", &record(3, TRACE)).await;

    assert_eq!(spans_counted(&server).await, 1);
    let deletion = deleted(&server, &format!("/api/v1/maintenance/delete/trace?traceId={TRACE}")).await;
    assert_eq!(deletion["description"], format!("trace {TRACE}"));
    assert_eq!(server.get(&format!("/api/v1/traces/{TRACE}"), &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bodies(&server, "default").await, ["message 3", "message 2"]);
    assert_eq!(spans_counted(&server).await, 0, "also in the rollups");

    deleted(&server, &format!("/api/v1/maintenance/delete/query?signal=logs&q=user.id:2&{RANGE}")).await;
    assert_eq!(bodies(&server, "default").await, ["message 3"]);
    // The range counts.
    deleted(&server, "/api/v1/maintenance/delete/query?signal=logs&q=user.id:3&start=1&end=2").await;
    assert_eq!(bodies(&server, "default").await, ["message 3"]);

    deleted(&server, "/api/v1/maintenance/delete/tenant?confirm=default").await;
    assert!(bodies(&server, "default").await.is_empty());
    assert_eq!(bodies(&server, "other").await, ["message 3"]);

    let listed = server.json("/api/v1/deletions").await;
    let described: Vec<&str> =
        listed["deletions"].as_array().expect("a list").iter().filter_map(|d| d["description"].as_str()).collect();
    assert_eq!(described.len(), 4, "{described:?}");
    assert_eq!(described[0], "everything of tenant default");
    assert!(described[2].starts_with("logs from ") && described[2].ends_with("that meet: user.id:2"), "{described:?}");
    let of_other = server.json_of("other", "/api/v1/deletions").await;
    assert_eq!(of_other["deletions"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn nothing_is_deleted_by_mistake() {
    let server = Server::start().await;
    server.send_logs("default", &record(1, "")).await;
    let delete = "/api/v1/maintenance/delete";
    for path in [
        format!("{delete}/query?signal=logs&{RANGE}"),
        format!("{delete}/query?signal=logs&q=&{RANGE}"),
        format!("{delete}/query?signal=logs&q=message"),
        format!("{delete}/query?q=message&{RANGE}"),
        format!("{delete}/tenant"),
        format!("{delete}/tenant?confirm=other"),
        format!("{delete}/trace?traceId=12"),
    ] {
        assert_eq!(server.post(&path, &[]).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let foreign = [("sec-fetch-site", "cross-site")];
    let reply = server.post(&format!("{delete}/tenant?confirm=default"), &foreign).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(bodies(&server, "default").await, ["message 1"]);
}
