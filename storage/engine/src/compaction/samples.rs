//! Records with everything in them, for tests: every field, every kind of value, traces across batches, wild times.

use std::sync::Arc;

use tracewell_model::{Attributes, Logs, Records, Scope, SpanId, Spans, TraceId, Value};

/// Small numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % sides
    }

    fn text(&mut self) -> String {
        format!("word{} of {}", self.roll(50), self.roll(1000))
    }

    /// Mostly within minutes, now and then wild.
    fn time(&mut self) -> u64 {
        match self.roll(200) {
            0 => 0,
            1 => u64::MAX - self.roll(2),
            2 => 1 << 63,
            _ => 1_700_000_000_000_000_000 + self.roll(300_000_000_000),
        }
    }

    fn trace(&mut self) -> TraceId {
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(1 + self.roll(2000)).to_be_bytes());
        TraceId(id)
    }

    fn span(&mut self) -> SpanId {
        SpanId((1 + self.roll(10_000)).to_be_bytes())
    }

    fn attributes(&mut self, target: &mut Attributes) {
        for _ in 0..self.roll(5) {
            let key = format!("key.{}", self.roll(8));
            let text = self.text();
            let value = match self.roll(9) {
                0 => Value::Absent,
                1 => Value::Empty,
                2 => Value::Bool(self.roll(2) == 0),
                3 => Value::Int(self.roll(u64::MAX) as i64),
                4 => Value::Double(f64::from_bits(self.roll(u64::MAX))),
                5 => Value::Bytes(text.as_bytes()),
                // AnyValue { array_value: {} } and AnyValue { kvlist_value: {} } on the wire.
                6 => Value::Array(&[0x2a, 0]),
                7 => Value::KeyValueList(&[0x32, 0]),
                _ => Value::String(&text),
            };
            target.push(&key, value);
        }
        target.end_row();
    }

    fn scope(&mut self) -> Arc<Scope> {
        let service = self.roll(4);
        // Resource { dropped_attributes_count } and InstrumentationScope { name } on the wire.
        Arc::new(Scope {
            resource: vec![0x10, 1 + service as u8],
            resource_schema_url: format!("https://example.org/{service}"),
            scope: vec![0x0a, 1, b'a' + service as u8],
            name: char::from(b'a' + service as u8).to_string(),
            ..Scope::default()
        })
    }
}

/// Spans.
pub(super) fn spans(seed: u64, count: usize) -> Spans {
    let dice = &mut Dice(seed);
    let mut spans = Spans::default();
    for _ in 0..count {
        let scope = spans.scopes.intern(&dice.scope());
        spans.scope.push(scope);
        spans.trace_id.push(dice.trace());
        spans.span_id.push(dice.span());
        spans.parent_span_id.push(if dice.roll(3) == 0 { SpanId::NONE } else { dice.span() });
        spans.trace_state.push(if dice.roll(9) == 0 { "a=b" } else { "" });
        spans.flags.push(dice.roll(300) as u32);
        spans.name.push(&dice.text());
        spans.kind.push(dice.roll(7) as i32);
        spans.start.push(dice.time());
        spans.end.push(dice.time());
        dice.attributes(&mut spans.attributes);
        spans.dropped_attributes_count.push(dice.roll(3) as u32);
        for _ in 0..dice.roll(3) {
            spans.events.time.push(dice.time());
            spans.events.name.push(&dice.text());
            dice.attributes(&mut spans.events.attributes);
            spans.events.dropped_attributes_count.push(dice.roll(3) as u32);
        }
        spans.events.end_row();
        spans.dropped_events_count.push(dice.roll(3) as u32);
        for _ in 0..dice.roll(2) {
            spans.links.trace_id.push(dice.trace());
            spans.links.span_id.push(dice.span());
            spans.links.trace_state.push("c=d");
            spans.links.flags.push(dice.roll(300) as u32);
            dice.attributes(&mut spans.links.attributes);
            spans.links.dropped_attributes_count.push(dice.roll(3) as u32);
        }
        spans.links.end_row();
        spans.dropped_links_count.push(dice.roll(3) as u32);
        spans.status_code.push(dice.roll(4) as i32);
        spans.status_message.push(if dice.roll(5) == 0 { "it failed" } else { "" });
    }
    spans
}

