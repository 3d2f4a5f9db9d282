//! Reading a part of a rollup.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tracewell_model::Signal;

use super::calls::Half;
use super::cell_block::CellReader;
use super::half_block;
use super::head::{EncodedRollup, Head, List, Place, decompress_block};
use super::keys::{LogKey, SpanKey};
use super::present::columns;
use super::{Damaged, HOUR_MINUTES};
use crate::{Column, StorageError, StorageErrorKind};

/// What is counted by minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollupTable {
    /// Spans, by [`SpanKey`].
    Spans,
    /// Log records, by [`LogKey`].
    Logs,
    /// Calls that were found within the source.
    Edges,
}

impl RollupTable {
    fn lists(self) -> (List, List) {
        match self {
            RollupTable::Spans => (List::SpanMinutes, List::SpanHours),
            RollupTable::Logs => (List::LogMinutes, List::LogHours),
            RollupTable::Edges => (List::EdgeMinutes, List::EdgeHours),
        }
    }

    fn has_durations(self) -> bool {
        self != RollupTable::Logs
    }
}

/// What is wanted of a rollup.
#[derive(Clone, Debug)]
pub struct RollupRequest {
    /// Which counts; none: only halves of calls.
    pub table: Option<RollupTable>,
    /// Of which minutes since 1970.
    pub minutes: Range<u32>,
    /// Whether the counts of whole hours may be given together, as of their first minute.
    pub by_hours: bool,
    /// The halves of calls of these minutes, too.
    pub halves: Range<u32>,
}

impl RollupRequest {
    /// The counts of these minutes, each by itself.
    pub fn minutes(table: RollupTable, minutes: Range<u32>) -> RollupRequest {
        RollupRequest { table: Some(table), minutes, by_hours: false, halves: 0..0 }
    }
}

/// Blocks to be read.
pub(crate) struct Places {
    cells: Vec<(Wanted, Place)>,
    halves: Vec<Place>,
}

#[derive(Clone)]
struct Wanted {
    list: List,
    /// Stretches of time.
    buckets: Range<u32>,
    /// Minutes of a stretch of time.
    width: u32,
}

impl Places {
    /// What has to be read for a request.
    pub(crate) fn new(head: &Head, request: &RollupRequest) -> Places {
        let mut cells = Vec::new();
        if let Some(table) = request.table {
            for wanted in wanted(table, request) {
                let inside = overlapping(head.list(wanted.list), &wanted.buckets);
                cells.extend(inside.map(|place| (wanted.clone(), place.clone())));
            }
        }
        let halves = overlapping(head.list(List::Halves), &request.halves).cloned().collect();
        Places { cells, halves }
    }

    /// Where these blocks are in the body.
    pub(crate) fn ranges(&self) -> Vec<Range<u64>> {
        let cells = self.cells.iter().map(|(_, place)| place.bytes.clone());
        cells.chain(self.halves.iter().map(|place| place.bytes.clone())).collect()
    }
}

fn overlapping<'a>(places: &'a [Place], buckets: &Range<u32>) -> impl Iterator<Item = &'a Place> {
    let Range { start, end } = *buckets;
    places.iter().filter(move |place| place.first < end && start <= place.last)
}

/// The stretches of time that together are the request's minutes.
fn wanted(table: RollupTable, request: &RollupRequest) -> Vec<Wanted> {
    let (minutes, hours) = table.lists();
    let Range { start, end } = request.minutes;
    let by_minute = |buckets: Range<u32>| Wanted { list: minutes, buckets, width: 1 };
    let whole = start.div_ceil(HOUR_MINUTES)..end / HOUR_MINUTES;
    if !request.by_hours || whole.is_empty() {
        return vec![by_minute(start..end)];
    }
    let (first, last) = (whole.start * HOUR_MINUTES, whole.end * HOUR_MINUTES);
    let whole = Wanted { list: hours, buckets: whole, width: HOUR_MINUTES };
    let all = [by_minute(start..first), whole, by_minute(last..end)];
    all.into_iter().filter(|wanted| !wanted.buckets.is_empty()).collect()
}

