//! Spans from the wire.

use tracewell_model::{SpanId, Spans, TraceId, UnixNanos};

use super::Decoded;
use super::attributes::AttributeReader;
use super::context::{Context, DecodeError, Element, Names};
use super::envelope::{LazyScope, Sink, read_request};
use crate::report::Finding;
use crate::wire::{Payload, Reader, Result};

const NAMES: Names = Names {
    request: "ExportTraceServiceRequest",
    group: "ResourceSpans",
    groups: "resource_spans",
    scope_group: "ScopeSpans",
    scope_groups: "scope_spans",
    records: "spans",
};

/// Decodes an `ExportTraceServiceRequest` (or `TracesData`, which has the same layout).
///
/// Spans without usable ids are rejected and counted; everything else that can be repaired is, with a warning in the
/// report. The result depends on the arguments alone: the journal is replayed through here.
pub fn decode_traces(body: &[u8], received_at: UnixNanos) -> std::result::Result<Decoded<Spans>, DecodeError> {
    let mut context = Context::new(NAMES, body.len(), received_at);
    let mut decoder = SpanDecoder::default();
    read_request(body, &mut decoder, &mut context)?;
    let report = context.report;
    Ok(Decoded { records: decoder.spans, rejected: report.rejected(), report })
}

#[derive(Default)]
struct SpanDecoder {
    spans: Spans,
    attributes: AttributeReader,
    event_attributes: AttributeReader,
    link_attributes: AttributeReader,
}

/// The fields of a span that are appended to their columns when all of it is read.
#[derive(Default)]
struct Fields<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    trace_state: &'a [u8],
    parent_span_id: &'a [u8],
    flags: u32,
    name: &'a [u8],
    kind: i32,
    start: u64,
    end: u64,
    dropped_attributes_count: u32,
    dropped_events_count: u32,
    dropped_links_count: u32,
    status_code: i32,
    status_message: &'a [u8],
}

impl Sink for SpanDecoder {
    fn record(&mut self, bytes: &[u8], scope: &mut LazyScope<'_>, context: &mut Context) -> Result<()> {
        context.charge(Element::Span)?;
        let fields = self.read(bytes, context)?;
        let Some(trace_id) = TraceId::from_slice(fields.trace_id) else {
            self.reject(Finding::InvalidTraceId, context);
            return Ok(());
        };
        let Some(span_id) = SpanId::from_slice(fields.span_id) else {
            self.reject(Finding::InvalidSpanId, context);
            return Ok(());
        };
        let scope = scope.number(&mut self.spans.scopes, context)?;
        self.append(trace_id, span_id, scope, &fields, context);
        Ok(())
    }
}

