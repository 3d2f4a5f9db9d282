//! The protobuf wire format: a borrowed reader of messages and a writer of them.

use std::fmt;

/// What is wrong with the bytes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The message that was being read.
    pub(crate) message: &'static str,
    /// The number of its field, 0 when not even that could be read.
    pub(crate) field: u32,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Varint,
    Truncated,
    Length { length: u64, left: usize },
    WireType(u8),
    FieldNumber(u64),
    Mismatch { found: &'static str },
    TooMany,
}

/// Boxed because the good case should stay small.
pub(crate) type Result<T> = std::result::Result<T, Box<Fault>>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        if self.field > 0 {
            write!(f, " field {}", self.field)?;
        }
        match &self.kind {
            FaultKind::Varint => write!(f, ": a variable-length integer is longer than 64 bits"),
            FaultKind::Truncated => write!(f, ": the message ends inside a value"),
            FaultKind::Length { length, left } => write!(f, ": length {length} but only {left} bytes are left"),
            FaultKind::WireType(kind) => write!(f, ": wire type {kind} is not used by OTLP"),
            FaultKind::FieldNumber(number) => write!(f, ": {number} is no field number"),
            FaultKind::Mismatch { found } => write!(f, ": unexpected {found} value"),
            FaultKind::TooMany => {
                write!(f, ": too many tiny elements for a request of this size; send smaller requests")
            }
        }
    }
}

/// The value of a field as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Reads the fields of one message in the order in which they stand.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    message: &'static str,
    field: u32,
}

// What happens for every field is inlined, and what is not gets no reference to the reader, so that a reader lives in
// registers.
impl<'a> Reader<'a> {
    /// A reader of `bytes`, which are of the message called `message` (for errors).
    #[inline(always)]
    pub(crate) fn new(bytes: &'a [u8], message: &'static str) -> Reader<'a> {
        Reader { rest: bytes, message, field: 0 }
    }

    /// The next field's number and value; nothing at the end of the message.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Payload<'a>)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        self.field = 0;
        let tag = self.varint()?;
        self.field = match u32::try_from(tag >> 3) {
            Ok(number @ 1..0x2000_0000) => number,
            _ => return Err(self.fault(FaultKind::FieldNumber(tag >> 3))),
        };
        let payload = match tag & 7 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Payload::Bytes(self.bytes()?),
            5 => Payload::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(self.fault(FaultKind::WireType(other as u8))),
        };
        Ok(Some((self.field, payload)))
    }

    /// As [`Reader::next`], with the field as it stands on the wire (tag and value) to be copied.
    pub(crate) fn next_raw(&mut self) -> Result<Option<(u32, Payload<'a>, &'a [u8])>> {
        let before = self.rest;
        let Some((field, payload)) = self.next()? else { return Ok(None) };
        Ok(Some((field, payload, &before[..before.len() - self.rest.len()])))
    }

    /// The error that the field just read has a value of another type than it should.
    #[inline(always)]
    pub(crate) fn mismatch(&self, payload: Payload<'_>) -> Box<Fault> {
        let found = match payload {
            Payload::Varint(_) => "varint",
            Payload::Fixed64(_) => "64-bit",
            Payload::Bytes(_) => "length-delimited",
            Payload::Fixed32(_) => "32-bit",
        };
        self.fault(FaultKind::Mismatch { found })
    }

    #[inline(always)]
    fn fault(&self, kind: FaultKind) -> Box<Fault> {
        fault(self.message, self.field, kind)
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64> {
        let (value, rest) = match *self.rest {
            [a, ref rest @ ..] if a < 0x80 => (u64::from(a), rest),
            [a, b, ref rest @ ..] if b < 0x80 => (u64::from(a & 0x7f) | u64::from(b) << 7, rest),
            _ => long_varint(self.rest).map_err(|kind| self.fault(kind))?,
        };
        self.rest = rest;
        Ok(value)
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk() {
            Some((array, rest)) => {
                self.rest = rest;
                Ok(*array)
            }
            None => Err(self.fault(FaultKind::Truncated)),
        }
    }

    #[inline(always)]
    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        match split {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.fault(FaultKind::Length { length, left: self.rest.len() })),
        }
    }
}

#[cold]
#[inline(never)]
fn fault(message: &'static str, field: u32, kind: FaultKind) -> Box<Fault> {
    Box::new(Fault { message, field, kind })
}

/// The integer that `bytes` start with, and what follows it.
#[inline(never)]
fn long_varint(bytes: &[u8]) -> std::result::Result<(u64, &[u8]), FaultKind> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            // The tenth byte holds the last of 64 bits.
            if index == 9 && byte > 1 {
                return Err(FaultKind::Varint);
            }
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(if bytes.len() < 10 { FaultKind::Truncated } else { FaultKind::Varint })
}

/// The content of field 1 and of field 2, if `bytes` are just these two, length-delimited, shorter than 128 bytes, and
/// in order: a key and its value as nearly all encoders write them.
#[inline(always)]
pub(crate) fn plain_pair(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, length, rest @ ..] = bytes else { return None };
    let (first, rest) = rest.split_at_checked(usize::from(*length))?;
    let [0x12, last_length, second @ ..] = rest else { return None };
    (*length < 0x80 && *last_length < 0x80 && usize::from(*last_length) == second.len()).then_some((first, second))
}

/// The content of field 1, if `bytes` are just that, length-delimited and shorter than 128 bytes.
#[inline(always)]
pub(crate) fn plain_bytes(bytes: &[u8]) -> Option<&[u8]> {
    let [0x0a, length, content @ ..] = bytes else { return None };
    (*length < 0x80 && usize::from(*length) == content.len()).then_some(content)
}

