//! A little telemetry with something of everything: two services, an error, an event, a link, odd values, two tenants.

use serde_json::{Value, json};
use tracewell_model::UnixNanos;

use crate::server::Server;

/// A trace of four spans: `frontend` calls `checkout`, which fails.
pub const ORDER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// A trace whose root never came.
pub const ORPHAN: &str = "0af7651916cd43dd8448eb211c80319c";
/// A trace of the tenant `other`.
pub const OTHER: &str = "11111111111111111111111111111111";

pub const ROOT_SPAN: &str = "00f067aa0ba902b7";
pub const CLIENT_SPAN: &str = "00f067aa0ba902b8";
pub const CHECKOUT_SPAN: &str = "00f067aa0ba902b9";
pub const QUEUE_SPAN: &str = "00f067aa0ba902ba";

const MILLISECOND: u64 = 1_000_000;

/// When the telemetry began; all of it lies within the minute after.
#[derive(Clone, Copy, Debug)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Ten minutes ago, in whole seconds.
    pub fn recent() -> Epoch {
        Epoch(UnixNanos::now().saturating_sub(600_000_000_000).0 / 1_000_000_000 * 1_000_000_000)
    }

    /// So many milliseconds after it, as OTLP/JSON has times.
    pub fn plus_ms(self, milliseconds: u64) -> String {
        (self.0 + milliseconds * MILLISECOND).to_string()
    }
}

/// A server that holds the shop's telemetry.
pub async fn open() -> (Server, Epoch) {
    let (server, epoch) = (Server::start().await, Epoch::recent());
    server.send_traces("default", &traces(epoch)).await;
    server.send_logs("default", &logs(epoch)).await;
    server.send_traces("other", &other_traces(epoch)).await;
    (server, epoch)
}

pub fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn resource(service: &str) -> Value {
    json!({"attributes": [text("service.name", service), text("deployment.environment.name", "test")]})
}

pub fn traces(epoch: Epoch) -> Value {
    let root = json!({
        "traceId": ORDER, "spanId": ROOT_SPAN, "name": "POST /order", "kind": 2, "flags": 257, "traceState": "vendor=1",
        "startTimeUnixNano": epoch.plus_ms(0), "endTimeUnixNano": epoch.plus_ms(120),
        "attributes": [
            text("http.route", "/order"),
            {"key": "http.response.status_code", "value": {"intValue": "500"}},
            {"key": "large", "value": {"intValue": "9007199254740993"}},
            {"key": "raw", "value": {"bytesValue": "AAEC"}},
        ],
    });
    let client = json!({
        "traceId": ORDER, "spanId": CLIENT_SPAN, "parentSpanId": ROOT_SPAN, "name": "call checkout", "kind": 3,
        "startTimeUnixNano": epoch.plus_ms(10), "endTimeUnixNano": epoch.plus_ms(110),
    });
    let checkout = json!({
        "traceId": ORDER, "spanId": CHECKOUT_SPAN, "parentSpanId": CLIENT_SPAN, "name": "place order", "kind": 2,
        "startTimeUnixNano": epoch.plus_ms(20), "endTimeUnixNano": epoch.plus_ms(100),
        "status": {"code": 2, "message": "payment timed out"},
        "events": [{
            "timeUnixNano": epoch.plus_ms(90), "name": "exception",
            "attributes": [text("exception.type", "TimeoutError")],
        }],
        "links": [{"traceId": OTHER, "spanId": ROOT_SPAN, "attributes": [text("why", "retry")]}],
        "droppedAttributesCount": 1,
    });
    let queue = json!({
        "traceId": ORDER, "spanId": QUEUE_SPAN, "parentSpanId": CHECKOUT_SPAN, "name": "publish", "kind": 4,
        "startTimeUnixNano": epoch.plus_ms(30), "endTimeUnixNano": epoch.plus_ms(31),
    });
    let orphan = json!({
        "traceId": ORPHAN, "spanId": "b7ad6b7169203331", "parentSpanId": "b7ad6b7169203330",
        "name": "refund", "kind": 5,
        "startTimeUnixNano": epoch.plus_ms(5_000), "endTimeUnixNano": epoch.plus_ms(5_040),
    });
    json!({"resourceSpans": [
        {
            "resource": resource("frontend"),
            "scopeSpans": [{"scope": {"name": "web", "version": "1.0"}, "spans": [root, client]}],
        },
        {"resource": resource("checkout"), "scopeSpans": [{"scope": {"name": "shop"}, "spans": [checkout, queue, orphan]}]},
    ]})
}

pub fn logs(epoch: Epoch) -> Value {
    let record = |ms: u64, severity: i32, body: Value, span: Option<&str>| {
        let mut record = json!({
            "timeUnixNano": epoch.plus_ms(ms), "observedTimeUnixNano": epoch.plus_ms(ms + 1), "severityNumber": severity,
            "severityText": if severity >= 17 { "ERROR" } else { "INFO" }, "body": body,
            "attributes": [text("order.id", "4711")],
        });
        if let Some(span) = span {
            record["traceId"] = json!(ORDER);
            record["spanId"] = json!(span);
        }
        record
    };
    let object = json!({"kvlistValue": {"values": [text("event", "order placed"), text("by", "ümläut")]}});
    json!({"resourceLogs": [{"resource": resource("checkout"), "scopeLogs": [{"scope": {"name": "logger"}, "logRecords": [
        record(21, 9, json!({"stringValue": "placing order 4711"}), Some(CHECKOUT_SPAN)),
        record(32, 9, object, Some(QUEUE_SPAN)),
        record(95, 17, json!({"stringValue": "payment timed out"}), Some(CHECKOUT_SPAN)),
        record(7_000, 13, json!({"stringValue": "nobody asked"}), None),
    ]}]}]})
}

fn other_traces(epoch: Epoch) -> Value {
    let span = json!({
        "traceId": OTHER, "spanId": ROOT_SPAN, "name": "secret", "kind": 1,
        "startTimeUnixNano": epoch.plus_ms(1), "endTimeUnixNano": epoch.plus_ms(2),
    });
    json!({"resourceSpans": [{"resource": resource("elsewhere"), "scopeSpans": [{"spans": [span]}]}]})
}
