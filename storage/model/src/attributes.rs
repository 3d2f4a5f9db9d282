//! Attributes of many rows as flat columns.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::value::scaled;
use crate::{Strings, Value, Values};

/// The distinct attribute keys of a batch, numbered in the order of their first use.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    names: Strings,
    index: HashTable<u32>,
}

impl Keys {
    /// The number of `key`, which is added when it is new.
    pub fn intern(&mut self, key: &str) -> u32 {
        let Keys { names, index } = self;
        let hash = xxh3_64(key.as_bytes());
        let found = index.find(hash, |&number| names.get(number as usize) == key);
        if let Some(&number) = found {
            return number;
        }
        let number = names.len() as u32;
        names.push(key);
        index.insert_unique(hash, number, |&number| xxh3_64(names.get(number as usize).as_bytes()));
        number
    }

    /// The number of `key`, if it is there.
    pub fn find(&self, key: &str) -> Option<u32> {
        self.index.find(xxh3_64(key.as_bytes()), |&number| self.names.get(number as usize) == key).copied()
    }

    /// The key with this number.
    #[inline]
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize)
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// All keys by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter()
    }
}

/// The attributes of the rows of a batch, in the order in which they came. Duplicate keys are kept.
#[derive(Clone, Debug)]
pub struct Attributes {
    offsets: Vec<u32>,
    keys: Vec<u32>,
    values: Values,
    dictionary: Keys,
}

impl Default for Attributes {
    fn default() -> Self {
        Attributes { offsets: vec![0], keys: Vec::new(), values: Values::default(), dictionary: Keys::default() }
    }
}

impl Attributes {
    /// Appends an attribute to the row that is being built.
    pub fn push(&mut self, key: &str, value: Value<'_>) {
        let number = self.dictionary.intern(key);
        self.push_numbered(number, value);
    }

    /// Appends an attribute whose key is already numbered (see [`Attributes::dictionary_mut`]).
    #[inline]
    pub fn push_numbered(&mut self, key: u32, value: Value<'_>) {
        self.keys.push(key);
        self.values.push(value);
    }

    /// Ends the row that is being built; what is pushed from now on belongs to the next.
    #[inline]
    pub fn end_row(&mut self) {
        self.offsets.push(self.keys.len() as u32);
    }

    /// Takes back what was pushed since the last [`Attributes::end_row`].
    pub fn abandon_row(&mut self) {
        let kept = *self.offsets.last().unwrap_or(&0) as usize;
        self.keys.truncate(kept);
        self.values.truncate(kept);
    }

    /// Takes back all rows from `rows` on, and what was pushed since the last [`Attributes::end_row`].
    pub fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.abandon_row();
    }

    /// The number of rows ended.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether no row was ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The attributes of `row`.
    pub fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (&str, Value<'_>)> {
        self.entries(row).map(|entry| (self.dictionary.name(self.keys[entry]), self.values.get(entry)))
    }

    /// The places of the attributes of `row` in [`Attributes::keys`] and [`Attributes::values`].
    pub fn entries(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row] as usize..self.offsets[row + 1] as usize
    }

    /// The value of `key` in `row`; of a duplicate key the last one.
    pub fn get(&self, row: usize, key: &str) -> Option<Value<'_>> {
        self.get_numbered(row, self.dictionary.find(key)?)
    }

    /// As [`Attributes::get`], by the key's number.
    pub fn get_numbered(&self, row: usize, key: u32) -> Option<Value<'_>> {
        self.entries(row).rev().find(|&entry| self.keys[entry] == key).map(|entry| self.values.get(entry))
    }

    /// The key number of every attribute.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }

    /// The value of every attribute.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The keys by number.
    #[inline]
    pub fn dictionary(&self) -> &Keys {
        &self.dictionary
    }

    /// The keys by number, to add some.
    #[inline]
    pub fn dictionary_mut(&mut self) -> &mut Keys {
        &mut self.dictionary
    }

    /// Appends all rows of `other`.
    pub fn append(&mut self, other: &Attributes) {
        let numbers: Vec<u32> = other.dictionary.iter().map(|key| self.dictionary.intern(key)).collect();
        let base = self.keys.len() as u32;
        self.keys.extend(other.keys.iter().map(|&key| numbers[key as usize]));
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
        self.values.append(&other.values);
    }

    /// Makes room for `rows` times as much as `other` holds in each of its `of` rows, on average.
    pub(crate) fn reserve_like(&mut self, other: &Attributes, rows: usize, of: usize) {
        self.offsets.reserve(scaled(other.len(), rows, of));
        self.keys.reserve(scaled(other.keys.len(), rows, of));
        self.values.reserve_like(&other.values, rows, of);
    }

    /// The heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.offsets.capacity() * 4 + self.keys.capacity() * 4 + self.values.heap_bytes()
    }
}

/// Copies chosen rows from one [`Attributes`] to another, looking up each key once.
pub struct AttributesAppender {
    numbers: Vec<Option<u32>>,
}

impl AttributesAppender {
    /// For rows of `source`.
    pub fn new(source: &Attributes) -> AttributesAppender {
        AttributesAppender { numbers: vec![None; source.dictionary.len()] }
    }

    /// Appends `row` of `source` to `target`. Always the same two.
    pub fn append_row(&mut self, target: &mut Attributes, source: &Attributes, row: usize) {
        for entry in source.entries(row) {
            let key = source.keys[entry];
            let number = *self.numbers[key as usize]
                .get_or_insert_with(|| target.dictionary.intern(source.dictionary.name(key)));
            target.push_numbered(number, source.values.get(entry));
        }
        target.end_row();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_batches_keep_their_rows_though_keys_are_numbered_anew() {
        let mut a = Attributes::default();
        a.push("x", Value::Int(1));
        a.end_row();
        let mut b = Attributes::default();
        b.push("y", Value::String("two"));
        b.push("x", Value::Int(3));
        b.end_row();
        b.end_row();
        a.append(&b);
        assert_eq!(a.len(), 3);
        assert_eq!(a.row(1).collect::<Vec<_>>(), [("y", Value::String("two")), ("x", Value::Int(3))]);
        assert_eq!(a.row(2).len(), 0);
        assert_eq!(a.get(0, "x"), Some(Value::Int(1)));
    }

    #[test]
    fn an_abandoned_row_leaves_nothing() {
        let mut a = Attributes::default();
        a.push("x", Value::String("gone"));
        a.abandon_row();
        a.push("y", Value::String("kept"));
        a.end_row();
        assert_eq!(a.row(0).collect::<Vec<_>>(), [("y", Value::String("kept"))]);
    }

    #[test]
    fn truncation_takes_back_whole_rows() {
        let mut a = Attributes::default();
        for text in ["first", "second", "third"] {
            a.push("x", Value::String(text));
            a.end_row();
        }
        a.truncate(1);
        a.push("x", Value::String("again"));
        a.end_row();
        assert_eq!(a.len(), 2);
        assert_eq!(a.get(0, "x"), Some(Value::String("first")));
        assert_eq!(a.get(1, "x"), Some(Value::String("again")));
    }
}
