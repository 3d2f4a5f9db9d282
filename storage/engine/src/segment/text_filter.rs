//! The filter of identifiers of a row group: which tokens that are no plain words may stand in which rows.
//!
//! Numbers, hashes and ids are most of the distinct tokens of logs. In postings each would cost its text and more, so
//! they and their beginnings are the entries of a [`super::granule_table`].

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::granule_table::{GRANULE_ROWS, GranuleTableBuilder};

/// The characters of a beginning.
const PREFIX_CHARS: usize = 3;

/// Tells beginnings from whole tokens.
const PREFIX_SEED: u64 = 1;

/// The longest token that can be a word.
const WORD_BYTES_MAX: usize = 64;

/// Whether the token is a plain word, which stands in the postings, not here.
pub(crate) fn is_word(token: &str) -> bool {
    let has_number = match token.is_ascii() {
        true => token.bytes().any(|byte| byte.is_ascii_digit()),
        false => token.chars().any(char::is_numeric),
    };
    token.len() <= WORD_BYTES_MAX && !has_number
}

/// What an identifier adds to the filter: itself, and its beginning.
pub(super) fn entries_of(token: &str) -> impl Iterator<Item = u64> {
    std::iter::once(token_hash(token)).chain(prefix_hash(token))
}

/// The entry of an identifier.
pub(super) fn token_hash(token: &str) -> u64 {
    xxh3_64(token.as_bytes())
}

/// The entry of the beginning of an identifier, if it is long enough to have one.
pub(super) fn prefix_hash(token: &str) -> Option<u64> {
    let (last, letter) = token.char_indices().nth(PREFIX_CHARS - 1)?;
    Some(xxh3_64_with_seed(&token.as_bytes()[..last + letter.len_utf8()], PREFIX_SEED))
}

/// Gathers the identifiers of the rows of a row group, one row after the other.
#[derive(Default)]
pub(crate) struct FilterBuilder {
    entries: Vec<u64>,
    rows: usize,
    table: GranuleTableBuilder,
}

impl FilterBuilder {
    /// Adds identifiers of the row that is being added, as [`entries_of`] has them.
    pub(crate) fn push(&mut self, entries: &[u64]) {
        self.entries.extend_from_slice(entries);
    }

    /// Ends a row.
    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
    }

    fn end_granule(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
        self.table.push(self.entries.drain(..));
    }

    /// The filter as bytes: see docs/formats/segment.md.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if !self.rows.is_multiple_of(GRANULE_ROWS) {
            self.end_granule();
        }
        self.table.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::granules::{Form, Granules, Piece};
    use super::*;

    #[test]
    fn identifiers_are_found_in_their_granule_and_hardly_elsewhere() {
        let mut builder = FilterBuilder::default();
        for row in 0..3000 {
            builder.push(&entries_of(&format!("id{row}")).collect::<Vec<_>>());
            builder.end_row();
        }
        let bytes = builder.finish();
        let filter = Granules::new(Piece::Loaded(bytes.into()), Form::Table);
        let rows_with = |entry: u64| filter.rows_with(entry).expect("reads").expect("undamaged");
        let rows_of = |token: &str| rows_with(token_hash(token));
        for row in 0..3000 {
            assert!(rows_of(&format!("id{row}")).iter().any(|rows| rows.contains(&row)), "{row}");
        }
        let in_vain: usize = (0..3000).map(|row| rows_of(&format!("no{row}")).len()).sum();
        assert!(in_vain < 500, "{in_vain} of 9000");
        let of_prefix = rows_with(prefix_hash("id17").expect("long enough"));
        assert_eq!(of_prefix.len(), 2, "ids from id1 on: rows 1 to 1999");
        assert!(prefix_hash("id").is_none());
    }

    #[test]
    fn words_have_no_digits_of_any_script() {
        assert!(is_word("ärger") && is_word("_"));
        assert!(!is_word("a1") && !is_word("٣") && !is_word(&"x".repeat(65)));
    }
}
