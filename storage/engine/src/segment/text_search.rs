//! Asking the text index of a row group in which rows a pattern may match.
//!
//! A pattern is taken apart into runs of letters and digits, each of which stands somewhere in a token. The trigrams
//! tell first whether there is such a token at all; then the terms of the words and the filters of the identifiers tell
//! in which rows.

use std::ops::Range;

use arrow::buffer::BooleanBuffer;

use super::granules::{Form, Granules};
use super::index::Section;
use super::object::VerifiedObject;
use super::prune::bits;
use super::reader::{Opened, Segment};
use super::text_bundle::BundleDirectory;
use super::text_filter::{is_word, prefix_hash, token_hash};
use super::text_index::{Documents, WordIndex};
use super::trigrams::Trigrams;
use super::wordings::Runs;
use crate::StorageError;
use crate::text::{LastToken, Needed, TextMatcher};

/// What the index of a row group says about a pattern.
pub(crate) struct Found {
    /// The rows that may match.
    pub rows: BooleanBuffer,
    /// Whether they do.
    pub exact: bool,
}

/// Where in a token a run of letters and digits stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It is the token.
    Whole,
    /// The token begins with it.
    Beginning,
    /// The token ends with it.
    Ending,
    /// The token contains it.
    Inside,
}

/// A run of letters and digits of a pattern, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run<'a> {
    text: &'a str,
    stand: Stand,
}

/// The runs of a part of a text, which is ASCII. What they have before and behind them in the part bounds their tokens.
fn runs_of_part(part: &str) -> Vec<Run<'_>> {
    let mut end = 0;
    let mut runs = Vec::new();
    for text in part.split(|sign: char| !sign.is_ascii_alphanumeric()) {
        let start = end;
        end = start + text.len() + 1;
        let stand = match (start > 0, end <= part.len()) {
            (true, true) => Stand::Whole,
            (true, false) => Stand::Beginning,
            (false, true) => Stand::Ending,
            (false, false) => Stand::Inside,
        };
        if !text.is_empty() {
            runs.push(Run { text, stand });
        }
    }
    runs
}

fn runs_of_tokens(tokens: &[String], last: LastToken) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = tokens.iter().map(|text| Run { text, stand: Stand::Whole }).collect();
    if let (Some(run), LastToken::Beginning) = (runs.last_mut(), last) {
        run.stand = Stand::Beginning;
    }
    runs
}

impl Run<'_> {
    /// Whether a token may have it.
    fn may_be(&self, trigrams: &Trigrams) -> bool {
        let may_be_in_word = is_word(self.text) && trigrams.words.may_have(self.text);
        match self.stand {
            Stand::Whole if is_word(self.text) => may_be_in_word,
            Stand::Whole => trigrams.identifiers.may_have(self.text),
            _ => may_be_in_word || trigrams.may_be_in_identifier(self.text) != Some(false),
        }
    }
}

fn may_be_needed(needed: &Needed, trigrams: &Trigrams) -> bool {
    match needed {
        Needed::Part(part) => runs_of_part(part).iter().all(|run| run.may_be(trigrams)),
        Needed::All(parts) => parts.iter().all(|part| may_be_needed(part, trigrams)),
        Needed::Any(parts) => parts.iter().any(|part| may_be_needed(part, trigrams)),
    }
}

