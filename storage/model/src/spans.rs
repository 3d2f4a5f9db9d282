//! Spans as columns.

use crate::{Attributes, AttributesAppender, ScopeTable, SpanId, Strings, TraceId, UnixNanos};

/// Spans, one per row, with every field of the OTLP `Span`. All columns are of one length.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    /// The resources and instrumentation scopes that rows refer to.
    pub scopes: ScopeTable,
    /// The number of the row's scope in `scopes`.
    pub scope: Vec<u32>,
    /// Never [`TraceId::NONE`].
    pub trace_id: Vec<TraceId>,
    /// Never [`SpanId::NONE`].
    pub span_id: Vec<SpanId>,
    /// [`SpanId::NONE`] for a root span.
    pub parent_span_id: Vec<SpanId>,
    /// W3C `tracestate`.
    pub trace_state: Strings,
    /// `Span.flags`, all 32 bits.
    pub flags: Vec<u32>,
    /// The operation.
    pub name: Strings,
    /// `Span.SpanKind`, also numbers that it does not define.
    pub kind: Vec<i32>,
    /// Unix nanoseconds, as sent.
    pub start: Vec<u64>,
    /// Unix nanoseconds, as sent; may lie before `start`.
    pub end: Vec<u64>,
    /// The attributes of the span.
    pub attributes: Attributes,
    /// What the sender left out.
    pub dropped_attributes_count: Vec<u32>,
    /// The events of the span.
    pub events: Events,
    /// What the sender left out.
    pub dropped_events_count: Vec<u32>,
    /// The links of the span.
    pub links: Links,
    /// What the sender left out.
    pub dropped_links_count: Vec<u32>,
    /// `Status.code`, also numbers that it does not define.
    pub status_code: Vec<i32>,
    /// `Status.message`.
    pub status_message: Strings,
}

/// The events of the rows of a [`Spans`].
#[derive(Clone, Debug)]
pub struct Events {
    /// Where the events of each row start; one more than there are rows.
    pub offsets: Vec<u32>,
    /// Unix nanoseconds, as sent.
    pub time: Vec<u64>,
    /// The event's name.
    pub name: Strings,
    /// The event's attributes.
    pub attributes: Attributes,
    /// What the sender left out.
    pub dropped_attributes_count: Vec<u32>,
}

/// The links of the rows of a [`Spans`].
#[derive(Clone, Debug)]
pub struct Links {
    /// Where the links of each row start; one more than there are rows.
    pub offsets: Vec<u32>,
    /// The trace linked to; [`TraceId::NONE`] when none was sent.
    pub trace_id: Vec<TraceId>,
    /// The span linked to; [`SpanId::NONE`] when none was sent.
    pub span_id: Vec<SpanId>,
    /// W3C `tracestate`.
    pub trace_state: Strings,
    /// `Link.flags`, all 32 bits.
    pub flags: Vec<u32>,
    /// The link's attributes.
    pub attributes: Attributes,
    /// What the sender left out.
    pub dropped_attributes_count: Vec<u32>,
}

impl Default for Events {
    fn default() -> Self {
        Events {
            offsets: vec![0],
            time: Vec::new(),
            name: Strings::default(),
            attributes: Attributes::default(),
            dropped_attributes_count: Vec::new(),
        }
    }
}

impl Default for Links {
    fn default() -> Self {
        Links {
            offsets: vec![0],
            trace_id: Vec::new(),
            span_id: Vec::new(),
            trace_state: Strings::default(),
            flags: Vec::new(),
            attributes: Attributes::default(),
            dropped_attributes_count: Vec::new(),
        }
    }
}

