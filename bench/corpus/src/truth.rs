//! What is known of a corpus, counted as its records are written.

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use crate::dice::mix;

/// The answers to questions about a corpus.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Truth {
    pub seed: u64,
    pub spans: u64,
    pub logs: u64,
    pub trace_count: u64,
    /// Bytes of all requests.
    pub trace_bytes: u64,
    pub log_bytes: u64,
    /// Attributes of all spans.
    pub span_attributes: u64,
    /// Bytes of the bodies of log records, and of the keys and values of their attributes (a number is eight bytes).
    pub log_body_bytes: u64,
    pub log_attribute_bytes: u64,
    /// Unix nanoseconds: the earliest start or time, and one more than the latest.
    pub start: u64,
    pub end: u64,
    pub services: Vec<ServiceTruth>,
    /// Some traces, evenly chosen.
    pub traces: Vec<SampleTrace>,
    /// The trace with the most spans.
    pub largest_trace: SampleTrace,
    /// Spans by `user.id`, of some users.
    pub users: Vec<Counted>,
    /// Log records by the unique part of an order's id, of some orders.
    pub orders: Vec<Counted>,
    /// Log records by a word.
    pub words: Vec<Counted>,
    /// Log records by words that stand one right after the other.
    pub phrases: Vec<Counted>,
    /// Log records by a part of their text.
    pub substrings: Vec<Counted>,
    /// Spans with status error.
    pub error_spans: u64,
    /// Log records of severity error.
    pub error_logs: u64,
}

/// What is known of one service.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceTruth {
    pub name: String,
    pub spans: u64,
    /// Spans of kind server or consumer, or without a parent.
    pub entry_spans: u64,
    pub entry_errors: u64,
    pub logs: u64,
}

/// What is known of one trace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SampleTrace {
    pub id: String,
    pub spans: u64,
}

/// How many records have something.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Counted {
    pub what: String,
    pub count: u64,
}

/// Words that are counted: in a few records only, in many.
pub const WORDS: [&str; 3] = [RARE_WORD, "order", "timeout"];
/// The word of a handful of records.
pub const RARE_WORD: &str = "zymurgy";
const PHRASES: [&str; 3] = ["card declined by issuer", "rate limit reached", "row lock"];
const SUBSTRINGS: [&str; 2] = ["ufficient f", "imeou"];

/// The users and orders that are counted: the five most frequent, and one in some hundreds.
pub fn is_counted_user(user: u64) -> bool {
    user < 5 || mix(user).is_multiple_of(512)
}

pub fn is_counted_order(order: u64) -> bool {
    mix(order).is_multiple_of(2_048)
}

/// Counts what stands in the bodies of log records, by looking for it in each.
pub struct Texts {
    finders: Vec<(Finder<'static>, bool, u64)>,
    lower: Vec<u8>,
}

impl Texts {
    pub fn new() -> Texts {
        let whole = WORDS.iter().chain(&PHRASES).map(|text| (Finder::new(*text), true, 0));
        let parts = SUBSTRINGS.iter().map(|text| (Finder::new(*text), false, 0));
        Texts { finders: whole.chain(parts).collect(), lower: Vec::new() }
    }

    pub fn count(&mut self, body: &str) {
        self.lower.clear();
        self.lower.extend_from_slice(body.as_bytes());
        self.lower.make_ascii_lowercase();
        for (finder, whole, count) in &mut self.finders {
            let length = finder.needle().len();
            *count += u64::from(
                finder.find_iter(&self.lower).any(|at| !*whole || stands_alone(&self.lower, at, at + length)),
            );
        }
    }

    pub fn write_to(self, truth: &mut Truth) {
        let mut counted = self
            .finders
            .into_iter()
            .map(|(finder, _, count)| Counted { what: String::from_utf8_lossy(finder.needle()).into_owned(), count });
        truth.words = counted.by_ref().take(WORDS.len()).collect();
        truth.phrases = counted.by_ref().take(PHRASES.len()).collect();
        truth.substrings = counted.collect();
    }
}

/// Whether no word goes on before `start` or after `end`.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let in_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    !in_word(start.checked_sub(1).and_then(|before| text.get(before))) && !in_word(text.get(end))
}
