//! The order of log records in lists, and cursors into it.
//!
//! Records are ordered by timestamp, then by observed time, then by a hash of all that they hold. The order does not
//! depend on where a record is stored, so a cursor made of it stays right while records move from the live tier to
//! segments and from segment to segment. Records that are equal in everything are told apart by counting.

use std::fmt::Write;

use tracewell_model::Logs;

use crate::fingerprint::Fingerprints;
use crate::slices::TimeOrder;
use crate::{QueryError, QueryErrorKind};

/// The place of a record among those of its timestamp. Lesser ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    observed: u64,
    hash: u128,
}

/// The ranks of records, row by row.
pub(crate) fn ranks(logs: &Logs, order: TimeOrder) -> Vec<Rank> {
    let mut fingerprints = Fingerprints::default();
    (0..logs.len())
        .map(|row| {
            let observed = match order {
                TimeOrder::NewestFirst => u64::MAX - logs.observed_time[row],
                TimeOrder::OldestFirst => logs.observed_time[row],
            };
            Rank { observed, hash: fingerprints.of_log(logs, row) }
        })
        .collect()
}

/// Where a page of log records ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogCursor {
    /// After a record of the timestamp and rank, the last of `given` equal ones that were given.
    After { time: i64, rank: Rank, given: u64 },
    /// After everything on the near side of a point in time: at it and earlier, or from it on.
    At { time: u64 },
}

impl LogCursor {
    /// As the text that callers carry around.
    pub(crate) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = match self {
            LogCursor::After { time, rank, given } => {
                write!(text, "r{time:x}-{:x}-{:x}-{given:x}", rank.observed, rank.hash)
            }
            LogCursor::At { time } => write!(text, "t{time:x}"),
        };
        text
    }

    /// From the text.
    pub(crate) fn decode(text: &str) -> Result<LogCursor, QueryError> {
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let decoded = match (text.get(..1), text.get(1..)) {
            (Some("t"), Some(time)) => number(time).map(|time| LogCursor::At { time }),
            (Some("r"), Some(parts)) => match parts.split('-').collect::<Vec<_>>().as_slice() {
                [time, observed, hash, given] => (|| {
                    let rank = Rank { observed: number(observed)?, hash: u128::from_str_radix(hash, 16).ok()? };
                    Some(LogCursor::After { time: i64::from_str_radix(time, 16).ok()?, rank, given: number(given)? })
                })(),
                _ => None,
            },
            _ => None,
        };
        decoded.ok_or_else(|| unknown_cursor(text))
    }
}

/// The error about a cursor that no page ended with.
pub(crate) fn unknown_cursor(text: &str) -> QueryError {
    let text: String = text.chars().take(80).collect();
    QueryError::new(
        QueryErrorKind::InvalidCursor,
        format!("parameter cursor: {text:?} is wrong: expected the nextCursor of the page before, as it is"),
    )
}

#[cfg(test)]
mod tests {
    use tracewell_model::Value;

    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        let rank = Rank { observed: u64::MAX, hash: 1 << 127 };
        for cursor in [LogCursor::After { time: 1_700_000_000, rank, given: 3 }, LogCursor::At { time: 42 }] {
            assert_eq!(LogCursor::decode(&cursor.encode()).expect("a cursor"), cursor);
        }
        for text in ["", "x", "r1-2-3", "t", "é", "r1-2-3-4-5", "tzz"] {
            assert!(LogCursor::decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn records_that_differ_in_an_attribute_differ_in_rank_but_not_by_the_order_of_attributes() {
        let mut logs = Logs::default();
        for (keys, value) in [(["ab", "z"], "c"), (["a", "z"], "bc"), (["z", "a"], "bc")] {
            logs.scope.push(logs.scopes.intern(&Default::default()));
            logs.timestamp.push(5);
            logs.time.push(5);
            logs.observed_time.push(6);
            logs.trace_id.push(Default::default());
            logs.span_id.push(Default::default());
            logs.flags.push(0);
            logs.severity_number.push(9);
            logs.severity_text.push("");
            logs.body.push(Value::Absent);
            for key in keys {
                logs.attributes.push(key, Value::String(if key == "z" { "" } else { value }));
            }
            logs.attributes.end_row();
            logs.dropped_attributes_count.push(0);
            logs.event_name.push("");
        }
        let ranks = ranks(&logs, TimeOrder::NewestFirst);
        assert_ne!(ranks[0], ranks[1]);
        assert_eq!(ranks[1], ranks[2]);
    }
}
