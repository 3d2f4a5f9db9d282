//! What the receivers count, for Prometheus and for the status page.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tracewell_model::{Signal, UnixNanos};

use crate::answer::Accepted;
use crate::refusal::Refusal;

/// How a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OTLP/gRPC.
    OtlpGrpc,
    /// OTLP/HTTP with protobuf.
    OtlpHttpProtobuf,
    /// OTLP/HTTP with JSON.
    OtlpHttpJson,
    /// Zipkin v2 JSON.
    Zipkin,
}

impl Protocol {
    /// The word for it in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::OtlpGrpc => "otlp_grpc",
            Protocol::OtlpHttpProtobuf => "otlp_http_protobuf",
            Protocol::OtlpHttpJson => "otlp_http_json",
            Protocol::Zipkin => "zipkin",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct SignalLabel(Signal);

impl EncodeLabelValue for SignalLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0.as_str(), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ProtocolLabel(Protocol);

impl EncodeLabelValue for ProtocolLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0.as_str(), encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    signal: SignalLabel,
    protocol: ProtocolLabel,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    signal: SignalLabel,
    protocol: ProtocolLabel,
    outcome: &'static str,
}

/// Bounds of the acknowledgement times in seconds.
const ACK_SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The metrics of the receivers. Clones share them.
#[derive(Clone, Debug)]
pub struct CollectorMetrics {
    requests: Family<OutcomeLabels, Counter>,
    records: Family<OutcomeLabels, Counter>,
    bytes: Family<OutcomeLabels, Counter>,
    ack_seconds: Family<Labels, Histogram, fn() -> Histogram>,
    connections: Gauge,
    inflight_bytes: Gauge,
    totals: Arc<Totals>,
}

/// Sums for the status page, cheaper to read than the families.
#[derive(Debug, Default)]
struct Totals {
    spans_accepted: AtomicU64,
    spans_rejected: AtomicU64,
    logs_accepted: AtomicU64,
    logs_rejected: AtomicU64,
    requests_accepted: AtomicU64,
    requests_refused: AtomicU64,
    bytes_received: AtomicU64,
    last_accepted_at: AtomicU64,
}

/// What was received since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectorStats {
    /// Spans that were made durable.
    pub spans_accepted: u64,
    /// Spans that were refused for ever within accepted requests.
    pub spans_rejected: u64,
    /// Log records that were made durable.
    pub logs_accepted: u64,
    /// Log records that were refused for ever within accepted requests.
    pub logs_rejected: u64,
    /// Requests that were accepted.
    pub requests_accepted: u64,
    /// Requests that were refused as a whole.
    pub requests_refused: u64,
    /// Bytes of bodies as sent.
    pub bytes_received: u64,
    /// When a request was accepted last.
    pub last_accepted_at: Option<UnixNanos>,
    /// Connections open now.
    pub connections: u64,
    /// Bytes of requests in progress now.
    pub inflight_bytes: u64,
}

impl CollectorMetrics {
    /// Metrics that are part of `registry`, under names that begin with `collector_`.
    pub fn register(registry: &mut Registry) -> CollectorMetrics {
        let metrics = CollectorMetrics {
            requests: Family::default(),
            records: Family::default(),
            bytes: Family::default(),
            ack_seconds: Family::new_with_constructor(|| Histogram::new(ACK_SECONDS)),
            connections: Gauge::default(),
            inflight_bytes: Gauge::default(),
            totals: Arc::default(),
        };
        let registry = registry.sub_registry_with_prefix("collector");
        registry.register(
            "requests",
            "Export requests by what became of them: accepted, duplicate, or why they were refused",
            metrics.requests.clone(),
        );
        registry.register(
            "records",
            "Spans and log records of accepted requests: accepted, duplicate, or rejected for ever",
            metrics.records.clone(),
        );
        registry.register_with_unit(
            "received",
            "Bytes of request bodies as sent, by what became of the request",
            Unit::Bytes,
            metrics.bytes.clone(),
        );
        registry.register_with_unit(
            "ack",
            "Time from the headers of a request to its acknowledgement",
            Unit::Seconds,
            metrics.ack_seconds.clone(),
        );
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        registry.register_with_unit(
            "inflight",
            "Memory reserved for requests in progress",
            Unit::Bytes,
            metrics.inflight_bytes.clone(),
        );
        metrics
    }

    /// Counts a request that is over.
    pub(crate) fn observe(
        &self,
        signal: Signal,
        protocol: Protocol,
        wire_bytes: usize,
        took: Duration,
        result: &Result<Accepted, Refusal>,
    ) {
        let (signal_label, protocol_label) = (SignalLabel(signal), ProtocolLabel(protocol));
        let labels =
            |outcome| OutcomeLabels { signal: signal_label.clone(), protocol: protocol_label.clone(), outcome };
        let outcome = match result {
            Ok(accepted) if accepted.duplicate => "duplicate",
            Ok(_) => "accepted",
            Err(refusal) => refusal.kind.as_str(),
        };
        self.requests.get_or_create(&labels(outcome)).inc();
        self.bytes.get_or_create(&labels(outcome)).inc_by(wire_bytes as u64);
        self.totals.bytes_received.fetch_add(wire_bytes as u64, Ordering::Relaxed);
        let Ok(accepted) = result else {
            self.totals.requests_refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        self.records.get_or_create(&labels(outcome)).inc_by(accepted.records);
        if accepted.rejected > 0 {
            self.records.get_or_create(&labels("rejected")).inc_by(accepted.rejected);
        }
        let labels = Labels { signal: SignalLabel(signal), protocol: ProtocolLabel(protocol) };
        self.ack_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        self.totals.add(signal, accepted);
    }

    pub(crate) fn set_inflight(&self, bytes: usize) {
        self.inflight_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(crate) fn connection_opened(&self) -> ConnectionCount {
        self.connections.inc();
        ConnectionCount(self.connections.clone())
    }

    /// Sums for people.
    pub fn stats(&self) -> CollectorStats {
        let totals = &self.totals;
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let last = read(&totals.last_accepted_at);
        CollectorStats {
            spans_accepted: read(&totals.spans_accepted),
            spans_rejected: read(&totals.spans_rejected),
            logs_accepted: read(&totals.logs_accepted),
            logs_rejected: read(&totals.logs_rejected),
            requests_accepted: read(&totals.requests_accepted),
            requests_refused: read(&totals.requests_refused),
            bytes_received: read(&totals.bytes_received),
            last_accepted_at: (last > 0).then_some(UnixNanos(last)),
            connections: u64::try_from(self.connections.get()).unwrap_or_default(),
            inflight_bytes: u64::try_from(self.inflight_bytes.get()).unwrap_or_default(),
        }
    }
}

impl Totals {
    fn add(&self, signal: Signal, accepted: &Accepted) {
        let (kept, rejected) = match signal {
            Signal::Traces => (&self.spans_accepted, &self.spans_rejected),
            Signal::Logs => (&self.logs_accepted, &self.logs_rejected),
        };
        if !accepted.duplicate {
            kept.fetch_add(accepted.records, Ordering::Relaxed);
        }
        rejected.fetch_add(accepted.rejected, Ordering::Relaxed);
        self.requests_accepted.fetch_add(1, Ordering::Relaxed);
        self.last_accepted_at.fetch_max(UnixNanos::now().0, Ordering::Relaxed);
    }
}

/// Counts one connection while it lives.
pub(crate) struct ConnectionCount(Gauge);

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.dec();
    }
}
