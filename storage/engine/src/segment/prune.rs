//! Leaving out row groups and rows that cannot meet a predicate, by statistics and indexes. Never changes an answer.

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use parquet::file::statistics::Statistics;
use tracewell_model::{Signal, TraceId};

use super::columns::*;
use super::lists::damaged;
use super::pages::Leaves;
use super::reader::{Opened, Segment};
use crate::bugs::{Bug, planted};
use crate::scan::{Leaf, Node, Target, Test};
use crate::text::TextMatcher;
use crate::{AttributeScope, AttributeType, Column, Comparison, Scalar, StorageError};

/// The most values that are looked up for one question.
const LOOK_UPS_MAX: usize = 1_000;

impl Opened {
    /// Whether a row of the row group may meet the predicate.
    pub(super) fn may_meet(&self, node: &Node, group: usize) -> bool {
        match node {
            Node::Constant(value) => *value,
            Node::And(parts) => parts.iter().all(|part| self.may_meet(part, group)),
            Node::Or(parts) => parts.iter().any(|part| self.may_meet(part, group)),
            Node::Scopes(met) => self.may_be_in(met, group),
            Node::Not(_) => true,
            Node::Leaf(leaf) => self.may_meet_leaf(leaf, group),
        }
    }

    fn may_be_in(&self, met: &BooleanBuffer, group: usize) -> bool {
        match self.pages.statistics(group, SCOPE_ID) {
            Some(Statistics::Int32(statistics)) => match (statistics.min_opt(), statistics.max_opt()) {
                (Some(&min), Some(&max)) if min >= 0 => {
                    (min as usize..=max as usize).any(|scope| scope < met.len() && met.value(scope))
                }
                _ => true,
            },
            _ => true,
        }
    }

    fn may_meet_leaf(&self, leaf: &Leaf, group: usize) -> bool {
        let column = match &leaf.target {
            Target::Text => return true,
            Target::Attribute(scope, key) => {
                return self
                    .catalogue
                    .counts(*scope, key)
                    .is_none_or(|counts| counts.total() > u64::from(planted(Bug::WrongPruning)));
            }
            Target::Column(column) => column,
        };
        if let Column::Attribute { scope, key, of } = column {
            if self.catalogue.counts(*scope, key).is_some_and(|counts| counts.of(*of) == 0) {
                return false;
            }
            if *scope != AttributeScope::Record || *of == AttributeType::Display {
                return true;
            }
            let homes = self.homes(key, Some(*of));
            return match homes.dense.as_slice() {
                [dense] if !homes.in_lists => self.may_test(&leaf.test, group, &dense.name(self.plan().signal)),
                _ => true,
            };
        }
        let path = match column {
            // The statistics of durations are of those as sent.
            Column::Duration if !self.head.row_groups[group].wild_times => DURATION,
            Column::Name => NAME,
            Column::Kind => KIND,
            Column::StatusCode => STATUS_CODE,
            Column::StatusMessage => STATUS_MESSAGE,
            Column::SeverityNumber => SEVERITY_NUMBER,
            Column::SeverityText => SEVERITY_TEXT,
            Column::EventName => EVENT_NAME,
            _ => return true,
        };
        self.may_test(&leaf.test, group, path)
    }

    fn may_test(&self, test: &Test, group: usize, path: &str) -> bool {
        let Some(statistics) = self.pages.statistics(group, path) else {
            return true;
        };
        if statistics.null_count_opt() == Some(u64::from(self.head.row_groups[group].rows)) {
            return false;
        }
        let may = |comparison: Comparison, value: &Scalar| match (value, statistics) {
            (Scalar::Int(value), Statistics::Int32(found)) => {
                let bounds = found.min_opt().zip(found.max_opt());
                bounds.is_none_or(|(&min, &max)| overlaps(comparison, value, &i64::from(min), &i64::from(max)))
            }
            (Scalar::Int(value), Statistics::Int64(found)) => {
                let bounds = found.min_opt().zip(found.max_opt());
                // Durations below 0 count as 0.
                let floor = if path == DURATION { 0 } else { i64::MIN };
                bounds.is_none_or(|(&min, &max)| overlaps(comparison, value, &min.max(floor), &max.max(floor)))
            }
            // Bounds that were cut are still bounds.
            (Scalar::String(value), Statistics::ByteArray(found)) => {
                let bounds = found.min_opt().zip(found.max_opt());
                bounds.is_none_or(|(min, max)| overlaps(comparison, value.as_bytes(), min.data(), max.data()))
            }
            _ => true,
        };
        match test {
            Test::Compare(comparison, value) => may(*comparison, value),
            Test::In(values) => values.iter().any(|value| may(Comparison::Equal, value)),
            Test::Matches(_) | Test::Present => true,
        }
    }
}

