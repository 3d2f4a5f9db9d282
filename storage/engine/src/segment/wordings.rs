//! The wordings of a row group: the words of a row's texts, in their order. Most log records have the wording of many
//! others and differ in their identifiers, so the text index knows which words a wording has, and [`Runs`] which rows
//! have the wording.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use hashbrown::HashMap;
use tracewell_model::Records;

use super::any_value::{put_varint, take_varint};
use super::text_filter::{FilterBuilder, entries_of, is_word};
use super::text_index::each_text;
use super::trigrams::{TrigramSet, Trigrams};
use crate::text::next_token;
use crate::{StorageError, StorageErrorKind};

/// Stands between the words of a wording.
pub(super) const SEPARATOR: char = '\n';

/// The texts of the rows of a row group, cut into tokens.
pub(super) struct Tokenized {
    /// The distinct wordings, in the order of the first rows that have them: words, each with a [`SEPARATOR`] behind it.
    wordings: Vec<Box<str>>,
    /// The number of the wording of each row.
    wording_of: Vec<u32>,
    /// The identifiers of all rows, as entries of the filter.
    identifiers: Vec<u64>,
    /// Where the identifiers of each row end.
    identifier_ends: Vec<usize>,
    identifier_trigrams: TrigramSet,
}

impl Tokenized {
    /// Of `rows`, in this order.
    pub(super) fn of(records: &Records, rows: &[u32]) -> Tokenized {
        let mut numbers: HashMap<Box<str>, u32> = HashMap::new();
        let mut identifiers = Vec::new();
        let mut identifier_ends = Vec::with_capacity(rows.len());
        let mut identifier_trigrams = TrigramSet::default();
        let (mut wording, mut token) = (String::new(), String::new());
        let each = rows.iter().map(|&row| {
            wording.clear();
            each_text(records, row as usize, |text| {
                let mut rest = text;
                while next_token(&mut rest, &mut token) {
                    if is_word(&token) {
                        wording.push_str(&token);
                        wording.push(SEPARATOR);
                    } else {
                        identifiers.extend(entries_of(&token));
                        identifier_trigrams.add(&token);
                    }
                }
            });
            identifier_ends.push(identifiers.len());
            let next = numbers.len() as u32;
            *numbers.entry_ref(wording.as_str()).or_insert(next)
        });
        let wording_of = each.collect();
        let mut wordings = vec![Box::default(); numbers.len()];
        for (wording, number) in numbers {
            wordings[number as usize] = wording;
        }
        Tokenized { wordings, wording_of, identifiers, identifier_ends, identifier_trigrams }
    }

