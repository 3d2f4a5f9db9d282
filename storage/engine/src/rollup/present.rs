//! How many records have something in each of their fields that are no attributes.

use tracewell_model::{Logs, ScopeTable, Signal, Spans, Strings, Value};

use crate::Column;

/// The fields of spans, in the order of the format.
const OF_SPANS: [Column; 12] = [
    Column::ServiceName,
    Column::Name,
    Column::Kind,
    Column::StatusCode,
    Column::StatusMessage,
    Column::Duration,
    Column::TraceId,
    Column::SpanId,
    Column::ParentSpanId,
    Column::TraceState,
    Column::ScopeName,
    Column::ScopeVersion,
];

/// The fields of log records, in the order of the format.
const OF_LOGS: [Column; 9] = [
    Column::ServiceName,
    Column::SeverityNumber,
    Column::SeverityText,
    Column::Body,
    Column::EventName,
    Column::TraceId,
    Column::SpanId,
    Column::ScopeName,
    Column::ScopeVersion,
];

/// The fields of the records of a signal.
pub(super) fn columns(signal: Signal) -> &'static [Column] {
    match signal {
        Signal::Traces => &OF_SPANS,
        Signal::Logs => &OF_LOGS,
    }
}

/// For each field the number of the rows that have it: a text that is not empty, a number that is not 0, an id.
#[derive(Default)]
pub(super) struct Present {
    pub counts: Vec<u64>,
}

impl Present {
    fn add(&mut self, counts: &[usize]) {
        self.counts.resize(counts.len(), 0);
        self.counts.iter_mut().zip(counts).for_each(|(sum, more)| *sum += *more as u64);
    }

    pub(super) fn add_spans(&mut self, spans: &Spans, rows: &[u32]) {
        let [service, scope_name, scope_version] = scopes(&spans.scopes, &spans.scope, rows);
        let count = |has: &dyn Fn(usize) -> bool| rows.iter().filter(|&&row| has(row as usize)).count();
        let text = |texts: &Strings| rows.iter().filter(|&&row| !texts.get(row as usize).is_empty()).count();
        self.add(&[
            service,
            text(&spans.name),
            count(&|row| spans.kind[row] != 0),
            count(&|row| spans.status_code[row] != 0),
            text(&spans.status_message),
            rows.len(),
            rows.len(),
            rows.len(),
            count(&|row| spans.parent_span_id[row].is_some()),
            text(&spans.trace_state),
            scope_name,
            scope_version,
        ]);
    }

    pub(super) fn add_logs(&mut self, logs: &Logs, rows: &[u32]) {
        let [service, scope_name, scope_version] = scopes(&logs.scopes, &logs.scope, rows);
        let count = |has: &dyn Fn(usize) -> bool| rows.iter().filter(|&&row| has(row as usize)).count();
        let text = |texts: &Strings| rows.iter().filter(|&&row| !texts.get(row as usize).is_empty()).count();
        let has_body = |row: usize| match logs.body.get(row) {
            Value::Absent | Value::Empty => false,
            Value::String(text) => !text.is_empty(),
            Value::Bytes(bytes) => !bytes.is_empty(),
            _ => true,
        };
        self.add(&[
            service,
            count(&|row| logs.severity_number[row] != 0),
            text(&logs.severity_text),
            count(&has_body),
            text(&logs.event_name),
            count(&|row| logs.trace_id[row].is_some()),
            count(&|row| logs.span_id[row].is_some()),
            scope_name,
            scope_version,
        ]);
    }
}

/// The number of rows whose service, scope name and scope version are not empty.
fn scopes(scopes: &ScopeTable, of: &[u32], rows: &[u32]) -> [usize; 3] {
    let mut uses = vec![0; scopes.len()];
    rows.iter().for_each(|&row| uses[of[row as usize] as usize] += 1);
    let mut counts = [0; 3];
    for (scope, uses) in scopes.iter().zip(uses) {
        for (count, text) in counts.iter_mut().zip([scope.service_name(), &scope.name, &scope.version]) {
            *count += if text.is_empty() { 0 } else { uses };
        }
    }
    counts
}
