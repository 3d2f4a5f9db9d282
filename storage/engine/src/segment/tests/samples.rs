//! Random records of every shape that OTLP allows, by a seed.

use std::sync::Arc;

use tracewell_model::{Attributes, Logs, Records, Scope, ScopeTable, Signal, SpanId, Spans, TraceId, Value};

use crate::segment::any_value::{encode, put_varint};

/// A small random number generator (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((self.next() >> 33) % bound.max(1) as u64) as usize
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

pub(crate) const KEYS: [&str; 8] = ["http.route", "a", "a#int", "", "user.id", "#", "exception.message", "retry"];
pub(crate) const TEXTS: [&str; 10] = [
    "",
    "Connection refused by peer 10.0.0.7",
    "GET /cart/{id}",
    "timeout while reading: TimeOut after 300ms",
    "refused connection",
    "Ärger mit İstanbul, ΣΑΣ und Kelvin \u{212a}",
    "user_42 bought item-7",
    "connection",
    "日本語 テキスト",
    "a\u{0}b\"c\\d",
];
const NUMBERS: [i64; 7] = [0, 1, -1, 200, 404, i64::MIN, i64::MAX];
const FLOATS: [f64; 7] = [0.0, -0.0, 1.5, -1.5, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE];

fn key(dice: &mut Dice) -> String {
    if dice.one_in(12) { format!("rare.{}", dice.below(1000)) } else { dice.of(&KEYS).to_owned() }
}

fn push_value(dice: &mut Dice, attributes: &mut Attributes, key: &str) {
    let nested = nested(dice, 2);
    attributes.push(key, value(dice, &nested));
}

/// A value of any kind; lists are taken from `nested`.
fn value<'a>(dice: &mut Dice, nested: &'a (Vec<u8>, Vec<u8>)) -> Value<'a> {
    match dice.below(16) {
        0 => Value::Absent,
        1 => Value::Empty,
        2 => Value::Bool(dice.one_in(2)),
        3 | 4 => Value::Int(dice.of(&NUMBERS)),
        5 | 6 => Value::Double(dice.of(&FLOATS)),
        7 => Value::Bytes(dice.of(&[&[][..], &[0, 255], b"text"])),
        8 => Value::Array(&nested.0),
        9 => Value::KeyValueList(&nested.1),
        _ => Value::String(dice.of(&TEXTS)),
    }
}

/// An array and a key-value list, as messages.
fn nested(dice: &mut Dice, depth: usize) -> (Vec<u8>, Vec<u8>) {
    let mut array = Vec::new();
    let mut list = Vec::new();
    for _ in 0..dice.below(4) {
        let inner = if depth > 0 { nested(dice, depth - 1) } else { (vec![0x2a, 0], vec![0x32, 0]) };
        let item = encode(value(dice, &inner));
        put_field(&mut array, 1, &item);
        let mut pair = Vec::new();
        put_field(&mut pair, 1, key(dice).as_bytes());
        put_field(&mut pair, 2, &item);
        put_field(&mut list, 1, &pair);
    }
    let (mut array_message, mut list_message) = (Vec::new(), Vec::new());
    put_field(&mut array_message, 5, &array);
    put_field(&mut list_message, 6, &list);
    (array_message, list_message)
}

fn put_field(message: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    message.push(field << 3 | 2);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn push_attributes(dice: &mut Dice, attributes: &mut Attributes) {
    for _ in 0..dice.below(7) {
        let key = key(dice);
        push_value(dice, attributes, &key);
        if dice.one_in(15) {
            push_value(dice, attributes, &key);
        }
    }
    attributes.end_row();
}

/// Scopes with attributes, as they come from the wire.
fn scopes(dice: &mut Dice) -> ScopeTable {
    let mut table = ScopeTable::default();
    for number in 0..1 + dice.below(5) {
        let mut resource = Vec::new();
        let mut attribute = |key: &str, value: Value<'_>| {
            let mut pair = Vec::new();
            put_field(&mut pair, 1, key.as_bytes());
            put_field(&mut pair, 2, &encode(value));
            put_field(&mut resource, 1, &pair);
        };
        attribute("service.name", Value::String(dice.of(&["cart", "checkout", "frontend"])));
        attribute("host", Value::Int(number as i64));
        let mut scope = Vec::new();
        put_field(&mut scope, 1, dice.of(&["", "lib.http"]).as_bytes());
        let url = dice.of(&["", "https://opentelemetry.io/schemas/1.30.0"]);
        let scope = tracewell_otlp::scope_from_wire(&resource, url, &scope, "").expect("valid messages");
        table.intern(&Arc::<Scope>::new(scope));
    }
    table
}

