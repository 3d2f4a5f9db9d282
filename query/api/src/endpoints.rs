//! What there is: every path with its parameters, its answers and its errors.
//!
//! Handlers check their requests against these descriptions, and the OpenAPI document is made of them.

use axum::http::{Method, StatusCode};

use crate::params::{
    BUCKETS, CONFIRM, CURSOR, DELETE_END, DELETE_Q, DELETE_START, END, EXPORT_END, EXPORT_START, FIELD, FIELDS, LIMIT,
    PARTIAL, PREFIX, Param, Q, SIGNAL, SPAN_ID, START, TRACE_ID, VALUES_LIMIT,
};
use crate::{export, frame};

/// A path and the method that it answers to.
#[derive(Debug)]
pub struct Endpoint {
    /// `GET`, but for what changes something.
    pub method: Method,
    /// With `{names}` for its variable parts.
    pub path: &'static str,
    /// The name of the operation for generated clients.
    pub id: &'static str,
    /// What it belongs to.
    pub tag: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// The query parameters.
    pub params: &'static [&'static Param],
    /// What it answers, the first by default.
    pub answers: &'static [Answer],
    /// What it answers when it cannot.
    pub errors: &'static [StatusCode],
}

/// A form of answer.
#[derive(Debug)]
pub struct Answer {
    /// The media type.
    pub media_type: &'static str,
    /// What is in it.
    pub content: Content,
}

