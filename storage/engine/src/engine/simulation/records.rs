//! The records that are sent: everything in a record follows from its number, so that any record that comes back can be
//! judged by itself.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tracewell_model::{Logs, Records, Scope, Signal, SpanId, Spans, TenantId, TraceId, UnixNanos, Value};
use tracewell_otlp::{ContentEncoding, decode_logs, decode_traces, encode_logs, encode_traces};
use xxhash_rust::xxh3::xxh3_128;

use super::chance::mix;
use crate::Append;

/// What is in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub number: u64,
    pub time: u64,
    pub trace: TraceId,
    pub service: &'static str,
    /// A few of them, on nearly every record.
    pub status: i64,
    /// Very many of them, on most records.
    pub user: Option<String>,
    /// The body of a log record, the name of a span.
    pub text: String,
}

const SERVICES: [&str; 4] = ["checkout", "cart", "payment", "ad"];
const WORDS: [&str; 8] = ["order", "timeout", "refused", "retry", "Übergabe", "id_7f3a", "GET", "failed"];
/// Senders' clocks: some are wrong by years.
const TIME: u64 = 1_700_000_000_000_000_000;
const HOUR: u64 = 3_600_000_000_000;

/// Records of one request share a service; requests begin at multiples of this.
pub(super) const REQUEST_NUMBERS: u64 = 10_000;

/// The record with this number.
pub(super) fn row(number: u64) -> Row {
    let draw = |what: u64| mix(mix(number) ^ what);
    let time = match draw(1) % 50 {
        0 => draw(2) >> 3,
        _ => TIME + draw(2) % HOUR,
    };
    let mut trace = [0; 16];
    // Traces of a few spans, which come in several requests.
    trace[..8].copy_from_slice(&mix(number % REQUEST_NUMBERS / 4 + number / REQUEST_NUMBERS / 3).to_be_bytes());
    trace[15] = 1;
    let word = |what: u64| WORDS[(draw(what) % 8) as usize];
    let padding = if draw(3).is_multiple_of(40) { "x".repeat((draw(4) % 2_000) as usize) } else { String::new() };
    Row {
        number,
        time,
        trace: TraceId(trace),
        service: SERVICES[(mix(number / REQUEST_NUMBERS) % 4) as usize],
        status: (draw(5) % 5) as i64 * 100,
        user: (!draw(6).is_multiple_of(8)).then(|| format!("user-{}", draw(7) % 5_000)),
        text: format!("{} {} {number} {padding}", word(8), word(9)),
    }
}

/// The request of the records `numbers`, as the collector hands it on.
pub(super) fn request(tenant: &TenantId, signal: Signal, numbers: &Range<u64>, received_at: UnixNanos) -> Append {
    let rows = numbers.clone().map(row);
    let body = match signal {
        Signal::Traces => encode_traces(&spans(rows)),
        Signal::Logs => encode_logs(&logs(rows)),
    };
    let records = match signal {
        Signal::Traces => Records::Spans(decode_traces(&body, received_at).expect("valid").records),
        Signal::Logs => Records::Logs(decode_logs(&body, received_at).expect("valid").records),
    };
    // Some senders compress.
    let (encoding, sent) = match numbers.start / REQUEST_NUMBERS % 3 {
        0 => (ContentEncoding::Zstd, zstd::encode_all(body.as_slice(), 1).expect("compresses")),
        _ => (ContentEncoding::Identity, body),
    };
    let request_hash = xxh3_128(&sent);
    Append { tenant: tenant.clone(), received_at, encoding, body: Bytes::from(sent), records, request_hash }
}

fn logs(rows: impl Iterator<Item = Row>) -> Logs {
    let mut logs = Logs::default();
    for row in rows {
        logs.scope.push(logs.scopes.intern(&scope(row.service)));
        logs.timestamp.push(row.time);
        logs.time.push(row.time);
        logs.observed_time.push(row.time);
        logs.trace_id.push(row.trace);
        logs.span_id.push(SpanId::NONE);
        logs.flags.push(0);
        logs.severity_number.push(9);
        logs.severity_text.push("INFO");
        logs.body.push(Value::String(&row.text));
        push_attributes(&mut logs.attributes, &row);
        logs.dropped_attributes_count.push(0);
        logs.event_name.push("");
    }
    logs
}

fn spans(rows: impl Iterator<Item = Row>) -> Spans {
    let mut spans = Spans::default();
    for row in rows {
        spans.scope.push(spans.scopes.intern(&scope(row.service)));
        spans.trace_id.push(row.trace);
        spans.span_id.push(SpanId((row.number + 1).to_be_bytes()));
        let is_root = row.number.is_multiple_of(4);
        spans.parent_span_id.push(if is_root { SpanId::NONE } else { SpanId(row.number.to_be_bytes()) });
        spans.trace_state.push("");
        spans.flags.push(0);
        spans.name.push(&row.text);
        spans.kind.push(2);
        spans.start.push(row.time);
        spans.end.push(row.time + row.number % 1_000);
        push_attributes(&mut spans.attributes, &row);
        spans.dropped_attributes_count.push(0);
        spans.events.end_row();
        spans.dropped_events_count.push(0);
        spans.links.end_row();
        spans.dropped_links_count.push(0);
        spans.status_code.push(0);
        spans.status_message.push("");
    }
    spans
}

fn push_attributes(attributes: &mut tracewell_model::Attributes, row: &Row) {
    attributes.push("number", Value::Int(row.number as i64));
    attributes.push("status", Value::Int(row.status));
    if let Some(user) = &row.user {
        attributes.push("user.id", Value::String(user));
    }
    attributes.end_row();
}

/// A scope whose resource has this `service.name`.
fn scope(service: &str) -> Arc<Scope> {
    let field = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let value = field(1, service.as_bytes());
    let attribute = [field(1, b"service.name"), field(2, &value)].concat();
    Arc::new(Scope { resource: field(1, &attribute), ..Scope::default() })
}

/// The records of a whole answer.
pub(super) fn rows_of(records: &Records) -> Vec<Row> {
    (0..records.len()).map(|row| row_of(records, row)).collect()
}

fn row_of(records: &Records, row: usize) -> Row {
    let (scope, attributes, time, trace, text) = match records {
        Records::Spans(spans) => {
            let scope = spans.service_name(row);
            (scope, &spans.attributes, spans.start[row], spans.trace_id[row], spans.name.get(row).to_owned())
        }
        Records::Logs(logs) => {
            let Value::String(text) = logs.body.get(row) else { panic!("the body is no text") };
            (logs.service_name(row), &logs.attributes, logs.timestamp[row], logs.trace_id[row], text.to_owned())
        }
    };
    let int = |key| match attributes.get(row, key) {
        Some(Value::Int(value)) => value,
        other => panic!("{key} is {other:?}"),
    };
    let user = attributes.get(row, "user.id").map(|value| match value {
        Value::String(user) => user.to_owned(),
        other => panic!("user.id is {other:?}"),
    });
    let service = SERVICES.into_iter().find(|known| *known == scope).unwrap_or("unknown");
    Row { number: int("number") as u64, time, trace, service, status: int("status"), user, text }
}
