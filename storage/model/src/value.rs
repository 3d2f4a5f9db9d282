//! Attribute values and log bodies: the OTLP `AnyValue` as a typed column.

/// The alternative of an OTLP `AnyValue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValueKind {
    /// No value at all: the field was not on the wire.
    Absent = 0,
    /// An `AnyValue` with no alternative set.
    Empty = 1,
    /// UTF-8 text.
    String = 2,
    /// True or false.
    Bool = 3,
    /// A signed 64-bit integer.
    Int = 4,
    /// A 64-bit float, any bit pattern.
    Double = 5,
    /// Raw bytes.
    Bytes = 6,
    /// An `ArrayValue`, kept as the bytes of the protobuf message `AnyValue` that holds it.
    Array = 7,
    /// A `KeyValueList`, kept as the bytes of the protobuf message `AnyValue` that holds it.
    KeyValueList = 8,
}

/// One value, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// See [`ValueKind::Absent`].
    Absent,
    /// See [`ValueKind::Empty`].
    Empty,
    /// See [`ValueKind::String`].
    String(&'a str),
    /// See [`ValueKind::Bool`].
    Bool(bool),
    /// See [`ValueKind::Int`].
    Int(i64),
    /// See [`ValueKind::Double`].
    Double(f64),
    /// See [`ValueKind::Bytes`].
    Bytes(&'a [u8]),
    /// See [`ValueKind::Array`]: the encoded `AnyValue`.
    Array(&'a [u8]),
    /// See [`ValueKind::KeyValueList`]: the encoded `AnyValue`.
    KeyValueList(&'a [u8]),
}

impl Value<'_> {
    /// The alternative it is.
    pub fn kind(&self) -> ValueKind {
        match self {
            Value::Absent => ValueKind::Absent,
            Value::Empty => ValueKind::Empty,
            Value::String(_) => ValueKind::String,
            Value::Bool(_) => ValueKind::Bool,
            Value::Int(_) => ValueKind::Int,
            Value::Double(_) => ValueKind::Double,
            Value::Bytes(_) => ValueKind::Bytes,
            Value::Array(_) => ValueKind::Array,
            Value::KeyValueList(_) => ValueKind::KeyValueList,
        }
    }
}

/// Equal when they are of one kind and hold the same bits: `NaN` equals itself, `0.0` does not equal `-0.0`.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Absent, Value::Absent) | (Value::Empty, Value::Empty) => true,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::Bytes(a), Value::Bytes(b))
            | (Value::Array(a), Value::Array(b))
            | (Value::KeyValueList(a), Value::KeyValueList(b)) => a == b,
            _ => false,
        }
    }
}

/// What holds the text or the bytes of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Buffer {
    Texts,
    Bytes,
}

impl ValueKind {
    fn buffer(self) -> Option<Buffer> {
        match self {
            ValueKind::String => Some(Buffer::Texts),
            ValueKind::Bytes | ValueKind::Array | ValueKind::KeyValueList => Some(Buffer::Bytes),
            _ => None,
        }
    }
}

/// The last `length` bytes of a buffer that ends at `end`, as `bits`. Batches hold less than 4 GiB.
fn piece(end: usize, length: usize) -> u64 {
    debug_assert!(end <= u32::MAX as usize);
    ((end - length) as u64) << 32 | length as u64
}

/// The share of `rows` in a total that stands for `of` rows, rounded up.
pub(crate) fn scaled(total: usize, rows: usize, of: usize) -> usize {
    (total as u64).saturating_mul(rows as u64).div_ceil(of.max(1) as u64) as usize
}

/// A column of values of mixed kinds.
///
/// Scalars stand in `bits`; for text, bytes and nested values `bits` holds offset (upper half) and length (lower
/// half) of a piece of the buffer of texts or of that of bytes.
#[derive(Clone, Debug, Default)]
pub struct Values {
    kinds: Vec<ValueKind>,
    bits: Vec<u64>,
    texts: String,
    bytes: Vec<u8>,
}

impl Values {
    /// Appends `value`. A batch holds less than 4 GiB of values: callers bound their batches long before.
    #[inline]
    pub fn push(&mut self, value: Value<'_>) {
        let bits = match value {
            Value::Absent | Value::Empty => 0,
            Value::Bool(value) => u64::from(value),
            Value::Int(value) => value as u64,
            Value::Double(value) => value.to_bits(),
            Value::String(text) => {
                self.texts.push_str(text);
                piece(self.texts.len(), text.len())
            }
            Value::Bytes(bytes) | Value::Array(bytes) | Value::KeyValueList(bytes) => {
                self.bytes.extend_from_slice(bytes);
                piece(self.bytes.len(), bytes.len())
            }
        };
        self.kinds.push(value.kind());
        self.bits.push(bits);
    }

    /// The value at `index`. Panics if there is none, as slices do.
    pub fn get(&self, index: usize) -> Value<'_> {
        let bits = self.bits[index];
        let place = || (bits >> 32) as usize..(bits >> 32) as usize + (bits & 0xffff_ffff) as usize;
        let piece = || &self.bytes[place()];
        match self.kinds[index] {
            ValueKind::Absent => Value::Absent,
            ValueKind::Empty => Value::Empty,
            ValueKind::String => Value::String(&self.texts[place()]),
            ValueKind::Bool => Value::Bool(bits != 0),
            ValueKind::Int => Value::Int(bits as i64),
            ValueKind::Double => Value::Double(f64::from_bits(bits)),
            ValueKind::Bytes => Value::Bytes(piece()),
            ValueKind::Array => Value::Array(piece()),
            ValueKind::KeyValueList => Value::KeyValueList(piece()),
        }
    }

    /// The kind of the value at `index`.
    pub fn kind(&self, index: usize) -> ValueKind {
        self.kinds[index]
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Takes back all values from `len` on.
    pub fn truncate(&mut self, len: usize) {
        let start = |buffer| {
            let first = (len..self.kinds.len()).find(|&index| self.kinds[index].buffer() == Some(buffer));
            first.map(|first| (self.bits[first] >> 32) as usize)
        };
        let (texts, bytes) = (start(Buffer::Texts), start(Buffer::Bytes));
        self.texts.truncate(texts.unwrap_or(self.texts.len()));
        self.bytes.truncate(bytes.unwrap_or(self.bytes.len()));
        self.kinds.truncate(len);
        self.bits.truncate(len);
    }

    /// Appends all values of `other`.
    pub fn append(&mut self, other: &Values) {
        let bases = [(self.texts.len() as u64) << 32, (self.bytes.len() as u64) << 32];
        self.kinds.extend_from_slice(&other.kinds);
        self.bits.extend(other.kinds.iter().zip(&other.bits).map(|(kind, bits)| match kind.buffer() {
            Some(buffer) => bits + bases[buffer as usize],
            None => *bits,
        }));
        self.texts.push_str(&other.texts);
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Makes room for `rows` times as much as `other` holds in each of its `of` rows, on average.
    pub fn reserve_like(&mut self, other: &Values, rows: usize, of: usize) {
        self.kinds.reserve(scaled(other.kinds.len(), rows, of));
        self.bits.reserve(scaled(other.bits.len(), rows, of));
        self.texts.reserve(scaled(other.texts.len(), rows, of));
        self.bytes.reserve(scaled(other.bytes.len(), rows, of));
    }

    /// The heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.kinds.capacity() + self.bits.capacity() * 8 + self.texts.capacity() + self.bytes.capacity()
    }
}
