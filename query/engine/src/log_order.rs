//! The order of log records in lists, and cursors into it.
//!
//! Records are ordered by timestamp, then by observed time, then by a hash of all that they hold. The order does not
//! depend on where a record is stored, so a cursor made of it stays right while records move from the live tier to
//! segments and from segment to segment. Records that are equal in everything are told apart by counting.

use std::collections::HashMap;
use std::fmt::Write;

use tracewell_model::{Attributes, Logs, Scope, Value};
use xxhash_rust::xxh3::xxh3_128;

use crate::QueryError;
use crate::slices::TimeOrder;

/// The place of a record among those of its timestamp. Lesser ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    observed: u64,
    hash: u128,
}

/// The ranks of records, row by row.
pub(crate) fn ranks(logs: &Logs, order: TimeOrder) -> Vec<Rank> {
    let mut scopes = HashMap::new();
    let mut bytes = Vec::new();
    (0..logs.len())
        .map(|row| {
            let scope = logs.scope[row];
            let scope = *scopes.entry(scope).or_insert_with(|| scope_hash(logs.scopes.get(scope)));
            bytes.clear();
            write_record(&mut bytes, logs, row, scope);
            let observed = match order {
                TimeOrder::NewestFirst => u64::MAX - logs.observed_time[row],
                TimeOrder::OldestFirst => logs.observed_time[row],
            };
            Rank { observed, hash: xxh3_128(&bytes) }
        })
        .collect()
}

fn scope_hash(scope: &Scope) -> u128 {
    let mut bytes = Vec::new();
    for part in [&scope.resource, scope.resource_schema_url.as_bytes(), &scope.scope, scope.scope_schema_url.as_bytes()]
    {
        write_bytes(&mut bytes, part);
    }
    xxh3_128(&bytes)
}

fn write_record(bytes: &mut Vec<u8>, logs: &Logs, row: usize, scope: u128) {
    bytes.extend(scope.to_le_bytes());
    bytes.extend(logs.time[row].to_le_bytes());
    bytes.extend(logs.trace_id[row].0);
    bytes.extend(logs.span_id[row].0);
    bytes.extend(logs.flags[row].to_le_bytes());
    bytes.extend(logs.severity_number[row].to_le_bytes());
    write_bytes(bytes, logs.severity_text.get(row).as_bytes());
    write_value(bytes, logs.body.get(row));
    write_attributes(bytes, &logs.attributes, row);
    bytes.extend(logs.dropped_attributes_count[row].to_le_bytes());
    write_bytes(bytes, logs.event_name.get(row).as_bytes());
}

/// By key, because segments do not keep the order of attributes; those of one key stay in their order.
fn write_attributes(bytes: &mut Vec<u8>, attributes: &Attributes, row: usize) {
    let mut sorted: Vec<_> = attributes.row(row).collect();
    sorted.sort_by_key(|(key, _)| *key);
    for (key, value) in sorted {
        write_bytes(bytes, key.as_bytes());
        write_value(bytes, value);
    }
    bytes.push(0xff);
}

fn write_value(bytes: &mut Vec<u8>, value: Value<'_>) {
    bytes.push(value.kind() as u8);
    match value {
        Value::Absent | Value::Empty => {}
        Value::Bool(value) => bytes.push(u8::from(value)),
        Value::Int(value) => bytes.extend(value.to_le_bytes()),
        Value::Double(value) => bytes.extend(value.to_bits().to_le_bytes()),
        Value::String(text) => write_bytes(bytes, text.as_bytes()),
        Value::Bytes(piece) | Value::Array(piece) | Value::KeyValueList(piece) => write_bytes(bytes, piece),
    }
}

fn write_bytes(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend((piece.len() as u64).to_le_bytes());
    bytes.extend(piece);
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
    QueryError::invalid(format!("{text:?} is not a cursor: pass the nextCursor of the page before as it is"))
}

#[cfg(test)]
mod tests {
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
