//! The trace index: where in a segment the rows of a trace may be.
//!
//! A sorted table of hashes of trace ids, each with runs of rows. Hashes are shortened and runs are rounded to
//! granules, so an answer may be too large, never too small: whoever asks compares the ids of the rows.

use std::ops::Range;

use tracewell_model::TraceId;
use xxhash_rust::xxh3::xxh3_64;

use super::any_value::{put_varint, take_varint};

/// The traces of a block: what one lookup reads.
const BLOCK_TRACES: usize = 512;

/// The bytes of a hash that are kept.
const HASH_BYTES: usize = 5;

/// The kept part of the hash of a trace id, as a number.
fn hash(trace: TraceId) -> u64 {
    xxh3_64(&trace.0) >> (64 - 8 * HASH_BYTES)
}

/// Gathers where traces are.
pub(crate) struct TraceIndexBuilder {
    granule: u32,
    /// Hash, first granule, last granule.
    runs: Vec<(u64, u32, u32)>,
    rows: u32,
    last: Option<TraceId>,
}

impl TraceIndexBuilder {
    /// Rows are rounded to granules of this many.
    pub(crate) fn new(granule: u32) -> TraceIndexBuilder {
        TraceIndexBuilder { granule, runs: Vec::new(), rows: 0, last: None }
    }

    /// Adds the next row.
    pub(crate) fn push(&mut self, trace: TraceId) {
        let granule = self.rows / self.granule;
        self.rows += 1;
        if trace.is_none() {
            self.last = None;
            return;
        }
        let again = self.last.replace(trace) == Some(trace);
        match self.runs.last_mut() {
            Some((_, _, last)) if again && granule <= *last + 1 => *last = granule,
            _ => self.runs.push((hash(trace), granule, granule)),
        }
    }

    /// The index as bytes: see docs/formats/segment.md.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.runs.sort_unstable();
        let mut traces: Vec<(u64, Vec<Range<u32>>)> = Vec::new();
        for (hash, first, last) in self.runs {
            match traces.last_mut() {
                Some((known, runs)) if *known == hash => match runs.last_mut() {
                    Some(run) if first <= run.end => run.end = run.end.max(last + 1),
                    _ => runs.push(first..last + 1),
                },
                _ => traces.push((hash, vec![Range { start: first, end: last + 1 }])),
            }
        }
        let mut fence = Vec::new();
        let mut blocks = Vec::new();
        fence.extend(self.granule.to_le_bytes());
        fence.extend((traces.len().div_ceil(BLOCK_TRACES) as u32).to_le_bytes());
        for block in traces.chunks(BLOCK_TRACES) {
            fence.extend(block[0].0.to_le_bytes());
            fence.extend((blocks.len() as u64).to_le_bytes());
            encode_block(block, &mut blocks);
        }
        fence.extend((blocks.len() as u64).to_le_bytes());
        (fence, blocks)
    }
}

fn encode_block(traces: &[(u64, Vec<Range<u32>>)], bytes: &mut Vec<u8>) {
    bytes.extend((traces.len() as u16).to_le_bytes());
    for (hash, _) in traces {
        bytes.extend(&hash.to_le_bytes()[..HASH_BYTES]);
    }
    for (_, runs) in traces {
        put_varint(bytes, runs.len() as u64);
        let mut before = 0;
        for run in runs {
            put_varint(bytes, u64::from(run.start - before));
            put_varint(bytes, u64::from(run.end - run.start - 1));
            before = run.end;
        }
    }
}

/// The part of the index that is kept in memory: which block has which hashes.
#[derive(Debug)]
pub(crate) struct TraceFence {
    granule: u32,
    /// The first hash of each block, and where it starts.
    firsts: Vec<(u64, u64)>,
    end: u64,
}

impl TraceFence {
    /// The fence in `bytes`, unless they are damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<TraceFence> {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let granule = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
        let blocks = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
        if granule == 0 || bytes.len() != 8 + 16 * blocks + 8 {
            return None;
        }
        let firsts = (0..blocks).map(|block| Some((number(8 + 16 * block)?, number(16 + 16 * block)?)));
        Some(TraceFence { granule, firsts: firsts.collect::<Option<_>>()?, end: number(8 + 16 * blocks)? })
    }

    /// Where in the blocks to look for a trace.
    pub(crate) fn block(&self, trace: TraceId) -> Option<Range<u64>> {
        let after = self.firsts.partition_point(|(first, _)| *first <= hash(trace));
        let block = after.checked_sub(1)?;
        Some(self.firsts[block].1..self.firsts.get(after).map_or(self.end, |next| next.1))
    }

    /// The rows where the trace may be, by its block. None when the block is damaged.
    pub(crate) fn rows(&self, block: &[u8], trace: TraceId) -> Option<Vec<Range<u32>>> {
        let count = usize::from(u16::from_le_bytes(block.get(..2)?.try_into().ok()?));
        let (hashes, mut runs) = block[2..].split_at_checked(count * HASH_BYTES)?;
        let wanted = &hash(trace).to_le_bytes()[..HASH_BYTES];
        for candidate in hashes.chunks(HASH_BYTES) {
            let found = candidate == wanted;
            let mut rows = Vec::new();
            let mut before = 0u32;
            for _ in 0..take_varint(&mut runs)? {
                let start = before.checked_add(u32::try_from(take_varint(&mut runs)?).ok()?)?;
                let length = u32::try_from(take_varint(&mut runs)?).ok()?.checked_add(1)?;
                before = start.checked_add(length)?;
                if found {
                    rows.push(start.saturating_mul(self.granule)..before.saturating_mul(self.granule));
                }
            }
            if found {
                return Some(rows);
            }
        }
        Some(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(number: u32) -> TraceId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&(number + 1).to_be_bytes());
        TraceId(id)
    }

    fn look_up(fence: &TraceFence, blocks: &[u8], trace: TraceId) -> Vec<Range<u32>> {
        let Some(block) = fence.block(trace) else { return Vec::new() };
        fence.rows(&blocks[block.start as usize..block.end as usize], trace).expect("undamaged")
    }

    #[test]
    fn every_trace_is_found_where_it_is() {
        let mut builder = TraceIndexBuilder::new(1);
        for row in 0..6000 {
            builder.push(trace(row / 3));
        }
        let (fence, blocks) = builder.finish();
        let fence = TraceFence::decode(&fence).expect("undamaged");
        for number in 0..2000 {
            assert_eq!(look_up(&fence, &blocks, trace(number)), [Range { start: 3 * number, end: 3 * number + 3 }]);
        }
        assert!(look_up(&fence, &blocks, trace(9999)).is_empty());
    }

    #[test]
    fn scattered_rows_are_rounded_to_granules() {
        let mut builder = TraceIndexBuilder::new(100);
        for row in 0..1000 {
            builder.push(if row == 5 || row == 150 || row == 950 { trace(7) } else { TraceId::NONE });
        }
        let (fence, blocks) = builder.finish();
        let fence = TraceFence::decode(&fence).expect("undamaged");
        assert_eq!(look_up(&fence, &blocks, trace(7)), [0..200, 900..1000]);
    }

    #[test]
    fn an_index_without_traces_finds_none() {
        let (fence, blocks) = TraceIndexBuilder::new(1).finish();
        let fence = TraceFence::decode(&fence).expect("undamaged");
        assert!(look_up(&fence, &blocks, trace(1)).is_empty());
    }
}