impl Segment {
    /// The rows of a row group where its text index finds a pattern, if it has one and that can tell, unless they are so
    /// many that it does not pay. Blocks.
    pub(super) fn look_up_text(
        &self,
        opened: &Opened,
        matcher: &TextMatcher,
        group: usize,
    ) -> Result<Option<Found>, StorageError> {
        let needed = matcher.needed();
        if needed.is_some_and(|needed| *needed == Needed::All(Vec::new())) {
            return Ok(None);
        }
        let number = group as u32;
        let section = |section| opened.head.section(section);
        let forms = [(Section::IdentifierTable(number), Form::Table), (Section::Identifiers(number), Form::Filters)];
        let words = section(Section::Wordings(number)).or(section(Section::Words(number)));
        let (Some(words), Some((identifiers, form))) = (words, self.piece(opened, forms)?) else {
            return Ok(None);
        };
        let wordings = section(Section::WordingRuns(number));
        let object = self.index_of(&opened.head)?;
        let trigrams = match section(Section::Trigrams(number)) {
            None => None,
            Some(section) => {
                let decoded = Trigrams::decode(&object.read(section)?);
                Some(decoded.ok_or_else(|| self.index.corrupt("the trigrams of its text index make no sense"))?)
            }
        };
        let runs = match matcher {
            TextMatcher::Tokens { tokens, last, .. } => runs_of_tokens(tokens, *last),
            TextMatcher::Contains { part, .. } if part.is_ascii() => runs_of_part(part),
            _ => Vec::new(),
        };
        let count = opened.head.row_groups[group].rows as usize;
        if let Some(trigrams) = &trigrams {
            let may_be = runs.iter().all(|run| run.may_be(trigrams))
                && needed.is_none_or(|needed| may_be_needed(needed, trigrams));
            if !may_be {
                return Ok(Some(Found { rows: BooleanBuffer::new_unset(count), exact: true }));
            }
        }
        let identifiers = Granules::new(identifiers, form);
        let mut index =
            TextIndex { segment: self, object, words, wordings, identifiers, count, trigrams, opened: None };
        match (matcher, needed) {
            (TextMatcher::Contains { part, .. }, _) if !runs.is_empty() => {
                let is_all = runs.len() == 1 && runs[0].text.len() == part.len();
                index.find(&runs, is_all)
            }
            (_, Some(needed)) => Ok(index.find_needed(needed)?.map(|rows| Found { rows, exact: false })),
            (_, None) => index.find(&runs, runs.len() == 1),
        }
    }
}

/// The text index of a row group, of which is read what is needed.
struct TextIndex<'a> {
    segment: &'a Segment,
    object: VerifiedObject,
    words: Range<u64>,
    /// Which rows have which wording, when the words are those of wordings.
    wordings: Option<Range<u64>>,
    identifiers: Granules,
    /// The number of rows.
    count: usize,
    trigrams: Option<Trigrams>,
    opened: Option<WordIndex>,
}

