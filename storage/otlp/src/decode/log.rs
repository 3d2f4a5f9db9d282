//! Log records from the wire.

use tracewell_model::{Logs, SpanId, TraceId, UnixNanos, Value};

use super::Decoded;
use super::attributes::AttributeReader;
use super::context::{Context, DecodeError, Element, Names};
use super::envelope::{LazyScope, Sink, read_request};
use super::tidy::merged;
use super::value::any_value;
use crate::report::Finding;
use crate::wire::{Payload, Reader, Result};

const NAMES: Names = Names {
    request: "ExportLogsServiceRequest",
    group: "ResourceLogs",
    groups: "resource_logs",
    scope_group: "ScopeLogs",
    scope_groups: "scope_logs",
    records: "log_records",
};

/// Decodes an `ExportLogsServiceRequest` (or `LogsData`, which has the same layout).
///
/// No log record is ever rejected; what can be repaired is, with a warning in the report. The result depends on the
/// arguments alone: the journal is replayed through here.
pub fn decode_logs(body: &[u8], received_at: UnixNanos) -> std::result::Result<Decoded<Logs>, DecodeError> {
    let mut context = Context::new(NAMES, body.len(), received_at);
    let mut decoder = LogDecoder { logs: Logs::default(), attributes: AttributeReader::default(), received_at };
    read_request(body, &mut decoder, &mut context)?;
    let report = context.report;
    Ok(Decoded { records: decoder.logs, rejected: report.rejected(), report })
}

struct LogDecoder {
    logs: Logs,
    attributes: AttributeReader,
    received_at: UnixNanos,
}

/// The fields of a log record that are appended to their columns when all of it is read.
#[derive(Default)]
struct Fields<'a> {
    time: u64,
    severity_number: i32,
    severity_text: &'a [u8],
    body: Option<&'a [u8]>,
    body_parts: usize,
    dropped_attributes_count: u32,
    flags: u32,
    trace_id: &'a [u8],
    span_id: &'a [u8],
    observed_time: u64,
    event_name: &'a [u8],
}

impl Sink for LogDecoder {
    fn record(&mut self, bytes: &[u8], scope: &mut LazyScope<'_>, context: &mut Context) -> Result<()> {
        context.charge(Element::LogRecord)?;
        let fields = self.read(bytes, context)?;
        let scope = scope.number(&mut self.logs.scopes, context)?;
        match fields.body {
            Some(_) if fields.body_parts > 1 => {
                let whole = merged("LogRecord", bytes, 5, 0)?;
                self.logs.body.push(any_value(&whole, context)?.get());
            }
            Some(body) => self.logs.body.push(any_value(body, context)?.get()),
            None => self.logs.body.push(Value::Absent),
        }
        self.append(scope, &fields, context);
        Ok(())
    }
}

impl LogDecoder {
    /// Reads a log record, appending its attributes on the way.
    fn read<'a>(&mut self, bytes: &'a [u8], context: &mut Context) -> Result<Fields<'a>> {
        self.attributes.start_row();
        let mut fields = Fields::default();
        let mut reader = Reader::new(bytes, "LogRecord");
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Fixed64(time)) => fields.time = time,
                (2, Payload::Varint(number)) => fields.severity_number = number as i32,
                (3, Payload::Bytes(text)) => fields.severity_text = text,
                (5, Payload::Bytes(body)) => {
                    fields.body = Some(body);
                    fields.body_parts += 1;
                }
                (6, Payload::Bytes(bytes)) => self.attributes.read(&mut self.logs.attributes, bytes, context)?,
                (7, Payload::Varint(count)) => fields.dropped_attributes_count = count as u32,
                (8, Payload::Fixed32(flags)) => fields.flags = flags,
                (9, Payload::Bytes(id)) => fields.trace_id = id,
                (10, Payload::Bytes(id)) => fields.span_id = id,
                (11, Payload::Fixed64(time)) => fields.observed_time = time,
                (12, Payload::Bytes(text)) => fields.event_name = text,
                (1..=3 | 5..=12, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        Ok(fields)
    }

    fn append(&mut self, scope: u32, fields: &Fields<'_>, context: &mut Context) {
        let (trace_id, span_id) = association(fields, context);
        let timestamp = match (fields.time, fields.observed_time) {
            (0, 0) => self.received_at.0,
            (0, observed) => observed,
            (time, _) => time,
        };
        context.check_time(timestamp);
        let logs = &mut self.logs;
        logs.scope.push(scope);
        logs.timestamp.push(timestamp);
        logs.time.push(fields.time);
        logs.observed_time.push(fields.observed_time);
        logs.trace_id.push(trace_id);
        logs.span_id.push(span_id);
        logs.flags.push(fields.flags);
        logs.severity_number.push(fields.severity_number);
        logs.severity_text.push(&context.text(fields.severity_text));
        logs.attributes.end_row();
        logs.dropped_attributes_count.push(fields.dropped_attributes_count);
        logs.event_name.push(&context.text(fields.event_name));
    }
}

/// The ids of the span that a record belongs to. A bad trace id takes the span id with it, which means nothing alone.
fn association(fields: &Fields<'_>, context: &mut Context) -> (TraceId, SpanId) {
    let span_id = SpanId::from_slice(fields.span_id);
    let trace_id = TraceId::from_slice(fields.trace_id);
    // Several SDKs write zeros for "none": nothing to complain about.
    let bad_trace = trace_id.is_none() && !matches!(fields.trace_id.len(), 0 | 16);
    let bad_span = span_id.is_none() && !matches!(fields.span_id.len(), 0 | 8);
    if bad_trace || bad_span {
        context.note(Finding::InvalidAssociation);
    }
    match bad_trace {
        true => (TraceId::NONE, SpanId::NONE),
        false => (trace_id.unwrap_or(TraceId::NONE), span_id.unwrap_or(SpanId::NONE)),
    }
}