fn time(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0 => dice.of(&[0, 1, u64::MAX, 1 << 63, (1 << 63) - 1]),
        _ => 1_700_000_000_000_000_000 + dice.below(1_000_000_000) as u64,
    }
}

fn trace_id(dice: &mut Dice) -> TraceId {
    let mut id = [0; 16];
    id[15] = 1 + dice.below(20) as u8;
    TraceId(id)
}

fn span_id(number: usize) -> SpanId {
    SpanId((number as u64 + 1).to_be_bytes())
}

/// Spans. Each has an id of its own unless `shared_ids`.
pub(crate) fn spans(seed: u64, rows: usize, shared_ids: bool) -> Spans {
    let dice = &mut Dice::new(seed);
    let mut spans = Spans { scopes: scopes(dice), ..Spans::default() };
    for row in 0..rows {
        spans.scope.push(dice.below(spans.scopes.len()) as u32);
        spans.trace_id.push(trace_id(dice));
        spans.span_id.push(span_id(if shared_ids { dice.below(30) } else { row }));
        let parent = if dice.one_in(3) { SpanId::NONE } else { span_id(dice.below(rows + 5)) };
        spans.parent_span_id.push(parent);
        spans.trace_state.push(dice.of(&["", "", "vendor=1"]));
        spans.flags.push(dice.of(&[0, 1, 257, u32::MAX]));
        spans.name.push(dice.of(&TEXTS));
        spans.kind.push(dice.of(&[0, 1, 2, 3, 77, -5]));
        let start = time(dice);
        spans.start.push(start);
        spans.end.push(if dice.one_in(10) { time(dice) } else { start.wrapping_add(dice.below(1_000_000) as u64) });
        push_attributes(dice, &mut spans.attributes);
        spans.dropped_attributes_count.push(dice.of(&[0, 0, 3]));
        for _ in 0..dice.below(3) {
            spans.events.time.push(time(dice));
            spans.events.name.push(dice.of(&["exception", "", "retry connection"]));
            push_attributes(dice, &mut spans.events.attributes);
            spans.events.dropped_attributes_count.push(dice.of(&[0, 9]));
        }
        spans.events.end_row();
        spans.dropped_events_count.push(dice.of(&[0, 0, u32::MAX]));
        for _ in 0..dice.below(5) / 3 {
            spans.links.trace_id.push(if dice.one_in(5) { TraceId::NONE } else { trace_id(dice) });
            spans.links.span_id.push(if dice.one_in(5) { SpanId::NONE } else { span_id(7) });
            spans.links.trace_state.push(dice.of(&["", "x=y"]));
            spans.links.flags.push(dice.of(&[0, 1]));
            push_attributes(dice, &mut spans.links.attributes);
            spans.links.dropped_attributes_count.push(dice.of(&[0, 2]));
        }
        spans.links.end_row();
        spans.dropped_links_count.push(dice.of(&[0, 4]));
        spans.status_code.push(dice.of(&[0, 1, 2, 9]));
        spans.status_message.push(dice.of(&TEXTS));
    }
    spans
}

