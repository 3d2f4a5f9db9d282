//! What every answer carries beside its value: whether it is exact, and what it took.

use serde::Serialize;
use tracewell_model::UnixNanos;

/// The answer to a question.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<T> {
    /// What was asked for.
    #[serde(flatten)]
    pub value: T,
    /// Whether it is all there is.
    pub exactness: Exactness,
    /// What it took.
    pub statistics: Statistics,
}

impl<T> Answer<T> {
    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), exactness: self.exactness, statistics: self.statistics }
    }
}

/// Whether an answer is complete and computed, not estimated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Exactness {
    /// Every row that was acknowledged before the question is in it.
    Exact,
    /// Nothing is missing, but some figures are estimates.
    Estimated {
        /// Which, and how close they are.
        reason: String,
    },
    /// Something is missing.
    Partial {
        /// What, and why.
        reason: String,
    },
}

impl Exactness {
    /// The same without what `gaps` say.
    pub(crate) fn lacking(self, gaps: String) -> Exactness {
        let reason = match self {
            Exactness::Exact => gaps,
            Exactness::Estimated { reason } | Exactness::Partial { reason } => format!("{reason}; {gaps}"),
        };
        Exactness::Partial { reason }
    }
}

/// What an answer took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// Time from the question to the answer.
    pub elapsed_ms: f64,
    /// The segments that the tenant has of the signal; what is in memory belongs to none yet.
    pub segments_total: u64,
    /// Those that were looked into.
    pub segments_read: u64,
    /// The rows, of segments and in memory, of which something was read to judge or to gather them, again each time; not
    /// those that indexes and rollups decide.
    pub rows_scanned: u64,
}

/// Unix nanoseconds as the API writes them: a string, because JSON numbers end at 2^53.
pub(crate) fn nanos_as_text<S: serde::Serializer>(time: &UnixNanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.0)
}

/// A value as the API writes it: by its `Display`.
pub(crate) fn as_text<T: std::fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
