//! Finding a page of traces: stretch of time after stretch of time going back, until the page is full.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::prelude::{col, lit};
use tracewell_model::{TimeRange, TraceId, UnixNanos};
use tracewell_storage::{Column, Predicate, Scalar};

use crate::log_order::unknown_cursor;
use crate::session::{Session, View, collect};
use crate::slices::{TimeOrder, slices};
use crate::summary::summaries;
use crate::traces::TracePage;
use crate::{Exactness, Page, QueryError};

/// How many rows the first stretch of time is expected to hold, at the least.
const FIRST_SLICE_ROWS: usize = 50_000;
/// How many traces are looked for at a time behind a cursor, where some were given before.
const CANDIDATES_BEHIND_CURSOR: usize = 1_024;

/// A list of traces, and which page of it.
pub(crate) struct TraceSearch {
    predicate: Predicate,
    time: TimeRange,
    limit: usize,
    cursor: Option<Place>,
}

/// A trace's place in the list: by the latest start of a matching span, newest first, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    latest: i64,
    trace: TraceId,
}

impl Place {
    fn key(&self) -> (i64, TraceId) {
        (!self.latest, self.trace)
    }

    /// As the text that callers carry around.
    fn encode(&self) -> String {
        format!("{:x}-{}", self.latest, self.trace)
    }

    fn decode(text: &str) -> Result<Place, QueryError> {
        let parts = text.split_once('-').and_then(|(latest, trace)| {
            let none = TraceId::NONE.to_string();
            let trace = if trace == none { TraceId::NONE } else { trace.parse().ok()? };
            Some(Place { latest: i64::from_str_radix(latest, 16).ok()?, trace })
        });
        parts.ok_or_else(|| unknown_cursor(text))
    }
}

/// A trace of the list.
#[derive(Clone, Copy)]
struct Matched {
    place: Place,
    spans: u64,
}

impl TraceSearch {
    /// The page of the traces with a span that meets `predicate` and starts inside `time`.
    pub(crate) fn new(predicate: Predicate, time: TimeRange, page: &Page) -> Result<TraceSearch, QueryError> {
        let limit = page.checked_limit()?;
        let cursor = page.cursor.as_deref().map(Place::decode).transpose()?;
        Ok(TraceSearch { predicate, time, limit, cursor })
    }

    /// Finds the page.
    pub(crate) async fn run(&self, session: &Session, view: &View) -> Result<(TracePage, Exactness), QueryError> {
        // One more tells whether there is a next page.
        let wanted = self.limit + 1;
        let mut found: Vec<Matched> = Vec::new();
        let mut seen = HashSet::new();
        let mut unread = None;
        for slice in slices(view.snapshot(), self.rest(), TimeOrder::NewestFirst, FIRST_SLICE_ROWS.max(50 * wanted)) {
            if found.len() >= wanted {
                break;
            }
            let more = self.in_slice(session, view, slice, wanted - found.len(), &mut seen);
            match session.unless_late(more).await? {
                Some(more) => found.extend(more),
                None => {
                    unread = Some(slice.end);
                    break;
                }
            }
        }
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let traces: Vec<(TraceId, u64)> = found.iter().map(|matched| (matched.place.trace, matched.spans)).collect();
        let traces = summaries(session, view, &traces).await?;
        let Some(edge) = unread else {
            let last = found.last().filter(|_| more);
            let next_cursor = last.map(|matched| matched.place.encode());
            return Ok((TracePage { traces, next_cursor }, Exactness::Exact));
        };
        // Behind every trace with a later span, and before those whose latest is the last nanosecond that is unread.
        let latest = i64::try_from(edge.0.saturating_sub(1)).unwrap_or(i64::MAX);
        let before = Place { latest, trace: TraceId::NONE };
        let reason = format!("time was up at {} ns: go on from the cursor, or narrow the query", edge.0);
        Ok((TracePage { traces, next_cursor: Some(before.encode()) }, Exactness::Partial { reason }))
    }

    /// The part of the time range in which traces behind the cursor have their latest matching span.
    fn rest(&self) -> TimeRange {
        let Some(cursor) = self.cursor else { return self.time };
        let end = match cursor.latest {
            i64::MAX => UnixNanos(u64::MAX),
            latest => UnixNanos(latest.max(0) as u64 + 1),
        };
        TimeRange { end: end.min(self.time.end), ..self.time }
    }