fn overlaps<T: PartialOrd + ?Sized>(comparison: Comparison, value: &T, min: &T, max: &T) -> bool {
    match comparison {
        Comparison::Equal => min <= value && value <= max,
        Comparison::Less => min < value,
        Comparison::LessOrEqual => min <= value,
        Comparison::Greater => max > value,
        Comparison::GreaterOrEqual => max >= value,
    }
}

/// What the indexes say about a predicate.
pub(super) struct Candidates {
    /// The rows that may meet it.
    pub rows: BooleanBuffer,
    /// Whether they do.
    pub exact: bool,
}

/// Where the traces that a scan asks for may be, looked up once for all row groups.
#[derive(Default)]
pub(super) struct TraceLookups(HashMap<Vec<TraceId>, Vec<Range<u32>>>);

impl Segment {
    /// The rows of a row group that may meet the predicate, by its indexes; none when these do not tell, or when they
    /// are too many for it to pay. Blocks.
    pub(super) fn candidates(
        &self,
        opened: &Opened,
        node: &Node,
        group: usize,
        lookups: &mut TraceLookups,
    ) -> Result<Option<Candidates>, StorageError> {
        match node {
            Node::And(parts) => {
                let mut all: Option<Candidates> = None;
                let mut exact = true;
                for part in parts {
                    match self.candidates(opened, part, group, lookups)? {
                        None => exact = false,
                        Some(found) => {
                            exact &= found.exact;
                            let rows = all.map_or(found.rows.clone(), |before| &before.rows & &found.rows);
                            all = Some(Candidates { rows, exact: false });
                        }
                    }
                }
                Ok(all.map(|all| Candidates { exact, ..all }))
            }
            Node::Or(parts) => {
                let mut any = Candidates {
                    rows: BooleanBuffer::new_unset(opened.head.row_groups[group].rows as usize),
                    exact: true,
                };
                for part in parts.iter().filter(|part| opened.may_meet(part, group)) {
                    let Some(found) = self.candidates(opened, part, group, lookups)? else {
                        return Ok(None);
                    };
                    any = Candidates { rows: &any.rows | &found.rows, exact: any.exact && found.exact };
                }
                Ok(Some(any))
            }
            Node::Not(part) => {
                let found = self.candidates(opened, part, group, lookups)?;
                Ok(found.filter(|found| found.exact).map(|found| Candidates { rows: !&found.rows, exact: true }))
            }
            Node::Leaf(Leaf { target: Target::Text, test: test @ Test::Matches(matcher) }) => {
                self.text_candidates(opened, test, matcher, group)
            }
            // The text of a log record is its body.
            Node::Leaf(Leaf { target: Target::Column(Column::Body), test: test @ Test::Matches(matcher) }) => {
                self.text_candidates(opened, test, matcher, group)
            }
            Node::Leaf(Leaf { target: Target::Column(Column::TraceId), test }) => {
                let rows = self.trace_candidates(opened, test, group, lookups)?;
                Ok(rows.map(|rows| Candidates { rows, exact: false }))
            }
            Node::Leaf(Leaf {
                target: Target::Column(Column::Attribute { scope: AttributeScope::Record, key, of }),
                test,
            }) => {
                let rows = self.value_candidates(opened, (key, *of), test, group)?;
                Ok(rows.map(|rows| Candidates { rows, exact: false }))
            }
            _ => Ok(None),
        }
    }

