//! Which part of a question rollups answer, and which the rows.
//!
//! Rollups count by whole minutes. A source whose rows all lie in the time range counts as a whole; of the others the
//! whole minutes count, and the rows of the minutes that the range cuts. So every row of the range counts once.

use std::ops::Range;

use futures::{Stream, StreamExt, stream};
use tracewell_model::{TimeRange, UnixNanos};
use tracewell_storage::{MINUTE_NANOS, RollupPart, RollupRequest, RollupTable, StorageError};

use crate::Exactness;
use crate::session::View;

/// How many sources are read at once.
const CONCURRENT_READS: usize = 4;
/// Shorter ranges are read from rows.
const RANGE_NANOS_MIN: u64 = 5 * MINUTE_NANOS;
/// With more rows, parts of less than a minute are given up for reading rollups.
const FINE_ROWS_MAX: u64 = 1_000_000;
const HOUR_MINUTES: u32 = 60;

/// Parts of a time range that are whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first minute since 1970; the first of an hour when parts are hours.
    pub first: u32,
    /// The minutes of a part.
    pub width: u32,
    /// The number of parts.
    pub count: usize,
}

impl Grid {
    /// At most about `wanted` parts of `time`; none when its rows are to be read: because it is short, or because its
    /// rows are few and parts of whole minutes would be coarser than asked for.
    pub(crate) fn new(view: &View, time: TimeRange, wanted: usize) -> Option<Grid> {
        let length = time.end.0.saturating_sub(time.start.0);
        if length < RANGE_NANOS_MIN {
            return None;
        }
        let is_fine = length / (wanted.max(1) as u64) < MINUTE_NANOS;
        if is_fine && rows_inside(view, time) <= FINE_ROWS_MAX {
            return None;
        }
        Some(Grid::of(time, wanted))
    }

    fn of(time: TimeRange, wanted: usize) -> Grid {
        let (first, end) = (minute(time.start.0), minute(time.end.0.saturating_sub(1)) + 1);
        let minutes = (time.end.0.saturating_sub(time.start.0)).div_ceil(MINUTE_NANOS);
        let width = minutes.div_ceil(wanted.max(1) as u64).max(1) as u32;
        let (first, width) = match width {
            0..HOUR_MINUTES => (first, width),
            _ => (first / HOUR_MINUTES * HOUR_MINUTES, width.next_multiple_of(HOUR_MINUTES)),
        };
        Grid { first, width, count: (end - first).div_ceil(width) as usize }
    }

    /// Whether every part consists of whole hours.
    pub(crate) fn is_by_hours(&self) -> bool {
        self.width.is_multiple_of(HOUR_MINUTES) && self.first.is_multiple_of(HOUR_MINUTES)
    }

    /// The number of the part that a minute lies in.
    pub(crate) fn place(&self, minute: u32) -> usize {
        ((minute.saturating_sub(self.first) / self.width) as usize).min(self.count - 1)
    }

    /// The number of the part that a time lies in.
    pub(crate) fn place_of(&self, time: UnixNanos) -> usize {
        self.place(minute(time.0))
    }

    /// Where the first part begins.
    pub(crate) fn start(&self) -> UnixNanos {
        UnixNanos(u64::from(self.first) * MINUTE_NANOS)
    }

    /// Nanoseconds of a part.
    pub(crate) fn width_nanos(&self) -> u64 {
        u64::from(self.width) * MINUTE_NANOS
    }
}

/// Whether an answer with percentiles of rollups is exact.
pub(crate) fn exactness_of_rollups(has_others: bool) -> Exactness {
    let estimated = Exactness::Estimated { reason: "percentiles are estimated to within 1.6 %".to_owned() };
    match has_others {
        true => estimated.lacking("there are too many names to tell all apart".to_owned()),
        false => estimated,
    }
}

/// The minute since 1970 that a time lies in.
fn minute(nanos: u64) -> u32 {
    (nanos / MINUTE_NANOS) as u32
}

fn rows_inside(view: &View, time: TimeRange) -> u64 {
    let inside = view.snapshot().sources().iter().filter(|source| {
        let (first, last) = source.time_bounds();
        time.overlaps(first, last)
    });
    inside.map(|source| source.row_count()).sum()
}

/// A time range as whole minutes, and the rows of what is left.
pub(crate) struct Cut {
    /// Sources, and which of their minutes.
    minutes: Vec<(u32, Range<u32>)>,
    /// The sources that have rows in minutes that the range cuts.
    cut: Vec<u32>,
    /// Those parts of the range.
    ends: Vec<TimeRange>,
}