/// The wire type of a field, for its tag.
#[derive(Clone, Copy)]
enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// Appends protobuf fields to a buffer. The methods named `set_…` leave out zero and empty values, as proto3 does.
pub(crate) trait WriteWire {
    fn varint(&mut self, value: u64);
    fn put_varint(&mut self, field: u32, value: u64);
    fn put_fixed64(&mut self, field: u32, value: u64);
    fn put_fixed32(&mut self, field: u32, value: u32);
    fn put_bytes(&mut self, field: u32, bytes: &[u8]);

    fn set_varint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.put_varint(field, value);
        }
    }

    fn set_fixed64(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.put_fixed64(field, value);
        }
    }

    fn set_fixed32(&mut self, field: u32, value: u32) {
        if value != 0 {
            self.put_fixed32(field, value);
        }
    }

    fn set_bytes(&mut self, field: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.put_bytes(field, bytes);
        }
    }

    /// Starts a message of about `expected` bytes in `field`. End it with [`WriteWire::end_message`].
    fn start_message(&mut self, field: u32, expected: usize) -> OpenMessage;

    /// Ends the message, writing its length where room was left, and making the room fit.
    fn end_message(&mut self, open: OpenMessage);
}

/// Where a message that is being written starts.
#[must_use]
pub(crate) struct OpenMessage {
    content: usize,
    room: usize,
}

fn varint_bytes(value: usize) -> usize {
    (value | 1).ilog2() as usize / 7 + 1
}

fn tag(field: u32, kind: WireType) -> u64 {
    u64::from(field) << 3 | kind as u64
}

impl WriteWire for Vec<u8> {
    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn put_varint(&mut self, field: u32, value: u64) {
        self.varint(tag(field, WireType::Varint));
        self.varint(value);
    }

    fn put_fixed64(&mut self, field: u32, value: u64) {
        self.varint(tag(field, WireType::Fixed64));
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_fixed32(&mut self, field: u32, value: u32) {
        self.varint(tag(field, WireType::Fixed32));
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(tag(field, WireType::Bytes));
        self.varint(bytes.len() as u64);
        self.extend_from_slice(bytes);
    }

    fn start_message(&mut self, field: u32, expected: usize) -> OpenMessage {
        self.varint(tag(field, WireType::Bytes));
        let room = varint_bytes(expected);
        self.resize(self.len() + room, 0);
        OpenMessage { content: self.len(), room }
    }

    fn end_message(&mut self, open: OpenMessage) {
        let OpenMessage { content, room } = open;
        let mut length = self.len() - content;
        let needed = varint_bytes(length);
        let start = content - room;
        if needed != room {
            let end = self.len();
            if needed > room {
                self.resize(end + needed - room, 0);
            }
            self.copy_within(content..end, start + needed);
            self.truncate(start + needed + length);
        }
        for byte in &mut self[start..start + needed - 1] {
            *byte = length as u8 | 0x80;
            length >>= 7;
        }
        self[start + needed - 1] = length as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<Vec<(u32, Payload<'_>)>> {
        let mut reader = Reader::new(bytes, "Test");
        let mut fields = Vec::new();
        while let Some(field) = reader.next()? {
            fields.push(field);
        }
        Ok(fields)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut bytes = Vec::new();
        bytes.put_varint(1, u64::MAX);
        bytes.put_varint(2, 300);
        bytes.put_fixed64(3, 7);
        bytes.put_fixed32(16, 8);
        bytes.put_bytes(0x1fff_ffff, b"text");
        let expected = [
            (1, Payload::Varint(u64::MAX)),
            (2, Payload::Varint(300)),
            (3, Payload::Fixed64(7)),
            (16, Payload::Fixed32(8)),
            (0x1fff_ffff, Payload::Bytes(b"text")),
        ];
        assert_eq!(read_all(&bytes).expect("well-formed"), expected);
    }

    #[test]
    fn the_length_of_a_message_fits_whatever_was_expected() {
        for expected in [0, 100, 200, 20_000, 3_000_000] {
            for length in [0, 1, 127, 128, 16_383, 16_384, 70_000] {
                let mut bytes = b"before".to_vec();
                let open = bytes.start_message(1, expected);
                bytes.extend(std::iter::repeat_n(b'x', length));
                bytes.end_message(open);
                let mut plain = b"before".to_vec();
                plain.put_bytes(1, &vec![b'x'; length]);
                assert_eq!(bytes, plain, "expected {expected}, got {length}");
            }
        }
    }

    #[test]
    fn malformed_fields_are_refused() {
        let kind = |bytes: &[u8]| read_all(bytes).expect_err("malformed").kind;
        assert_eq!(kind(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), FaultKind::Varint);
        assert_eq!(kind(&[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]), FaultKind::Varint);
        assert_eq!(kind(&[0x08, 0x80]), FaultKind::Truncated);
        assert_eq!(kind(&[0x80]), FaultKind::Truncated);
        assert_eq!(kind(&[0x09, 1, 2, 3]), FaultKind::Truncated);
        assert_eq!(kind(&[0x0d, 1, 2, 3]), FaultKind::Truncated);
        assert_eq!(kind(&[0x0a, 3, 1, 2]), FaultKind::Length { length: 3, left: 2 });
        assert_eq!(kind(&[0x02, 0]), FaultKind::FieldNumber(0));
        for wire_type in [3, 4, 6, 7] {
            assert_eq!(kind(&[0x08 | wire_type]), FaultKind::WireType(wire_type));
        }
    }
}
