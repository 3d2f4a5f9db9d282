//! A column of strings: one buffer and the offsets into it.

use crate::value::scaled;

/// Strings of any number, end to end in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strings {
    offsets: Vec<u32>,
    bytes: String,
}

impl Default for Strings {
    fn default() -> Self {
        Strings { offsets: vec![0], bytes: String::new() }
    }
}

impl Strings {
    /// Appends `text`. A batch holds less than 4 GiB of text: callers bound their batches long before.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.offsets.push(self.bytes.len() as u32);
        debug_assert!(self.bytes.len() <= u32::MAX as usize);
    }

    /// The string of `row`. Panics if there is none, as slices do.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// The number of strings.
    #[inline]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.offsets.windows(2).map(|w| &self.bytes[w[0] as usize..w[1] as usize])
    }

    /// The offsets (one more than there are strings, the first 0) and the buffer, as Arrow wants them.
    pub fn parts(&self) -> (&[u32], &[u8]) {
        (&self.offsets, self.bytes.as_bytes())
    }

    /// Appends all strings of `other`.
    pub fn append(&mut self, other: &Strings) {
        let base = self.bytes.len() as u32;
        self.bytes.push_str(&other.bytes);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
    }

    /// Makes room for `rows` times as much as `other` holds in each of its `of` rows, on average.
    pub(crate) fn reserve_like(&mut self, other: &Strings, rows: usize, of: usize) {
        self.offsets.reserve(scaled(other.len(), rows, of));
        self.bytes.reserve(scaled(other.bytes.len(), rows, of));
    }

    /// Takes back all strings from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.offsets.truncate(len + 1);
            self.bytes.truncate(self.offsets[len] as usize);
        }
    }

    /// The heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.offsets.capacity() * 4 + self.bytes.capacity()
    }
}
