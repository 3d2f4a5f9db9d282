//! Other encodings of the same request: fields in another order, unknown fields, single messages in several parts.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// The message types, as far as the fields that hold messages go.
#[derive(Clone, Copy)]
pub enum Shape {
    TracesRequest,
    LogsRequest,
    ResourceSpans,
    ResourceLogs,
    ScopeSpans,
    ScopeLogs,
    Resource,
    Scope,
    Span,
    LogRecord,
    Event,
    Link,
    Status,
    KeyValue,
    AnyValue,
    ArrayValue,
    KeyValueList,
}

use Shape::*;

impl Shape {
    /// The shape of the messages in `field`, and whether there can be several.
    fn inner(self, field: u64) -> Option<(Shape, bool)> {
        Some(match (self, field) {
            (TracesRequest, 1) => (ResourceSpans, true),
            (LogsRequest, 1) => (ResourceLogs, true),
            (ResourceSpans | ResourceLogs, 1) => (Resource, false),
            (ResourceSpans, 2) => (ScopeSpans, true),
            (ResourceLogs, 2) => (ScopeLogs, true),
            (ScopeSpans | ScopeLogs, 1) => (Scope, false),
            (ScopeSpans, 2) => (Span, true),
            (ScopeLogs, 2) => (LogRecord, true),
            (Resource, 1) | (Scope, 3) | (Span, 9) | (Event, 3) | (Link, 4) | (LogRecord, 6) => (KeyValue, true),
            (Span, 11) => (Event, true),
            (Span, 13) => (Link, true),
            (Span, 15) => (Status, false),
            (LogRecord, 5) | (KeyValue, 2) => (AnyValue, false),
            (AnyValue, 5) => (ArrayValue, false),
            (AnyValue, 6) => (KeyValueList, false),
            (ArrayValue, 1) => (AnyValue, true),
            (KeyValueList, 1) => (KeyValue, true),
            _ => return None,
        })
    }
}

struct Field {
    number: u64,
    wire_type: u64,
    /// Without tag and length.
    content: Vec<u8>,
}

/// `message` in another encoding that means the same.
pub fn rearranged(shape: Shape, message: &[u8], seed: u64) -> Vec<u8> {
    rearrange(shape, message, &mut StdRng::seed_from_u64(seed))
}

fn rearrange(shape: Shape, message: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut fields = Vec::new();
    for mut field in split(message) {
        let Some((inner, is_repeated)) = shape.inner(field.number) else {
            fields.push(field);
            continue;
        };
        if !is_repeated && random.random_ratio(1, 4) {
            let parts = split(&field.content);
            let (first, second) = parts.split_at(random.random_range(0..=parts.len()));
            for part in [first, second] {
                let content = rearrange(inner, &joined(part), random);
                fields.push(Field { number: field.number, wire_type: 2, content });
            }
            continue;
        }
        field.content = rearrange(inner, &field.content, random);
        fields.push(field);
    }
    if random.random_ratio(1, 4) {
        let number = random.random_range(900..100_000);
        let unknown = [(0, vec![0x80, 1]), (1, vec![0xff; 8]), (2, vec![0xfe; 5]), (5, vec![7; 4])];
        let (wire_type, content) = unknown[random.random_range(0..4usize)].clone();
        fields.push(Field { number, wire_type, content });
    }
    match shape {
        // The last alternative counts: others may stand before it, in their order.
        AnyValue => joined(&with_earlier_alternatives(fields, random)),
        _ => joined(&in_another_order(fields, random)),
    }
}

fn with_earlier_alternatives(mut fields: Vec<Field>, random: &mut StdRng) -> Vec<Field> {
    let has_alternative = fields.iter().any(|field| field.number < 9);
    if has_alternative && random.random_ratio(1, 4) {
        let array_of_one_empty_value = Field { number: 5, wire_type: 2, content: vec![0x0a, 0] };
        let text = Field { number: 1, wire_type: 2, content: b"gone".to_vec() };
        fields.splice(0..0, [array_of_one_empty_value, text]);
    }
    fields
}

/// Shuffles, but keeps fields of one number in their order.
fn in_another_order(fields: Vec<Field>, random: &mut StdRng) -> Vec<Field> {
    let mut numbers: Vec<u64> = fields.iter().map(|field| field.number).collect();
    numbers.shuffle(random);
    let mut fields: Vec<Option<Field>> = fields.into_iter().map(Some).collect();
    let take = |number| fields.iter_mut().find(|field| field.as_ref().is_some_and(|f| f.number == number))?.take();
    numbers.into_iter().filter_map(take).collect()
}

fn split(mut message: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = prost::encoding::decode_varint(&mut message).expect("a tag");
        let length = match tag & 7 {
            0 => message.iter().position(|byte| byte & 0x80 == 0).expect("an end") + 1,
            1 => 8,
            2 => prost::encoding::decode_varint(&mut message).expect("a length") as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (content, rest) = message.split_at(length);
        message = rest;
        fields.push(Field { number: tag >> 3, wire_type: tag & 7, content: content.to_vec() });
    }
    fields
}

fn joined(fields: &[Field]) -> Vec<u8> {
    let mut message = Vec::new();
    for field in fields {
        prost::encoding::encode_varint(field.number << 3 | field.wire_type, &mut message);
        if field.wire_type == 2 {
            prost::encoding::encode_varint(field.content.len() as u64, &mut message);
        }
        message.extend_from_slice(&field.content);
    }
    message
}

/// `message` with a few bytes changed, cut, doubled or put in.
pub fn damaged(message: &[u8], seed: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut message = message.to_vec();
    for _ in 0..random.random_range(1..4) {
        if message.is_empty() {
            return message;
        }
        let at = random.random_range(0..message.len());
        match random.random_range(0..6) {
            0 => message[at] = random.random(),
            1 => message[at] ^= 1 << random.random_range(0..8),
            2 => message.truncate(at),
            3 => message.insert(at, random.random()),
            4 => drop(message.remove(at)),
            _ => {
                let end = (at + random.random_range(1..20)).min(message.len());
                let piece = message[at..end].to_vec();
                message.splice(at..at, piece);
            }
        }
    }
    message
}