impl SpanDecoder {
    /// Reads a span, appending its attributes, events and links on the way.
    fn read<'a>(&mut self, bytes: &'a [u8], context: &mut Context) -> Result<Fields<'a>> {
        self.attributes.start_row();
        let mut fields = Fields::default();
        let mut reader = Reader::new(bytes, "Span");
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Bytes(id)) => fields.trace_id = id,
                (2, Payload::Bytes(id)) => fields.span_id = id,
                (3, Payload::Bytes(text)) => fields.trace_state = text,
                (4, Payload::Bytes(id)) => fields.parent_span_id = id,
                (5, Payload::Bytes(text)) => fields.name = text,
                (6, Payload::Varint(kind)) => fields.kind = kind as i32,
                (7, Payload::Fixed64(time)) => fields.start = time,
                (8, Payload::Fixed64(time)) => fields.end = time,
                (9, Payload::Bytes(bytes)) => self.attributes.read(&mut self.spans.attributes, bytes, context)?,
                (10, Payload::Varint(count)) => fields.dropped_attributes_count = count as u32,
                (11, Payload::Bytes(bytes)) => self.event(bytes, context)?,
                (12, Payload::Varint(count)) => fields.dropped_events_count = count as u32,
                (13, Payload::Bytes(bytes)) => self.link(bytes, context)?,
                (14, Payload::Varint(count)) => fields.dropped_links_count = count as u32,
                (15, Payload::Bytes(bytes)) => status(bytes, &mut fields)?,
                (16, Payload::Fixed32(flags)) => fields.flags = flags,
                (1..=16, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        Ok(fields)
    }

    fn append(&mut self, trace_id: TraceId, span_id: SpanId, scope: u32, fields: &Fields<'_>, context: &mut Context) {
        let parent = SpanId::from_slice(fields.parent_span_id);
        // Several SDKs write the ids of roots as zeros: nothing to complain about.
        if parent.is_none() && !matches!(fields.parent_span_id.len(), 0 | 8) {
            context.note(Finding::InvalidParent);
        }
        if fields.start == 0 {
            context.note(Finding::NoStartTime);
        } else if fields.end < fields.start {
            context.note(Finding::EndBeforeStart);
        }
        context.check_time(fields.start);
        let spans = &mut self.spans;
        spans.scope.push(scope);
        spans.trace_id.push(trace_id);
        spans.span_id.push(span_id);
        spans.parent_span_id.push(parent.unwrap_or(SpanId::NONE));
        spans.trace_state.push(&context.text(fields.trace_state));
        spans.flags.push(fields.flags);
        spans.name.push(&context.text(fields.name));
        spans.kind.push(fields.kind);
        spans.start.push(fields.start);
        spans.end.push(fields.end);
        spans.attributes.end_row();
        spans.dropped_attributes_count.push(fields.dropped_attributes_count);
        spans.events.end_row();
        spans.dropped_events_count.push(fields.dropped_events_count);
        spans.links.end_row();
        spans.dropped_links_count.push(fields.dropped_links_count);
        spans.status_code.push(fields.status_code);
        spans.status_message.push(&context.text(fields.status_message));
    }

    #[cold]
    fn reject(&mut self, finding: Finding, context: &mut Context) {
        context.note(finding);
        self.spans.attributes.abandon_row();
        self.spans.events.abandon_row();
        self.spans.links.abandon_row();
    }

    fn event(&mut self, bytes: &[u8], context: &mut Context) -> Result<()> {
        context.charge(Element::Event)?;
        self.event_attributes.start_row();
        let events = &mut self.spans.events;
        let (mut time, mut name, mut dropped) = (0, &[][..], 0);
        let mut reader = Reader::new(bytes, "Event");
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Fixed64(nanos)) => time = nanos,
                (2, Payload::Bytes(text)) => name = text,
                (3, Payload::Bytes(bytes)) => self.event_attributes.read(&mut events.attributes, bytes, context)?,
                (4, Payload::Varint(count)) => dropped = count as u32,
                (1..=4, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        events.time.push(time);
        events.name.push(&context.text(name));
        events.attributes.end_row();
        events.dropped_attributes_count.push(dropped);
        Ok(())
    }

    fn link(&mut self, bytes: &[u8], context: &mut Context) -> Result<()> {
        context.charge(Element::Link)?;
        self.link_attributes.start_row();
        let links = &mut self.spans.links;
        let (mut trace_id, mut span_id, mut trace_state) = (&[][..], &[][..], &[][..]);
        let (mut dropped, mut flags) = (0, 0);
        let mut reader = Reader::new(bytes, "Link");
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Bytes(id)) => trace_id = id,
                (2, Payload::Bytes(id)) => span_id = id,
                (3, Payload::Bytes(text)) => trace_state = text,
                (4, Payload::Bytes(bytes)) => self.link_attributes.read(&mut links.attributes, bytes, context)?,
                (5, Payload::Varint(count)) => dropped = count as u32,
                (6, Payload::Fixed32(bits)) => flags = bits,
                (1..=6, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        let ids = (TraceId::from_slice(trace_id), SpanId::from_slice(span_id));
        if (ids.0.is_none() && !matches!(trace_id.len(), 0 | 16))
            || (ids.1.is_none() && !matches!(span_id.len(), 0 | 8))
        {
            context.note(Finding::InvalidLink);
        }
        links.trace_id.push(ids.0.unwrap_or(TraceId::NONE));
        links.span_id.push(ids.1.unwrap_or(SpanId::NONE));
        links.trace_state.push(&context.text(trace_state));
        links.flags.push(flags);
        links.attributes.end_row();
        links.dropped_attributes_count.push(dropped);
        Ok(())
    }
}

/// Reads a `Status`; of one that comes in parts, later fields replace earlier ones.
fn status<'a>(bytes: &'a [u8], fields: &mut Fields<'a>) -> Result<()> {
    let mut reader = Reader::new(bytes, "Status");
    while let Some((field, payload)) = reader.next()? {
        match (field, payload) {
            (2, Payload::Bytes(text)) => fields.status_message = text,
            (3, Payload::Varint(code)) => fields.status_code = code as i32,
            (2..=3, other) => return Err(reader.mismatch(other)),
            _ => {}
        }
    }
    Ok(())
}