/// Counts of the rows of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The number of the key.
    pub key: usize,
    /// The minute since 1970; the first of an hour when whole hours are given together.
    pub minute: u32,
    /// The number of rows.
    pub count: u64,
    /// The number of durations of each class ([`crate::duration_of_class`]), ascending. None of log records.
    pub durations: &'a [(u16, u64)],
}

/// A part of the rollup of one source.
pub struct RollupPart {
    head: Arc<Head>,
    cells: Vec<(Wanted, u32, Vec<u8>)>,
    halves: Vec<Half>,
    table: Option<RollupTable>,
}

impl RollupPart {
    /// Reads blocks by `read`, which gives parts of the body.
    pub(crate) fn read(
        head: Arc<Head>,
        request: &RollupRequest,
        places: Places,
        read: impl Fn(Range<u64>) -> Result<Bytes, StorageError>,
    ) -> Result<RollupPart, StorageError> {
        let block = |place: &Place| decompress_block(&read(place.bytes.clone())?).map_err(damaged);
        let cells = places.cells.into_iter().map(|(wanted, place)| Ok((wanted, place.first, block(&place)?)));
        let cells = cells.collect::<Result<_, StorageError>>()?;
        let mut halves = Vec::new();
        for place in &places.halves {
            let all = half_block::unpack(place.first, &block(place)?).map_err(damaged)?;
            halves.extend(all.into_iter().filter(|half| request.halves.contains(&half.minute)));
        }
        Ok(RollupPart { head, cells, halves, table: request.table })
    }

    /// The span keys by number.
    pub fn span_keys(&self) -> &[SpanKey] {
        &self.head.spans
    }

    /// How many of all rows, whatever their time, have something in each field that is no attribute: a text that is not
    /// empty, a number that is not 0, an id.
    pub fn present(&self, signal: Signal) -> impl Iterator<Item = (&'static Column, u64)> {
        columns(signal).iter().zip(self.head.present.iter().copied())
    }

    /// The log keys by number.
    pub fn log_keys(&self) -> &[LogKey] {
        &self.head.logs
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn halves(&self) -> &[Half] {
        &self.halves
    }

    /// Calls `each` for every count that was asked for.
    pub fn visit(&self, mut each: impl FnMut(&Cell<'_>)) -> Result<(), StorageError> {
        let Some(table) = self.table else { return Ok(()) };
        let keys = match table {
            RollupTable::Spans => self.head.spans.len(),
            RollupTable::Logs => self.head.logs.len(),
            RollupTable::Edges => self.head.edges.len(),
        };
        for (wanted, first, bytes) in &self.cells {
            let mut cells = CellReader::new(*first, bytes, table.has_durations()).map_err(damaged)?;
            while let Some((bucket, key, count)) = cells.next().map_err(damaged)? {
                if !wanted.buckets.contains(&bucket) {
                    continue;
                }
                let key = key as usize;
                if key >= keys {
                    return Err(damaged(Damaged));
                }
                each(&Cell { key, minute: bucket.saturating_mul(wanted.width), count, durations: &cells.classes });
            }
        }
        Ok(())
    }
}

pub(super) fn damaged(_: Damaged) -> StorageError {
    StorageError::new(StorageErrorKind::Corrupt, "the rollup of a segment makes no sense")
}

/// A rollup that is in memory as a whole.
#[derive(Debug)]
pub(crate) struct MemoryRollup {
    head: Arc<Head>,
    body: Bytes,
}

impl MemoryRollup {
    /// One that was made.
    pub(crate) fn new(encoded: EncodedRollup) -> Result<MemoryRollup, StorageError> {
        Ok(MemoryRollup { head: Arc::new(Head::decode(&encoded.head).map_err(damaged)?), body: encoded.body })
    }

    /// A part of it.
    pub(crate) fn part(&self, request: &RollupRequest) -> Result<RollupPart, StorageError> {
        let places = Places::new(&self.head, request);
        RollupPart::read(Arc::clone(&self.head), request, places, |range| {
            let found = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let inside = found.filter(|(start, end)| start <= end && *end <= self.body.len());
            inside.map(|(start, end)| self.body.slice(start..end)).ok_or_else(|| damaged(Damaged))
        })
    }
}
