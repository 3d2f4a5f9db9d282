//! One `AnyValue` from the wire.

use std::borrow::Cow;

use tracewell_model::Value;

use super::context::Context;
use super::tidy::tidy;
use crate::report::Finding;
use crate::schema::ANY_VALUE;
use crate::wire::{Payload, Reader, Result, plain_bytes};

/// A value as it can be appended to a column; owned only where it had to be repaired.
pub(super) enum WireValue<'a> {
    Plain(Value<'a>),
    Text(String),
    Array(Vec<u8>),
    KeyValueList(Vec<u8>),
}

impl WireValue<'_> {
    #[inline]
    pub(super) fn get(&self) -> Value<'_> {
        match self {
            WireValue::Plain(value) => *value,
            WireValue::Text(text) => Value::String(text),
            WireValue::Array(bytes) => Value::Array(bytes),
            WireValue::KeyValueList(bytes) => Value::KeyValueList(bytes),
        }
    }
}

/// The value in `bytes`, an encoded `AnyValue`.
#[inline]
pub(super) fn any_value<'a>(bytes: &'a [u8], context: &mut Context) -> Result<WireValue<'a>> {
    if let Some(text) = plain_bytes(bytes) {
        return Ok(string(text, context));
    }
    let mut reader = Reader::new(bytes, "AnyValue");
    let mut last = Alternative::None;
    while let Some((field, payload)) = reader.next()? {
        last = match (field, payload) {
            (1, Payload::Bytes(text)) => Alternative::String(text),
            (2, Payload::Varint(value)) => Alternative::Scalar(Value::Bool(value != 0)),
            (3, Payload::Varint(value)) => Alternative::Scalar(Value::Int(value as i64)),
            (4, Payload::Fixed64(bits)) => Alternative::Scalar(Value::Double(f64::from_bits(bits))),
            (5, Payload::Bytes(_)) => Alternative::Array,
            (6, Payload::Bytes(_)) => Alternative::KeyValueList,
            (7, Payload::Bytes(bytes)) => Alternative::Scalar(Value::Bytes(bytes)),
            (8, Payload::Varint(_)) => {
                context.note(Finding::StringIndex);
                Alternative::None
            }
            (1..=8, other) => return Err(reader.mismatch(other)),
            _ => continue,
        };
    }
    match last {
        Alternative::None => Ok(WireValue::Plain(Value::Empty)),
        Alternative::Scalar(value) => Ok(WireValue::Plain(value)),
        Alternative::String(text) => Ok(string(text, context)),
        Alternative::Array => nested(bytes, context, Value::Array, WireValue::Array),
        Alternative::KeyValueList => nested(bytes, context, Value::KeyValueList, WireValue::KeyValueList),
    }
}

#[inline]
fn string<'a>(text: &'a [u8], context: &mut Context) -> WireValue<'a> {
    match context.text(text) {
        Cow::Borrowed(text) => WireValue::Plain(Value::String(text)),
        Cow::Owned(text) => WireValue::Text(text),
    }
}

enum Alternative<'a> {
    None,
    Scalar(Value<'a>),
    String(&'a [u8]),
    Array,
    KeyValueList,
}

#[cold]
fn nested<'a>(
    bytes: &'a [u8],
    context: &mut Context,
    borrowed: fn(&'a [u8]) -> Value<'a>,
    owned: fn(Vec<u8>) -> WireValue<'a>,
) -> Result<WireValue<'a>> {
    Ok(match tidy(&ANY_VALUE, bytes, context)? {
        Cow::Borrowed(bytes) => WireValue::Plain(borrowed(bytes)),
        Cow::Owned(bytes) => owned(bytes),
    })
}
