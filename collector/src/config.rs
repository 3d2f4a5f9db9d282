//! The settings of the receivers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where the receivers listen and within which bounds. Nearly all are settings of the product: not so
/// the slowest speed of a body, which keeps hostile clients away and does not depend on the installation.
#[derive(Clone, Debug)]
pub struct CollectorConfig {
    /// Address for OTLP/gRPC. Port 0: the system chooses.
    pub otlp_grpc: SocketAddr,
    /// Address for OTLP/HTTP. Port 0: the system chooses.
    pub otlp_http: SocketAddr,
    /// A path before `/v1/traces` and `/v1/logs` that is accepted too, for instance `/otlp`. Empty: none.
    pub http_path_prefix: String,
    /// The most bytes of one request, as sent and again when decompressed.
    pub request_bytes_max: usize,
    /// The most bytes that all requests in progress may take together.
    pub inflight_bytes_max: usize,
    /// How long a request waits for its share of [`Self::inflight_bytes_max`] before it is refused, to be sent again.
    pub admission_wait_max: Duration,
    /// Origins whose pages may export from browsers: `https://shop.example`, `https://*.example` or `*`.
    pub cors_allowed_origins: Vec<String>,
    /// The most connections open at a time.
    pub connections_max: usize,
    /// The most exports in progress on one HTTP/2 connection.
    pub connection_streams_max: u32,
    /// Close a connection gracefully at this age, so that clients spread over new instances. `None`: never.
    pub connection_age_max: Option<Duration>,
    /// How long a request line with its headers, or the start of an HTTP/2 connection, may take.
    pub header_timeout: Duration,
    /// Close a connection on which nothing happens for this long.
    pub idle_timeout: Duration,
    /// How long a body may be slower than [`Self::body_bytes_per_second_min`].
    pub body_grace: Duration,
    /// The slowest speed at which a body may arrive.
    pub body_bytes_per_second_min: u64,
    /// How long a body may take in all.
    pub body_timeout: Duration,
    /// Where to keep requests that made the server fail again and again. `None`: such requests stay refused with a
    /// retryable code for ever.
    pub dead_letter_dir: Option<PathBuf>,
}

impl Default for CollectorConfig {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        CollectorConfig {
            otlp_grpc: loopback(4317),
            otlp_http: loopback(4318),
            http_path_prefix: String::new(),
            request_bytes_max: 64 << 20,
            inflight_bytes_max: 256 << 20,
            admission_wait_max: Duration::from_secs(2),
            cors_allowed_origins: Vec::new(),
            connections_max: 20_000,
            connection_streams_max: 256,
            connection_age_max: None,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            body_grace: Duration::from_secs(10),
            body_bytes_per_second_min: 1024,
            body_timeout: Duration::from_secs(120),
            dead_letter_dir: None,
        }
    }
}
