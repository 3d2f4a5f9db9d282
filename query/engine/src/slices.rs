//! Stretches of time in which a list is looked for one after the other, so that the first page reads little.

use tracewell_model::{TimeRange, UnixNanos};
use tracewell_storage::{Snapshot, Source};

/// How many times as many rows as the one before a stretch is expected to hold.
const GROWTH: f64 = 4.0;

/// Which end of time a list begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeOrder {
    /// The latest first.
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

/// Cuts `time` into stretches in the given order. The first is expected to hold `first_rows` rows, each further one
/// four times as many as the one before; together they cover all rows of the snapshot inside `time`.
pub(crate) fn slices(snapshot: &Snapshot, time: TimeRange, order: TimeOrder, first_rows: usize) -> Vec<TimeRange> {
    let sources: Vec<Density> = snapshot.sources().iter().filter_map(|source| Density::new(source, time)).collect();
    cut(&sources, order, first_rows)
}

fn cut(sources: &[Density], order: TimeOrder, first_rows: usize) -> Vec<TimeRange> {
    let starts = sources.iter().map(|source| source.start).min();
    let ends = sources.iter().map(|source| source.end).max();
    let (Some(start), Some(end)) = (starts, ends) else { return Vec::new() };
    let all: f64 = sources.iter().map(|source| source.rows).sum();
    let mut edges = vec![match order {
        TimeOrder::NewestFirst => end,
        TimeOrder::OldestFirst => start,
    }];
    let (mut covered, mut wanted) = (0.0, first_rows as f64);
    loop {
        covered += wanted;
        wanted *= GROWTH;
        // A last stretch that is smaller than the one before is not worth a search of its own.
        if covered + wanted / GROWTH >= all {
            break;
        }
        let rows_before = match order {
            TimeOrder::NewestFirst => all - covered,
            TimeOrder::OldestFirst => covered,
        };
        let edge = quantile(sources, start, end, rows_before);
        if edges.last() != Some(&edge) && edge > start && edge < end {
            edges.push(edge);
        }
    }
    edges.push(match order {
        TimeOrder::NewestFirst => start,
        TimeOrder::OldestFirst => end,
    });
    let range = |a: u64, b: u64| TimeRange { start: UnixNanos(a.min(b)), end: UnixNanos(a.max(b)) };
    edges.windows(2).map(|edge| range(edge[0], edge[1])).collect()
}

/// The time before which about so many rows lie.
fn quantile(sources: &[Density], start: u64, end: u64, rows: f64) -> u64 {
    let (mut low, mut high) = (start, end);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let before: f64 = sources.iter().map(|source| source.rows_before(middle)).sum();
        if before < rows {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Rows of a source, taken to lie evenly in its time.
#[derive(Clone, Copy, Debug)]
struct Density {
    start: u64,
    end: u64,
    rows: f64,
}

impl Density {
    /// Of the part of a source inside `time`, if there is one.
    fn new(source: &Source, time: TimeRange) -> Option<Density> {
        let (first, last) = source.time_bounds();
        if !time.overlaps(first, last) {
            return None;
        }
        let whole = Density { start: first.0, end: last.0.saturating_add(1), rows: source.row_count() as f64 };
        let (start, end) = (whole.start.max(time.start.0), whole.end.min(time.end.0));
        Some(Density { start, end, rows: whole.rows_before(end) - whole.rows_before(start) })
    }

    fn rows_before(&self, time: u64) -> f64 {
        match time.clamp(self.start, self.end.max(self.start)) - self.start {
            0 => 0.0,
            passed => self.rows * (passed as f64 / (self.end - self.start) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCES: [Density; 2] =
        [Density { start: 0, end: 1_000, rows: 1_000.0 }, Density { start: 900, end: 2_000, rows: 1_100.0 }];

    #[test]
    fn stretches_grow_and_cover_all_of_time_without_overlap() {
        for order in [TimeOrder::NewestFirst, TimeOrder::OldestFirst] {
            let mut cut = cut(&SOURCES, order, 100);
            assert!(cut.len() >= 3, "{cut:?}");
            let width = |range: &TimeRange| range.end.0 - range.start.0;
            assert!(cut.windows(2).all(|pair| width(&pair[0]) < width(&pair[1])), "{cut:?}");
            if order == TimeOrder::NewestFirst {
                cut.reverse();
            }
            assert_eq!((cut[0].start.0, cut[cut.len() - 1].end.0), (0, 2_000));
            assert!(cut.windows(2).all(|pair| pair[0].end == pair[1].start), "{cut:?}");
        }
    }

    #[test]
    fn few_rows_are_one_stretch_and_none_are_none() {
        assert_eq!(cut(&SOURCES, TimeOrder::NewestFirst, 5_000).len(), 1);
        assert!(cut(&[], TimeOrder::NewestFirst, 5_000).is_empty());
    }

    #[test]
    fn rows_that_share_one_instant_are_one_stretch() {
        let instant = Density { start: 7, end: 8, rows: 1e6 };
        assert_eq!(cut(&[instant], TimeOrder::NewestFirst, 10).len(), 1);
    }
}
