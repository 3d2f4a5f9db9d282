//! Searches for log records, and the log records of a trace.

use serde_json::{Value, json};

use crate::shop::{self, CHECKOUT_SPAN, ORDER};

fn bodies(page: &Value) -> Vec<&Value> {
    page["logs"].as_array().expect("logs").iter().map(|record| &record["body"]).collect()
}

#[tokio::test]
async fn log_records_are_listed_newest_first() {
    let (server, _) = shop::open().await;
    let page = server.json("/api/v1/logs").await;
    let placed = json!({"event": "order placed", "by": "ümläut"});
    assert_eq!(
        bodies(&page),
        [&json!("nobody asked"), &json!("payment timed out"), &placed, &json!("placing order 4711")]
    );
    assert_eq!(page["exactness"], json!({"state": "exact"}));
}

#[tokio::test]
async fn a_log_record_is_told_in_full() {
    let (server, epoch) = shop::open().await;
    let page = server.json("/api/v1/logs?q=%22timed+out%22").await;
    let expected = json!([{
        "timestamp": epoch.plus_ms(95), "timeUnixNano": epoch.plus_ms(95), "observedTimeUnixNano": epoch.plus_ms(96),
        "serviceName": "checkout", "severityNumber": 17, "severityText": "ERROR", "body": "payment timed out",
        "traceId": ORDER, "spanId": CHECKOUT_SPAN, "eventName": "", "flags": 0, "attributes": {"order.id": "4711"},
        "resource": {"service.name": "checkout", "deployment.environment.name": "test"},
        "scope": {"name": "logger", "version": "", "attributes": {}}, "droppedAttributesCount": 0,
    }]);
    assert_eq!(page["logs"], expected);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    let (server, _) = shop::open().await;
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..4 {
        let page = server.json(&format!("/api/v1/logs?start=now-1h&limit=1&cursor={cursor}")).await;
        found.extend(bodies(&page).into_iter().cloned());
        cursor = page["nextCursor"].as_str().unwrap_or_default().to_owned();
    }
    let all = server.json("/api/v1/logs").await;
    assert_eq!(found.iter().collect::<Vec<_>>(), bodies(&all));
    assert_eq!(cursor, "");
}

#[tokio::test]
async fn severities_and_negations_are_searched_for() {
    let (server, _) = shop::open().await;
    let page = server.json("/api/v1/logs?q=severity%3E%3Dwarn").await;
    assert_eq!(bodies(&page), [&json!("nobody asked"), &json!("payment timed out")]);
    let page = server.json("/api/v1/logs?q=severity%3E%3Dwarn+-payment").await;
    assert_eq!(bodies(&page), [&json!("nobody asked")]);
}

#[tokio::test]
async fn the_histogram_counts_by_severity() {
    let (server, epoch) = shop::open().await;
    let (start, end) = (epoch.plus_ms(0), epoch.plus_ms(10_000));
    let histogram = server.json(&format!("/api/v1/logs/histogram?start={start}&end={end}&buckets=10")).await;
    assert_eq!(histogram["severities"], json!(["unset", "trace", "debug", "info", "warn", "error", "fatal"]));
    assert_eq!(histogram["count"], 4);
    assert_eq!(histogram["buckets"][0], json!({"count": 3, "severities": [0, 0, 0, 2, 0, 1, 0]}));
    assert_eq!(histogram["buckets"][7], json!({"count": 1, "severities": [0, 0, 0, 0, 1, 0, 0]}));
}

#[tokio::test]
async fn facets_count_values() {
    let (server, _) = shop::open().await;
    let facets = server.json("/api/v1/logs/facets?fields=order.id,service").await;
    assert_eq!(facets["facets"][0]["values"], json!([{"value": "4711", "count": 4}]));
    assert_eq!(facets["facets"][1]["values"], json!([{"value": "checkout", "count": 4}]));
}

#[tokio::test]
async fn the_logs_of_a_trace_are_oldest_first_and_those_of_a_span_fewer() {
    let (server, _) = shop::open().await;
    let page = server.json(&format!("/api/v1/traces/{ORDER}/logs")).await;
    let placed = json!({"event": "order placed", "by": "ümläut"});
    assert_eq!(bodies(&page), [&json!("placing order 4711"), &placed, &json!("payment timed out")]);
    let page = server.json(&format!("/api/v1/traces/{ORDER}/logs?spanId={CHECKOUT_SPAN}")).await;
    assert_eq!(bodies(&page), [&json!("placing order 4711"), &json!("payment timed out")]);
    let page = server.json(&format!("/api/v1/traces/{}/logs", "f".repeat(32))).await;
    assert!(bodies(&page).is_empty());
    let message = server.error(400, "invalid_parameter", &format!("/api/v1/traces/{ORDER}/logs?spanId=7")).await;
    assert!(message.starts_with("parameter spanId: \"7\""), "{message}");
}

#[tokio::test]
async fn the_logs_of_a_trace_come_in_pages_too() {
    let (server, _) = shop::open().await;
    let first = server.json(&format!("/api/v1/traces/{ORDER}/logs?limit=2")).await;
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let second = server.json(&format!("/api/v1/traces/{ORDER}/logs?limit=2&cursor={cursor}")).await;
    assert_eq!(bodies(&second), [&json!("payment timed out")]);
    assert_eq!(second["nextCursor"], Value::Null);
}
