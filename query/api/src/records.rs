//! Spans and log records as JSON for people and programs that do not speak OTLP.

use std::fmt::Display;

use tracewell_model::{Attributes, Logs, Scope, Spans};
use tracewell_otlp::plain_json;

use crate::shapes::{AttributesObject, InstrumentationScope, LogRecord, SpanDetail, SpanEvent, SpanLink};

/// The names of `SpanKind` by number.
const SPAN_KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
/// The names of `Status.code` by number.
const STATUS_CODES: [&str; 3] = ["unset", "ok", "error"];

/// The span in `row`.
pub fn span_detail(spans: &Spans, row: usize) -> SpanDetail {
    let scope = spans.scopes.get(spans.scope[row]);
    SpanDetail {
        trace_id: spans.trace_id[row].to_string(),
        span_id: spans.span_id[row].to_string(),
        parent_span_id: text_unless(spans.parent_span_id[row].is_none(), spans.parent_span_id[row]),
        name: spans.name.get(row).to_owned(),
        kind: name_of(spans.kind[row], &SPAN_KINDS),
        service_name: scope.service_name().to_owned(),
        start_time_unix_nano: spans.start[row].to_string(),
        end_time_unix_nano: spans.end[row].to_string(),
        duration_nano: spans.end[row].saturating_sub(spans.start[row]),
        status_code: name_of(spans.status_code[row], &STATUS_CODES),
        status_message: spans.status_message.get(row).to_owned(),
        trace_state: spans.trace_state.get(row).to_owned(),
        flags: spans.flags[row],
        attributes: attributes(&spans.attributes, row),
        resource: attributes(&scope.resource_attributes, 0),
        scope: instrumentation_scope(scope),
        events: spans.events.of_row(row).map(|event| span_event(spans, event)).collect(),
        links: spans.links.of_row(row).map(|link| span_link(spans, link)).collect(),
        dropped_attributes_count: spans.dropped_attributes_count[row],
        dropped_events_count: spans.dropped_events_count[row],
        dropped_links_count: spans.dropped_links_count[row],
    }
}

fn span_event(spans: &Spans, event: usize) -> SpanEvent {
    SpanEvent {
        time_unix_nano: spans.events.time[event].to_string(),
        name: spans.events.name.get(event).to_owned(),
        attributes: attributes(&spans.events.attributes, event),
        dropped_attributes_count: spans.events.dropped_attributes_count[event],
    }
}

fn span_link(spans: &Spans, link: usize) -> SpanLink {
    let links = &spans.links;
    SpanLink {
        trace_id: text_unless(links.trace_id[link].is_none(), links.trace_id[link]),
        span_id: text_unless(links.span_id[link].is_none(), links.span_id[link]),
        trace_state: links.trace_state.get(link).to_owned(),
        flags: links.flags[link],
        attributes: attributes(&links.attributes, link),
        dropped_attributes_count: links.dropped_attributes_count[link],
    }
}

/// All of the log records, in their order.
pub fn log_records(logs: &Logs) -> Vec<LogRecord> {
    (0..logs.len()).map(|row| log_record(logs, row)).collect()
}

/// The log record in `row`.
pub fn log_record(logs: &Logs, row: usize) -> LogRecord {
    let scope = logs.scopes.get(logs.scope[row]);
    LogRecord {
        timestamp: logs.timestamp[row].to_string(),
        time_unix_nano: logs.time[row].to_string(),
        observed_time_unix_nano: logs.observed_time[row].to_string(),
        service_name: scope.service_name().to_owned(),
        severity_number: logs.severity_number[row],
        severity_text: logs.severity_text.get(row).to_owned(),
        body: plain_json(logs.body.get(row)),
        trace_id: text_unless(logs.trace_id[row].is_none(), logs.trace_id[row]),
        span_id: text_unless(logs.span_id[row].is_none(), logs.span_id[row]),
        event_name: logs.event_name.get(row).to_owned(),
        flags: logs.flags[row],
        attributes: attributes(&logs.attributes, row),
        resource: attributes(&scope.resource_attributes, 0),
        scope: instrumentation_scope(scope),
        dropped_attributes_count: logs.dropped_attributes_count[row],
    }
}

fn instrumentation_scope(scope: &Scope) -> InstrumentationScope {
    InstrumentationScope {
        name: scope.name.clone(),
        version: scope.version.clone(),
        attributes: attributes(&scope.scope_attributes, 0),
    }
}

/// The attributes of `row`, of a duplicate key the last; none when there is no such row.
fn attributes(attributes: &Attributes, row: usize) -> AttributesObject {
    if row >= attributes.len() {
        return AttributesObject::new();
    }
    attributes.row(row).map(|(key, value)| (key.to_owned(), plain_json(value))).collect()
}

fn name_of(number: i32, names: &[&str]) -> String {
    let known = usize::try_from(number).ok().and_then(|number| names.get(number));
    known.map_or_else(|| number.to_string(), |name| (*name).to_owned())
}

fn text_unless(none: bool, id: impl Display) -> String {
    if none { String::new() } else { id.to_string() }
}
