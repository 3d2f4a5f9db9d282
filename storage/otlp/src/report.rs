//! What a decoder found worth telling the sender: rejected records and repaired fields.

use std::fmt::Write as _;

/// The longest [`Report::message`] in bytes. Exporters had trouble with unbounded ones.
pub const MESSAGE_BYTES_MAX: usize = 1024;

/// Something in a request that is not as OTLP wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// A span was rejected because its `trace_id` is not 16 bytes or all zero.
    InvalidTraceId,
    /// A span was rejected because its `span_id` is not 8 bytes or all zero.
    InvalidSpanId,
    /// A span's `parent_span_id` is not 8 bytes or all zero: the span is kept as a root.
    InvalidParent,
    /// The ids of a link are not 16 and 8 bytes: they are kept as missing.
    InvalidLink,
    /// The ids of a log record are not 16 and 8 bytes: it is kept without its association to a span.
    InvalidAssociation,
    /// Text is not UTF-8: what is invalid became U+FFFD.
    InvalidUtf8,
    /// A value is nested too deeply: its inner part became [`crate::TRUNCATED_VALUE`].
    TooDeep,
    /// A field refers to the string table of profiles: it is taken as empty.
    StringIndex,
    /// A record has an attribute key twice: all are kept, queries see the last.
    DuplicateKey,
    /// A span has no start time.
    NoStartTime,
    /// A span ends before it starts.
    EndBeforeStart,
    /// A time lies more than a day in the future.
    InTheFuture,
}

impl Finding {
    /// Whether the record was rejected for it.
    pub fn is_rejection(self) -> bool {
        matches!(self, Finding::InvalidTraceId | Finding::InvalidSpanId)
    }

    fn explanation(self) -> &'static str {
        match self {
            Finding::InvalidTraceId => "rejected for an invalid trace_id (expected 16 bytes, not all zero)",
            Finding::InvalidSpanId => "rejected for an invalid span_id (expected 8 bytes, not all zero)",
            Finding::InvalidParent => "with an invalid parent_span_id (expected 8 bytes), kept as root spans",
            Finding::InvalidLink => "links with invalid ids (expected 16 and 8 bytes), kept without them",
            Finding::InvalidAssociation => "with invalid ids (expected 16 and 8 bytes), kept without them",
            Finding::InvalidUtf8 => "texts that are not UTF-8, repaired with U+FFFD",
            Finding::TooDeep => "values nested too deeply, truncated",
            Finding::StringIndex => "fields of the profiles signal (strindex), ignored",
            Finding::DuplicateKey => "duplicate attribute keys, of which queries see the last",
            Finding::NoStartTime => "without a start time",
            Finding::EndBeforeStart => "that end before they start",
            Finding::InTheFuture => "with a time more than a day in the future",
        }
    }
}

/// The findings of one request: how many of each, with the first as an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    finding: Finding,
    count: u64,
    first: String,
}

impl Report {
    /// Counts `finding`; `example` says where it is, and is asked only for the first of its kind.
    pub(crate) fn note(&mut self, finding: Finding, example: impl FnOnce() -> String) {
        match self.entries.iter_mut().find(|entry| entry.finding == finding) {
            Some(entry) => entry.count += 1,
            None => self.entries.push(Entry { finding, count: 1, first: example() }),
        }
    }

    /// How many times something was found.
    pub fn count(&self, finding: Finding) -> u64 {
        self.entries.iter().find(|entry| entry.finding == finding).map_or(0, |entry| entry.count)
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of records that were rejected.
    pub fn rejected(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.finding.is_rejection()).map(|entry| entry.count).sum()
    }

    /// All findings with their counts, rejections first.
    pub fn findings(&self) -> impl Iterator<Item = (Finding, u64)> {
        let (rejections, others): (Vec<_>, Vec<_>) = self
            .entries
            .iter()
            .map(|entry| (entry.finding, entry.count))
            .partition(|(finding, _)| finding.is_rejection());
        rejections.into_iter().chain(others)
    }

    /// All in English, for `partial_success.error_message`: at the most [`MESSAGE_BYTES_MAX`], empty when nothing
    /// was found.
    pub fn message(&self) -> String {
        let mut text = String::new();
        for rejections in [true, false] {
            for Entry { finding, count, first } in &self.entries {
                if finding.is_rejection() != rejections {
                    continue;
                }
                let gap = if text.is_empty() { "" } else { "; " };
                // Writing to a string cannot fail.
                let _ = write!(text, "{gap}{count} {} (first: {first})", finding.explanation());
            }
        }
        shorten(text, MESSAGE_BYTES_MAX)
    }
}

/// Cuts `text` to `bytes_max`, between characters, and marks the cut.
pub(crate) fn shorten(mut text: String, bytes_max: usize) -> String {
    const MARK: &str = "…";
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - MARK.len()));
        text.push_str(MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_are_told_first_and_counted() {
        let mut report = Report::default();
        report.note(Finding::InvalidUtf8, || "spans[0]".into());
        report.note(Finding::InvalidSpanId, || "spans[1]".into());
        report.note(Finding::InvalidSpanId, || unreachable!("only the first example is kept"));
        assert_eq!(report.rejected(), 2);
        assert_eq!(
            report.message(),
            "2 rejected for an invalid span_id (expected 8 bytes, not all zero) (first: spans[1]); \
             1 texts that are not UTF-8, repaired with U+FFFD (first: spans[0])"
        );
    }

    #[test]
    fn a_message_is_bounded_and_never_cut_inside_a_character() {
        let mut report = Report::default();
        report.note(Finding::InvalidUtf8, || "ü".repeat(5000));
        let message = report.message();
        assert!(message.len() <= MESSAGE_BYTES_MAX && message.ends_with("ü…"), "{message}");
    }
}
