//! Pieces of JSON text: objects, strings, numbers as OTLP/JSON writes them, and messages that are kept encoded.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode::NESTING_LEVELS_MAX;
use crate::schema::{Field, Kind, Message};
use crate::wire::{Payload, Reader};

/// An object that is being written. [`Object::end`] closes it.
pub(super) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn start(out: &'a mut String) -> Object<'a> {
        out.push('{');
        Object { out, is_empty: true }
    }

    /// Writes a key, which needs no escapes; the value is to be appended to the result.
    pub(super) fn key(&mut self, name: &str) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    pub(super) fn end(self) {
        self.out.push('}');
    }

    /// Writes a text unless it is empty.
    pub(super) fn set_text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            string(self.key(name), text);
        }
    }

    /// Writes a number of 32 bits unless it is zero.
    pub(super) fn set_number(&mut self, name: &str, number: i64) {
        if number != 0 {
            display(self.key(name), number);
        }
    }

    /// Writes a number of 64 bits, which OTLP/JSON wants as a string, unless it is zero.
    pub(super) fn set_nanos(&mut self, name: &str, nanos: u64) {
        if nanos != 0 {
            quoted(self.key(name), nanos);
        }
    }

    /// Writes an array, if there are items.
    pub(super) fn set_array<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(T, &mut String),
    ) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        let out = self.key(name);
        let mut gap = '[';
        for item in items {
            out.push(gap);
            gap = ',';
            write(item, out);
        }
        out.push(']');
    }
}

pub(super) fn display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{value}");
}

/// A value in quotes that needs no escapes.
pub(super) fn quoted(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "\"{value}\"");
}

/// A string with escapes where JSON needs them.
pub(super) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// A float: the shortest digits that give it back, or a string where JSON has no number.
pub(super) fn double(out: &mut String, value: f64) {
    if value.is_finite() {
        let _ = write!(out, "{value:?}");
    } else if value.is_nan() {
        out.push_str("\"NaN\"");
    } else {
        out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    }
}

pub(super) fn base64(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// A message as OTLP/JSON. Of an encoding that is damaged, what can be read.
pub(super) fn message(out: &mut String, message: &'static Message, bytes: &[u8]) {
    message_at(out, message, bytes, 0);
}

fn message_at(out: &mut String, message: &'static Message, bytes: &[u8], level: usize) {
    let mut object = Object::start(out);
    // The decoder lets through no deeper values; this is for encodings that were damaged later.
    if level <= NESTING_LEVELS_MAX {
        let level = level + usize::from(message.is_any_value());
        for field in message.fields {
            let mut values = Fields { reader: Reader::new(bytes, message.name), number: field.number }.peekable();
            if values.peek().is_none() {
                if field.insisted {
                    object.key(field.json).push_str(if field.repeated { "[]" } else { "\"\"" });
                }
            } else if field.repeated {
                object.set_array(field.json, values, |payload, out| value(out, field, payload, level));
            } else if let Some(payload) = values.last() {
                value(object.key(field.json), field, payload, level);
            }
        }
    }
    object.end();
}

fn value(out: &mut String, field: &Field, payload: Payload<'_>, level: usize) {
    match (field.kind, payload) {
        (Kind::Message(inner), Payload::Bytes(bytes)) => message_at(out, inner, bytes, level),
        (Kind::String, Payload::Bytes(bytes)) => string(out, &String::from_utf8_lossy(bytes)),
        (Kind::Bytes, Payload::Bytes(bytes)) => base64(out, bytes),
        (Kind::Id, Payload::Bytes(bytes)) => quoted(out, hex::encode(bytes)),
        (Kind::Bool, Payload::Varint(value)) => display(out, value != 0),
        (Kind::Int64, Payload::Varint(value)) => quoted(out, value as i64),
        (Kind::Uint32, Payload::Varint(value)) => display(out, value as u32),
        (Kind::Enum | Kind::StringIndex, Payload::Varint(value)) => display(out, value as i32),
        (Kind::Double, Payload::Fixed64(bits)) => double(out, f64::from_bits(bits)),
        (Kind::Fixed64, Payload::Fixed64(value)) => quoted(out, value),
        (Kind::Fixed32, Payload::Fixed32(value)) => display(out, value),
        _ => out.push_str("null"),
    }
}

/// The values of one field of a message.
pub(super) struct Fields<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) number: u32,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Payload<'a>> {
        while let Ok(Some((number, payload))) = self.reader.next() {
            if number == self.number {
                return Some(payload);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_json_wants() {
        for text in ["", "plain", "\"\\\n\r\t\u{0}\u{1f}\u{7f}", "ümläut \u{1F600} \u{2028}", "end\\"] {
            let mut out = String::new();
            string(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).expect("valid JSON"), text);
        }
    }

    #[test]
    fn floats_are_read_back_exactly() {
        for value in [0.0, -0.0, 1.0, 0.1, 1e300, -1e-300, f64::MIN_POSITIVE, f64::MAX, 5e-324] {
            let mut out = String::new();
            double(&mut out, value);
            let read: f64 = serde_json::from_str(&out).expect("valid JSON");
            assert_eq!(read.to_bits(), value.to_bits(), "{out}");
        }
        let mut out = String::new();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            double(&mut out, value);
        }
        assert_eq!(out, r#""NaN""Infinity""-Infinity""#);
    }
}
