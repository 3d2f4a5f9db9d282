//! The trace index: where in a segment the rows of a trace may be.
//!
//! A sorted table of hashes of trace ids, each with runs of rows. Hashes are shortened and runs are rounded to
//! granules, so that a trace costs three or four bytes. An answer may be too large, never too small: whoever asks
//! compares the ids of the rows.

use std::ops::Range;

use tracewell_model::TraceId;
use xxhash_rust::xxh3::xxh3_64;

use super::any_value::{put_varint, take_varint};

/// The traces of a block: what one lookup reads.
const BLOCK_TRACES: usize = 512;

/// How many bits longer than needed to number the traces a hash is: one lookup in 1,024 finds a trace that is not there.
const SPARE_BITS: u32 = 10;

/// The bits of a hash at the most.
const HASH_BITS_MAX: u32 = 48;

/// A run goes on beyond its first granule.
const IS_LONGER: u64 = 1;
/// Another run of the same trace follows.
const HAS_MORE: u64 = 2;

/// The kept part of the hash of a trace id, as a number.
fn hash(trace: TraceId, bits: u32) -> u64 {
    xxh3_64(&trace.0) >> (64 - bits)
}

/// Gathers where traces are.
pub(crate) struct TraceIndexBuilder {
    granule: u32,
    /// Whole hash, first granule, last granule.
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
            _ => self.runs.push((xxh3_64(&trace.0), granule, granule)),
        }
    }

    /// The index as bytes: see docs/formats/segment.md.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.runs.sort_unstable();
        let count = self.runs.chunk_by(|a, b| a.0 == b.0).count();
        let bits = (count.max(1).ilog2() + 1 + SPARE_BITS).min(HASH_BITS_MAX);
        let mut traces: Vec<(u64, Vec<Range<u32>>)> = Vec::with_capacity(count);
        self.runs.iter_mut().for_each(|run| run.0 >>= 64 - bits);
        self.runs.sort_unstable();
        for &(hash, first, last) in &self.runs {
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
        fence.extend(bits.to_le_bytes());
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
    let mut hash_before = traces.first().map_or(0, |(hash, _)| *hash);
    for (hash, runs) in traces {
        put_varint(bytes, hash - hash_before);
        hash_before = *hash;
        let mut before = 0;
        for (place, run) in runs.iter().enumerate() {
            let is_longer = if run.end - run.start > 1 { IS_LONGER } else { 0 };
            let has_more = if place + 1 < runs.len() { HAS_MORE } else { 0 };
            put_varint(bytes, u64::from(run.start - before) << 2 | has_more | is_longer);
            if is_longer != 0 {
                put_varint(bytes, u64::from(run.end - run.start - 2));
            }
            before = run.end;
        }
    }
}

/// The part of the index that is kept in memory: which block has which hashes.
#[derive(Debug)]
pub(crate) struct TraceFence {
    granule: u32,
    bits: u32,
    /// The first hash of each block, and where it starts.
    firsts: Vec<(u64, u64)>,
    end: u64,
}

/// A block that a trace would be in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceBlock {
    /// Where it is in the blocks.
    pub bytes: Range<u64>,
    first_hash: u64,
}

impl TraceFence {
    /// The fence in `bytes`, unless they are damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Option<TraceFence> {
        const HEAD: usize = 12;
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (granule, bits, blocks) = (short(0)?, short(4)?, short(8)? as usize);
        let is_sound = granule > 0 && (1..=64).contains(&bits) && bytes.len() == HEAD + 16 * blocks + 8;
        let firsts = (0..blocks).map(|block| Some((number(HEAD + 16 * block)?, number(HEAD + 16 * block + 8)?)));
        let firsts = firsts.collect::<Option<_>>()?;
        is_sound.then_some(TraceFence { granule, bits, firsts, end: number(HEAD + 16 * blocks)? })
    }

    /// Where in the blocks to look for a trace.
    pub(crate) fn block(&self, trace: TraceId) -> Option<TraceBlock> {
        let after = self.firsts.partition_point(|(first, _)| *first <= hash(trace, self.bits));
        let (first_hash, start) = *self.firsts.get(after.checked_sub(1)?)?;
        Some(TraceBlock { bytes: start..self.firsts.get(after).map_or(self.end, |next| next.1), first_hash })
    }

    /// The rows where the trace may be, by the bytes of its block. None when these are damaged.
    pub(crate) fn rows(&self, block: &TraceBlock, mut bytes: &[u8], trace: TraceId) -> Option<Vec<Range<u32>>> {
        let wanted = hash(trace, self.bits);
        let mut hash = block.first_hash;
        while !bytes.is_empty() {
            hash = hash.checked_add(take_varint(&mut bytes)?)?;
            let mut rows = Vec::new();
            let mut before = 0u32;
            loop {
                let head = take_varint(&mut bytes)?;
                let start = before.checked_add(u32::try_from(head >> 2).ok()?)?;
                let longer = if head & IS_LONGER != 0 { take_varint(&mut bytes)?.checked_add(1)? } else { 0 };
                before = start.checked_add(u32::try_from(longer).ok()?)?.checked_add(1)?;
                if hash == wanted {
                    rows.push(start.saturating_mul(self.granule)..before.saturating_mul(self.granule));
                }
                if head & HAS_MORE == 0 {
                    break;
                }
            }
            if hash >= wanted {
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
        let bytes = &blocks[block.bytes.start as usize..block.bytes.end as usize];
        fence.rows(&block, bytes, trace).expect("undamaged")
    }

    #[test]
    fn every_trace_is_found_where_it_is() {
        let mut builder = TraceIndexBuilder::new(1);
        for row in 0..6000 {
            builder.push(trace(row / 3));
        }
        let (fence, blocks) = builder.finish();
        let fence = TraceFence::decode(&fence).expect("undamaged");
        let mut in_vain = 0;
        for number in 0..2000 {
            let found = look_up(&fence, &blocks, trace(number));
            assert!(found.contains(&Range { start: 3 * number, end: 3 * number + 3 }), "{number}");
            in_vain += found.len() - 1 + look_up(&fence, &blocks, trace(9999 + number)).len();
        }
        assert!(in_vain < 20, "{in_vain} of 4,000 times another trace was named");
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