/// What is in an answer.
#[derive(Clone, Copy, Debug)]
pub enum Content {
    /// JSON, by the schema of this name.
    Json(&'static str),
    /// JSON objects of a standard that is described elsewhere.
    ForeignJson(&'static str),
    /// Bytes; how they are to be read.
    Bytes(&'static str),
    /// Server-sent events; their data is JSON by the schema of this name.
    Events(&'static str),
    /// Plain text.
    Text,
    /// Nothing: `204 No Content`.
    Nothing,
}

/// The media type of JSON.
pub const JSON: &str = "application/json";
/// The media type of protobuf, as OTLP has it.
pub const PROTOBUF: &str = "application/x-protobuf";

const BAD_REQUEST: StatusCode = StatusCode::BAD_REQUEST;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const NOT_ACCEPTABLE: StatusCode = StatusCode::NOT_ACCEPTABLE;
const OUT_OF_MEMORY: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const INTERNAL: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
const DEADLINE: StatusCode = StatusCode::GATEWAY_TIMEOUT;

const QUERY_ERRORS: &[StatusCode] = &[BAD_REQUEST, OUT_OF_MEMORY, INTERNAL, UNAVAILABLE, DEADLINE];
const TRACE_ERRORS: &[StatusCode] = &[BAD_REQUEST, NOT_FOUND, OUT_OF_MEMORY, INTERNAL, UNAVAILABLE, DEADLINE];

const MAINTENANCE_ERRORS: &[StatusCode] = &[BAD_REQUEST, FORBIDDEN, INTERNAL, UNAVAILABLE];

const NOTHING: Answer = Answer { media_type: "", content: Content::Nothing };

const fn json(schema: &'static str) -> Answer {
    Answer { media_type: JSON, content: Content::Json(schema) }
}

const LOG_ANSWERS: &[Answer] = &[
    json("LogPage"),
    Answer {
        media_type: PROTOBUF,
        content: Content::Bytes(
            "an OTLP `LogsData`; the header `tracewell-next-cursor` says where the next page begins",
        ),
    },
];
const LOG_ERRORS: &[StatusCode] = &[BAD_REQUEST, NOT_ACCEPTABLE, OUT_OF_MEMORY, INTERNAL, UNAVAILABLE, DEADLINE];

macro_rules! endpoint {
    ($(#[$doc:meta])* $name:ident, $method:expr, $path:literal, $id:literal, $tag:literal, $summary:literal,
     $params:expr, $answers:expr, $errors:expr) => {
        $(#[$doc])*
        pub static $name: Endpoint = Endpoint {
            method: $method,
            path: $path,
            id: $id,
            tag: $tag,
            summary: $summary,
            params: $params,
            answers: $answers,
            errors: $errors,
        };
    };
}

endpoint!(
    /// Search for traces.
    TRACES, Method::GET, "/api/v1/traces", "searchTraces", "traces",
    "Traces with a span that meets `q` and starts in the range, newest first by the latest such start.",
    &[&Q, &START, &END, &LIMIT, &CURSOR], &[json("TracePage")], QUERY_ERRORS
);
endpoint!(
    /// Spans over time and by duration.
    TRACE_HISTOGRAM, Method::GET, "/api/v1/traces/histogram", "traceHistogram", "traces",
    "Matching spans over time and by duration.",
    &[&Q, &START, &END, &BUCKETS], &[json("TraceHistogram")], QUERY_ERRORS
);
endpoint!(
    /// The values of fields of spans.
    TRACE_FACETS, Method::GET, "/api/v1/traces/facets", "traceFacets", "traces",
    "The most frequent values of fields among matching spans.",
    &[&Q, &START, &END, &FIELDS, &VALUES_LIMIT], &[json("Facets")], QUERY_ERRORS
);
endpoint!(
    /// A trace as OTLP.
    TRACE, Method::GET, "/api/v1/traces/{traceId}", "getTrace", "traces",
    "A whole trace as OTLP, exactly as it was sent: JSON, or protobuf when `Accept` prefers it.",
    &[],
    &[
        Answer { media_type: JSON, content: Content::ForeignJson("an OTLP `TracesData` in its JSON encoding") },
        Answer { media_type: PROTOBUF, content: Content::Bytes("an OTLP `TracesData`") },
    ],
    &[BAD_REQUEST, NOT_FOUND, NOT_ACCEPTABLE, OUT_OF_MEMORY, INTERNAL, UNAVAILABLE, DEADLINE]
);
endpoint!(
    /// A trace as columns.
    TRACE_FRAME, Method::GET, "/api/v1/traces/{traceId}/frame", "getTraceFrame", "traces",
    "A whole trace as binary columns in depth-first order.",
    &[],
    &[Answer {
        media_type: frame::MEDIA_TYPE,
        content: Content::Bytes("a trace frame, see docs/formats/trace-frame.md"),
    }],
    TRACE_ERRORS
);
endpoint!(
    /// A span.
    SPAN, Method::GET, "/api/v1/traces/{traceId}/spans/{spanId}", "getSpan", "traces",
    "A span with everything in it.",
    &[], &[json("SpanDetail")], TRACE_ERRORS
);
endpoint!(
    /// The logs of a trace.
    TRACE_LOGS, Method::GET, "/api/v1/traces/{traceId}/logs", "getTraceLogs", "traces",
    "The log records of a trace, or of one of its spans, oldest first.",
    &[&SPAN_ID, &LIMIT, &CURSOR], LOG_ANSWERS, LOG_ERRORS
);
endpoint!(
    /// Search for log records.
    LOGS, Method::GET, "/api/v1/logs", "searchLogs", "logs",
    "Log records that meet `q`, newest first.",
    &[&Q, &START, &END, &LIMIT, &CURSOR], LOG_ANSWERS, LOG_ERRORS
);
endpoint!(
    /// Log records over time and by severity.
    LOG_HISTOGRAM, Method::GET, "/api/v1/logs/histogram", "logHistogram", "logs",
    "Matching log records over time and by severity.",
    &[&Q, &START, &END, &BUCKETS], &[json("LogHistogram")], QUERY_ERRORS
);
endpoint!(
    /// The values of fields of log records.
    LOG_FACETS, Method::GET, "/api/v1/logs/facets", "logFacets", "logs",
    "The most frequent values of fields among matching log records.",
    &[&Q, &START, &END, &FIELDS, &VALUES_LIMIT], &[json("Facets")], QUERY_ERRORS
);
endpoint!(
    /// Log records as they come.
    LOG_TAIL, Method::GET, "/api/v1/logs/tail", "tailLogs", "logs",
    "Log records that meet `q` from now on, as server-sent events named `logs`, at most ten a second.",
    &[&Q],
    &[Answer { media_type: "text/event-stream", content: Content::Events("TailBatch") }],
    &[BAD_REQUEST, UNAVAILABLE]
);
endpoint!(
    /// The services.
    SERVICES, Method::GET, "/api/v1/services", "listServices", "services",
    "Services with rate, errors and duration of their entry spans.",
    &[&START, &END], &[json("Services")], QUERY_ERRORS
);
endpoint!(
    /// The operations of a service.
    OPERATIONS, Method::GET, "/api/v1/services/{name}/operations", "listOperations", "services",
    "The operations of a service, most spans first. None when the service is unknown.",
    &[&START, &END], &[json("Operations")], QUERY_ERRORS
);
endpoint!(
    /// The service map.
    SERVICE_MAP, Method::GET, "/api/v1/service-map", "getServiceMap", "services",
    "Services, databases, queues and others, and who calls whom, over the minutes that the range touches.",
    &[&START, &END], &[json("ServiceMap")], QUERY_ERRORS
);
endpoint!(
    /// The fields.
    FIELD_LIST, Method::GET, "/api/v1/fields", "listFields", "fields",
    "The fields that records have, the intrinsic ones included.",
    &[&SIGNAL, &START, &END], &[json("Fields")], QUERY_ERRORS
);
endpoint!(
    /// The values of a field.
    FIELD_VALUES, Method::GET, "/api/v1/fields/values", "listFieldValues", "fields",
    "The most frequent values of a field.",
    &[&SIGNAL, &FIELD, &PREFIX, &START, &END, &VALUES_LIMIT], &[json("FieldValues")], QUERY_ERRORS
);
endpoint!(
    /// How the server is.
    STATUS, Method::GET, "/api/v1/status", "getStatus", "server",
    "Version, addresses, counters and what is stored.",
    &[], &[json("Status")], &[BAD_REQUEST, UNAVAILABLE]
);
endpoint!(
    /// Live records to segments.
    FLUSH,
    Method::POST,
    "/api/v1/maintenance/flush",
    "flush",
    "server",
    "Writes all records that are only in the journal and in memory into segments, and answers when that is done.",
    &[],
    &[NOTHING],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// Small segments to large ones.
    COMPACT,
    Method::POST,
    "/api/v1/maintenance/compact",
    "compact",
    "server",
    "Merges segments until there is nothing left to merge, and answers when that is done.",
    &[],
    &[NOTHING],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// All of the segments, read.
    VERIFY,
    Method::POST,
    "/api/v1/maintenance/verify",
    "verify",
    "server",
    "Reads all segments of all tenants from end to end, checks their checksums, rows and indexes, and names what is damaged.",
    &[],
    &[json("VerifyReport")],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// A trace, deleted.
    DELETE_TRACE,
    Method::POST,
    "/api/v1/maintenance/delete/trace",
    "deleteTrace",
    "server",
    "Deletes the spans and log records of a trace that are stored now: answers when no read shows them any more.",
    &[&TRACE_ID],
    &[json("Deletion")],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// What a query finds, deleted.
    DELETE_QUERY,
    Method::POST,
    "/api/v1/maintenance/delete/query",
    "deleteQuery",
    "server",
    "Deletes the records that meet `q` in the range and are stored now: answers when no read shows them any more.",
    &[&SIGNAL, &DELETE_Q, &DELETE_START, &DELETE_END],
    &[json("Deletion")],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// All of a tenant, deleted.
    DELETE_TENANT,
    Method::POST,
    "/api/v1/maintenance/delete/tenant",
    "deleteTenant",
    "server",
    "Deletes everything that the tenant has now: answers when no read shows it any more.",
    &[&CONFIRM],
    &[json("Deletion")],
    MAINTENANCE_ERRORS
);
endpoint!(
    /// What was deleted.
    DELETIONS, Method::GET, "/api/v1/deletions", "listDeletions", "server",
    "The deletions of the tenant that were asked for, the newest first.",
    &[], &[json("Deletions")], &[BAD_REQUEST, INTERNAL, UNAVAILABLE]
);
endpoint!(
    /// Records, whole and in no order.
    EXPORT, Method::GET, "/api/v1/export", "export", "server",
    "All records that meet `q`, in no order, as OTLP export requests one after the other. The connection breaks off when \
     something goes wrong on the way.",
    &[&SIGNAL, &Q, &EXPORT_START, &EXPORT_END, &PARTIAL],
    &[Answer {
        media_type: export::MEDIA_TYPE,
        content: Content::Bytes("OTLP export requests in protobuf, each behind its length as a varint"),
    }],
    &[BAD_REQUEST, INTERNAL, UNAVAILABLE]
);
endpoint!(
    /// What there is.
    OPENAPI, Method::GET, "/api/v1/openapi.json", "getOpenApi", "server",
    "This document.",
    &[], &[Answer { media_type: JSON, content: Content::ForeignJson("an OpenAPI 3.1 document") }], &[BAD_REQUEST]
);
endpoint!(
    /// Whether the process answers.
    HEALTH, Method::GET, "/healthz", "getHealth", "server",
    "200 as long as the process answers.",
    &[], &[Answer { media_type: "text/plain", content: Content::Text }], &[]
);
endpoint!(
    /// Whether it can be used.
    READY, Method::GET, "/readyz", "getReadiness", "server",
    "200 when queries and senders are served; 503 with the reason before that and while shutting down.",
    &[], &[Answer { media_type: "text/plain", content: Content::Text }], &[UNAVAILABLE]
);
