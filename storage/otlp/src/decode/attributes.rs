//! `KeyValue` messages from the wire into a column of attributes.

use tracewell_model::{Attributes, Value};

use super::context::{Context, Element};
use super::tidy::merged;
use super::value::any_value;
use crate::report::Finding;
use crate::wire::{Payload, Reader, Result, plain_pair};

const NO_KEY: u32 = u32::MAX;

/// Reads attributes, row by row, guessing each key by the one before.
///
/// Rows of a batch have mostly the same keys in the same order, so the key that followed the last time is compared
/// before anything is hashed.
#[derive(Default)]
pub(super) struct AttributeReader {
    /// For every key, at its number plus one; the first stands for the start of a row.
    known: Vec<KnownKey>,
    previous: usize,
    row: u32,
}

#[derive(Clone, Copy)]
struct KnownKey {
    /// The number of the key that came next the last time.
    next: u32,
    /// The row in which it was seen the last time.
    row: u32,
}

impl AttributeReader {
    /// To be called before the attributes of each row.
    #[inline]
    pub(super) fn start_row(&mut self) {
        self.previous = 0;
        self.row = self.row.wrapping_add(1);
    }

    /// Appends the attribute in `bytes`, an encoded `KeyValue`, to the row of `target` that is being built.
    #[inline]
    pub(super) fn read(&mut self, target: &mut Attributes, bytes: &[u8], context: &mut Context) -> Result<()> {
        context.charge(Element::Attribute)?;
        if let Some((key, value)) = plain_pair(bytes) {
            let number = self.number(target, key, context);
            target.push_numbered(number, any_value(value, context)?.get());
            return Ok(());
        }
        self.read_any(target, bytes, context)
    }

    /// As [`AttributeReader::read`], in any encoding.
    fn read_any(&mut self, target: &mut Attributes, bytes: &[u8], context: &mut Context) -> Result<()> {
        let mut reader = Reader::new(bytes, "KeyValue");
        let mut key: &[u8] = &[];
        let mut value = None;
        let mut parts = 0;
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Bytes(text)) => key = text,
                (2, Payload::Bytes(bytes)) => {
                    value = Some(bytes);
                    parts += 1;
                }
                (3, Payload::Varint(_)) => context.note(Finding::StringIndex),
                (1..=3, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        let number = self.number(target, key, context);
        match value {
            Some(_) if parts > 1 => {
                let whole = merged("KeyValue", bytes, 2, 0)?;
                target.push_numbered(number, any_value(&whole, context)?.get());
            }
            Some(bytes) => target.push_numbered(number, any_value(bytes, context)?.get()),
            None => target.push_numbered(number, Value::Absent),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self, target: &mut Attributes, key: &[u8], context: &mut Context) -> u32 {
        let guess = self.known.get(self.previous).map_or(NO_KEY, |known| known.next);
        let number = if guess != NO_KEY && target.dictionary().name(guess).as_bytes() == key {
            guess
        } else {
            self.look_up(target, key, context)
        };
        let place = number as usize + 1;
        let known = &mut self.known[place];
        if known.row == self.row {
            context.note(Finding::DuplicateKey);
        }
        known.row = self.row;
        self.previous = place;
        number
    }

    fn look_up(&mut self, target: &mut Attributes, key: &[u8], context: &mut Context) -> u32 {
        let text = context.text(key);
        let number = target.dictionary_mut().intern(&text);
        let places = target.dictionary().len() + 1;
        if self.known.len() < places {
            self.known.resize(places, KnownKey { next: NO_KEY, row: 0 });
        }
        self.known[self.previous].next = number;
        number
    }
}
