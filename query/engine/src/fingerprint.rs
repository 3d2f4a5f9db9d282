//! Hashes of all that a record holds. They do not depend on where the record is stored.

use std::collections::HashMap;

use tracewell_model::{Attributes, Logs, Scope, ScopeTable, Spans, Value};
use xxhash_rust::xxh3::xxh3_128;

/// Makes the fingerprints of records of one batch.
#[derive(Default)]
pub(crate) struct Fingerprints {
    scopes: HashMap<u32, u128>,
    bytes: Vec<u8>,
}

impl Fingerprints {
    /// The fingerprint of a log record.
    pub(crate) fn of_log(&mut self, logs: &Logs, row: usize) -> u128 {
        let scope = self.scope(&logs.scopes, logs.scope[row]);
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend(scope.to_le_bytes());
        bytes.extend(logs.time[row].to_le_bytes());
        bytes.extend(logs.trace_id[row].0);
        bytes.extend(logs.span_id[row].0);
        bytes.extend(logs.flags[row].to_le_bytes());
        bytes.extend(logs.severity_number[row].to_le_bytes());
        write_bytes(bytes, logs.severity_text.get(row).as_bytes());
        write_value(bytes, logs.body.get(row));
        write_attributes(bytes, &logs.attributes, row);
        bytes.extend(logs.dropped_attributes_count[row].to_le_bytes());
        write_bytes(bytes, logs.event_name.get(row).as_bytes());
        xxh3_128(bytes)
    }

    /// The fingerprint of a span.
    pub(crate) fn of_span(&mut self, spans: &Spans, row: usize) -> u128 {
        let scope = self.scope(&spans.scopes, spans.scope[row]);
        let bytes = &mut self.bytes;
        bytes.clear();
        bytes.extend(scope.to_le_bytes());
        bytes.extend(spans.trace_id[row].0);
        bytes.extend(spans.span_id[row].0);
        bytes.extend(spans.parent_span_id[row].0);
        bytes.extend(spans.start[row].to_le_bytes());
        bytes.extend(spans.end[row].to_le_bytes());
        bytes.extend(spans.flags[row].to_le_bytes());
        bytes.extend(spans.kind[row].to_le_bytes());
        bytes.extend(spans.status_code[row].to_le_bytes());
        for text in [&spans.name, &spans.trace_state, &spans.status_message] {
            write_bytes(bytes, text.get(row).as_bytes());
        }
        for dropped in [&spans.dropped_attributes_count, &spans.dropped_events_count, &spans.dropped_links_count] {
            bytes.extend(dropped[row].to_le_bytes());
        }
        write_attributes(bytes, &spans.attributes, row);
        write_events(bytes, spans, row);
        write_links(bytes, spans, row);
        xxh3_128(bytes)
    }

    fn scope(&mut self, scopes: &ScopeTable, number: u32) -> u128 {
        *self.scopes.entry(number).or_insert_with(|| scope_hash(scopes.get(number)))
    }
}

fn scope_hash(scope: &Scope) -> u128 {
    let mut bytes = Vec::new();
    for part in [&scope.resource, scope.resource_schema_url.as_bytes(), &scope.scope, scope.scope_schema_url.as_bytes()]
    {
        write_bytes(&mut bytes, part);
    }
    xxh3_128(&bytes)
}

fn write_events(bytes: &mut Vec<u8>, spans: &Spans, row: usize) {
    let events = &spans.events;
    bytes.extend((events.of_row(row).len() as u64).to_le_bytes());
    for event in events.of_row(row) {
        bytes.extend(events.time[event].to_le_bytes());
        write_bytes(bytes, events.name.get(event).as_bytes());
        write_attributes(bytes, &events.attributes, event);
        bytes.extend(events.dropped_attributes_count[event].to_le_bytes());
    }
}

fn write_links(bytes: &mut Vec<u8>, spans: &Spans, row: usize) {
    let links = &spans.links;
    bytes.extend((links.of_row(row).len() as u64).to_le_bytes());
    for link in links.of_row(row) {
        bytes.extend(links.trace_id[link].0);
        bytes.extend(links.span_id[link].0);
        bytes.extend(links.flags[link].to_le_bytes());
        write_bytes(bytes, links.trace_state.get(link).as_bytes());
        write_attributes(bytes, &links.attributes, link);
        bytes.extend(links.dropped_attributes_count[link].to_le_bytes());
    }
}

/// By key, because segments do not keep the order of attributes; those of one key stay in their order.
fn write_attributes(bytes: &mut Vec<u8>, attributes: &Attributes, row: usize) {
    let mut sorted: Vec<_> = attributes.row(row).collect();
    sorted.sort_by_key(|(key, _)| *key);
    for (key, value) in sorted {
        write_bytes(bytes, key.as_bytes());
        write_value(bytes, value);
    }
    bytes.push(0xff);
}

fn write_value(bytes: &mut Vec<u8>, value: Value<'_>) {
    bytes.push(value.kind() as u8);
    match value {
        Value::Absent | Value::Empty => {}
        Value::Bool(value) => bytes.push(u8::from(value)),
        Value::Int(value) => bytes.extend(value.to_le_bytes()),
        Value::Double(value) => bytes.extend(value.to_bits().to_le_bytes()),
        Value::String(text) => write_bytes(bytes, text.as_bytes()),
        Value::Bytes(piece) | Value::Array(piece) | Value::KeyValueList(piece) => write_bytes(bytes, piece),
    }
}

fn write_bytes(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend((piece.len() as u64).to_le_bytes());
    bytes.extend(piece);
}
