//! The filter of identifiers of a row group: which tokens that are no plain words may stand in which rows.
//!
//! Numbers, hashes and ids are most of the distinct tokens of logs. In postings each would cost its text and more; here
//! it costs 12 bits for every granule of rows that has it. For each granule there is a Bloom filter of its
//! identifiers and of their beginnings, so an answer may name too many rows, never too few.

use std::collections::HashSet;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The rows that are judged together.
const GRANULE_ROWS: usize = 1024;

/// Bits for each entry, and how many of them it sets: 0.3 % of the granules are named in vain.
const BITS_PER_ENTRY: usize = 12;
const PROBES: u64 = 8;

/// The characters of a beginning.
const PREFIX_CHARS: usize = 3;

/// Tells beginnings from whole tokens.
const PREFIX_SEED: u64 = 1;

/// The longest token that can be a word.
const WORD_BYTES_MAX: usize = 64;

/// Whether the token is a plain word, which stands in the postings, not here.
pub(crate) fn is_word(token: &str) -> bool {
    token.len() <= WORD_BYTES_MAX && !token.chars().any(char::is_numeric)
}

fn token_hash(token: &str) -> u64 {
    xxh3_64(token.as_bytes())
}

/// The hash of the beginning of a token, if it is long enough to have one.
fn prefix_hash(token: &str) -> Option<u64> {
    let (last, letter) = token.char_indices().nth(PREFIX_CHARS - 1)?;
    Some(xxh3_64_with_seed(&token.as_bytes()[..last + letter.len_utf8()], PREFIX_SEED))
}

/// Gathers the identifiers of the rows of a row group, one row after the other.
#[derive(Default)]
pub(crate) struct FilterBuilder {
    entries: HashSet<u64>,
    rows: usize,
    filters: Vec<Vec<u8>>,
}

impl FilterBuilder {
    /// Adds an identifier of the row that is being added.
    pub(crate) fn push(&mut self, token: &str) {
        self.entries.insert(token_hash(token));
        self.entries.extend(prefix_hash(token));
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
    }

    fn end_granule(&mut self) {
        let bytes = (self.entries.len() * BITS_PER_ENTRY).div_ceil(8);
        let mut filter = vec![0u8; bytes];
        for &entry in &self.entries {
            for bit in probes(entry, bytes) {
                filter[bit / 8] |= 1 << (bit % 8);
            }
        }
        self.entries.clear();
        self.filters.push(filter);
    }

    /// The filter as bytes: see docs/formats/segment.md.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if !self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
        let mut bytes = (GRANULE_ROWS as u32).to_le_bytes().to_vec();
        bytes.extend((self.filters.len() as u32).to_le_bytes());
        for filter in &self.filters {
            bytes.extend((filter.len() as u32).to_le_bytes());
        }
        bytes.extend(self.filters.concat());
        bytes
    }
}

/// The bits of an entry in a filter of so many bytes (not 0).
fn probes(entry: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = 8 * bytes as u64;
    let (first, step) = (entry & 0xffff_ffff, entry >> 32 | 1);
    (0..PROBES).map(move |probe| ((first + probe * step) % bits) as usize)
}

/// A filter, read.
pub(crate) struct TextFilter<'a> {
    granule_rows: usize,
    filters: Vec<&'a [u8]>,
}

impl<'a> TextFilter<'a> {
    /// The filter in `bytes`, unless they are damaged.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<TextFilter<'a>> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let (granule_rows, count) = (number(0)?, number(4)?);
        let mut rest = bytes.get(8usize.checked_add(count.checked_mul(4)?)?..)?;
        let mut filters = Vec::with_capacity(count);
        for filter in 0..count {
            let (filter, after) = rest.split_at_checked(number(8 + 4 * filter)?)?;
            filters.push(filter);
            rest = after;
        }
        (granule_rows > 0).then_some(TextFilter { granule_rows, filters })
    }

    /// The rows where this identifier may stand.
    pub(crate) fn rows_of(&self, token: &str) -> Vec<std::ops::Range<usize>> {
        self.rows_with(token_hash(token))
    }

    /// The rows where identifiers may stand that begin so. None when that is too short to tell.
    pub(crate) fn rows_of_prefix(&self, prefix: &str) -> Option<Vec<std::ops::Range<usize>>> {
        Some(self.rows_with(prefix_hash(prefix)?))
    }

    fn rows_with(&self, entry: u64) -> Vec<std::ops::Range<usize>> {
        let has = |filter: &[u8]| {
            !filter.is_empty() && probes(entry, filter.len()).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
        };
        let granules = self.filters.iter().enumerate().filter(|(_, filter)| has(filter));
        granules.map(|(granule, _)| granule * self.granule_rows..(granule + 1) * self.granule_rows).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_in_their_granule_and_hardly_elsewhere() {
        let mut builder = FilterBuilder::default();
        for row in 0..3000 {
            builder.push(&format!("id{row}"));
            builder.end_row();
        }
        let bytes = builder.finish();
        let filter = TextFilter::decode(&bytes).expect("undamaged");
        for row in 0..3000 {
            assert!(filter.rows_of(&format!("id{row}")).iter().any(|rows| rows.contains(&row)), "{row}");
        }
        let in_vain: usize = (0..3000).map(|row| filter.rows_of(&format!("no{row}")).len()).sum();
        assert!(in_vain < 100, "{in_vain} of 9000");
        assert_eq!(filter.rows_of_prefix("id17").map(|rows| rows.len()), Some(2), "ids from id1 on: rows 1 to 1999");
        assert!(filter.rows_of_prefix("id").is_none());
        assert!(TextFilter::decode(&bytes[..20]).is_none());
    }

    #[test]
    fn words_have_no_digits_of_any_script() {
        assert!(is_word("ärger") && is_word("_"));
        assert!(!is_word("a1") && !is_word("٣") && !is_word(&"x".repeat(65)));
    }
}
