//! Checksums of an object by block, so that any part of it can be read and verified by itself.

use std::io::{self, Write};

/// The bytes that one checksum is over (the last block of an object may be shorter).
pub(crate) const BLOCK_BYTES: usize = 16_384;

/// The CRC-32 (as in zlib) of each block of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// The object's size.
    pub bytes: u64,
    /// One checksum for each block.
    pub sums: Vec<u32>,
}

impl Blocks {
    /// Of all of `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Blocks {
        let sums = bytes.chunks(BLOCK_BYTES).map(crc32fast::hash).collect();
        Blocks { bytes: bytes.len() as u64, sums }
    }

    /// The blocks that a range lies in, as a range of bytes. Ends where the object does.
    pub(crate) fn covering(&self, range: std::ops::Range<u64>) -> std::ops::Range<u64> {
        let block = BLOCK_BYTES as u64;
        range.start / block * block..range.end.div_ceil(block).saturating_mul(block).min(self.bytes)
    }

    /// The first block of `bytes`, read at `start` (where a block starts), that is not as it was written.
    pub(crate) fn first_damaged(&self, start: u64, bytes: &[u8]) -> Option<u64> {
        let first = (start / BLOCK_BYTES as u64) as usize;
        let damaged = bytes
            .chunks(BLOCK_BYTES)
            .enumerate()
            .find(|(number, block)| self.sums.get(first + number).is_none_or(|sum| *sum != crc32fast::hash(block)));
        damaged.map(|(number, _)| (first + number) as u64)
    }
}

/// Gathers what is written and sums it up, block by block and as a whole.
#[derive(Default)]
pub(crate) struct SummingBuffer {
    pending: Vec<u8>,
    blocks: Blocks,
    open: crc32fast::Hasher,
    open_bytes: usize,
    whole: xxhash_rust::xxh3::Xxh3Default,
}

impl SummingBuffer {
    /// What was written since this was last called.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    /// The sums of the blocks and of the whole (XXH3-64), when all is written.
    pub(crate) fn finish(mut self) -> (Blocks, u64) {
        if self.open_bytes > 0 {
            self.close_block();
        }
        (self.blocks, self.whole.digest())
    }

    fn close_block(&mut self) {
        let block = std::mem::take(&mut self.open);
        self.blocks.sums.push(block.finalize());
        self.open_bytes = 0;
    }
}

impl Write for SummingBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        self.whole.update(bytes);
        self.blocks.bytes += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(BLOCK_BYTES - self.open_bytes));
            self.open.update(piece);
            self.open_bytes += piece.len();
            rest = after;
            if self.open_bytes == BLOCK_BYTES {
                self.close_block();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_do_not_depend_on_how_the_bytes_were_written() {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES + 100).map(|byte| (byte % 251) as u8).collect();
        let mut buffer = SummingBuffer::default();
        for piece in bytes.chunks(1000) {
            buffer.write_all(piece).expect("memory");
        }
        assert_eq!(buffer.take(), bytes);
        let (blocks, whole) = buffer.finish();
        assert_eq!(blocks, Blocks::of(&bytes));
        assert_eq!(whole, xxhash_rust::xxh3::xxh3_64(&bytes));
    }

    #[test]
    fn a_flipped_bit_is_found_in_its_block() {
        let mut bytes = vec![7; 2 * BLOCK_BYTES + 1];
        let blocks = Blocks::of(&bytes);
        assert_eq!(blocks.first_damaged(0, &bytes), None);
        bytes[2 * BLOCK_BYTES] ^= 1;
        assert_eq!(blocks.first_damaged(0, &bytes), Some(2));
        assert_eq!(blocks.covering(BLOCK_BYTES as u64 + 5..BLOCK_BYTES as u64 + 6), 16_384..32_768);
        assert_eq!(blocks.covering(2 * BLOCK_BYTES as u64..2 * BLOCK_BYTES as u64 + 1), 32_768..32_769);
    }
}