impl Events {
    /// The places of the events of `row`.
    pub fn of_row(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// Ends the row that is being built.
    pub fn end_row(&mut self) {
        self.offsets.push(self.time.len() as u32);
    }

    /// Takes back what was pushed since the last [`Events::end_row`].
    pub fn abandon_row(&mut self) {
        let kept = *self.offsets.last().unwrap_or(&0) as usize;
        self.time.truncate(kept);
        self.name.truncate(kept);
        self.attributes.truncate(kept);
        self.dropped_attributes_count.truncate(kept);
    }

    fn append(&mut self, other: &Events) {
        let base = self.time.len() as u32;
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
        self.time.extend_from_slice(&other.time);
        self.name.append(&other.name);
        self.attributes.append(&other.attributes);
        self.dropped_attributes_count.extend_from_slice(&other.dropped_attributes_count);
    }

    fn heap_bytes(&self) -> usize {
        self.offsets.capacity() * 4 + self.time.capacity() * 12 + self.name.heap_bytes() + self.attributes.heap_bytes()
    }
}

impl Links {
    /// The places of the links of `row`.
    pub fn of_row(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// Ends the row that is being built.
    pub fn end_row(&mut self) {
        self.offsets.push(self.trace_id.len() as u32);
    }

    /// Takes back what was pushed since the last [`Links::end_row`].
    pub fn abandon_row(&mut self) {
        let kept = *self.offsets.last().unwrap_or(&0) as usize;
        self.trace_id.truncate(kept);
        self.span_id.truncate(kept);
        self.trace_state.truncate(kept);
        self.flags.truncate(kept);
        self.attributes.truncate(kept);
        self.dropped_attributes_count.truncate(kept);
    }

    fn append(&mut self, other: &Links) {
        let base = self.trace_id.len() as u32;
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
        self.trace_id.extend_from_slice(&other.trace_id);
        self.span_id.extend_from_slice(&other.span_id);
        self.trace_state.append(&other.trace_state);
        self.flags.extend_from_slice(&other.flags);
        self.attributes.append(&other.attributes);
        self.dropped_attributes_count.extend_from_slice(&other.dropped_attributes_count);
    }

    fn heap_bytes(&self) -> usize {
        self.offsets.capacity() * 4
            + self.trace_id.capacity() * 32
            + self.trace_state.heap_bytes()
            + self.attributes.heap_bytes()
    }
}

impl Spans {
    /// The number of spans.
    pub fn len(&self) -> usize {
        self.trace_id.len()
    }

    /// Whether there is no span.
    pub fn is_empty(&self) -> bool {
        self.trace_id.is_empty()
    }

    /// End minus start in nanoseconds; 0 when the end lies before the start, at most `i64::MAX`.
    pub fn duration(&self, row: usize) -> i64 {
        i64::try_from(self.end[row].saturating_sub(self.start[row])).unwrap_or(i64::MAX)
    }

    /// The service that emitted the span.
    pub fn service_name(&self, row: usize) -> &str {
        self.scopes.get(self.scope[row]).service_name()
    }

    /// The earliest and the latest start, if there is a span.
    pub fn time_bounds(&self) -> Option<(UnixNanos, UnixNanos)> {
        Some((UnixNanos(*self.start.iter().min()?), UnixNanos(*self.start.iter().max()?)))
    }

    /// Appends all spans of `other`.
    pub fn append(&mut self, other: &Spans) {
        let scopes = self.scopes.merge(&other.scopes);
        self.scope.extend(other.scope.iter().map(|&scope| scopes[scope as usize]));
        self.trace_id.extend_from_slice(&other.trace_id);
        self.span_id.extend_from_slice(&other.span_id);
        self.parent_span_id.extend_from_slice(&other.parent_span_id);
        self.trace_state.append(&other.trace_state);
        self.flags.extend_from_slice(&other.flags);
        self.name.append(&other.name);
        self.kind.extend_from_slice(&other.kind);
        self.start.extend_from_slice(&other.start);
        self.end.extend_from_slice(&other.end);
        self.attributes.append(&other.attributes);
        self.dropped_attributes_count.extend_from_slice(&other.dropped_attributes_count);
        self.events.append(&other.events);
        self.dropped_events_count.extend_from_slice(&other.dropped_events_count);
        self.links.append(&other.links);
        self.dropped_links_count.extend_from_slice(&other.dropped_links_count);
        self.status_code.extend_from_slice(&other.status_code);
        self.status_message.append(&other.status_message);
    }

