//! Recording of spans and log records, and their grouping into OTLP requests.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use crate::Shop;

/// What one visit left behind. The number beside each record tells service and pod, see [`Shop::trace_request`].
#[derive(Default)]
pub struct Telemetry {
    /// Spans of one trace.
    pub spans: Vec<(usize, Span)>,
    /// Log records of the same trace.
    pub logs: Vec<(usize, LogRecord)>,
    pub(crate) pods: Vec<usize>,
}

impl Telemetry {
    /// The pod of each service that served this visit, by service number.
    pub fn pods(&self) -> &[usize] {
        &self.pods
    }
}

impl Shop {
    /// One export request with all spans of `visits`, one `ResourceSpans` for each pod. `None` when there are none.
    pub fn trace_request(&self, visits: &[Telemetry]) -> Option<ExportTraceServiceRequest> {
        let mut by_pod: BTreeMap<(usize, usize), Vec<Span>> = BTreeMap::new();
        for visit in visits {
            for (service, span) in &visit.spans {
                by_pod.entry((*service, visit.pods[*service])).or_default().push(span.clone());
            }
        }
        let resource_spans: Vec<_> = by_pod
            .into_iter()
            .map(|((service, pod), spans)| ResourceSpans {
                resource: Some(self.instances[service].resources[pod].clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(self.instances[service].scope.clone()),
                    spans,
                    schema_url: SCHEMA_URL.to_owned(),
                }],
                schema_url: SCHEMA_URL.to_owned(),
            })
            .collect();
        (!resource_spans.is_empty()).then_some(ExportTraceServiceRequest { resource_spans })
    }

    /// One export request with all log records of `visits`, one `ResourceLogs` for each pod. `None` when there are none.
    pub fn logs_request(&self, visits: &[Telemetry]) -> Option<ExportLogsServiceRequest> {
        let mut by_pod: BTreeMap<(usize, usize), Vec<LogRecord>> = BTreeMap::new();
        for visit in visits {
            for (service, record) in &visit.logs {
                by_pod.entry((*service, visit.pods[*service])).or_default().push(record.clone());
            }
        }
        let resource_logs: Vec<_> = by_pod
            .into_iter()
            .map(|((service, pod), log_records)| ResourceLogs {
                resource: Some(self.instances[service].resources[pod].clone()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(self.instances[service].scope.clone()),
                    log_records,
                    schema_url: SCHEMA_URL.to_owned(),
                }],
                schema_url: SCHEMA_URL.to_owned(),
            })
            .collect();
        (!resource_logs.is_empty()).then_some(ExportLogsServiceRequest { resource_logs })
    }
}

const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.37.0";

/// A text attribute.
pub fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

/// An integer attribute.
pub fn int(key: &str, value: i64) -> KeyValue {
    attribute(key, any_value::Value::IntValue(value))
}

/// A floating-point attribute.
pub fn double(key: &str, value: f64) -> KeyValue {
    attribute(key, any_value::Value::DoubleValue(value))
}

/// A true-or-false attribute.
pub fn boolean(key: &str, value: bool) -> KeyValue {
    attribute(key, any_value::Value::BoolValue(value))
}

fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
