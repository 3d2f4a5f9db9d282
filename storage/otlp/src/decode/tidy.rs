//! Nested messages that are kept encoded (resources, scopes, arrays and key-value lists), made safe to read.
//!
//! A *tidy* message is well-formed, its text is UTF-8, a field that is not repeated stands at most once, an `AnyValue`
//! has at most one alternative, none refers to a string table, and values are nested at most
//! [`NESTING_LEVELS_MAX`] deep. Nearly all senders write tidy messages, which are kept byte for byte, unknown fields
//! included; others are rewritten to what a protobuf parser would have understood.

use std::borrow::Cow;

use super::context::Context;
use crate::report::Finding;
use crate::schema::{ANY_VALUE, Field, Kind, Message};
use crate::wire::{Payload, Reader, Result, WriteWire};

/// How many values may be nested in each other: an attribute whose value is a string has one level, an array of
/// strings two. SDKs send at most 64.
pub const NESTING_LEVELS_MAX: usize = 100;

/// The string that stands for values nested more than [`NESTING_LEVELS_MAX`] levels deep.
pub const TRUNCATED_VALUE: &str = "[truncated: nested more than 100 levels deep]";

/// `bytes` if they are a tidy `message`, else rewritten.
pub(super) fn tidy<'a>(message: &'static Message, bytes: &'a [u8], context: &mut Context) -> Result<Cow<'a, [u8]>> {
    let level = usize::from(message.is_any_value());
    if is_tidy(message, bytes, level)? {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    Rewriter { out: &mut out, context }.message(message, bytes, level)?;
    Ok(Cow::Owned(out))
}

/// The bytes of a message that stands in `field` several times: of parts that come one after the other, protobuf
/// understands the same as of the parts merged.
pub(super) fn merged<'a>(name: &'static str, bytes: &'a [u8], field: u32, skip: usize) -> Result<Cow<'a, [u8]>> {
    let mut whole = Cow::Borrowed(&[][..]);
    let mut reader = Reader::new(bytes, name);
    let mut index = 0;
    while let Some((number, payload)) = reader.next()? {
        if number == field && index >= skip {
            match payload {
                Payload::Bytes(part) if whole.is_empty() => whole = Cow::Borrowed(part),
                Payload::Bytes(part) => whole.to_mut().extend_from_slice(part),
                other => return Err(reader.mismatch(other)),
            }
        }
        index += 1;
    }
    Ok(whole)
}

/// `level` is that of the `AnyValue` that `bytes` are or stand in, 0 outside.
fn is_tidy(message: &'static Message, bytes: &[u8], level: usize) -> Result<bool> {
    let mut reader = Reader::new(bytes, message.name);
    let mut seen = 0u32;
    while let Some((number, payload)) = reader.next()? {
        let Some(field) = message.field(number) else { continue };
        // The alternatives of an AnyValue share one bit.
        let bit = if message.is_any_value() { 1 } else { 1u32 << number };
        if !field.repeated && seen & bit != 0 {
            return Ok(false);
        }
        seen |= bit;
        if !has_type(field.kind, payload) {
            return Err(reader.mismatch(payload));
        }
        let tidy = match (field.kind, payload) {
            (Kind::Message(inner), Payload::Bytes(bytes)) => match inner_level(inner, level) {
                Some(level) => is_tidy(inner, bytes, level)?,
                None => false,
            },
            (Kind::String, Payload::Bytes(bytes)) => std::str::from_utf8(bytes).is_ok(),
            (Kind::StringIndex, _) => false,
            _ => true,
        };
        if !tidy {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The level inside of `message`, if it is not too deep.
fn inner_level(message: &Message, level: usize) -> Option<usize> {
    match message.is_any_value() {
        true => (level < NESTING_LEVELS_MAX).then_some(level + 1),
        false => Some(level),
    }
}

fn has_type(kind: Kind, payload: Payload<'_>) -> bool {
    match kind {
        Kind::Message(_) | Kind::String | Kind::Bytes | Kind::Id => matches!(payload, Payload::Bytes(_)),
        Kind::Bool | Kind::Int64 | Kind::Uint32 | Kind::Enum | Kind::StringIndex => {
            matches!(payload, Payload::Varint(_))
        }
        Kind::Fixed32 => matches!(payload, Payload::Fixed32(_)),
        Kind::Fixed64 | Kind::Double => matches!(payload, Payload::Fixed64(_)),
    }
}

struct Rewriter<'a> {
    out: &'a mut Vec<u8>,
    context: &'a mut Context,
}

impl Rewriter<'_> {
    fn message(&mut self, message: &'static Message, bytes: &[u8], level: usize) -> Result<()> {
        if message.is_any_value() {
            return self.any_value(bytes, level);
        }
        let mut reader = Reader::new(bytes, message.name);
        let mut merged_fields = 0u32;
        while let Some((number, payload, raw)) = reader.next_raw()? {
            let Some(field) = message.field(number) else {
                self.out.extend_from_slice(raw);
                continue;
            };
            if !has_type(field.kind, payload) {
                return Err(reader.mismatch(payload));
            }
            match (field.kind, payload) {
                (Kind::Message(inner), Payload::Bytes(_)) if !field.repeated => {
                    if merged_fields & 1 << number == 0 {
                        merged_fields |= 1 << number;
                        let whole = merged(message.name, bytes, number, 0)?;
                        self.inner(number, inner, &whole, level)?;
                    }
                }
                (Kind::Message(inner), Payload::Bytes(bytes)) => self.inner(number, inner, bytes, level)?,
                _ => self.scalar(field, payload, raw),
            }
        }
        Ok(())
    }

    /// Writes a message into a field of the message that is being written.
    fn inner(&mut self, number: u32, message: &'static Message, bytes: &[u8], level: usize) -> Result<()> {
        let open = self.out.start_message(number, bytes.len());
        match inner_level(message, level) {
            Some(level) => self.message(message, bytes, level)?,
            None => {
                self.context.note(Finding::TooDeep);
                self.out.put_bytes(1, TRUNCATED_VALUE.as_bytes());
            }
        }
        self.out.end_message(open);
        Ok(())
    }

    fn scalar(&mut self, field: &Field, payload: Payload<'_>, raw: &[u8]) {
        match (field.kind, payload) {
            (Kind::String, Payload::Bytes(bytes)) => {
                let text = self.context.text(bytes);
                self.out.put_bytes(field.number, text.as_bytes());
            }
            (Kind::StringIndex, _) => self.context.note(Finding::StringIndex),
            _ => self.out.extend_from_slice(raw),
        }
    }

    /// The last alternative counts. Where that is a message which came in several parts, these are merged, unless
    /// another alternative stands between them.
    fn any_value(&mut self, bytes: &[u8], level: usize) -> Result<()> {
        let mut reader = Reader::new(bytes, ANY_VALUE.name);
        let mut last = None;
        let mut run = (0, 0);
        let mut index = 0;
        while let Some((number, payload, raw)) = reader.next_raw()? {
            match ANY_VALUE.field(number) {
                None => self.out.extend_from_slice(raw),
                Some(field) if !has_type(field.kind, payload) => return Err(reader.mismatch(payload)),
                Some(field) => {
                    if run.0 != number {
                        run = (number, index);
                    }
                    last = Some((field, payload, raw));
                }
            }
            index += 1;
        }
        match last {
            Some((Field { number, kind: Kind::Message(inner), .. }, _, _)) => {
                let whole = merged(ANY_VALUE.name, bytes, *number, run.1)?;
                self.inner(*number, inner, &whole, level)
            }
            Some((field, payload, raw)) => {
                self.scalar(field, payload, raw);
                Ok(())
            }
            None => Ok(()),
        }
    }
}