impl Cut {
    /// Of what a view has in a range.
    pub(crate) fn new(view: &View, time: TimeRange) -> Cut {
        let whole = time.start.0.div_ceil(MINUTE_NANOS)..time.end.0 / MINUTE_NANOS;
        let nanos = |minute: u64| UnixNanos(minute * MINUTE_NANOS);
        let ends: Vec<TimeRange> = match whole.start <= whole.end {
            true => vec![
                TimeRange { start: time.start, end: nanos(whole.start) },
                TimeRange { start: nanos(whole.end), end: time.end },
            ],
            false => vec![time],
        };
        let mut cut = Cut { minutes: Vec::new(), cut: Vec::new(), ends: Vec::new() };
        for (number, source) in (0u32..).zip(view.snapshot().sources()) {
            let (first, last) = source.time_bounds();
            if !time.overlaps(first, last) {
                continue;
            }
            if time.contains(first) && time.contains(last) {
                cut.minutes.push((number, 0..u32::MAX));
                continue;
            }
            if whole.start < whole.end {
                cut.minutes.push((number, whole.start as u32..whole.end as u32));
            }
            if ends.iter().any(|end| end.start < end.end && end.overlaps(first, last)) {
                cut.cut.push(number);
            }
        }
        if !cut.cut.is_empty() {
            cut.ends = ends.into_iter().filter(|end| end.start < end.end).collect();
        }
        cut
    }

    /// The parts of the range whose rows are to be read, and of which sources.
    pub(crate) fn ends(&self, view: &View) -> Vec<(View, TimeRange)> {
        self.ends.iter().map(|end| (view.among(self.cut.clone()), *end)).collect()
    }

    /// The rollup of each source, of the whole minutes.
    pub(crate) fn parts<'a>(
        &self,
        view: &'a View,
        table: RollupTable,
        by_hours: bool,
    ) -> impl Stream<Item = Result<RollupPart, StorageError>> + use<'a> {
        let request =
            |minutes: &Range<u32>| RollupRequest { by_hours, ..RollupRequest::minutes(table, minutes.clone()) };
        parts(view, self.minutes.iter().map(|(number, minutes)| (*number, request(minutes))).collect())
    }
}

/// What was asked of each source, in their order.
pub(crate) fn parts(
    view: &View,
    requests: Vec<(u32, RollupRequest)>,
) -> impl Stream<Item = Result<RollupPart, StorageError>> + use<'_> {
    let reads: Vec<_> = requests.into_iter().map(|(number, request)| view.read(number).rollup(request)).collect();
    stream::iter(reads).buffered(CONCURRENT_READS)
}

/// What is known of each source that has rows of the time range, without any counts by minute.
pub(crate) fn heads(view: &View, time: TimeRange) -> impl Stream<Item = Result<RollupPart, StorageError>> + use<'_> {
    let request = || RollupRequest { table: None, minutes: 0..0, by_hours: false, halves: 0..0 };
    let overlapping = (0u32..).zip(view.snapshot().sources()).filter(|(_, source)| {
        let (first, last) = source.time_bounds();
        time.overlaps(first, last)
    });
    parts(view, overlapping.map(|(number, _)| (number, request())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> TimeRange {
        TimeRange { start: UnixNanos(start), end: UnixNanos(end) }
    }

    #[test]
    fn parts_are_whole_minutes_or_whole_hours_and_cover_the_range() {
        let hour = 60 * MINUTE_NANOS;
        let at = 1_700_000_000 * 1_000_000_000;
        for (length, wanted) in
            [(hour, 60), (hour, 30), (5 * hour, 30), (26 * hour, 30), (40 * hour, 30), (700 * hour, 60)]
        {
            for start in [at, at + 1, at / hour * hour] {
                let grid = Grid::of(range(start, start + length), wanted);
                assert!(grid.start().0 <= start);
                let end = grid.start().0 + grid.width_nanos() * grid.count as u64;
                assert!(end >= start + length && end - grid.width_nanos() < start + length, "{grid:?}");
                assert!(grid.count <= wanted + 1, "{grid:?}");
                assert_eq!(grid.is_by_hours(), grid.width >= HOUR_MINUTES);
                assert_eq!(grid.place(minute(start + length - 1)), grid.count - 1);
            }
        }
        assert_eq!(Grid::of(range(at / hour * hour, at / hour * hour + hour), 60).count, 60);
        Grid::of(TimeRange::ALL, 30);
    }
}