    /// Makes room for `rows` rows like those of `other`, so that a batch of known size takes no more than it needs.
    pub fn reserve_like(&mut self, other: &Spans, rows: usize) {
        let of = other.len();
        self.scope.reserve(rows);
        self.trace_id.reserve(rows);
        self.span_id.reserve(rows);
        self.parent_span_id.reserve(rows);
        self.trace_state.reserve_like(&other.trace_state, rows, of);
        self.flags.reserve(rows);
        self.name.reserve_like(&other.name, rows, of);
        self.kind.reserve(rows);
        self.start.reserve(rows);
        self.end.reserve(rows);
        self.attributes.reserve_like(&other.attributes, rows, of);
        self.dropped_attributes_count.reserve(rows);
        self.events.attributes.reserve_like(&other.events.attributes, rows, of);
        self.dropped_events_count.reserve(rows);
        self.links.attributes.reserve_like(&other.links.attributes, rows, of);
        self.dropped_links_count.reserve(rows);
        self.status_code.reserve(rows);
        self.status_message.reserve_like(&other.status_message, rows, of);
    }

    /// Appends the given rows of `other`, in the given order.
    pub fn append_rows(&mut self, other: &Spans, rows: impl IntoIterator<Item = usize>) {
        let scopes = self.scopes.merge(&other.scopes);
        let mut attributes = AttributesAppender::new(&other.attributes);
        let mut event_attributes = AttributesAppender::new(&other.events.attributes);
        let mut link_attributes = AttributesAppender::new(&other.links.attributes);
        for row in rows {
            self.scope.push(scopes[other.scope[row] as usize]);
            self.trace_id.push(other.trace_id[row]);
            self.span_id.push(other.span_id[row]);
            self.parent_span_id.push(other.parent_span_id[row]);
            self.trace_state.push(other.trace_state.get(row));
            self.flags.push(other.flags[row]);
            self.name.push(other.name.get(row));
            self.kind.push(other.kind[row]);
            self.start.push(other.start[row]);
            self.end.push(other.end[row]);
            attributes.append_row(&mut self.attributes, &other.attributes, row);
            self.dropped_attributes_count.push(other.dropped_attributes_count[row]);
            for event in other.events.of_row(row) {
                self.events.time.push(other.events.time[event]);
                self.events.name.push(other.events.name.get(event));
                event_attributes.append_row(&mut self.events.attributes, &other.events.attributes, event);
                self.events.dropped_attributes_count.push(other.events.dropped_attributes_count[event]);
            }
            self.events.end_row();
            self.dropped_events_count.push(other.dropped_events_count[row]);
            for link in other.links.of_row(row) {
                self.links.trace_id.push(other.links.trace_id[link]);
                self.links.span_id.push(other.links.span_id[link]);
                self.links.trace_state.push(other.links.trace_state.get(link));
                self.links.flags.push(other.links.flags[link]);
                link_attributes.append_row(&mut self.links.attributes, &other.links.attributes, link);
                self.links.dropped_attributes_count.push(other.links.dropped_attributes_count[link]);
            }
            self.links.end_row();
            self.dropped_links_count.push(other.dropped_links_count[row]);
            self.status_code.push(other.status_code[row]);
            self.status_message.push(other.status_message.get(row));
        }
    }

    /// The heap bytes held, near enough for budgets.
    pub fn heap_bytes(&self) -> usize {
        self.trace_id.capacity() * (16 + 8 + 8 + 4 + 4 + 4 + 8 + 8 + 4 + 4 + 4 + 4)
            + self.trace_state.heap_bytes()
            + self.name.heap_bytes()
            + self.attributes.heap_bytes()
            + self.events.heap_bytes()
            + self.links.heap_bytes()
            + self.status_message.heap_bytes()
    }
}
