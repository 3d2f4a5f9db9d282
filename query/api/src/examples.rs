//! Examples for the OpenAPI document, made of the same types as real answers.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::error::{ApiError, ErrorBody, ErrorDetail};
use crate::shapes::*;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID: &str = "00f067aa0ba902b7";
const TIME: &str = "1700000000000000000";
const MINUTE_NANOS: u64 = 60_000_000_000;

/// An example of the schema of this name.
pub fn of(schema: &str) -> Option<Value> {
    let example = match schema {
        "TracePage" => serde_json::to_value(trace_page()),
        "TraceHistogram" => serde_json::to_value(trace_histogram()),
        "Facets" => serde_json::to_value(facets()),
        "SpanDetail" => serde_json::to_value(span_detail()),
        "LogPage" => serde_json::to_value(log_page()),
        "LogHistogram" => serde_json::to_value(log_histogram()),
        "TailBatch" => serde_json::to_value(json!({"logs": [log_record()], "droppedCount": 0})),
        "Services" => serde_json::to_value(services()),
        "ServiceMap" => serde_json::to_value(service_map()),
        "Operations" => serde_json::to_value(operations()),
        "Fields" => serde_json::to_value(fields()),
        "Deletion" => serde_json::to_value(deletion()),
        "Deletions" => serde_json::to_value(Deletions { deletions: vec![deletion()] }),
        "VerifyReport" => serde_json::to_value(verify_report()),
        "FieldValues" => serde_json::to_value(field_values()),
        _ => return None,
    };
    example.ok()
}

/// A server-sent event whose data is an example of the schema of this name.
pub fn event(schema: &str) -> String {
    format!("event: logs\ndata: {}\n\n", of(schema).unwrap_or_default())
}

/// An example of an answer with this status.
pub fn failure(status: StatusCode) -> Option<Value> {
    let (error, position) = match status {
        StatusCode::BAD_REQUEST => {
            let message = "expected a value after \"service:\"".to_owned();
            (ApiError::InvalidQuery { message, position: Some(8) }, Some(8))
        }
        StatusCode::FORBIDDEN => (ApiError::CrossSite, None),
        StatusCode::NOT_FOUND => (ApiError::UnknownTrace(TRACE_ID.parse().ok()?), None),
        StatusCode::NOT_ACCEPTABLE => {
            let accepted = "text/html".to_owned();
            (ApiError::NotAcceptable { accepted, available: "application/json, application/x-protobuf" }, None)
        }
        _ => return None,
    };
    let error = ErrorDetail { code: error.code(), message: error.to_string(), position };
    serde_json::to_value(ErrorBody { error }).ok()
}

fn deletion() -> Deletion {
    Deletion {
        id: "01K5ZV1N4M6CQ2T3B8R7D9F0XY".to_owned(),
        description: format!("trace {TRACE_ID}"),
        requested_at_unix_nano: TIME.to_owned(),
        completed_at_unix_nano: None,
        rows: 12,
        pending_segments: 3,
    }
}

fn verify_report() -> VerifyReport {
    let problem = Problem {
        subject: "segment 01K5ZV1N4M6CQ2T3B8R7D9F0XY of logs of tenant default".to_owned(),
        reason:
            "segment object segments/default/logs/01K5ZV1N4M6CQ2T3B8R7D9F0XY/rows.parquet is damaged: the checksum of \
                 block 3 (column \"body\" of row group 0) does not match"
                .to_owned(),
    };
    VerifyReport {
        segments: 14,
        rows: 1_204_550,
        bytes: 61_203_911,
        journal_requests: 0,
        problems: vec![problem],
        notes: Vec::new(),
    }
}

fn statistics() -> Statistics {
    Statistics { elapsed_ms: 12.5, segments_total: 14, segments_read: 3, rows_scanned: 48_210 }
}

fn object(value: Value) -> AttributesObject {
    match value {
        Value::Object(object) => object,
        _ => AttributesObject::new(),
    }
}

fn trace_page() -> TracePage {
    let service = |name: &str, span_count, error_count| TraceService { name: name.to_owned(), span_count, error_count };
    let trace = TraceSummary {
        trace_id: TRACE_ID.to_owned(),
        root_service_name: "frontend".to_owned(),
        root_span_name: "POST /order".to_owned(),
        root_missing: false,
        first_service_name: "frontend".to_owned(),
        first_span_name: "POST /order".to_owned(),
        start_time_unix_nano: TIME.to_owned(),
        duration_nano: 1_240_000_000,
        span_count: 184,
        error_count: 2,
        matched_span_count: 1,
        latest_match_time_unix_nano: TIME.to_owned(),
        services: vec![service("frontend", 120, 0), service("checkout", 64, 2)],
    };
    TracePage { traces: vec![trace], next_cursor: None, exactness: Exactness::Exact, statistics: statistics() }
}

fn trace_histogram() -> TraceHistogram {
    TraceHistogram {
        start_time_unix_nano: TIME.to_owned(),
        bucket_nano: MINUTE_NANOS,
        duration_bounds_nano: vec![1_000_000, 10_000_000],
        buckets: vec![DurationBucket { count: 6, error_count: 1, durations: vec![3, 2, 1] }],
        count: 6,
        error_count: 1,
        p50_nano: Some(900_000),
        p95_nano: Some(22_000_000),
        exactness: Exactness::Exact,
        statistics: statistics(),
    }
}

fn facets() -> Facets {
    let values = vec![ValueCount { value: "checkout".to_owned(), count: 64 }];
    let facet = Facet { field: "service".to_owned(), values, other_count: 120, missing_count: 0 };
    Facets { facets: vec![facet], exactness: Exactness::Exact, statistics: statistics() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "shop".to_owned(), version: "1.2.0".to_owned(), attributes: AttributesObject::new() }
}