    fn value_candidates(
        &self,
        opened: &Opened,
        attribute: (&str, AttributeType),
        test: &Test,
        group: usize,
    ) -> Result<Option<BooleanBuffer>, StorageError> {
        match wanted_values(test) {
            Some(values) => {
                let found = self.look_up_values(opened, attribute, &values, group)?;
                Ok(found.map(|rows| bits(opened.head.row_groups[group].rows as usize, rows.into_iter())))
            }
            None => Ok(None),
        }
    }

    fn text_candidates(
        &self,
        opened: &Opened,
        test: &Test,
        matcher: &TextMatcher,
        group: usize,
    ) -> Result<Option<Candidates>, StorageError> {
        let Some(found) = self.look_up_text(opened, matcher, group)? else {
            return Ok(None);
        };
        let rows = match opened.plan().signal {
            Signal::Logs => found.rows,
            // Names of spans are not in the index, so they are tried.
            Signal::Traces => &found.rows | &self.names_that_meet(opened, test, group)?,
        };
        Ok(Some(Candidates { rows, exact: found.exact }))
    }

    fn names_that_meet(&self, opened: &Opened, test: &Test, group: usize) -> Result<BooleanBuffer, StorageError> {
        let mut leaves = Leaves::default();
        opened.pages.add_leaves(&mut leaves, NAME);
        let object = self.rows_object(opened)?;
        let batch = opened.pages.read_all(&object, group, &leaves, None).map_err(|error| self.rows_error(error))?;
        match batch.column_by_name(NAME) {
            Some(names) => test.of_array(names.as_ref()),
            None => Err(damaged("no column of names")),
        }
    }

    fn trace_candidates(
        &self,
        opened: &Opened,
        test: &Test,
        group: usize,
        lookups: &mut TraceLookups,
    ) -> Result<Option<BooleanBuffer>, StorageError> {
        let Some(traces) = traces_of(test) else {
            return Ok(None);
        };
        if !lookups.0.contains_key(&traces) {
            // Held open, so that not every look-up opens it again.
            let _index = self.open_index()?;
            let mut found = Vec::new();
            for trace in &traces {
                found.extend(self.trace_ranges(opened, *trace)?);
            }
            lookups.0.insert(traces.clone(), found);
        }
        let info = opened.head.row_groups[group];
        let of_group = lookups.0.get(&traces).into_iter().flatten().filter_map(|rows| {
            let start = rows.start.max(info.first_row);
            let end = rows.end.min(info.first_row + info.rows);
            (start < end).then(|| (start - info.first_row) as usize..(end - info.first_row) as usize)
        });
        Ok(Some(bits(info.rows as usize, of_group)))
    }
}

/// The values one of which is asked for, when they are not too many to be looked up.
fn wanted_values(test: &Test) -> Option<Vec<&Scalar>> {
    match test {
        Test::Compare(Comparison::Equal, value) => Some(vec![value]),
        Test::In(values) if values.len() <= LOOK_UPS_MAX => Some(values.iter().collect()),
        _ => None,
    }
}

/// The traces that a test of trace ids asks for, if it asks for few enough. Other bytes are no trace id, so no row has
/// them.
fn traces_of(test: &Test) -> Option<Vec<TraceId>> {
    let trace = |value: &Scalar| match value {
        Scalar::Binary(id) => Some(TraceId::from_slice(id)),
        _ => None,
    };
    let traces: Vec<Option<TraceId>> = wanted_values(test)?.into_iter().map(trace).collect::<Option<_>>()?;
    Some(traces.into_iter().flatten().collect())
}

/// `len` bits of which those in `ranges` are set.
pub(super) fn bits(len: usize, ranges: impl Iterator<Item = std::ops::Range<usize>>) -> BooleanBuffer {
    let mut bits = BooleanBufferBuilder::new(len);
    bits.append_n(len, false);
    for range in ranges {
        range.filter(|&row| row < len).for_each(|row| bits.set_bit(row, true));
    }
    bits.finish()
}
