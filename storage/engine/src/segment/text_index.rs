//! The text index: which rows have which tokens. Words stand in tantivy segments inside the index object, identifiers
//! in a [`super::text_filter`].
//!
//! Row groups are indexed one by one, so that writing needs little memory and a search for the newest rows opens
//! little. A document is a distinct wording of the row group (see [`super::wordings`]); document ids are their numbers.
//! A wording has all words of its rows, so for a single word the rows found are those that match; otherwise they are a
//! superset, and whoever asks tries the texts themselves.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::buffer::BooleanBuffer;
use tantivy::directory::RamDirectory;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{DocSet, Index, SegmentReader, TantivyDocument, Term};
use tracewell_model::{Records, Value};

use super::prune::bits;
use super::text_bundle::{self, BundleDirectory};
use super::text_search::Stand;
use super::wordings::{Runs, SEPARATOR};
use crate::scan::display;
use crate::text::is_text_attribute;
use crate::{StorageError, StorageErrorKind};

/// The name of our tokenizer in the schema of the indexes.
const TOKENIZER: &str = "tracewell";

/// The terms that a part of a word may be in before scanning is the better way.
const TERMS_MAX: usize = 4096;

/// How many of the terms documents may have, on average, before scanning is the better way.
const TERMS_TO_A_DOCUMENT: usize = 4;

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

    /// The rows that have all of these words. None when they are more than `rows_max`.
    pub(super) fn rows_of_words(&self, words: &[&str], rows_max: usize) -> tantivy::Result<Option<BooleanBuffer>> {
        let mut terms = Vec::new();
        for word in words.iter().collect::<BTreeSet<_>>() {
            let Some(info) = self.terms.get_term_info(&Term::from_field_text(self.field, word))? else {
                return Ok(self.rows_of(&[], rows_max));
            };
            terms.push(info);
        }
        // The rarest first: the others need only be looked up in what it leaves.
        terms.sort_by_key(|info| info.doc_freq);
        let Some((rarest, others)) = terms.split_first() else { return Ok(None) };
        // Every document has a row at least.
        if rarest.doc_freq as usize > rows_max {
            return Ok(None);
        }
        let mut documents = Vec::new();
        self.drain(rarest, &mut documents)?;
        for info in others {
            let mut postings = self.terms.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            documents.retain(|&document| is_in(&mut postings, document));
        }
        Ok(self.rows_of(&documents, rows_max))
    }

    /// The rows that have a word with this part where it stands. None when they are more than `rows_max`, or the words
    /// too many.
    pub(super) fn rows_of_terms(
        &self,
        part: &str,
        stand: Stand,
        rows_max: usize,
    ) -> tantivy::Result<Option<BooleanBuffer>> {
        let finder = memchr::memmem::Finder::new(part);
        let range = self.terms.terms().range();
        let mut stream = if stand == Stand::Beginning { range.ge(part) } else { range }.into_stream()?;
        let mut documents = Vec::new();
        let mut terms = 0;
        while stream.advance() {
            let is_found = match stand {
                Stand::Whole => stream.key() == part.as_bytes(),
                Stand::Beginning if !stream.key().starts_with(part.as_bytes()) => break,
                Stand::Beginning => true,
                Stand::Ending => stream.key().ends_with(part.as_bytes()),
                Stand::Inside => finder.find(stream.key()).is_some(),
            };
            if !is_found {
                continue;
            }
            terms += 1;
            // Every document has a row at least, but may have several of the terms.
            let counted = documents.len() + stream.value().doc_freq as usize;
            if terms > TERMS_MAX || counted / TERMS_TO_A_DOCUMENT > rows_max {
                return Ok(None);
            }
            self.drain(stream.value(), &mut documents)?;
        }
        Ok(self.rows_of(&documents, rows_max))
    }

    /// Adds the documents of a term.
    fn drain(&self, info: &TermInfo, documents: &mut Vec<u32>) -> tantivy::Result<()> {
        let mut postings = self.terms.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        while !postings.docs().is_empty() {
            documents.extend_from_slice(postings.docs());
            postings.advance();
        }
        Ok(())
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
