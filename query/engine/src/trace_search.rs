//! Finding a page of traces: stretch of time after stretch of time going back, until the page is full.

use std::collections::HashSet;

use arrow::array::AsArray;
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use datafusion::execution::SendableRecordBatchStream;
use futures::TryStreamExt;
use hashbrown::HashMap;
use tracewell_model::{TimeRange, TraceId, UnixNanos};
use tracewell_storage::{Column, Predicate, Scalar};

use crate::log_order::unknown_cursor;
use crate::session::{Session, View};
use crate::slices::{TimeOrder, slices};
use crate::summary::{Matching, summaries};
use crate::traces::TracePage;
use crate::{Exactness, Page, QueryError};

/// How many rows the first stretch of time is expected to hold, at the least.
const FIRST_SLICE_ROWS: usize = 50_000;
/// What is held of a trace that may be in the list: in a map that may be half empty, and in a list made of it.
const TRACE_BYTES: usize = 2 * size_of::<(TraceId, i64)>() + size_of::<Place>();
/// How many traces are looked for at a time behind a cursor, where some were given before.
const CANDIDATES_BEHIND_CURSOR: usize = 256;

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
        let mut found: Vec<Place> = Vec::new();
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
        let traces: Vec<TraceId> = found.iter().map(|place| place.trace).collect();
        let matching = self.matching(session, view, &traces).await?;
        let traces = summaries(session, view, &traces, &matching).await?;
        let Some(edge) = unread else {
            let last = found.last().filter(|_| more);
            let next_cursor = last.map(Place::encode);
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
    ) -> Result<Vec<Place>, QueryError> {
        let Some(cursor) = self.cursor else {
            let places = self.candidates(session, view, slice, wanted, seen).await?;
            seen.extend(places.iter().map(|place| place.trace));
            return Ok(places);
        };
        let candidates = wanted.max(CANDIDATES_BEHIND_CURSOR);
        let mut found: Vec<Place> = Vec::new();
        while found.len() < wanted {
            let places = self.candidates(session, view, slice, candidates, seen).await?;
            let exhausted = places.len() < candidates;
            seen.extend(places.iter().map(|place| place.trace));
            // Behind a cursor there are traces that have later spans, and were given on account of those.
            let mut places = self.places_of(session, view, &places).await?;
            places.retain(|place| place.key() > cursor.key());
            places.sort_by_key(Place::key);
            found.extend(places);
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
        let mut found = latest_of_each(session, session.stream(view, &columns, slice, predicate)).await?;
        found.sort_unstable_by_key(Place::key);
        found.truncate(limit);
        Ok(found)
    }

    /// The places of the traces by their latest matching spans in the whole time range.
    async fn places_of(&self, session: &Session, view: &View, traces: &[Place]) -> Result<Vec<Place>, QueryError> {
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        let those = is_one_of(traces.iter().map(|place| &place.trace));
        let predicate = Predicate::And(vec![those, self.predicate.clone()]);
        let columns = [("trace", Column::TraceId), ("time", Column::Time)];
        latest_of_each(session, session.stream(view, &columns, self.time, predicate)).await
    }

    /// Which spans of the traces match.
    async fn matching(&self, session: &Session, view: &View, traces: &[TraceId]) -> Result<Matching, QueryError> {
        // Columns of times end at `i64::MAX`; a range that ends beyond it needs the times as they were sent.
        let tells_by_time = i64::try_from(self.time.end.0).is_ok() || self.time.end == TimeRange::ALL.end;
        if self.predicate == Predicate::always() && tells_by_time {
            return Ok(Matching::StartingIn(self.time));
        }
        let predicate = Predicate::And(vec![is_one_of(traces.iter()), self.predicate.clone()]);
        let mut batches = session.stream(view, &[("address", Column::Address)], self.time, predicate);
        let memory = session.reservation("matching spans");
        let mut addresses: Vec<u64> = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            memory.try_grow(batch.num_rows() * size_of::<u64>())?;
            addresses.extend(batch.column(0).as_primitive::<UInt64Type>().values());
        }
        addresses.sort_unstable();
        Ok(Matching::At(addresses))
    }
}

/// The condition that a span is of one of the traces.
pub(crate) fn is_one_of<'a>(traces: impl Iterator<Item = &'a TraceId>) -> Predicate {
    Predicate::In { column: Column::TraceId, values: traces.map(|trace| Scalar::Binary(trace.0.to_vec())).collect() }
}

/// Of rows of trace id and start, each trace with its latest start.
async fn latest_of_each(session: &Session, mut batches: SendableRecordBatchStream) -> Result<Vec<Place>, QueryError> {
    let memory = session.reservation("traces");
    let mut latest: HashMap<TraceId, i64> = HashMap::new();
    while let Some(batch) = batches.try_next().await? {
        let traces = batch.column(0).as_fixed_size_binary();
        let times = batch.column(1).as_primitive::<TimestampNanosecondType>().values();
        let known = latest.len();
        for (trace, &time) in traces.iter().zip(times) {
            let Some(trace) = trace else { continue };
            let trace = TraceId::from_slice(trace).unwrap_or_default();
            latest.entry(trace).and_modify(|latest| *latest = time.max(*latest)).or_insert(time);
        }
        memory.try_grow((latest.len() - known) * TRACE_BYTES)?;
    }
    Ok(latest.into_iter().map(|(trace, latest)| Place { latest, trace }).collect())
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
