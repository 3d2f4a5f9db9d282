//! What the name of a field means in records of a signal.

use tracewell_language::{Field, Place};
use tracewell_model::Signal;
use tracewell_storage::{AttributeScope, Column};

/// A field of the records of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A text of its own; the empty text counts as missing.
    Text(Column),
    /// A trace id.
    TraceId,
    /// A span id.
    SpanId(Column),
    /// The duration of a span.
    Duration,
    /// The kind of a span.
    Kind,
    /// The status of a span.
    Status,
    /// The severity of a log record, by number and by the sender's text.
    Severity,
    /// An attribute, in the first of these places that has it.
    Attribute {
        /// The places.
        scopes: Vec<AttributeScope>,
        /// Its key.
        key: String,
    },
}

/// The fields of spans and log records that are no attributes, in the order in which they are shown.
pub(crate) fn intrinsic_names(signal: Signal) -> &'static [&'static str] {
    match signal {
        Signal::Traces => &[
            "service",
            "name",
            "kind",
            "status",
            "status.message",
            "duration",
            "trace_id",
            "span_id",
            "parent_span_id",
            "trace_state",
            "scope.name",
            "scope.version",
        ],
        Signal::Logs => &[
            "service",
            "severity",
            "severity_text",
            "body",
            "event_name",
            "trace_id",
            "span_id",
            "scope.name",
            "scope.version",
        ],
    }
}

/// What `field` means in records of `signal`.
pub(crate) fn meaning(field: &Field, signal: Signal) -> Meaning {
    if !field.quoted
        && let Some(intrinsic) = intrinsic(field.place, &field.name, signal)
    {
        return intrinsic;
    }
    let placed = field.place.and_then(|place| attribute_scope(place, signal));
    match (field.place, placed) {
        (Some(_), Some(scope)) => Meaning::Attribute { scopes: vec![scope], key: field.name.clone() },
        // A place that records of this signal do not have is the beginning of an attribute's key.
        (Some(place), None) => anywhere(format!("{}.{}", place.as_str(), field.name)),
        (None, _) => anywhere(field.name.clone()),
    }
}

fn anywhere(key: String) -> Meaning {
    let scopes = vec![AttributeScope::Record, AttributeScope::Resource, AttributeScope::Scope];
    Meaning::Attribute { scopes, key }
}

fn attribute_scope(place: Place, signal: Signal) -> Option<AttributeScope> {
    match (place, signal) {
        (Place::Resource, _) => Some(AttributeScope::Resource),
        (Place::Scope, _) => Some(AttributeScope::Scope),
        (Place::Span, Signal::Traces) | (Place::Log, Signal::Logs) => Some(AttributeScope::Record),
        (Place::Event, Signal::Traces) => Some(AttributeScope::Event),
        (Place::Link, Signal::Traces) => Some(AttributeScope::Link),
        _ => None,
    }
}

fn intrinsic(place: Option<Place>, name: &str, signal: Signal) -> Option<Meaning> {
    match (place, name, signal) {
        (None, "service", _) => Some(Meaning::Text(Column::ServiceName)),
        (None, "trace_id", _) => Some(Meaning::TraceId),
        (None, "span_id", _) => Some(Meaning::SpanId(Column::SpanId)),
        (Some(Place::Scope), "name", _) => Some(Meaning::Text(Column::ScopeName)),
        (Some(Place::Scope), "version", _) => Some(Meaning::Text(Column::ScopeVersion)),
        (None, "parent_span_id", Signal::Traces) => Some(Meaning::SpanId(Column::ParentSpanId)),
        (None, "name", Signal::Traces) => Some(Meaning::Text(Column::Name)),
        (None, "kind", Signal::Traces) => Some(Meaning::Kind),
        (None, "status", Signal::Traces) => Some(Meaning::Status),
        (None, "status.message", Signal::Traces) => Some(Meaning::Text(Column::StatusMessage)),
        (None, "duration", Signal::Traces) => Some(Meaning::Duration),
        (None, "trace_state", Signal::Traces) => Some(Meaning::Text(Column::TraceState)),
        (None, "body", Signal::Logs) => Some(Meaning::Text(Column::Body)),
        (None, "severity", Signal::Logs) => Some(Meaning::Severity),
        (None, "severity_text", Signal::Logs) => Some(Meaning::Text(Column::SeverityText)),
        (None, "event_name", Signal::Logs) => Some(Meaning::Text(Column::EventName)),
        _ => None,
    }
}
