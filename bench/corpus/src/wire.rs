//! Writing OTLP protobuf without intermediate structs.

/// Appends `value` as a varint.
pub fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Appends a field of bytes. `tag` is field number and wire type, of one byte.
pub fn bytes(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Appends a fixed64 field.
pub fn fixed64(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a varint field.
pub fn number(out: &mut Vec<u8>, tag: u8, value: u64) {
    out.push(tag);
    varint(out, value);
}

/// Tags of the fields that hold attributes.
pub mod attributes_of {
    pub const SPAN: u8 = 0x4a;
    pub const EVENT: u8 = 0x1a;
    pub const LOG: u8 = 0x32;
    pub const RESOURCE: u8 = 0x0a;
    pub const KEY_VALUE_LIST: u8 = 0x0a;
}

/// Appends attributes to a message.
pub struct Attributes<'a> {
    out: &'a mut Vec<u8>,
    tag: u8,
    /// How many there are.
    pub count: u64,
    /// The bytes of keys and values, numbers as text of eight bytes.
    pub raw_bytes: u64,
}

impl Attributes<'_> {
    pub fn new(out: &mut Vec<u8>, tag: u8) -> Attributes<'_> {
        Attributes { out, tag, count: 0, raw_bytes: 0 }
    }

    pub fn text(&mut self, key: &str, value: &str) {
        let length = 1 + varint_len(value.len() as u64) + value.len();
        self.open(key, length, value.len());
        bytes(self.out, 0x0a, value.as_bytes());
    }

    pub fn int(&mut self, key: &str, value: u64) {
        self.open(key, 1 + varint_len(value), 8);
        number(self.out, 0x18, value);
    }

    pub fn double(&mut self, key: &str, value: f64) {
        self.open(key, 9, 8);
        fixed64(self.out, 0x21, value.to_bits());
    }

    pub fn boolean(&mut self, key: &str, value: bool) {
        self.open(key, 2, 1);
        number(self.out, 0x10, u64::from(value));
    }

    /// Everything of an attribute but the content of its `AnyValue`, which has `length` bytes.
    fn open(&mut self, key: &str, length: usize, raw: usize) {
        let key_length = 1 + varint_len(key.len() as u64) + key.len();
        let value_length = 1 + varint_len(length as u64) + length;
        self.out.push(self.tag);
        varint(self.out, (key_length + value_length) as u64);
        bytes(self.out, 0x0a, key.as_bytes());
        self.out.push(0x12);
        varint(self.out, length as u64);
        self.count += 1;
        self.raw_bytes += (key.len() + raw) as u64;
    }
}
