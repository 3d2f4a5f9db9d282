//! Log records as columns.

use crate::{Attributes, AttributesAppender, ScopeTable, SpanId, Strings, TraceId, UnixNanos, Values};

/// Log records, one per row, with every field of the OTLP `LogRecord`. All columns are of one length.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// The resources and instrumentation scopes that rows refer to.
    pub scopes: ScopeTable,
    /// The number of the row's scope in `scopes`.
    pub scope: Vec<u32>,
    /// When it happened, for sorting and searching: `time`, else `observed_time`, else when it was received.
    pub timestamp: Vec<u64>,
    /// `LogRecord.time_unix_nano`, as sent; 0 when unknown.
    pub time: Vec<u64>,
    /// `LogRecord.observed_time_unix_nano`, as sent; 0 when unknown.
    pub observed_time: Vec<u64>,
    /// [`TraceId::NONE`] when it belongs to no trace.
    pub trace_id: Vec<TraceId>,
    /// [`SpanId::NONE`] when it belongs to no span.
    pub span_id: Vec<SpanId>,
    /// `LogRecord.flags`, all 32 bits.
    pub flags: Vec<u32>,
    /// `SeverityNumber`, also numbers that it does not define; 0 when unset.
    pub severity_number: Vec<i32>,
    /// The severity in the source's words.
    pub severity_text: Strings,
    /// Any value; [`crate::Value::Absent`] when there is none.
    pub body: Values,
    /// The attributes of the record.
    pub attributes: Attributes,
    /// What the sender left out.
    pub dropped_attributes_count: Vec<u32>,
    /// The name of the event that the record is, `""` when it is none.
    pub event_name: Strings,
}

impl Logs {
    /// The number of log records.
    pub fn len(&self) -> usize {
        self.timestamp.len()
    }

    /// Whether there is no log record.
    pub fn is_empty(&self) -> bool {
        self.timestamp.is_empty()
    }

    /// The service that emitted the record.
    pub fn service_name(&self, row: usize) -> &str {
        self.scopes.get(self.scope[row]).service_name()
    }

    /// The earliest and the latest timestamp, if there is a record.
    pub fn time_bounds(&self) -> Option<(UnixNanos, UnixNanos)> {
        Some((UnixNanos(*self.timestamp.iter().min()?), UnixNanos(*self.timestamp.iter().max()?)))
    }

    /// Appends all records of `other`.
    pub fn append(&mut self, other: &Logs) {
        let scopes = self.scopes.merge(&other.scopes);
        self.scope.extend(other.scope.iter().map(|&scope| scopes[scope as usize]));
        self.timestamp.extend_from_slice(&other.timestamp);
        self.time.extend_from_slice(&other.time);
        self.observed_time.extend_from_slice(&other.observed_time);
        self.trace_id.extend_from_slice(&other.trace_id);
        self.span_id.extend_from_slice(&other.span_id);
        self.flags.extend_from_slice(&other.flags);
        self.severity_number.extend_from_slice(&other.severity_number);
        self.severity_text.append(&other.severity_text);
        self.body.append(&other.body);
        self.attributes.append(&other.attributes);
        self.dropped_attributes_count.extend_from_slice(&other.dropped_attributes_count);
        self.event_name.append(&other.event_name);
    }

    /// Makes room for `rows` rows like those of `other`, so that a batch of known size takes no more than it needs.
    pub fn reserve_like(&mut self, other: &Logs, rows: usize) {
        let of = other.len();
        self.scope.reserve(rows);
        self.timestamp.reserve(rows);
        self.time.reserve(rows);
        self.observed_time.reserve(rows);
        self.trace_id.reserve(rows);
        self.span_id.reserve(rows);
        self.flags.reserve(rows);
        self.severity_number.reserve(rows);
        self.severity_text.reserve_like(&other.severity_text, rows, of);
        self.body.reserve_like(&other.body, rows, of);
        self.attributes.reserve_like(&other.attributes, rows, of);
        self.dropped_attributes_count.reserve(rows);
        self.event_name.reserve_like(&other.event_name, rows, of);
    }

    /// Appends the given rows of `other`, in the given order.
    pub fn append_rows(&mut self, other: &Logs, rows: impl IntoIterator<Item = usize>) {
        let scopes = self.scopes.merge(&other.scopes);
        let mut attributes = AttributesAppender::new(&other.attributes);
        for row in rows {
            self.scope.push(scopes[other.scope[row] as usize]);
            self.timestamp.push(other.timestamp[row]);
            self.time.push(other.time[row]);
            self.observed_time.push(other.observed_time[row]);
            self.trace_id.push(other.trace_id[row]);
            self.span_id.push(other.span_id[row]);
            self.flags.push(other.flags[row]);
            self.severity_number.push(other.severity_number[row]);
            self.severity_text.push(other.severity_text.get(row));
            self.body.push(other.body.get(row));
            attributes.append_row(&mut self.attributes, &other.attributes, row);
            self.dropped_attributes_count.push(other.dropped_attributes_count[row]);
            self.event_name.push(other.event_name.get(row));
        }
    }

    /// The heap bytes held, near enough for budgets.
    pub fn heap_bytes(&self) -> usize {
        self.timestamp.capacity() * (4 + 8 + 8 + 8 + 16 + 8 + 4 + 4 + 4)
            + self.severity_text.heap_bytes()
            + self.body.heap_bytes()
            + self.attributes.heap_bytes()
            + self.event_name.heap_bytes()
    }
}
