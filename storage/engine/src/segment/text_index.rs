//! The text index: which rows have which tokens, as tantivy segments inside the index object.
//!
//! Row groups are indexed one by one, so that writing needs little memory and a search for the newest rows opens
//! little. Document ids are row numbers in the row group. A document has all texts of its row, so for a single token
//! the rows found are those that match; for several they are a superset, and whoever asks tries the texts themselves.

use std::collections::BTreeSet;

use tantivy::directory::RamDirectory;
use tantivy::index::InvertedIndexReader;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};
use tantivy::{DocSet, Index, SegmentReader, TERMINATED, TantivyDocument, Term};
use tracewell_model::{Records, Value};

use super::text_bundle::{self, BundleDirectory};
use crate::scan::display;
use crate::text::{TextPattern, is_text_attribute, next_token};
use crate::{StorageError, StorageErrorKind};

/// The name of our tokenizer in the schema of the indexes.
const TOKENIZER: &str = "tracewell";

/// Tokens stand in the index with this many bytes at the most (tantivy drops those of more than 65,530).
const TOKEN_BYTES_MAX: usize = 1024;

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

/// The index of the texts of `rows`, in this order, as a bundle.
pub(crate) fn build(records: &Records, rows: &[u32]) -> Result<Vec<u8>, StorageError> {
    let failed = |error: tantivy::TantivyError| {
        StorageError::new(StorageErrorKind::Internal, format!("cannot build a text index: {error}"))
    };
    build_index(records, rows).and_then(|index| text_bundle::pack(&index)).map_err(failed)
}

fn build_index(records: &Records, rows: &[u32]) -> tantivy::Result<Index> {
    let (schema, field) = schema();
    let tokenizers = TokenizerManager::new();
    tokenizers.register(TOKENIZER, TokenTokenizer::default());
    let mut writer = Index::builder()
        .schema(schema)
        .tokenizers(tokenizers)
        .single_segment_index_writer::<TantivyDocument>(RamDirectory::create(), WRITER_BYTES)?;
    for &row in rows {
        let mut document = TantivyDocument::new();
        each_text(records, row as usize, |text| document.add_text(field, text));
        writer.add_document(document)?;
    }
    writer.finalize()
}

/// The texts of a row that [`crate::Predicate::Text`] looks into.
fn each_text(records: &Records, row: usize, mut found: impl FnMut(&str)) {
    match records {
        Records::Logs(logs) => {
            if let Some(text) = display(logs.body.get(row)) {
                found(&text);
            }
        }
        Records::Spans(spans) => {
            found(spans.name.get(row));
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

/// Whether the rows that the index finds for such tokens are those that match, no more. One token is all that it
/// knows: of several it does not know whether they stand in a row, and of long ones it has only the beginning.
pub(crate) fn is_exact(tokens: &[String]) -> bool {
    matches!(tokens, [token] if token.len() + 4 < TOKEN_BYTES_MAX)
}

/// The opened index of a row group.
pub(crate) struct TextIndex {
    terms: std::sync::Arc<InvertedIndexReader>,
    field: Field,
}

impl TextIndex {
    /// Opens a bundle.
    pub(crate) fn open(directory: BundleDirectory) -> tantivy::Result<TextIndex> {
        let index = Index::open(directory)?;
        let field = index.schema().get_field("text")?;
        let segments = index.searchable_segments()?;
        let segment = segments
            .first()
            .ok_or_else(|| tantivy::TantivyError::InternalError("a text index without a segment".to_owned()))?;
        let terms = SegmentReader::open(segment)?.inverted_index(field)?;
        Ok(TextIndex { terms, field })
    }

    /// The rows where the pattern may match, in order. None when the index cannot tell, or when they are more than
    /// `rows_max`.
    pub(crate) fn candidates(&self, pattern: &TextPattern, rows_max: usize) -> tantivy::Result<Option<Vec<u32>>> {
        let (whole, beginning) = match pattern {
            TextPattern::Phrase(tokens) => (tokens.as_slice(), None),
            TextPattern::Prefix(tokens) => match tokens.split_last() {
                Some((last, leading)) => (leading, Some(last)),
                None => return Ok(None),
            },
            TextPattern::Contains(_) | TextPattern::Regex(_) => return Ok(None),
        };
        let mut terms = Vec::new();
        for token in whole.iter().map(|token| indexed(token)).collect::<BTreeSet<_>>() {
            let Some(info) = self.terms.get_term_info(&Term::from_field_text(self.field, token))? else {
                return Ok(Some(Vec::new()));
            };
            terms.push(info);
        }
        // The rarest first: the others need only be looked up in what it leaves.
        terms.sort_by_key(|info| info.doc_freq);
        let mut rows: Option<Vec<u32>> = match beginning {
            Some(prefix) => self.rows_of_prefix(indexed(prefix), rows_max)?,
            None => None,
        };
        for info in terms {
            if rows.is_none() && info.doc_freq as usize > rows_max {
                break;
            }
            let mut postings = self.terms.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            rows = Some(match rows {
                None => drain(&mut postings),
                Some(rows) => rows.into_iter().filter(|&row| is_in(&mut postings, row)).collect(),
            });
        }
        Ok(rows.filter(|rows| rows.len() <= rows_max))
    }

    fn rows_of_prefix(&self, prefix: &str, rows_max: usize) -> tantivy::Result<Option<Vec<u32>>> {
        let mut stream = self.terms.terms().range().ge(prefix).into_stream()?;
        let mut rows = Vec::new();
        let mut terms = 0;
        while stream.advance() && stream.key().starts_with(prefix.as_bytes()) {
            let info = stream.value().clone();
            terms += 1;
            if terms > PREFIX_TERMS_MAX || rows.len() + info.doc_freq as usize > 4 * rows_max.max(1) {
                return Ok(None);
            }
            let mut postings = self.terms.read_postings_from_terminfo(&info, IndexRecordOption::Basic)?;
            rows.extend(drain(&mut postings));
        }
        rows.sort_unstable();
        rows.dedup();
        Ok(Some(rows))
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

/// A token as it stands in the index.
fn indexed(token: &str) -> &str {
    &token[..token.floor_char_boundary(TOKEN_BYTES_MAX)]
}

/// Cuts texts into tokens as [`crate::tokens`] does.
#[derive(Clone, Default)]
struct TokenTokenizer {
    token: Token,
}

struct Tokens<'a> {
    text: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for TokenTokenizer {
    type TokenStream<'a> = Tokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens<'a> {
        self.token = Token::default();
        Tokens { text, token: &mut self.token }
    }
}

impl TokenStream for Tokens<'_> {
    fn advance(&mut self) -> bool {
        let found = next_token(&mut self.text, &mut self.token.text);
        if found {
            self.token.position = self.token.position.wrapping_add(1);
            let length = indexed(&self.token.text).len();
            self.token.text.truncate(length);
        }
        found
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
