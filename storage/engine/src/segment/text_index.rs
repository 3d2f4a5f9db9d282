//! The text index: which rows have which tokens. Words stand in tantivy segments inside the index object, identifiers
//! in a [`super::text_filter`].
//!
//! Row groups are indexed one by one, so that writing needs little memory and a search for the newest rows opens
//! little. A document is a distinct wording of the row group (see [`super::wordings`]); document ids are their numbers.
//! A wording has all words of its rows, so for a single word the rows found are those that match; otherwise they are a
//! superset, and whoever asks tries the texts themselves.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use tantivy::directory::RamDirectory;
use tantivy::index::InvertedIndexReader;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{DocSet, Index, SegmentReader, TERMINATED, TantivyDocument, Term};
use tracewell_model::{Records, Value};

use super::prune::bits;
use super::text_bundle::{self, BundleDirectory};
use super::text_filter::{is_word, prefix_hash, token_hash};
use super::wordings::{Runs, SEPARATOR};
use crate::scan::display;
use crate::text::{TextPattern, is_text_attribute};
use crate::{StorageError, StorageErrorKind};

/// The name of our tokenizer in the schema of the indexes.
const TOKENIZER: &str = "tracewell";

/// The terms that a prefix may have before scanning is the better way.
const PREFIX_TERMS_MAX: usize = 4096;

/// The memory that tantivy is told it has. It never spills: a row group is indexed as a whole.
const WRITER_BYTES: usize = 64 << 20;

fn schema() -> (Schema, Field) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let mut builder = Schema::builder();
    let field = builder.add_text_field("text", TextOptions::default().set_indexing_options(indexing));
    (builder.build(), field)
}

/// The tantivy index of the wordings of a row group, as bytes.
pub(super) fn build<'a>(wordings: impl Iterator<Item = &'a str>) -> Result<Vec<u8>, StorageError> {
    let words = build_words(wordings).and_then(|index| text_bundle::pack(&index));
    words.map_err(|error| StorageError::new(StorageErrorKind::Internal, format!("cannot build a text index: {error}")))
}

fn build_words<'a>(wordings: impl Iterator<Item = &'a str>) -> tantivy::Result<Index> {
    let (schema, field) = schema();
    let tokenizers = TokenizerManager::new();
    tokenizers.register(TOKENIZER, WordTokenizer::default());
    let mut writer = Index::builder()
        .schema(schema)
        .tokenizers(tokenizers)
        .single_segment_index_writer::<TantivyDocument>(RamDirectory::create(), WRITER_BYTES)?;
    for wording in wordings {
        let mut document = TantivyDocument::new();
        document.add_text(field, wording);
        writer.add_document(document)?;
    }
    writer.finalize()
}