impl TextIndex<'_> {
    fn words(&mut self) -> Result<&WordIndex, StorageError> {
        Ok(match &mut self.opened {
            Some(opened) => opened,
            unopened => {
                let mut object = self.object.clone();
                object.fetch([Some(self.words.clone()), self.wordings.clone()].into_iter().flatten().collect())?;
                let documents = match &self.wordings {
                    None => Documents::Rows(self.count),
                    Some(runs) => {
                        let runs = Runs::decode(&object.read(runs.clone())?, self.count);
                        let no_sense = || self.segment.index.corrupt("the runs of its wordings make no sense");
                        Documents::Wordings(runs.ok_or_else(no_sense)?)
                    }
                };
                let directory = BundleDirectory::open(object, self.words.clone())?;
                let words = WordIndex::open(directory, documents);
                unopened.insert(words.map_err(|error| damaged(self.segment, &error))?)
            }
        })
    }

    /// The rows where identifiers with this entry may stand.
    fn rows_with(&self, entry: u64) -> Result<BooleanBuffer, StorageError> {
        match self.identifiers.rows_with(entry)? {
            Some(rows) => Ok(bits(self.count, rows.into_iter())),
            None => Err(self.segment.index.corrupt("the identifiers of its text index make no sense")),
        }
    }

    /// The rows that have all runs; with the one run that `is_all` of the pattern they may be those that match.
    fn find(&mut self, runs: &[Run<'_>], is_all: bool) -> Result<Option<Found>, StorageError> {
        let segment = self.segment;
        let mut found: Option<BooleanBuffer> = None;
        let mut keep = |rows: BooleanBuffer| found = Some(found.take().map_or(rows.clone(), |before| &before & &rows));
        let (whole, open): (Vec<Run<'_>>, Vec<Run<'_>>) = runs.iter().partition(|run| run.stand == Stand::Whole);
        let (words, identifiers): (Vec<&str>, Vec<&str>) =
            whole.iter().map(|run| run.text).partition(|token| is_word(token));
        for identifier in &identifiers {
            keep(self.rows_with(token_hash(identifier))?);
        }
        // Of several words it is not known whether they stand in a row.
        let mut exact = is_all && identifiers.is_empty();
        if !words.is_empty() {
            let rows_max = self.rows_max(exact);
            let rows = self.words()?.rows_of_words(&words, rows_max).map_err(|error| damaged(segment, &error))?;
            rows.into_iter().for_each(&mut keep);
        }
        for run in open {
            exact &= self.is_in_words_only(run.text);
            let rows_max = self.rows_max(exact);
            self.rows_of_open(run, rows_max)?.into_iter().for_each(&mut keep);
        }
        Ok(found.map(|rows| Found { rows, exact }))
    }

    /// More rows do not pay when each has to be tried.
    fn rows_max(&self, exact: bool) -> usize {
        if exact { self.count } else { self.count / 3 }
    }

    fn is_in_words_only(&self, run: &str) -> bool {
        self.trigrams.as_ref().and_then(|trigrams| trigrams.may_be_in_identifier(run)) == Some(false)
    }

    /// The rows with a token of which the run is a part.
    fn rows_of_open(&mut self, run: Run<'_>, rows_max: usize) -> Result<Option<BooleanBuffer>, StorageError> {
        let segment = self.segment;
        let in_identifiers = match run.stand {
            _ if self.is_in_words_only(run.text) => BooleanBuffer::new_unset(self.count),
            Stand::Beginning => match prefix_hash(run.text) {
                Some(entry) => self.rows_with(entry)?,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let may_be_in_words = self.trigrams.as_ref().is_none_or(|trigrams| trigrams.words.may_have(run.text));
        if !is_word(run.text) || !may_be_in_words {
            return Ok(Some(in_identifiers));
        }
        let rows = self.words()?.rows_of_terms(run.text, run.stand, rows_max);
        let rows = rows.map_err(|error| damaged(segment, &error))?;
        Ok(rows.map(|rows| &rows | &in_identifiers))
    }

    /// The rows that have what is needed.
    fn find_needed(&mut self, needed: &Needed) -> Result<Option<BooleanBuffer>, StorageError> {
        match needed {
            Needed::Part(part) => Ok(self.find(&runs_of_part(part), false)?.map(|found| found.rows)),
            Needed::All(parts) => {
                let mut all: Option<BooleanBuffer> = None;
                for part in parts {
                    if let Some(rows) = self.find_needed(part)? {
                        all = Some(all.map_or(rows.clone(), |before| &before & &rows));
                    }
                }
                Ok(all)
            }
            Needed::Any(parts) => {
                let mut any = BooleanBuffer::new_unset(self.count);
                for part in parts {
                    match self.find_needed(part)? {
                        Some(rows) => any = &any | &rows,
                        None => return Ok(None),
                    }
                }
                Ok(Some(any))
            }
        }
    }
}

fn damaged(segment: &Segment, error: &tantivy::TantivyError) -> StorageError {
    segment.index.corrupt(format_args!("its text index: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_run_bounds_its_token() {
        let runs = |part: &'static str| -> Vec<(&'static str, Stand)> {
            runs_of_part(part).into_iter().map(|run| (run.text, run.stand)).collect()
        };
        assert_eq!(runs("imeou"), [("imeou", Stand::Inside)]);
        assert_eq!(runs("out of stoc"), [("out", Stand::Ending), ("of", Stand::Whole), ("stoc", Stand::Beginning)]);
        assert_eq!(runs("=42;"), [("42", Stand::Whole)]);
        assert_eq!(runs("a_"), [("a", Stand::Ending)]);
        assert_eq!(runs(" --"), []);
    }
}
