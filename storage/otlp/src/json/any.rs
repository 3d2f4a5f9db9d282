//! Values as plain JSON and as text for people.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use tracewell_model::Value;

use super::write::Fields;
use crate::decode::{NESTING_LEVELS_MAX, TRUNCATED_VALUE};
use crate::schema::ANY_VALUE;
use crate::wire::{Payload, Reader};

/// Integers beyond this cannot be told apart by programs that hold all numbers as floats.
const SAFE_INTEGER_MAX: u64 = 1 << 53;

/// `value` as plain JSON: integers beyond 2^53 and floats that JSON has no number for as strings, bytes as
/// `{"bytes": "<base64>"}`, lists as arrays, key-value lists as objects (of a duplicate key the last), empty as null.
pub fn plain_json(value: Value<'_>) -> Json {
    match value {
        Value::Absent | Value::Empty => Json::Null,
        Value::String(text) => Json::String(text.to_owned()),
        Value::Bool(value) => Json::Bool(value),
        Value::Int(value) if value.unsigned_abs() <= SAFE_INTEGER_MAX => value.into(),
        Value::Int(value) => Json::String(value.to_string()),
        Value::Double(value) => match serde_json::Number::from_f64(value) {
            Some(number) => Json::Number(number),
            None => Json::String(double_text(value)),
        },
        Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
        Value::Array(bytes) | Value::KeyValueList(bytes) => any_value(bytes, 1),
    }
}

/// `value` as text for people: text as it is, bytes in base64, lists and key-value lists as compact JSON, empty
/// as nothing.
pub fn display_value(value: Value<'_>) -> Cow<'_, str> {
    match value {
        Value::Absent | Value::Empty => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Double(value) => Cow::Owned(double_text(value)),
        Value::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes)),
        Value::Array(_) | Value::KeyValueList(_) => Cow::Owned(plain_json(value).to_string()),
    }
}

fn double_text(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else if magnitude != 0.0 && !(1e-5..1e16).contains(&magnitude) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// The value in an encoded `AnyValue`. Of an encoding that is damaged, what can be read.
fn any_value(bytes: &[u8], level: usize) -> Json {
    if level > NESTING_LEVELS_MAX {
        return Json::String(TRUNCATED_VALUE.into());
    }
    let mut reader = Reader::new(bytes, ANY_VALUE.name);
    let mut value = Json::Null;
    while let Ok(Some((field, payload))) = reader.next() {
        value = match (field, payload) {
            (1, Payload::Bytes(text)) => Json::String(String::from_utf8_lossy(text).into_owned()),
            (2, Payload::Varint(value)) => Json::Bool(value != 0),
            (3, Payload::Varint(value)) => plain_json(Value::Int(value as i64)),
            (4, Payload::Fixed64(bits)) => plain_json(Value::Double(f64::from_bits(bits))),
            (5, Payload::Bytes(list)) => {
                Json::Array(messages(list, "ArrayValue", 1).map(|element| any_value(element, level + 1)).collect())
            }
            (6, Payload::Bytes(list)) => Json::Object(
                messages(list, "KeyValueList", 1).map(|entry| key_value(entry, level)).collect::<Map<_, _>>(),
            ),
            (7, Payload::Bytes(bytes)) => plain_json(Value::Bytes(bytes)),
            _ => continue,
        };
    }
    value
}

fn key_value(bytes: &[u8], level: usize) -> (String, Json) {
    let key = messages(bytes, "KeyValue", 1).last().unwrap_or_default();
    let value = messages(bytes, "KeyValue", 2).last().map_or(Json::Null, |value| any_value(value, level + 1));
    (String::from_utf8_lossy(key).into_owned(), value)
}

/// The length-delimited values of one field of a message.
fn messages<'a>(bytes: &'a [u8], name: &'static str, number: u32) -> impl Iterator<Item = &'a [u8]> {
    Fields { reader: Reader::new(bytes, name), number }.filter_map(|payload| match payload {
        Payload::Bytes(bytes) => Some(bytes),
        _ => None,
    })
}
