//! What the status page and the readiness probe are told.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tracewell_api::{Received, ReceivedCounts, ServerStatus, StatusSource};
use tracewell_collector::CollectorMetrics;
use tracewell_model::UnixNanos;

use crate::serve::Addresses;

/// The state of this process.
pub struct ServerState {
    started_at: UnixNanos,
    http: SocketAddr,
    running: OnceLock<(Addresses, CollectorMetrics)>,
    is_stopping: AtomicBool,
}

impl ServerState {
    /// Of a server that has bound `http` and is opening its storage.
    pub fn new(http: SocketAddr) -> ServerState {
        let is_stopping = AtomicBool::new(false);
        ServerState { started_at: UnixNanos::now(), http, running: OnceLock::new(), is_stopping }
    }

    /// Records are received from now on.
    pub fn ready(&self, addresses: Addresses, received: CollectorMetrics) {
        let _ = self.running.set((addresses, received));
    }

    /// Not any more.
    pub fn stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }
}

impl StatusSource for ServerState {
    fn readiness(&self) -> Result<(), String> {
        if self.is_stopping.load(Ordering::Relaxed) {
            return Err("stopping".to_owned());
        }
        match self.running.get() {
            Some(_) => Ok(()),
            None => Err("replaying the journal".to_owned()),
        }
    }

    fn server(&self) -> ServerStatus {
        let running = self.running.get();
        let stats = running.map(|(_, received)| received.stats()).unwrap_or_default();
        ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started_at,
            addresses: tracewell_api::Addresses {
                http: Some(self.http),
                otlp_grpc: running.map(|(addresses, _)| addresses.otlp_grpc),
                otlp_http: running.map(|(addresses, _)| addresses.otlp_http),
            },
            received: Received {
                traces: ReceivedCounts {
                    accepted_records: stats.spans_accepted,
                    rejected_records: stats.spans_rejected,
                },
                logs: ReceivedCounts { accepted_records: stats.logs_accepted, rejected_records: stats.logs_rejected },
                accepted_requests: stats.requests_accepted,
                refused_requests: stats.requests_refused,
                bytes: stats.bytes_received,
            },
        }
    }
}
