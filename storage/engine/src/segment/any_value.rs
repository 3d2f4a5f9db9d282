//! Values as protobuf messages `opentelemetry.proto.common.v1.AnyValue`: how columns without a type of their own hold
//! them. Damaged messages never panic: what cannot be read is not there.

use tracewell_model::Value;

const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
const KEY_VALUE_LIST: u32 = 6;
const BYTES: u32 = 7;

/// The value as a message. [`Value::Absent`] has none; the empty message is [`Value::Empty`].
pub(crate) fn encode(value: Value<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    match value {
        Value::Absent | Value::Empty => {}
        Value::String(text) => put_bytes(&mut message, STRING, text.as_bytes()),
        Value::Bool(value) => message.extend([(BOOL << 3) as u8, u8::from(value)]),
        Value::Int(value) => {
            message.push((INT << 3) as u8);
            put_varint(&mut message, value as u64);
        }
        Value::Double(value) => {
            message.push((DOUBLE << 3 | 1) as u8);
            message.extend(value.to_bits().to_le_bytes());
        }
        Value::Bytes(bytes) => put_bytes(&mut message, BYTES, bytes),
        Value::Array(encoded) | Value::KeyValueList(encoded) => message.extend_from_slice(encoded),
    }
    message
}

/// The value in a message.
pub(crate) fn decode(message: &[u8]) -> Value<'_> {
    let mut value = Value::Empty;
    for (number, field) in Fields(message) {
        value = match (number, field) {
            (STRING, Field::Bytes(text)) => Value::String(std::str::from_utf8(text).unwrap_or_default()),
            (BOOL, Field::Number(bits)) => Value::Bool(bits != 0),
            (INT, Field::Number(bits)) => Value::Int(bits as i64),
            (DOUBLE, Field::Number(bits)) => Value::Double(f64::from_bits(bits)),
            (ARRAY, Field::Bytes(_)) => Value::Array(message),
            (KEY_VALUE_LIST, Field::Bytes(_)) => Value::KeyValueList(message),
            (BYTES, Field::Bytes(bytes)) => Value::Bytes(bytes),
            _ => value,
        };
    }
    value
}

fn put_bytes(message: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    message.push((field << 3 | 2) as u8);
    put_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

/// Appends a number in LEB128.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number in LEB128 from the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, up to its end or the first that makes no sense.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = take_varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Number(take_varint(&mut self.0)?),
            1 => Field::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = take_varint(&mut self.0)?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().ok()?))),
            _ => return None,
        };
        Some(((tag >> 3) as u32, field))
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (piece, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scalar_comes_back_from_its_message() {
        let values = [
            Value::Empty,
            Value::String("text"),
            Value::Bool(false),
            Value::Int(i64::MIN),
            Value::Double(f64::NAN),
            Value::Bytes(&[]),
        ];
        for value in values {
            assert_eq!(decode(&encode(value)), value);
        }
    }

    #[test]
    fn damaged_messages_hold_nothing() {
        for message in [&[0x0a, 0xff][..], &[0x80; 12], &[0x21, 1], &[0x07]] {
            assert_eq!(decode(message), Value::Empty);
        }
    }
}
