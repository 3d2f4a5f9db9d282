//! Merging small chunks into larger ones, so that a scan has few of them to look at.
//!
//! Chunks are merged eight of a size at a time, so each record is copied about once per factor of eight between the
//! size of a request and that of a full chunk, whatever the size of requests is.

use std::ops::Range;
use std::sync::Arc;

use super::chunk::Chunk;

/// A merged chunk has at most this many rows.
const ROWS_MAX: usize = 8_192;
/// A merged chunk has at most this many bytes.
const BYTES_MAX: usize = 8 << 20;
/// How many chunks of about one size are merged.
const FAN_IN: usize = 8;

/// Neighbours worth merging, if there are any.
pub(crate) fn next_run(live: &[Arc<Chunk>]) -> Option<Vec<Arc<Chunk>>> {
    let sizes: Vec<Size> = live.iter().map(|chunk| Size::of(chunk)).collect();
    run_of(&sizes).map(|run| live[run].to_vec())
}

/// Puts `merged` in the place of `run`; false, and nothing is changed, when the run is no longer there as it was.
pub(crate) fn replace_run(live: &mut Vec<Arc<Chunk>>, run: &[Arc<Chunk>], merged: Arc<Chunk>) -> bool {
    let Some(start) = live.iter().position(|chunk| Arc::ptr_eq(chunk, &run[0])) else { return false };
    let is_same = live[start..].len() >= run.len() && live[start..].iter().zip(run).all(|(a, b)| Arc::ptr_eq(a, b));
    if is_same {
        live.splice(start..start + run.len(), [merged]);
    }
    is_same
}

#[derive(Clone, Copy, Default)]
struct Size {
    rows: usize,
    bytes: usize,
}

impl Size {
    fn of(chunk: &Chunk) -> Size {
        Size { rows: chunk.records().len(), bytes: chunk.bytes() }
    }

    fn plus(self, other: Size) -> Size {
        Size { rows: self.rows + other.rows, bytes: self.bytes + other.bytes }
    }

    fn is_too_large(self) -> bool {
        self.rows > ROWS_MAX || self.bytes > BYTES_MAX
    }

    /// Large enough to be left alone. Two that are not always fit into one.
    fn is_settled(self) -> bool {
        self.rows > ROWS_MAX / 2 || self.bytes > BYTES_MAX / 2
    }

    /// 0 for a few rows, one more for each factor of [`FAN_IN`].
    fn tier(self) -> u32 {
        self.rows.max(1).ilog2() / FAN_IN.ilog2()
    }
}

/// The first neighbours of at most one tier that are either [`FAN_IN`] of that tier, or as many as fit into a chunk.
fn run_of(sizes: &[Size]) -> Option<Range<usize>> {
    (0..=ROWS_MAX.ilog2() / FAN_IN.ilog2()).find_map(|tier| run_of_tier(sizes, tier))
}

fn run_of_tier(sizes: &[Size], tier: u32) -> Option<Range<usize>> {
    let mut start = 0;
    let mut sum = Size::default();
    let mut of_tier = 0;
    for (index, &size) in sizes.iter().enumerate() {
        if size.is_settled() || size.tier() > tier {
            (start, sum, of_tier) = (index + 1, Size::default(), 0);
            continue;
        }
        if sum.plus(size).is_too_large() {
            return Some(start..index);
        }
        sum = sum.plus(size);
        of_tier += usize::from(size.tier() == tier);
        if of_tier == FAN_IN {
            return Some(start..index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends requests of `rows` one after the other, merging as it goes: the copies per row, and the chunks left.
    fn simulate(requests: usize, rows: usize) -> (f64, usize) {
        let mut sizes: Vec<Size> = Vec::new();
        let mut copied = 0;
        for _ in 0..requests {
            sizes.push(Size { rows, bytes: rows * 700 });
            while let Some(run) = run_of(&sizes) {
                let sum = sizes[run.clone()].iter().fold(Size::default(), |sum, &size| sum.plus(size));
                assert!(run.len() > 1 && !sum.is_too_large(), "{} rows from {} chunks", sum.rows, run.len());
                copied += sum.rows;
                sizes.splice(run, [sum]);
            }
        }
        (copied as f64 / (requests * rows) as f64, sizes.len())
    }

    #[test]
    fn the_number_of_chunks_and_the_copies_per_row_stay_small() {
        for (rows, copies_max) in [(1, 5.0), (10, 4.0), (50, 3.0), (512, 2.0), (1_500, 1.0), (5_000, 0.0)] {
            let (copies, chunks) = simulate(200_000 / rows, rows);
            assert!(copies <= copies_max, "{copies} copies of requests of {rows} rows");
            assert!(chunks <= 200_000 / (ROWS_MAX / 2) + 40, "{chunks} chunks of requests of {rows} rows");
        }
    }

    #[test]
    fn large_chunks_are_left_alone() {
        let full = Size { rows: ROWS_MAX, bytes: 100 };
        assert_eq!(run_of(&[full; 20]), None);
        let heavy = Size { rows: 1, bytes: BYTES_MAX };
        assert_eq!(run_of(&[heavy; 20]), None);
    }
}
