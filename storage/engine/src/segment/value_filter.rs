//! The value filter of a row group: which values of attributes may stand in which rows.
//!
//! It finds the few rows of a user, an order or a pod without decoding the column of the attribute. Strings and integers
//! of records are in it, wherever they stand, when that pays: keys whose values stand nearly everywhere are left out,
//! and so are integers that differ from row to row.

use std::ops::Range;

use hashbrown::HashSet;
use tracewell_model::{Attributes, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::granule_table::{GRANULE_ROWS, GranuleTableBuilder};
use super::granules::{Form, Granules, Piece};
use crate::{AttributeType, Scalar, StorageError};

/// Of so many granules a value must not stand in more than one, on average over the values of a key.
const GRANULES_TO_ONE: usize = 8;

/// Of so many integers of a granule at most one may be different: those of others cost more than they help.
const INTS_TO_ONE: usize = 4;

/// After so many granules with its values a key is left out for good, when it does not pay by then.
const TRIAL_GRANULES: usize = 16;

/// The hash of a key with the type of its values. None for types that are not in filters.
fn key_hash(key: &str, of: AttributeType) -> Option<u64> {
    match of {
        AttributeType::String => Some(xxh3_64_with_seed(key.as_bytes(), 1)),
        AttributeType::Int => Some(xxh3_64_with_seed(key.as_bytes(), 2)),
        _ => None,
    }
}

/// The entry of a value of the key with this hash.
fn entry(key_hash: u64, value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, key_hash)
}

/// The values of a key of one type, being gathered.
#[derive(Default)]
struct Gathered {
    /// How many rows had one, over all granules.
    occurrences: usize,
    /// The distinct entries of the current granule.
    current: HashSet<u64>,
    /// Of the granules before: the number of each and its distinct entries.
    granules: Vec<(usize, Vec<u64>)>,
    /// The distinct entries of all granules.
    distinct: HashSet<u64>,
    /// How many entries all granules have.
    entries: usize,
    given_up: bool,
}

impl Gathered {
    fn end_granule(&mut self, granule: usize, is_int: bool) {
        if self.given_up || self.current.is_empty() {
            return;
        }
        self.entries += self.current.len();
        self.distinct.extend(&self.current);
        self.granules.push((granule, self.current.drain().collect()));
        if self.granules.len().is_multiple_of(TRIAL_GRANULES) && !self.pays(is_int) {
            *self = Gathered { given_up: true, ..Gathered::default() };
        }
    }

    fn pays(&self, is_int: bool) -> bool {
        let is_selective =
            self.entries * GRANULES_TO_ONE <= self.distinct.len() * self.granules.len().max(GRANULES_TO_ONE);
        let is_cheap = !is_int || self.entries * INTS_TO_ONE <= self.occurrences;
        !self.given_up && self.entries > 0 && is_selective && is_cheap
    }
}

/// The value filter of `rows`, in this order, as bytes: see docs/formats/segment.md.
pub(crate) fn build(attributes: &Attributes, rows: &[u32]) -> Vec<u8> {
    let dictionary = attributes.dictionary();
    let hashes: Vec<[u64; 2]> = dictionary
        .iter()
        .map(|key| [AttributeType::String, AttributeType::Int].map(|of| key_hash(key, of).unwrap_or_default()))
        .collect();
    let mut gathered: Vec<[Gathered; 2]> = Vec::new();
    gathered.resize_with(dictionary.len(), Default::default);
    let mut granules = 0;
    for (granule, rows) in rows.chunks(GRANULE_ROWS).enumerate() {
        for &row in rows {
            for place in attributes.entries(row as usize) {
                let key = attributes.keys()[place] as usize;
                let bytes;
                let (of, value) = match attributes.values().get(place) {
                    Value::String(text) => (0, text.as_bytes()),
                    Value::Int(number) => {
                        bytes = number.to_le_bytes();
                        (1, bytes.as_slice())
                    }
                    _ => continue,
                };
                let values = &mut gathered[key][of];
                if !values.given_up {
                    values.occurrences += 1;
                    values.current.insert(entry(hashes[key][of], value));
                }
            }
        }
        for [strings, ints] in &mut gathered {
            strings.end_granule(granule, false);
            ints.end_granule(granule, true);
        }
        granules = granule + 1;
    }
    encode(gathered, &hashes, granules)
}

fn encode(gathered: Vec<[Gathered; 2]>, hashes: &[[u64; 2]], granules: usize) -> Vec<u8> {
    let mut keys = Vec::new();
    let mut of_granules: Vec<Vec<u64>> = vec![Vec::new(); granules];
    for (values, hashes) in gathered.into_iter().zip(hashes) {
        for ((values, hash), is_int) in values.into_iter().zip(hashes).zip([false, true]) {
            if values.pays(is_int) {
                keys.push(*hash);
                values.granules.into_iter().for_each(|(granule, entries)| of_granules[granule].extend(entries));
            }
        }
    }
    keys.sort_unstable();
    let mut bytes = (keys.len() as u32).to_le_bytes().to_vec();
    keys.iter().for_each(|key| bytes.extend(key.to_le_bytes()));
    let mut table = GranuleTableBuilder::default();
    of_granules.into_iter().for_each(|entries| table.push(entries.into_iter()));
    bytes.extend(table.finish());
    bytes
}