/// Log records.
pub(super) fn logs(seed: u64, count: usize) -> Logs {
    let dice = &mut Dice(seed);
    let mut logs = Logs::default();
    for _ in 0..count {
        let scope = logs.scopes.intern(&dice.scope());
        logs.scope.push(scope);
        let time = dice.time();
        logs.timestamp.push(time);
        logs.time.push(if dice.roll(4) == 0 { 0 } else { time });
        logs.observed_time.push(dice.time());
        logs.trace_id.push(if dice.roll(3) == 0 { TraceId::NONE } else { dice.trace() });
        logs.span_id.push(if dice.roll(3) == 0 { SpanId::NONE } else { dice.span() });
        logs.flags.push(dice.roll(300) as u32);
        logs.severity_number.push(dice.roll(25) as i32);
        logs.severity_text.push(if dice.roll(2) == 0 { "INFO" } else { "" });
        let text = dice.text();
        logs.body.push(match dice.roll(6) {
            0 => Value::Absent,
            1 => Value::Int(-5),
            2 => Value::Array(&[0x2a, 0]),
            _ => Value::String(&text),
        });
        dice.attributes(&mut logs.attributes);
        logs.dropped_attributes_count.push(dice.roll(3) as u32);
        logs.event_name.push(if dice.roll(9) == 0 { "device.app" } else { "" });
    }
    logs
}

/// Each record as a text that has all of its fields. Attributes are in order of their keys: their order is not kept.
pub(super) fn rows(records: &Records) -> Vec<String> {
    match records {
        Records::Spans(spans) => (0..spans.len()).map(|row| span_text(spans, row)).collect(),
        Records::Logs(logs) => (0..logs.len()).map(|row| log_text(logs, row)).collect(),
    }
}

fn attributes_text(attributes: &Attributes, row: usize) -> String {
    let text = |(key, value): (&str, Value<'_>)| match value {
        Value::Double(number) => format!("{key}=Double({:x})", number.to_bits()),
        value => format!("{key}={value:?}"),
    };
    let mut entries: Vec<String> = attributes.row(row).map(text).collect();
    entries.sort();
    entries.join(",")
}

fn scope_text(scope: &Scope) -> String {
    format!("{:?} {} {:?} {}", scope.resource, scope.resource_schema_url, scope.scope, scope.scope_schema_url)
}

fn span_text(spans: &Spans, row: usize) -> String {
    let events = spans.events.of_row(row).map(|event| {
        let events = &spans.events;
        let attributes = attributes_text(&events.attributes, event);
        let dropped = events.dropped_attributes_count[event];
        format!("[{} {} {dropped} {attributes}]", events.time[event], events.name.get(event))
    });
    let links = spans.links.of_row(row).map(|link| {
        let links = &spans.links;
        let ids = format!("{:?} {:?} {}", links.trace_id[link].0, links.span_id[link].0, links.trace_state.get(link));
        let attributes = attributes_text(&links.attributes, link);
        format!("[{ids} {} {} {attributes}]", links.flags[link], links.dropped_attributes_count[link])
    });
    let ids = [&spans.trace_id[row].0[..], &spans.span_id[row].0, &spans.parent_span_id[row].0];
    let texts = [spans.trace_state.get(row), spans.name.get(row), spans.status_message.get(row)];
    let numbers = [
        u64::from(spans.flags[row]),
        spans.kind[row] as u64,
        spans.start[row],
        spans.end[row],
        u64::from(spans.dropped_attributes_count[row]),
        u64::from(spans.dropped_events_count[row]),
        u64::from(spans.dropped_links_count[row]),
        spans.status_code[row] as u64,
    ];
    format!(
        "{ids:?} {texts:?} {numbers:?} {} {} {} {}",
        attributes_text(&spans.attributes, row),
        scope_text(spans.scopes.get(spans.scope[row])),
        events.collect::<String>(),
        links.collect::<String>()
    )
}

fn log_text(logs: &Logs, row: usize) -> String {
    let ids = [&logs.trace_id[row].0[..], &logs.span_id[row].0];
    let numbers = [
        logs.timestamp[row],
        logs.time[row],
        logs.observed_time[row],
        u64::from(logs.flags[row]),
        logs.severity_number[row] as u64,
        u64::from(logs.dropped_attributes_count[row]),
    ];
    format!(
        "{ids:?} {numbers:?} {} {} {:?} {} {}",
        logs.severity_text.get(row),
        logs.event_name.get(row),
        logs.body.get(row),
        attributes_text(&logs.attributes, row),
        scope_text(logs.scopes.get(logs.scope[row]))
    )
}
