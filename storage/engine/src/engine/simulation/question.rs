//! Questions, and what their answers are by the naive reading of their words.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use tracewell_model::{Signal, TimeRange, UnixNanos};

use super::chance::Chance;
use super::records::{Row, row};
use crate::{
    AttributeScope, AttributeType, Column, Comparison, Predicate, Scalar, ScanRequest, Snapshot, StorageError,
    TextPattern, tokens,
};

/// A question about records.
#[derive(Clone, Debug)]
pub(super) enum Question {
    All,
    Service(&'static str),
    User(String),
    StatusAtLeast(i64),
    Word(String),
    Substring(String),
    Trace(tracewell_model::TraceId),
    Between(u64, u64),
    HasUser,
    Both(Box<Question>, Box<Question>),
    Either(Box<Question>, Box<Question>),
    Not(Box<Question>),
}

impl Question {
    /// Some question; `number` is a record that may well be there.
    pub(super) fn draw(chance: &mut Chance, number: u64) -> Question {
        let example = row(number);
        match chance.within(0..13) {
            0 | 1 => Question::All,
            2 => Question::Service(example.service),
            3 => Question::User(example.user.unwrap_or_else(|| "nobody".into())),
            4 => Question::StatusAtLeast(chance.one(&[0, 100, 300, 400, 500])),
            5 => Question::Word(number.to_string()),
            6 => Question::Word(chance.one(&["timeout", "refused", "7f3a", "absent"]).into()),
            7 => Question::Substring(chance.one(&["fuse", "bergab", "d_7f", "zzzz"]).into()),
            8 => Question::Trace(example.trace),
            9 => Question::Between(example.time.saturating_sub(chance.next() >> 22), example.time),
            10 => Question::HasUser,
            11 => Question::Both(Box::new(Question::draw(chance, number)), Box::new(Question::draw(chance, number))),
            _ => match chance.happens(0.5) {
                true => Question::Not(Box::new(Question::draw(chance, number))),
                false => {
                    Question::Either(Box::new(Question::draw(chance, number)), Box::new(Question::draw(chance, number)))
                }
            },
        }
    }

    /// Whether the record is part of the answer.
    pub(super) fn holds(&self, row: &Row) -> bool {
        match self {
            Question::All => true,
            Question::Service(service) => row.service == *service,
            Question::User(user) => row.user.as_ref() == Some(user),
            Question::StatusAtLeast(least) => row.status >= *least,
            Question::Word(word) => tokens(&row.text).any(|token| token == *word),
            Question::Substring(part) => row.text.to_lowercase().contains(part),
            Question::Trace(trace) => row.trace == *trace,
            Question::Between(from, to) => (*from..=*to).contains(&row.time),
            Question::HasUser => row.user.is_some(),
            Question::Both(a, b) => a.holds(row) && b.holds(row),
            Question::Either(a, b) => a.holds(row) || b.holds(row),
            Question::Not(question) => !question.holds(row),
        }
    }

    fn predicate(&self, signal: Signal) -> Predicate {
        let record = |key: &str, of| Column::Attribute { scope: AttributeScope::Record, key: key.into(), of };
        let compare = |column, comparison, value| Predicate::Compare { column, comparison, value };
        let time = |comparison, nanos: u64| compare(Column::Time, comparison, Scalar::Int(nanos as i64));
        match self {
            Question::All => Predicate::always(),
            Question::Service(service) => {
                compare(Column::ServiceName, Comparison::Equal, Scalar::String((*service).into()))
            }
            Question::User(user) => {
                let column = record("user.id", AttributeType::String);
                compare(column, Comparison::Equal, Scalar::String(user.clone()))
            }
            Question::StatusAtLeast(least) => {
                compare(record("status", AttributeType::Int), Comparison::GreaterOrEqual, Scalar::Int(*least))
            }
            Question::Word(word) => Predicate::Text(TextPattern::Phrase(vec![word.clone()])),
            Question::Substring(part) => {
                let column = match signal {
                    Signal::Traces => Column::Name,
                    Signal::Logs => Column::Body,
                };
                Predicate::Matches { column, pattern: TextPattern::Contains(part.clone()) }
            }
            Question::Trace(trace) => compare(Column::TraceId, Comparison::Equal, Scalar::Binary(trace.0.to_vec())),
            Question::Between(from, to) => {
                Predicate::And(vec![time(Comparison::GreaterOrEqual, *from), time(Comparison::LessOrEqual, *to)])
            }
            Question::HasUser => Predicate::HasAttribute { scope: AttributeScope::Record, key: "user.id".into() },
            Question::Both(a, b) => Predicate::And(vec![a.predicate(signal), b.predicate(signal)]),
            Question::Either(a, b) => Predicate::Or(vec![a.predicate(signal), b.predicate(signal)]),
            Question::Not(question) => Predicate::Not(Box::new(question.predicate(signal))),
        }
    }

    /// The numbers of the records that the storage answers with.
    pub(super) async fn ask(&self, snapshot: &Snapshot, signal: Signal) -> Result<Vec<u64>, StorageError> {
        let number = Column::Attribute { scope: AttributeScope::Record, key: "number".into(), of: AttributeType::Int };
        // The bounds of time are given by themselves, too, as every question of a user has some.
        let time = match self {
            Question::Between(from, to) => TimeRange { start: UnixNanos(*from), end: UnixNanos(to.saturating_add(1)) },
            _ => TimeRange { start: UnixNanos(0), end: UnixNanos(u64::MAX) },
        };
        let request = ScanRequest { columns: vec![number], time, predicate: self.predicate(signal) };
        let mut numbers = Vec::new();
        for (place, source) in snapshot.sources().iter().enumerate() {
            let mut batches = source.scan(place as u32, &request);
            while let Some(batch) = batches.try_next().await? {
                numbers.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().map(|&n| n as u64));
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}