    /// Puts what has the same wording together, which otherwise keeps its order; `rows` as the rows are.
    pub(super) fn sort(&mut self, rows: &mut Vec<u32>) {
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|&place| self.wording_of[place as usize]);
        let picked = |place: &u32| *place as usize;
        *rows = order.iter().map(picked).map(|place| rows[place]).collect();
        let mut identifiers = Vec::with_capacity(self.identifiers.len());
        let mut ends = Vec::with_capacity(order.len());
        for place in order.iter().map(picked) {
            identifiers.extend_from_slice(self.identifiers_of(place));
            ends.push(identifiers.len());
        }
        self.wording_of = order.iter().map(picked).map(|place| self.wording_of[place]).collect();
        (self.identifiers, self.identifier_ends) = (identifiers, ends);
    }

    fn identifiers_of(&self, row: usize) -> &[u64] {
        let start = row.checked_sub(1).map_or(0, |before| self.identifier_ends[before]);
        &self.identifiers[start..self.identifier_ends[row]]
    }

    /// The distinct wordings, by their numbers.
    pub(super) fn wordings(&self) -> impl Iterator<Item = &str> {
        self.wordings.iter().map(AsRef::as_ref)
    }

    /// The filter of the identifiers.
    pub(super) fn identifiers(&self) -> Vec<u8> {
        let mut filter = FilterBuilder::default();
        for row in 0..self.wording_of.len() {
            filter.push(self.identifiers_of(row));
            filter.end_row();
        }
        filter.finish()
    }

    /// The trigrams of words and identifiers, as bytes: see docs/formats/segment.md.
    pub(super) fn trigrams(&self) -> Result<Vec<u8>, StorageError> {
        let mut words = TrigramSet::default();
        self.wordings().flat_map(|wording| wording.split(SEPARATOR)).for_each(|word| words.add(word));
        let trigrams = Trigrams { words, identifiers: self.identifier_trigrams.clone() };
        trigrams.encode().map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot compress trigrams: {error}"))
        })
    }

    /// Which rows have which wording, as bytes: see docs/formats/segment.md.
    pub(super) fn runs(&self) -> Result<Vec<u8>, StorageError> {
        let mut bytes = Vec::new();
        let mut expected = 0;
        for run in self.wording_of.chunk_by(|a, b| a == b) {
            // Mostly that after the one before.
            put_varint(&mut bytes, zigzag(i64::from(run[0]) - expected));
            put_varint(&mut bytes, run.len() as u64);
            expected = i64::from(run[0]) + 1;
        }
        zstd::bulk::compress(&bytes, 3).map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot compress the runs of wordings: {error}"))
        })
    }
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Which rows of a row group have which wording, read.
pub(super) struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// The runs in `bytes`, which are of `rows` rows; none when they are damaged.
    pub(super) fn decode(bytes: &[u8], rows: usize) -> Option<Runs> {
        // Two varints a row at the most.
        let bytes = zstd::bulk::decompress(bytes, 20 * rows).ok()?;
        let mut rest = bytes.as_slice();
        let mut runs = Vec::new();
        let (mut expected, mut covered) = (0i64, 0usize);
        while !rest.is_empty() {
            let wording = expected.checked_add(unzigzag(take_varint(&mut rest)?))?;
            let length = u32::try_from(take_varint(&mut rest)?).ok()?;
            covered = covered.checked_add(length as usize)?;
            runs.push((u32::try_from(wording).ok()?, length));
            expected = wording + 1;
        }
        (covered == rows).then_some(Runs(runs))
    }

    /// The first row of each run.
    pub(super) fn starts(&self) -> Vec<u32> {
        let ends = self.0.iter().scan(0, |end, (_, length)| Some(std::mem::replace(end, *end + length)));
        ends.collect()
    }

    /// The rows that have one of these wordings.
    pub(super) fn rows_of(&self, wordings: &[u32]) -> BooleanBuffer {
        let count = wordings.iter().map(|&wording| wording as usize + 1).max().unwrap_or_default();
        let mut is_wanted = vec![false; count];
        wordings.iter().for_each(|&wording| is_wanted[wording as usize] = true);
        let mut rows = BooleanBufferBuilder::new(self.0.iter().map(|run| run.1 as usize).sum());
        for &(wording, length) in &self.0 {
            rows.append_n(length as usize, is_wanted.get(wording as usize).copied().unwrap_or_default());
        }
        rows.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenized(wording_of: &[u32]) -> Tokenized {
        Tokenized {
            wordings: Vec::new(),
            wording_of: wording_of.to_vec(),
            identifiers: wording_of.iter().map(|&wording| u64::from(wording)).collect(),
            identifier_ends: (1..=wording_of.len()).collect(),
            identifier_trigrams: TrigramSet::default(),
        }
    }

    #[test]
    fn runs_give_the_rows_of_wordings_again() {
        let runs = tokenized(&[0, 0, 1, 0, 2, 2, 2]).runs().expect("compresses");
        let runs = Runs::decode(&runs, 7).expect("undamaged");
        let rows = |wordings: &[u32]| runs.rows_of(wordings).set_indices().collect::<Vec<_>>();
        assert_eq!(rows(&[0]), [0, 1, 3]);
        assert_eq!(rows(&[2, 1]), [2, 4, 5, 6]);
        assert!(rows(&[]).is_empty() && rows(&[9]).is_empty());
    }

    #[test]
    fn damaged_runs_are_refused() {
        let runs = tokenized(&[0, 1]).runs().expect("compresses");
        assert!(Runs::decode(&runs, 3).is_none(), "of fewer rows");
        assert!(Runs::decode(&runs[1..], 2).is_none());
        let beyond = [zigzag(-1) as u8, 2];
        assert!(Runs::decode(&zstd::bulk::compress(&beyond, 3).expect("compresses"), 2).is_none());
    }

    #[test]
    fn rows_with_the_same_wording_come_together_and_keep_their_order() {
        let mut texts = tokenized(&[0, 1, 0, 2, 1]);
        let mut rows = vec![10, 11, 12, 13, 14];
        texts.sort(&mut rows);
        assert_eq!(rows, [10, 12, 11, 14, 13]);
        assert_eq!(texts.wording_of, [0, 0, 1, 1, 2]);
        assert_eq!(texts.identifiers_of(3), [1], "identifiers go with their rows");
    }
}
