//! What a query means, said again in the plainest way: row by row, over values in memory.

use tracewell_language::{Field, Node, NodeKind, Operator, Pattern, Place, Query, Test, Text, parse_duration};

use super::{Attrs, Log, Origin, SpanRow, Val, log_span_id, trace_id};

/// A record as far as queries see it.
pub struct Seen<'a> {
    origin: &'a Origin,
    attrs: &'a Attrs,
    place: Place,
    nested: Vec<(Place, &'a Attrs)>,
    texts: Vec<String>,
    intrinsic: Vec<(&'static str, Intrinsic)>,
}

enum Intrinsic {
    Text(String),
    Id(Option<String>),
    Named(i32, &'static [&'static str]),
    Duration(u64),
    Severity(i32, String),
}

const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUSES: [&str; 3] = ["unset", "ok", "error"];
const SEVERITIES: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];

impl<'a> From<&'a Log> for Seen<'a> {
    fn from(log: &'a Log) -> Self {
        let body = log.body.as_ref().map(Val::shown);
        Seen {
            origin: &log.origin,
            attrs: &log.attrs,
            place: Place::Log,
            nested: Vec::new(),
            texts: body.clone().into_iter().collect(),
            intrinsic: vec![
                ("service", Intrinsic::Text(log.origin.service())),
                ("body", Intrinsic::Text(body.unwrap_or_default())),
                ("severity_text", Intrinsic::Text(log.severity_text.clone())),
                ("event_name", Intrinsic::Text(log.event_name.clone())),
                ("trace_id", Intrinsic::Id(log.trace.map(|trace| hex::encode(trace_id(trace))))),
                ("span_id", Intrinsic::Id(log.span.map(|span| hex::encode(log_span_id(span))))),
                ("severity", Intrinsic::Severity(log.severity_number, log.severity_text.clone())),
            ],
        }
    }
}

impl<'a> From<&'a SpanRow> for Seen<'a> {
    fn from(span: &'a SpanRow) -> Self {
        let mut texts = vec![span.name.clone(), span.status_message.clone()];
        for (name, attrs) in &span.events {
            texts.push(name.clone());
            texts.extend(attrs.iter().filter(|(key, _)| key.starts_with("exception.")).map(|(_, value)| value.shown()));
        }
        let events = span.events.iter().map(|(_, attrs)| (Place::Event, attrs));
        let links = span.links.iter().map(|attrs| (Place::Link, attrs));
        Seen {
            origin: &span.origin,
            attrs: &span.attrs,
            place: Place::Span,
            nested: events.chain(links).collect(),
            texts,
            intrinsic: vec![
                ("service", Intrinsic::Text(span.origin.service())),
                ("name", Intrinsic::Text(span.name.clone())),
                ("status.message", Intrinsic::Text(span.status_message.clone())),
                ("trace_state", Intrinsic::Text(String::new())),
                ("kind", Intrinsic::Named(span.kind, &KINDS)),
                ("status", Intrinsic::Named(span.status, &STATUSES)),
                ("duration", Intrinsic::Duration(span.duration)),
                ("trace_id", Intrinsic::Id(Some(hex::encode(trace_id(span.trace))))),
                ("span_id", Intrinsic::Id(Some(hex::encode(span.span.to_be_bytes())))),
                ("parent_span_id", Intrinsic::Id(span.parent.map(|parent| hex::encode(parent.to_be_bytes())))),
            ],
        }
    }
}

/// Whether the record meets the query.
pub fn meets<'a>(query: &Query, record: impl Into<Seen<'a>>) -> bool {
    let record = record.into();
    query.root.as_ref().is_none_or(|root| holds(root, &record))
}

fn holds(node: &Node, record: &Seen<'_>) -> bool {
    match &node.kind {
        NodeKind::And(parts) => parts.iter().all(|part| holds(part, record)),
        NodeKind::Or(parts) => parts.iter().any(|part| holds(part, record)),
        NodeKind::Not(part) => !holds(part, record),
        NodeKind::Text(Text::Regex(content)) => {
            let regex = regex::Regex::new(content).expect("a regular expression");
            record.texts.iter().any(|text| regex.is_match(text))
        }
        NodeKind::Text(Text::Pattern(pattern)) => {
            let everything = pattern.pieces().len() == 2 && pattern.pieces().iter().all(String::is_empty);
            everything || record.texts.iter().any(|text| text_matches(pattern, text))
        }
        NodeKind::Field(field, test) => field_passes(field, test, record),
    }
}

fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        match c.is_alphanumeric() {
            true => words.last_mut().expect("a word").extend(c.to_lowercase()),
            false => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn text_matches(pattern: &Pattern, text: &str) -> bool {
    let found = words(text);
    let pieces: Vec<&str> = pattern.pieces().iter().map(String::as_str).collect();
    match pieces.as_slice() {
        [phrase] => {
            let wanted = words(phrase);
            found.windows(wanted.len()).any(|window| window == wanted.as_slice())
        }
        [start, ""] => {
            let wanted = words(start);
            let (last, before) = wanted.split_last().expect("a word");
            found
                .windows(wanted.len())
                .any(|window| window[..before.len()] == *before && window[before.len()].starts_with(last.as_str()))
        }
        ["", part, ""] => text.to_lowercase().contains(&part.to_lowercase()),
        ["", end] => found.iter().any(|word| word.ends_with(&end.to_lowercase())),
        other => panic!("{other:?} is not in the tests"),
    }
}

fn value_matches(pattern: &Pattern, value: &str) -> bool {
    let pieces: Vec<&str> = pattern.pieces().iter().map(String::as_str).collect();
    match pieces.as_slice() {
        [whole] => value == *whole,
        [start, ""] => value.starts_with(start),
        ["", end] => value.ends_with(end),
        ["", part, ""] => value.contains(part),
        other => panic!("{other:?} is not in the tests"),
    }
}

fn ordered<T: PartialOrd>(operator: Operator, left: T, right: T) -> bool {
    match operator {
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Equal | Operator::NotEqual => panic!("no order"),
    }
}

fn field_passes(field: &Field, test: &Test, record: &Seen<'_>) -> bool {
    if !field.quoted {
        if field.place.is_none()
            && let Some((_, intrinsic)) = record.intrinsic.iter().find(|(name, _)| *name == field.name)
        {
            return intrinsic_passes(intrinsic, test);
        }
        match (field.place, field.name.as_str()) {
            (Some(Place::Scope), "name") => return text_passes(&record.origin.scope_name, test),
            (Some(Place::Scope), "version") => return text_passes(&record.origin.scope_version, test),
            _ => {}
        }
    }
    let mut places: Vec<&Attrs> = Vec::new();
    let mut key = field.name.clone();
    match field.place {
        Some(Place::Resource) => places.push(&record.origin.resource),
        Some(Place::Scope) => places.push(&record.origin.scope),
        Some(place) if place == record.place => places.push(record.attrs),
        Some(place @ (Place::Event | Place::Link)) if record.place == Place::Span => {
            places.extend(record.nested.iter().filter(|(nested, _)| *nested == place).map(|(_, attrs)| *attrs));
        }
        place => {
            if let Some(place) = place {
                key = format!("{}.{key}", place.as_str());
            }
            places.extend([record.attrs, &record.origin.resource, &record.origin.scope]);
        }
    }
    let values = places.into_iter().flatten().filter(|(name, _)| *name == key);
    values.into_iter().any(|(_, value)| attribute_passes(value, test))
}

fn attribute_passes(value: &Val, test: &Test) -> bool {
    match test {
        Test::Exists => true,
        Test::Is(pattern) => match (pattern.content.as_literal(), value) {
            (Some(literal), Val::Int(number)) => literal.parse() == Ok(*number as f64),
            (Some(literal), Val::Double(number)) => literal.parse() == Ok(*number),
            _ => value_matches(&pattern.content, &value.shown()),
        },
        // What is too large for a number is a text.
        Test::Compare(operator, literal) => {
            match (literal.content.parse::<f64>().ok().filter(|it| it.is_finite()), value) {
                (Some(right), Val::Int(left)) => ordered(*operator, *left as f64, right),
                (Some(right), Val::Double(left)) => ordered(*operator, *left, right),
                (None, Val::Text(left)) => ordered(*operator, left.as_str(), literal.content.as_str()),
                _ => false,
            }
        }
    }
}

fn text_passes(value: &str, test: &Test) -> bool {
    match test {
        Test::Exists => !value.is_empty(),
        Test::Is(pattern) => value_matches(&pattern.content, value),
        Test::Compare(operator, literal) => !value.is_empty() && ordered(*operator, value, literal.content.as_str()),
    }
}

fn intrinsic_passes(intrinsic: &Intrinsic, test: &Test) -> bool {
    let literal = || match test {
        Test::Is(pattern) => pattern.content.as_literal().expect("a literal").to_owned(),
        Test::Compare(_, literal) => literal.content.clone(),
        Test::Exists => String::new(),
    };
    match (intrinsic, test) {
        (Intrinsic::Text(value), _) => text_passes(value, test),
        (Intrinsic::Id(id), Test::Exists) => id.is_some(),
        (Intrinsic::Id(id), _) => id.as_deref() == Some(&literal()),
        (Intrinsic::Named(number, _), Test::Exists) => *number != 0,
        (Intrinsic::Named(number, names), _) => names[*number as usize] == literal(),
        (Intrinsic::Duration(_), Test::Exists) => true,
        (Intrinsic::Duration(nanos), Test::Is(_)) => parse_duration(&literal()) == Ok(*nanos),
        (Intrinsic::Duration(nanos), Test::Compare(operator, _)) => {
            ordered(*operator, *nanos, parse_duration(&literal()).expect("a duration"))
        }
        (Intrinsic::Severity(number, text), _) => severity_passes(*number, text, test, &literal()),
    }
}

fn severity_passes(number: i32, text: &str, test: &Test, literal: &str) -> bool {
    let class = SEVERITIES.iter().position(|name| *name == literal).map(|class| 4 * class as i32);
    match test {
        Test::Exists => number != 0 || !text.is_empty(),
        Test::Is(_) => {
            text.to_lowercase() == literal.to_lowercase()
                || literal.parse() == Ok(number)
                || (literal == "unset" && number == 0)
                || class.is_some_and(|class| (class + 1..=class + 4).contains(&number))
        }
        Test::Compare(operator, _) if number != 0 => {
            let (first, last) = class.map_or_else(
                || (literal.parse().expect("a number"), literal.parse().expect("a number")),
                |class| (class + 1, class + 4),
            );
            match operator {
                Operator::Greater | Operator::LessOrEqual => ordered(*operator, number, last),
                _ => ordered(*operator, number, first),
            }
        }
        Test::Compare(..) => false,
    }
}
