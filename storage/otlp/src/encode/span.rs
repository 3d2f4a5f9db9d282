//! Spans to the wire.

use tracewell_model::{SpanId, Spans, TraceId};

use super::{encode_attributes, encode_groups, set_int32};
use crate::wire::WriteWire;

/// Encodes an `ExportTraceServiceRequest` (or `TracesData`, which has the same layout), grouped by resource and scope,
/// with rows in order. Decoding it gives the same spans again.
pub fn encode_traces(spans: &Spans) -> Vec<u8> {
    let mut out = Vec::new();
    encode_groups(&spans.scope, &spans.scopes, &mut out, |row, out| encode_span(spans, row, out));
    out
}

fn encode_span(spans: &Spans, row: usize, out: &mut Vec<u8>) {
    out.put_bytes(1, &spans.trace_id[row].0);
    out.put_bytes(2, &spans.span_id[row].0);
    out.set_bytes(3, spans.trace_state.get(row).as_bytes());
    set_span_id(4, spans.parent_span_id[row], out);
    out.set_bytes(5, spans.name.get(row).as_bytes());
    set_int32(6, spans.kind[row], out);
    out.set_fixed64(7, spans.start[row]);
    out.set_fixed64(8, spans.end[row]);
    encode_attributes(9, &spans.attributes, row, out);
    out.set_varint(10, spans.dropped_attributes_count[row].into());
    for event in spans.events.of_row(row) {
        let open = out.start_message(11, 200);
        encode_event(spans, event, out);
        out.end_message(open);
    }
    out.set_varint(12, spans.dropped_events_count[row].into());
    for link in spans.links.of_row(row) {
        let open = out.start_message(13, 50);
        encode_link(spans, link, out);
        out.end_message(open);
    }
    out.set_varint(14, spans.dropped_links_count[row].into());
    encode_status(spans, row, out);
    out.set_fixed32(16, spans.flags[row]);
}

fn encode_event(spans: &Spans, event: usize, out: &mut Vec<u8>) {
    let events = &spans.events;
    out.set_fixed64(1, events.time[event]);
    out.set_bytes(2, events.name.get(event).as_bytes());
    encode_attributes(3, &events.attributes, event, out);
    out.set_varint(4, events.dropped_attributes_count[event].into());
}

fn encode_link(spans: &Spans, link: usize, out: &mut Vec<u8>) {
    let links = &spans.links;
    if links.trace_id[link] != TraceId::NONE {
        out.put_bytes(1, &links.trace_id[link].0);
    }
    set_span_id(2, links.span_id[link], out);
    out.set_bytes(3, links.trace_state.get(link).as_bytes());
    encode_attributes(4, &links.attributes, link, out);
    out.set_varint(5, links.dropped_attributes_count[link].into());
    out.set_fixed32(6, links.flags[link]);
}

/// A status that says nothing is left out: OTLP gives it the same meaning.
fn encode_status(spans: &Spans, row: usize, out: &mut Vec<u8>) {
    let message = spans.status_message.get(row);
    if spans.status_code[row] != 0 || !message.is_empty() {
        let open = out.start_message(15, 20);
        out.set_bytes(2, message.as_bytes());
        set_int32(3, spans.status_code[row], out);
        out.end_message(open);
    }
}

fn set_span_id(field: u32, id: SpanId, out: &mut Vec<u8>) {
    if id.is_some() {
        out.put_bytes(field, &id.0);
    }
}
