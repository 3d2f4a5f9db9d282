//! Zipkin spans as an OTLP `ExportTraceServiceRequest` in protobuf.
//!
//! The mapping is that of the OpenTelemetry specification ("OpenTelemetry to Zipkin Transformation"), backwards; tags
//! stay attributes even where they become a status, so that nothing is lost.

use std::collections::HashMap;

use tracewell_model::UnixNanos;
use xxhash_rust::xxh3::Xxh3;

use super::json::{Annotation, Endpoint, Kind, ZipkinSpan};

/// Encodes `spans`, grouped by the service that sent them.
pub(super) fn export_request(spans: &[ZipkinSpan], received_at: UnixNanos) -> Vec<u8> {
    let mut services: Vec<(Option<&str>, Vec<&ZipkinSpan>)> = Vec::new();
    let mut index: HashMap<Option<&str>, usize> = HashMap::new();
    for span in spans {
        let name = span.local.service_name.as_deref();
        let number = *index.entry(name).or_insert_with(|| {
            services.push((name, Vec::new()));
            services.len() - 1
        });
        services[number].1.push(span);
    }
    let mut request = Writer::default();
    for (name, spans) in services {
        request.message(1, |resource_spans| {
            resource_spans.message(1, |resource| {
                if let Some(name) = name {
                    resource.attribute(1, "service.name", name);
                }
            });
            resource_spans.message(2, |scope_spans| {
                for span in spans {
                    scope_spans.message(2, |message| write_span(message, span, received_at));
                }
            });
        });
    }
    request.bytes
}

fn write_span(message: &mut Writer, span: &ZipkinSpan, received_at: UnixNanos) {
    // The server's half of a shared span is a span of its own in OTLP: a child of the client's half.
    let is_shared = span.shared && span.kind != Some(Kind::Client);
    let (id, parent_id) = if is_shared { (id_of_server_half(span), Some(span.id)) } else { (span.id, span.parent_id) };
    message.bytes(1, &span.trace_id);
    message.bytes(2, &id);
    if let Some(parent_id) = parent_id {
        message.bytes(4, &parent_id);
    }
    message.bytes(5, span.name.as_bytes());
    message.varint(6, kind_number(span.kind));
    let (start, end) = times(span, received_at);
    message.fixed64(7, start);
    message.fixed64(8, end);
    for (key, value) in &span.tags {
        message.attribute(9, key, value);
    }
    write_endpoint(message, &span.local, "network.local.address", "network.local.port");
    write_endpoint(message, &span.remote, "network.peer.address", "network.peer.port");
    if let Some(name) = &span.remote.service_name {
        message.attribute(9, "peer.service", name);
    }
    if is_shared {
        message.attribute(9, "zipkin.span_id", &hex::encode(span.id));
    }
    if span.debug {
        message.bool_attribute(9, "zipkin.debug", true);
    }
    for Annotation { timestamp, value } in &span.annotations {
        message.message(11, |event| {
            event.fixed64(1, nanos(*timestamp));
            event.bytes(2, value.as_bytes());
        });
    }
    write_status(message, span);
}

/// The same for each attempt to send the span.
fn id_of_server_half(span: &ZipkinSpan) -> [u8; 8] {
    let mut hasher = Xxh3::new();
    hasher.update(&span.trace_id);
    hasher.update(&span.id);
    hasher.update(span.local.service_name.as_deref().unwrap_or_default().as_bytes());
    // An id is not all zero.
    hasher.digest().max(1).to_be_bytes()
}

fn kind_number(kind: Option<Kind>) -> u64 {
    match kind {
        None => 1,
        Some(Kind::Server) => 2,
        Some(Kind::Client) => 3,
        Some(Kind::Producer) => 4,
        Some(Kind::Consumer) => 5,
    }
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1000)
}

/// Start and end. Without a time of its own a span has that of its first annotation, or else that of its arrival.
fn times(span: &ZipkinSpan, received_at: UnixNanos) -> (u64, u64) {
    let annotated = || span.annotations.iter().map(|annotation| annotation.timestamp).filter(|&time| time > 0).min();
    let start = span.timestamp.or_else(annotated).map_or(received_at.0, nanos);
    (start, start.saturating_add(nanos(span.duration.unwrap_or_default())))
}

fn write_endpoint(message: &mut Writer, endpoint: &Endpoint, address_key: &str, port_key: &str) {
    for address in [&endpoint.ipv4, &endpoint.ipv6].into_iter().flatten().take(1) {
        message.attribute(9, address_key, address);
    }
    if let (Some(_), Some(ipv6)) = (&endpoint.ipv4, &endpoint.ipv6) {
        message.attribute(9, &format!("{address_key}.ipv6"), ipv6);
    }
    if let Some(port) = endpoint.port {
        message.int_attribute(9, port_key, u64::from(port));
    }
}

/// The tag `error` means an error whatever its value; OpenTelemetry's Zipkin exporter writes its status as tags.
fn write_status(message: &mut Writer, span: &ZipkinSpan) {
    let tag = |name: &str| span.tags.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let code = match (tag("otel.status_code"), tag("error")) {
        (Some("OK"), _) => 1,
        (Some("ERROR"), _) | (_, Some(_)) => 2,
        _ => return,
    };
    let text = tag("error").filter(|text| code == 2 && !text.is_empty() && *text != "true");
    let text = text.or_else(|| tag("otel.status_description")).unwrap_or_default();
    message.message(15, |status| {
        if !text.is_empty() {
            status.bytes(2, text.as_bytes());
        }
        status.varint(3, code);
    });
}

/// Writes the protobuf wire format.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) {
        self.raw_varint(field << 3);
        self.raw_varint(value);
    }

    fn fixed64(&mut self, field: u64, value: u64) {
        self.raw_varint(field << 3 | 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::default();
        write(&mut inner);
        self.bytes(field, &inner.bytes);
    }

    fn attribute(&mut self, field: u64, key: &str, value: &str) {
        self.key_value(field, key, |any| any.bytes(1, value.as_bytes()));
    }

    fn bool_attribute(&mut self, field: u64, key: &str, value: bool) {
        self.key_value(field, key, |any| any.varint(2, u64::from(value)));
    }

    fn int_attribute(&mut self, field: u64, key: &str, value: u64) {
        self.key_value(field, key, |any| any.varint(3, value));
    }

    fn key_value(&mut self, field: u64, key: &str, write_value: impl FnOnce(&mut Writer)) {
        self.message(field, |pair| {
            pair.bytes(1, key.as_bytes());
            pair.message(2, write_value);
        });
    }
}