fn span_detail() -> SpanDetail {
    let event = SpanEvent {
        time_unix_nano: TIME.to_owned(),
        name: "exception".to_owned(),
        attributes: object(json!({"exception.type": "TimeoutError"})),
        dropped_attributes_count: 0,
    };
    let link = SpanLink {
        trace_id: TRACE_ID.to_owned(),
        span_id: SPAN_ID.to_owned(),
        trace_state: String::new(),
        flags: 257,
        attributes: AttributesObject::new(),
        dropped_attributes_count: 0,
    };
    SpanDetail {
        trace_id: TRACE_ID.to_owned(),
        span_id: SPAN_ID.to_owned(),
        parent_span_id: String::new(),
        name: "POST /order".to_owned(),
        kind: "server".to_owned(),
        service_name: "checkout".to_owned(),
        start_time_unix_nano: TIME.to_owned(),
        end_time_unix_nano: "1700000001240000000".to_owned(),
        duration_nano: 1_240_000_000,
        status_code: "error".to_owned(),
        status_message: "payment timed out".to_owned(),
        trace_state: "vendor=1".to_owned(),
        flags: 257,
        attributes: object(json!({"http.route": "/order", "http.response.status_code": 504})),
        resource: object(json!({"service.name": "checkout"})),
        scope: scope(),
        events: vec![event],
        links: vec![link],
        dropped_attributes_count: 0,
        dropped_events_count: 0,
        dropped_links_count: 0,
    }
}

fn log_record() -> LogRecord {
    LogRecord {
        timestamp: TIME.to_owned(),
        time_unix_nano: TIME.to_owned(),
        observed_time_unix_nano: TIME.to_owned(),
        service_name: "checkout".to_owned(),
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        body: json!("payment timed out after 1000 ms"),
        trace_id: TRACE_ID.to_owned(),
        span_id: SPAN_ID.to_owned(),
        event_name: String::new(),
        flags: 1,
        attributes: object(json!({"order.id": 4711})),
        resource: object(json!({"service.name": "checkout"})),
        scope: scope(),
        dropped_attributes_count: 0,
    }
}

fn log_page() -> LogPage {
    LogPage { logs: vec![log_record()], next_cursor: None, exactness: Exactness::Exact, statistics: statistics() }
}

fn log_histogram() -> LogHistogram {
    let severities = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];
    LogHistogram {
        start_time_unix_nano: TIME.to_owned(),
        bucket_nano: MINUTE_NANOS,
        severities: severities.map(str::to_owned).to_vec(),
        buckets: vec![SeverityBucket { count: 12, severities: vec![0, 0, 0, 10, 1, 1, 0] }],
        count: 12,
        exactness: Exactness::Exact,
        statistics: statistics(),
    }
}

fn services() -> Services {
    let series = ServiceSeries {
        start_time_unix_nano: TIME.to_owned(),
        bucket_nano: 2 * MINUTE_NANOS,
        span_counts: vec![20, 0],
        error_counts: vec![1, 0],
        p95_nano: vec![Some(22_000_000), None],
    };
    let service = Service {
        name: "checkout".to_owned(),
        is_other: false,
        span_count: 20,
        error_count: 1,
        rate_per_second: 0.083,
        p50_nano: Some(900_000),
        p95_nano: Some(22_000_000),
        p99_nano: Some(22_000_000),
        log_count: 12,
        series,
    };
    Services { services: vec![service], exactness: Exactness::Exact, statistics: statistics() }
}

fn operations() -> Operations {
    let operation = Operation {
        name: "POST /order".to_owned(),
        is_other: false,
        kind: "server".to_owned(),
        span_count: 20,
        error_count: 1,
        p50_nano: 900_000,
        p95_nano: 22_000_000,
        p99_nano: 22_000_000,
    };
    Operations { operations: vec![operation], exactness: Exactness::Exact, statistics: statistics() }
}

fn service_map() -> ServiceMap {
    let node = |kind: &str, system: &str, name: &str| ServiceMapNode {
        id: if system.is_empty() { format!("{kind}:{name}") } else { format!("{kind}/{system}:{name}") },
        kind: kind.to_owned(),
        name: name.to_owned(),
        system: system.to_owned(),
        is_other: false,
        span_count: 20,
        error_count: 1,
        rate_per_second: 0.333,
        p50_nano: Some(900_000),
        p95_nano: Some(22_000_000),
        p99_nano: Some(22_000_000),
    };
    let (service, database) = (node("service", "", "checkout"), node("database", "postgresql", "orders"));
    let edge = ServiceMapEdge {
        source: service.id.clone(),
        target: database.id.clone(),
        kind: "database".to_owned(),
        count: 20,
        error_count: 1,
        rate_per_second: 0.333,
        p50_nano: 900_000,
        p95_nano: 22_000_000,
        p99_nano: 22_000_000,
    };
    ServiceMap {
        start_time_unix_nano: "1699999980000000000".to_owned(),
        end_time_unix_nano: "1700000040000000000".to_owned(),
        nodes: vec![service, database],
        edges: vec![edge],
        exactness: Exactness::Estimated { reason: "percentiles are estimated to within 1.6 %".to_owned() },
        statistics: statistics(),
    }
}

fn fields() -> Fields {
    let field = Field {
        name: "span.http.route".to_owned(),
        scope: FieldScope::Span,
        key: "http.route".to_owned(),
        types: vec!["string".to_owned()],
        count: 20,
    };
    Fields { fields: vec![field], exactness: Exactness::Exact, statistics: statistics() }
}

fn field_values() -> FieldValues {
    let values = vec![ValueCount { value: "/order".to_owned(), count: 20 }];
    FieldValues { values, exactness: Exactness::Exact, statistics: statistics() }
}
