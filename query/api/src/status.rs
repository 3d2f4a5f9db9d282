//! How the server is: what only the binary knows, joined with the storage's figures.

use std::net::SocketAddr;

use serde::Serialize;
use tracewell_model::UnixNanos;
use tracewell_storage::{StorageStats, TableStats};
use utoipa::ToSchema;

/// What the binary tells about itself.
pub trait StatusSource: Send + Sync + 'static {
    /// Whether senders and queries are served; if not, why.
    fn readiness(&self) -> Result<(), String>;

    /// The version, the addresses and the counters of receivers.
    fn server(&self) -> ServerStatus;
}

/// The binary's part of [`Status`].
#[derive(Clone, Debug)]
pub struct ServerStatus {
    /// The version of the binary.
    pub version: String,
    /// When the process started.
    pub started_at: UnixNanos,
    /// Where it listens.
    pub addresses: Addresses,
    /// What came in since then.
    pub received: Received,
}

/// Where the server listens.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// UI and APIs; null when it does not listen.
    #[schema(value_type = Option<String>, required, example = "127.0.0.1:4319")]
    pub http: Option<SocketAddr>,
    /// OTLP/gRPC.
    #[schema(value_type = Option<String>, required, example = "127.0.0.1:4317")]
    pub otlp_grpc: Option<SocketAddr>,
    /// OTLP/HTTP.
    #[schema(value_type = Option<String>, required, example = "127.0.0.1:4318")]
    pub otlp_http: Option<SocketAddr>,
}

/// Records that came in since the start, of all tenants.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// Spans.
    pub traces: ReceivedCounts,
    /// Log records.
    pub logs: ReceivedCounts,
    /// Requests that were acknowledged.
    pub accepted_requests: u64,
    /// Requests that were refused as a whole.
    pub refused_requests: u64,
    /// Bytes of request bodies, as they were on the wire.
    pub bytes: u64,
}

/// Records of one signal that came in since the start.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedCounts {
    /// Records that were acknowledged.
    pub accepted_records: u64,
    /// Records that were refused.
    pub rejected_records: u64,
}

/// How the server is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the binary.
    pub version: String,
    /// When the process started.
    pub start_time_unix_nano: String,
    /// For how long it has been running.
    pub uptime_seconds: u64,
    /// Whether senders and queries are served.
    pub ready: bool,
    /// Why records are refused at the moment (memory, journal or disk full); null when they are not.
    #[schema(required)]
    pub degraded: Option<String>,
    /// Journal files and segments that were found damaged; what is in the others is served.
    pub damaged: Vec<String>,
    /// Where it listens.
    pub addresses: Addresses,
    /// What came in since the start.
    pub received: Received,
    /// What is stored, by tenant and signal.
    pub tables: Vec<TableStatus>,
    /// The disk space that the journal takes.
    pub journal_bytes: u64,
}

/// What is stored of one tenant and signal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableStatus {
    /// Whose.
    #[schema(example = "default")]
    pub tenant: String,
    /// `traces` or `logs`.
    #[schema(example = "traces")]
    pub signal: &'static str,
    /// Rows in memory, not yet in a segment.
    pub live_rows: u64,
    /// Bytes of memory that these take.
    pub live_bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Rows in segments.
    pub segment_rows: u64,
    /// Bytes of segments.
    pub segment_bytes: u64,
    /// The earliest time of a row; null when there is none.
    #[schema(required)]
    pub earliest_time_unix_nano: Option<String>,
    /// The latest time of a row; null when there is none.
    #[schema(required)]
    pub latest_time_unix_nano: Option<String>,
}

impl Status {
    /// Joins what the binary and the storage know.
    pub fn new(source: &dyn StatusSource, storage: StorageStats, now: UnixNanos) -> Status {
        let server = source.server();
        Status {
            version: server.version,
            start_time_unix_nano: server.started_at.0.to_string(),
            uptime_seconds: now.0.saturating_sub(server.started_at.0) / 1_000_000_000,
            ready: source.readiness().is_ok(),
            degraded: storage.degraded,
            damaged: storage.damaged,
            addresses: server.addresses,
            received: server.received,
            tables: storage.tables.into_iter().map(TableStatus::from).collect(),
            journal_bytes: storage.journal_bytes,
        }
    }
}

impl From<TableStats> for TableStatus {
    fn from(table: TableStats) -> TableStatus {
        TableStatus {
            tenant: table.tenant.to_string(),
            signal: table.signal.as_str(),
            live_rows: table.live_rows,
            live_bytes: table.live_bytes,
            segments: table.segments,
            segment_rows: table.segment_rows,
            segment_bytes: table.segment_bytes,
            earliest_time_unix_nano: table.time_bounds.map(|(earliest, _)| earliest.0.to_string()),
            latest_time_unix_nano: table.time_bounds.map(|(_, latest)| latest.0.to_string()),
        }
    }
}