/// A value filter, of which is read what a look-up needs.
pub(crate) struct ValueFilter {
    keys: Vec<u64>,
    granules: Granules,
}

impl ValueFilter {
    /// The filter in `piece`; none when it is damaged. Blocks.
    pub(super) fn open(piece: Piece, form: Form) -> Result<Option<ValueFilter>, StorageError> {
        let Some(count) = piece.read(0..4)?.as_ref().try_into().ok().map(u32::from_le_bytes) else { return Ok(None) };
        let keys_end = 4 + 8 * u64::from(count);
        let keys = piece.read(4..keys_end)?;
        if keys.len() as u64 != keys_end - 4 {
            return Ok(None);
        }
        let keys = keys.chunks_exact(8).filter_map(|key| key.try_into().ok().map(u64::from_le_bytes)).collect();
        Ok(Some(ValueFilter { keys, granules: Granules::new(piece.behind(keys_end), form) }))
    }

    /// What stands for this value of the attribute of this type. None when the filter does not know the attribute.
    pub(super) fn entry(&self, key: &str, of: AttributeType, value: &Scalar) -> Option<u64> {
        let key = key_hash(key, of)?;
        self.keys.binary_search(&key).ok()?;
        match (of, value) {
            (AttributeType::String, Scalar::String(text)) => Some(entry(key, text.as_bytes())),
            (AttributeType::Int, Scalar::Int(number)) => Some(entry(key, &number.to_le_bytes())),
            _ => None,
        }
    }

    /// The rows where an entry may stand; none when the filter is damaged. Blocks.
    pub(super) fn rows_with(&self, entry: u64) -> Result<Option<Vec<Range<usize>>>, StorageError> {
        self.granules.rows_with(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: u32 = 64 * GRANULE_ROWS as u32;

    /// Users that come and go, a method that is everywhere, and a port and an id of every row.
    fn attributes() -> Attributes {
        let mut attributes = Attributes::default();
        for row in 0..ROWS {
            attributes.push("user.id", Value::String(&format!("user-{}", row / 100)));
            attributes.push("customer", Value::Int(i64::from(row / 100)));
            attributes.push("method", Value::String(["GET", "POST"][row as usize % 2]));
            attributes.push("port", Value::Int(i64::from(row * 7)));
            attributes.push("message.id", Value::String(&format!("message-{row}")));
            attributes.end_row();
        }
        attributes
    }

    fn rows_of(filter: &ValueFilter, key: &str, value: Scalar) -> Option<Vec<Range<usize>>> {
        let of = if matches!(value, Scalar::Int(_)) { AttributeType::Int } else { AttributeType::String };
        let entry = filter.entry(key, of, &value)?;
        Some(filter.rows_with(entry).expect("reads").expect("undamaged"))
    }

    fn filter() -> ValueFilter {
        let bytes = build(&attributes(), &(0..ROWS).collect::<Vec<_>>());
        ValueFilter::open(Piece::Loaded(bytes.into()), Form::Table).expect("reads").expect("undamaged")
    }

    #[test]
    fn values_are_found_in_their_granules_and_hardly_elsewhere() {
        let filter = filter();
        let rows_of = |key: &str, value: Scalar| rows_of(&filter, key, value).expect("a key of the filter");
        let mut named = 0;
        for row in (0..ROWS).step_by(99) {
            let (user, row_number) = (row / 100, row as usize);
            for rows in [
                rows_of("user.id", Scalar::String(format!("user-{user}"))),
                rows_of("customer", Scalar::Int(i64::from(user))),
                rows_of("message.id", Scalar::String(format!("message-{row}"))),
            ] {
                assert!(rows.iter().any(|rows| rows.contains(&row_number)), "{row}");
                named += rows.len();
            }
        }
        assert!(named < 3 * 663 * 3 / 2, "{named} granules for 1,989 look-ups");
        assert!(rows_of("user.id", Scalar::String("nobody".into())).len() < 4);
    }

    #[test]
    fn keys_that_do_not_pay_are_left_to_their_columns() {
        let filter = filter();
        assert!(rows_of(&filter, "method", Scalar::String("GET".into())).is_none(), "it is everywhere");
        assert!(rows_of(&filter, "port", Scalar::Int(7)).is_none(), "it costs more than its column");
        assert!(rows_of(&filter, "user.id", Scalar::Int(7)).is_none(), "another type");
        assert!(rows_of(&filter, "other", Scalar::String("x".into())).is_none());
        let shown = Scalar::String("user-7".into());
        assert!(filter.entry("user.id", AttributeType::Display, &shown).is_none(), "shown of any type");
    }

    #[test]
    fn a_damaged_filter_is_noticed() {
        let bytes = build(&attributes(), &(0..ROWS).collect::<Vec<_>>());
        for length in [0, 3, 20] {
            let piece = Piece::Loaded(bytes::Bytes::copy_from_slice(&bytes[..length]));
            assert!(ValueFilter::open(piece, Form::Table).expect("reads").is_none(), "{length} bytes");
        }
    }
}