/// Log records. Each has a span id of its own unless `shared_ids`.
pub(crate) fn logs(seed: u64, rows: usize, shared_ids: bool) -> Logs {
    let dice = &mut Dice::new(seed);
    let mut logs = Logs { scopes: scopes(dice), ..Logs::default() };
    for row in 0..rows {
        logs.scope.push(dice.below(logs.scopes.len()) as u32);
        let sent = time(dice);
        logs.time.push(sent);
        logs.timestamp.push(if dice.one_in(8) { time(dice) } else { sent });
        logs.observed_time.push(dice.of(&[0, 1, u64::MAX, sent.wrapping_add(5)]));
        logs.trace_id.push(if dice.one_in(3) { TraceId::NONE } else { trace_id(dice) });
        let shared = if dice.one_in(3) { SpanId::NONE } else { span_id(dice.below(9)) };
        logs.span_id.push(if shared_ids { shared } else { span_id(row) });
        logs.flags.push(dice.of(&[0, 1, u32::MAX]));
        logs.severity_number.push(dice.of(&[0, 9, 17, -3, 99]));
        logs.severity_text.push(dice.of(&["", "INFO", "Error"]));
        let nested = nested(dice, 2);
        let body = if dice.one_in(2) { Value::String(dice.of(&TEXTS)) } else { value(dice, &nested) };
        logs.body.push(body);
        push_attributes(dice, &mut logs.attributes);
        logs.dropped_attributes_count.push(dice.of(&[0, 1]));
        logs.event_name.push(dice.of(&["", "", "order.placed"]));
    }
    logs
}

/// Records of a signal, each with a span id of its own.
pub(crate) fn records(signal: Signal, seed: u64, rows: usize) -> Records {
    match signal {
        Signal::Traces => Records::Spans(spans(seed, rows, false)),
        Signal::Logs => Records::Logs(logs(seed, rows, false)),
    }
}

fn attributes_text(attributes: &Attributes, row: usize) -> String {
    let mut pairs: Vec<_> = attributes.row(row).collect();
    pairs.sort_by_key(|(key, _)| *key);
    format!("{:?}", pairs.iter().map(|(key, value)| (*key, value_text(*value))).collect::<Vec<_>>())
}

/// Tells every bit pattern of floats apart.
fn value_text(value: Value<'_>) -> String {
    match value {
        Value::Double(number) => format!("Double({:x})", number.to_bits()),
        value => format!("{value:?}"),
    }
}

fn scope_text(scope: &Scope) -> String {
    format!("{:?}", (&scope.resource, &scope.resource_schema_url, &scope.scope, &scope.scope_schema_url))
}

/// Each record as a text that says all of it, but not the order of its attributes.
pub(crate) fn canonical(records: &Records) -> Vec<String> {
    (0..records.len())
        .map(|row| match records {
            Records::Spans(spans) => span_text(spans, row),
            Records::Logs(logs) => log_text(logs, row),
        })
        .collect()
}

fn span_text(spans: &Spans, row: usize) -> String {
    let events: Vec<_> = (spans.events.of_row(row))
        .map(|at| {
            let events = &spans.events;
            let attributes = attributes_text(&events.attributes, at);
            (events.time[at], events.name.get(at), attributes, events.dropped_attributes_count[at])
        })
        .collect();
    let links: Vec<_> = (spans.links.of_row(row))
        .map(|at| {
            let links = &spans.links;
            let ids = (links.trace_id[at], links.span_id[at], links.trace_state.get(at), links.flags[at]);
            (ids, attributes_text(&links.attributes, at), links.dropped_attributes_count[at])
        })
        .collect();
    let ids = (spans.trace_id[row], spans.span_id[row], spans.parent_span_id[row], spans.flags[row]);
    let times = (spans.start[row], spans.end[row], spans.kind[row], spans.status_code[row]);
    let texts = (spans.name.get(row), spans.trace_state.get(row), spans.status_message.get(row));
    let dropped =
        (spans.dropped_attributes_count[row], spans.dropped_events_count[row], spans.dropped_links_count[row]);
    let scope = scope_text(spans.scopes.get(spans.scope[row]));
    format!("{:?}", (ids, times, texts, dropped, attributes_text(&spans.attributes, row), events, links, scope))
}

fn log_text(logs: &Logs, row: usize) -> String {
    let times = (logs.timestamp[row], logs.time[row], logs.observed_time[row]);
    let ids = (logs.trace_id[row], logs.span_id[row], logs.flags[row]);
    let texts = (logs.severity_number[row], logs.severity_text.get(row), logs.event_name.get(row));
    let body = value_text(logs.body.get(row));
    let scope = scope_text(logs.scopes.get(logs.scope[row]));
    let attributes = attributes_text(&logs.attributes, row);
    format!("{:?}", (times, ids, texts, body, attributes, logs.dropped_attributes_count[row], scope))
}