/// The texts of a row that [`crate::Predicate::Text`] looks into, but the names of spans: these are few, so that
/// comparing them costs less than keeping postings.
pub(super) fn each_text(records: &Records, row: usize, mut found: impl FnMut(&str)) {
    match records {
        Records::Logs(logs) => {
            if let Some(text) = display(logs.body.get(row)) {
                found(&text);
            }
        }
        Records::Spans(spans) => {
            found(spans.status_message.get(row));
            for event in spans.events.of_row(row) {
                found(spans.events.name.get(event));
                let attributes = &spans.events.attributes;
                for (place, (key, value)) in attributes.row(event).enumerate() {
                    // Of a duplicate key the last counts.
                    let is_last = || attributes.row(event).skip(place + 1).all(|(later, _)| later != key);
                    match value {
                        Value::String(text) if is_text_attribute(key) && is_last() => found(text),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Whether the rows that the index finds for the tokens are those that match, no more. A single word is all that it
/// knows: of several it does not know whether they stand in a row.
fn is_exact(tokens: &[String]) -> bool {
    matches!(tokens, [token] if is_word(token))
}

/// What the index of a row group says about a pattern.
pub(crate) struct Found {
    /// The rows that may match.
    pub rows: BooleanBuffer,
    /// Whether they do.
    pub exact: bool,
}

/// The words of a row group, opened.
pub(crate) struct WordIndex {
    terms: Arc<InvertedIndexReader>,
    field: Field,
    documents: Documents,
}

/// What the documents of the words of a row group are.
pub(crate) enum Documents {
    /// The rows of a row group of so many rows: so programs wrote that knew no wordings.
    Rows(usize),
    /// Wordings.
    Wordings(Runs),
}

/// The rows of a row group of `count` rows where the pattern may match. None when the index cannot tell, or when they
/// are so many that it does not pay. `rows_with` gives those of an identifier
/// or beginning; `open_words` is only called when the pattern has words.
pub(crate) fn look_up<E: From<tantivy::TantivyError>>(
    pattern: &TextPattern,
    count: usize,
    rows_with: &dyn Fn(u64) -> Result<Vec<Range<usize>>, E>,
    open_words: impl FnOnce() -> Result<WordIndex, E>,
) -> Result<Option<Found>, E> {
    let (whole, beginning) = match pattern {
        TextPattern::Phrase(tokens) => (tokens.as_slice(), None),
        TextPattern::Prefix(tokens) => match tokens.split_last() {
            Some((last, leading)) => (leading, Some(last.as_str())),
            None => return Ok(None),
        },
        TextPattern::Contains(_) | TextPattern::Regex(_) => return Ok(None),
    };
    let (words, identifiers): (Vec<&str>, Vec<&str>) =
        whole.iter().map(String::as_str).partition(|token| is_word(token));
    let mut found: Option<BooleanBuffer> = None;
    let mut keep = |rows: BooleanBuffer| found = Some(found.take().map_or(rows.clone(), |before| &before & &rows));
    for identifier in identifiers {
        keep(bits(count, rows_with(token_hash(identifier))?.into_iter()));
    }
    let exact = beginning.is_none() && is_exact(whole);
    let rows_max = if exact { count } else { count / 3 };
    if !words.is_empty() || beginning.is_some() {
        let index = open_words()?;
        if let Some(rows) = index.rows_of_words(&words, rows_max)? {
            keep(rows);
        }
        if let Some(prefix) = beginning
            && let Some(beginning) = prefix_hash(prefix)
            && let Some(rows) = index.rows_of_prefix(prefix, rows_max)?
        {
            let identifiers = rows_with(beginning)?;
            keep(&rows | &bits(count, identifiers.into_iter()));
        }
    }
    Ok(found.map(|rows| Found { rows, exact }))
}

impl WordIndex {
    /// Opens a bundle, whose documents are these.
    pub(crate) fn open(directory: BundleDirectory, documents: Documents) -> tantivy::Result<WordIndex> {
        let index = Index::open(directory)?;
        let field = index.schema().get_field("text")?;
        let segments = index.searchable_segments()?;
        let segment = segments
            .first()
            .ok_or_else(|| tantivy::TantivyError::InternalError("a text index without a segment".to_owned()))?;
        let terms = SegmentReader::open(segment)?.inverted_index(field)?;
        Ok(WordIndex { terms, field, documents })
    }

    /// The rows that have all of these words. None when there are no words, or more rows than `rows_max`.
    fn rows_of_words(&self, words: &[&str], rows_max: usize) -> tantivy::Result<Option<BooleanBuffer>> {
        let mut terms = Vec::new();
        for word in words.iter().collect::<BTreeSet<_>>() {
            let Some(info) = self.terms.get_term_info(&Term::from_field_text(self.field, word))? else {
                return Ok(self.rows_of(&[], rows_max));
            };
            terms.push(info);
        }
        // The rarest first: the others need only be looked up in what it leaves.
        terms.sort_by_key(|info| info.doc_freq);
        let mut documents: Option<Vec<u32>> = None;
        for info in terms {
            if documents.is_none() && info.doc_freq as usize > rows_max {
                return Ok(None);
            }
            let mut postings = self.terms.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            documents = Some(match documents {
                None => drain(&mut postings),
                Some(documents) => documents.into_iter().filter(|&document| is_in(&mut postings, document)).collect(),
            });
        }
        Ok(documents.and_then(|documents| self.rows_of(&documents, rows_max)))
    }

    /// The rows that have a word that begins so. None when there are more of them than `rows_max`.
    fn rows_of_prefix(&self, prefix: &str, rows_max: usize) -> tantivy::Result<Option<BooleanBuffer>> {
        let mut stream = self.terms.terms().range().ge(prefix).into_stream()?;
        let mut documents = Vec::new();
        let mut terms = 0;
        while stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
            let info = stream.value().clone();
            terms += 1;
            // Every document has a row at least, but may have several of the terms.
            let counted = documents.len() + info.doc_freq as usize;
            if terms > PREFIX_TERMS_MAX || counted / 4 > rows_max {
                return Ok(None);
            }
            let mut postings = self.terms.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            documents.extend(drain(&mut postings));
        }
        Ok(self.rows_of(&documents, rows_max))
    }

    /// The rows of documents. None when they are more than `rows_max`.
    fn rows_of(&self, documents: &[u32], rows_max: usize) -> Option<BooleanBuffer> {
        let rows = match &self.documents {
            Documents::Rows(count) => bits(*count, documents.iter().map(|&row| row as usize..row as usize + 1)),
            Documents::Wordings(runs) => runs.rows_of(documents),
        };
        (rows.count_set_bits() <= rows_max).then_some(rows)
    }
}

fn drain(postings: &mut impl DocSet) -> Vec<u32> {
    let mut rows = Vec::with_capacity(postings.size_hint() as usize);
    while postings.doc() != TERMINATED {
        rows.push(postings.doc());
        postings.advance();
    }
    rows
}

fn is_in(postings: &mut impl DocSet, row: u32) -> bool {
    postings.doc() == row || postings.doc() < row && postings.seek(row) == row
}

/// Cuts wordings into their words.
#[derive(Clone, Default)]
struct WordTokenizer {
    token: Token,
}

struct Words<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.token.position = 0;
        Words { rest: text, token: &mut self.token }
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let Some((word, rest)) = self.rest.split_once(SEPARATOR) else { return false };
        self.token.text.clear();
        self.token.text.push_str(word);
        self.token.position += 1;
        self.rest = rest;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
