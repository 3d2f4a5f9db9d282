//! Columns to OTLP/JSON.

use tracewell_model::{Attributes, Logs, Scope, ScopeTable, SpanId, Spans, TraceId, Value};

use super::write::{Object, base64, display, double, message, quoted, string};
use crate::grouping::group;
use crate::schema::{ANY_VALUE, RESOURCE, SCOPE};

/// Spans as OTLP/JSON `TracesData`: grouped by resource and scope, rows in order.
pub fn traces_to_json(spans: &Spans) -> String {
    const NAMES: GroupNames = GroupNames { groups: "resourceSpans", scope_groups: "scopeSpans", records: "spans" };
    groups_to_json(NAMES, &spans.scope, &spans.scopes, |row, out| span(spans, row, out))
}

/// Log records as OTLP/JSON `LogsData`: grouped by resource and scope, rows in order.
pub fn logs_to_json(logs: &Logs) -> String {
    const NAMES: GroupNames = GroupNames { groups: "resourceLogs", scope_groups: "scopeLogs", records: "logRecords" };
    groups_to_json(NAMES, &logs.scope, &logs.scopes, |row, out| log_record(logs, row, out))
}

struct GroupNames {
    groups: &'static str,
    scope_groups: &'static str,
    records: &'static str,
}

fn groups_to_json(
    names: GroupNames,
    scope_of_row: &[u32],
    table: &ScopeTable,
    record: impl Fn(usize, &mut String),
) -> String {
    let mut out = String::new();
    let mut data = Object::start(&mut out);
    let groups = group(scope_of_row, table);
    if groups.is_empty() {
        data.key(names.groups).push_str("[]");
    }
    data.set_array(names.groups, &groups, |resource_group, out| {
        let mut object = Object::start(out);
        let Scope { resource, resource_schema_url, .. } = resource_group.resource();
        if !resource.is_empty() {
            message(object.key("resource"), &RESOURCE, resource);
        }
        object.set_array(names.scope_groups, &resource_group.scopes, |scope_group, out| {
            let mut object = Object::start(out);
            if !scope_group.scope.scope.is_empty() {
                message(object.key("scope"), &SCOPE, &scope_group.scope.scope);
            }
            object.set_array(names.records, &scope_group.rows, |&row, out| record(row, out));
            object.set_text("schemaUrl", &scope_group.scope.scope_schema_url);
            object.end();
        });
        object.set_text("schemaUrl", resource_schema_url);
        object.end();
    });
    data.end();
    out
}

fn span(spans: &Spans, row: usize, out: &mut String) {
    let mut object = Object::start(out);
    quoted(object.key("traceId"), spans.trace_id[row]);
    quoted(object.key("spanId"), spans.span_id[row]);
    object.set_text("traceState", spans.trace_state.get(row));
    set_span_id(&mut object, "parentSpanId", spans.parent_span_id[row]);
    object.set_number("flags", spans.flags[row].into());
    string(object.key("name"), spans.name.get(row));
    object.set_number("kind", spans.kind[row].into());
    quoted(object.key("startTimeUnixNano"), spans.start[row]);
    quoted(object.key("endTimeUnixNano"), spans.end[row]);
    set_attributes(&mut object, &spans.attributes, row);
    object.set_number("droppedAttributesCount", spans.dropped_attributes_count[row].into());
    object.set_array("events", spans.events.of_row(row), |event, out| self::event(spans, event, out));
    object.set_number("droppedEventsCount", spans.dropped_events_count[row].into());
    object.set_array("links", spans.links.of_row(row), |link, out| self::link(spans, link, out));
    object.set_number("droppedLinksCount", spans.dropped_links_count[row].into());
    let (code, text) = (spans.status_code[row], spans.status_message.get(row));
    if code != 0 || !text.is_empty() {
        let mut status = Object::start(object.key("status"));
        status.set_text("message", text);
        status.set_number("code", code.into());
        status.end();
    }
    object.end();
}

fn event(spans: &Spans, event: usize, out: &mut String) {
    let events = &spans.events;
    let mut object = Object::start(out);
    object.set_nanos("timeUnixNano", events.time[event]);
    object.set_text("name", events.name.get(event));
    set_attributes(&mut object, &events.attributes, event);
    object.set_number("droppedAttributesCount", events.dropped_attributes_count[event].into());
    object.end();
}

fn link(spans: &Spans, link: usize, out: &mut String) {
    let links = &spans.links;
    let mut object = Object::start(out);
    set_trace_id(&mut object, "traceId", links.trace_id[link]);
    set_span_id(&mut object, "spanId", links.span_id[link]);
    object.set_text("traceState", links.trace_state.get(link));
    set_attributes(&mut object, &links.attributes, link);
    object.set_number("droppedAttributesCount", links.dropped_attributes_count[link].into());
    object.set_number("flags", links.flags[link].into());
    object.end();
}

fn log_record(logs: &Logs, row: usize, out: &mut String) {
    let mut object = Object::start(out);
    object.set_nanos("timeUnixNano", logs.time[row]);
    object.set_nanos("observedTimeUnixNano", logs.observed_time[row]);
    object.set_number("severityNumber", logs.severity_number[row].into());
    object.set_text("severityText", logs.severity_text.get(row));
    set_value(&mut object, "body", logs.body.get(row));
    set_attributes(&mut object, &logs.attributes, row);
    object.set_number("droppedAttributesCount", logs.dropped_attributes_count[row].into());
    object.set_number("flags", logs.flags[row].into());
    set_trace_id(&mut object, "traceId", logs.trace_id[row]);
    set_span_id(&mut object, "spanId", logs.span_id[row]);
    object.set_text("eventName", logs.event_name.get(row));
    object.end();
}

fn set_trace_id(object: &mut Object<'_>, name: &str, id: TraceId) {
    if id.is_some() {
        quoted(object.key(name), id);
    }
}

fn set_span_id(object: &mut Object<'_>, name: &str, id: SpanId) {
    if id.is_some() {
        quoted(object.key(name), id);
    }
}

fn set_attributes(object: &mut Object<'_>, attributes: &Attributes, row: usize) {
    object.set_array("attributes", attributes.row(row), |(key, value), out| {
        let mut object = Object::start(out);
        string(object.key("key"), key);
        set_value(&mut object, "value", value);
        object.end();
    });
}

/// Writes a value as `AnyValue`, if there is one.
fn set_value(object: &mut Object<'_>, name: &str, value: Value<'_>) {
    if matches!(value, Value::Absent) {
        return;
    }
    let out = object.key(name);
    if let Value::Array(bytes) | Value::KeyValueList(bytes) = value {
        return message(out, &ANY_VALUE, bytes);
    }
    let mut object = Object::start(out);
    match value {
        Value::String(text) => string(object.key("stringValue"), text),
        Value::Bool(value) => display(object.key("boolValue"), value),
        Value::Int(value) => quoted(object.key("intValue"), value),
        Value::Double(value) => double(object.key("doubleValue"), value),
        Value::Bytes(bytes) => base64(object.key("bytesValue"), bytes),
        Value::Absent | Value::Empty | Value::Array(_) | Value::KeyValueList(_) => {}
    }
    object.end();
}
