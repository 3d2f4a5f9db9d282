//! The filter of identifiers of a row group: which tokens that are no plain words may stand in which rows.
//!
//! Numbers, hashes and ids are most of the distinct tokens of logs. In postings each would cost its text and more, so
//! they and their beginnings are the entries of a [`super::granule_filter`].

use std::collections::HashSet;
use std::ops::Range;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::granule_filter::{GRANULE_ROWS, GranuleFilter, GranuleFilterBuilder};

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

/// What an identifier adds to the filter: itself, and its beginning.
pub(super) fn entries_of(token: &str) -> impl Iterator<Item = u64> {
    std::iter::once(token_hash(token)).chain(prefix_hash(token))
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
    filters: GranuleFilterBuilder,
}

impl FilterBuilder {
    /// Adds identifiers of the row that is being added, as [`entries_of`] has them.
    pub(crate) fn push(&mut self, entries: &[u64]) {
        self.entries.extend(entries);
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
    }

    fn end_granule(&mut self) {
        self.filters.push(self.entries.iter().copied());
        self.entries.clear();
    }

    /// The filter as bytes: see docs/formats/segment.md.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if !self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
        self.filters.finish()
    }
}

/// A filter, read.
pub(crate) struct TextFilter<'a>(GranuleFilter<'a>);

impl<'a> TextFilter<'a> {
    /// The filter in `bytes`, unless they are damaged.
    pub(crate) fn decode(bytes: &'a [u8]) -> Option<TextFilter<'a>> {
        GranuleFilter::decode(bytes).map(TextFilter)
    }

    /// The rows where this identifier may stand.
    pub(crate) fn rows_of(&self, token: &str) -> Vec<Range<usize>> {
        self.0.rows_with(token_hash(token))
    }

    /// The rows where identifiers may stand that begin so. None when that is too short to tell.
    pub(crate) fn rows_of_prefix(&self, prefix: &str) -> Option<Vec<Range<usize>>> {
        Some(self.0.rows_with(prefix_hash(prefix)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_in_their_granule_and_hardly_elsewhere() {
        let mut builder = FilterBuilder::default();
        for row in 0..3000 {
            builder.push(&entries_of(&format!("id{row}")).collect::<Vec<_>>());
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