    /// The first `wanted` traces whose latest matching span is in the slice. All of later slices have been seen.
    async fn in_slice(
        &self,
        session: &Session,
        view: &View,
        slice: TimeRange,
        wanted: usize,
        seen: &mut HashSet<TraceId>,
    ) -> Result<Vec<Matched>, QueryError> {
        let candidates = match self.cursor {
            Some(_) => wanted.max(CANDIDATES_BEHIND_CURSOR),
            None => wanted,
        };
        let mut found: Vec<Matched> = Vec::new();
        while found.len() < wanted {
            let places = self.candidates(session, view, slice, candidates, seen).await?;
            let exhausted = places.len() < candidates;
            seen.extend(places.iter().map(|place| place.trace));
            let mut matched = self.matched(session, view, &places).await?;
            // Behind a cursor there are traces that have later spans, and were given on account of those.
            matched.retain(|matched| self.cursor.is_none_or(|cursor| matched.place.key() > cursor.key()));
            matched.sort_by_key(|matched| matched.place.key());
            found.extend(matched);
            if exhausted {
                break;
            }
        }
        found.truncate(wanted);
        Ok(found)
    }

    /// The first traces of the slice that have not been seen, by the latest of their matching spans in it.
    async fn candidates(
        &self,
        session: &Session,
        view: &View,
        slice: TimeRange,
        limit: usize,
        seen: &HashSet<TraceId>,
    ) -> Result<Vec<Place>, QueryError> {
        let mut predicate = self.predicate.clone();
        if !seen.is_empty() {
            let unseen = Predicate::Not(Box::new(is_one_of(seen.iter())));
            predicate = Predicate::And(vec![predicate, unseen]);
        }
        let columns = [("trace", Column::TraceId), ("time", Column::Time)];
        let rows = session
            .scan(view, &columns, slice, predicate)?
            .aggregate(vec![col("trace")], vec![max(col("time")).alias("latest")])?
            .sort(vec![col("latest").sort(false, false), col("trace").sort(true, false)])?
            .limit(0, Some(limit))?;
        Ok(collect(rows).await?.iter().flat_map(places).collect())
    }

    /// Each of the traces, with the latest start and the number of its matching spans in the whole time range.
    async fn matched(&self, session: &Session, view: &View, traces: &[Place]) -> Result<Vec<Matched>, QueryError> {
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        let those = is_one_of(traces.iter().map(|place| &place.trace));
        let predicate = Predicate::And(vec![those, self.predicate.clone()]);
        // Spans that were sent twice are counted once, as in the summary.
        let columns = [
            ("trace", Column::TraceId),
            ("time", Column::Time),
            ("span", Column::SpanId),
            ("name", Column::Name),
            ("service", Column::ServiceName),
            ("parent", Column::ParentSpanId),
            ("duration", Column::Duration),
        ];
        let rows = session
            .scan(view, &columns, self.time, predicate)?
            .distinct()?
            .aggregate(vec![col("trace")], vec![max(col("time")).alias("latest"), count(lit(1)).alias("spans")])?;
        let batches = collect(rows).await?;
        let mut counts = HashMap::new();
        for batch in &batches {
            let spans = batch.column(2).as_primitive::<Int64Type>();
            for (row, place) in places(batch).into_iter().enumerate() {
                counts.insert(place.trace, Matched { place, spans: spans.value(row) as u64 });
            }
        }
        Ok(counts.into_values().collect())
    }
}

/// The condition that a span is of one of the traces.
pub(crate) fn is_one_of<'a>(traces: impl Iterator<Item = &'a TraceId>) -> Predicate {
    Predicate::In { column: Column::TraceId, values: traces.map(|trace| Scalar::Binary(trace.0.to_vec())).collect() }
}

/// Rows of trace id and latest start.
fn places(batch: &RecordBatch) -> Vec<Place> {
    let traces = batch.column(0).as_fixed_size_binary();
    let times = batch.column(1).as_primitive::<TimestampNanosecondType>();
    let place = |row: usize| {
        let trace = TraceId::from_slice(traces.value(row)).unwrap_or_default();
        Place { latest: times.value(row), trace }
    };
    (0..batch.num_rows()).filter(|&row| traces.is_valid(row)).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        let place = Place { latest: 1_700_000_000_000_000_000, trace: TraceId([7; 16]) };
        assert_eq!(Place::decode(&place.encode()).expect("a cursor"), place);
        for text in ["", "12", "zz-07070707070707070707070707070707", "12-07"] {
            assert!(Place::decode(text).is_err(), "{text}");
        }
    }
}
