//! A table of which entries, known by their hashes, stand in which granules of rows.
//!
//! Entries are sorted by hash into buckets, so that a look-up reads the place of one bucket and the bucket, whatever the size
//! of the table. Hashes are only a little longer than telling the entries apart takes: an answer may name too many rows,
//! never too few. docs/formats/segment.md has the bytes.

use std::ops::Range;

use super::granules::Piece;
use crate::StorageError;

/// The rows that are judged together.
pub(super) const GRANULE_ROWS: usize = 1024;

/// How many bits longer a hash is than it takes to number the entries: of about eight look-ups in vain one names a granule.
const SPARE_BITS: u32 = 3;

/// A bucket has about two to the power of this many entries.
const BUCKET_ENTRIES_BITS: u32 = 9;

/// The bits of a hash at the most, so that it can be sorted as one number with its granule.
const HASH_BITS_MAX: u32 = 40;

const HEAD_BYTES: usize = 20;

/// A table being built.
#[derive(Default)]
pub(super) struct GranuleTableBuilder {
    /// The hash and the number of the granule of each entry.
    entries: Vec<(u64, u32)>,
    granules: u32,
}

impl GranuleTableBuilder {
    /// Adds the next granule, by the hashes of its distinct entries.
    pub(super) fn push(&mut self, entries: impl Iterator<Item = u64>) {
        let granule = self.granules;
        self.entries.extend(entries.map(|entry| (entry, granule)));
        self.granules += 1;
    }

    /// The table as bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        // To the nearest power of two: the logarithm of one and a half times the number.
        let count_bits = (self.entries.len() * 3 / 2).max(1).ilog2();
        let hash_bits = (count_bits + SPARE_BITS).min(HASH_BITS_MAX);
        let bucket_bits = count_bits.saturating_sub(BUCKET_ENTRIES_BITS);
        let granule_bits = u32::BITS - self.granules.saturating_sub(1).leading_zeros();
        let rest_bits = hash_bits - bucket_bits;
        let packed = |(hash, granule): (u64, u32)| hash >> (64 - hash_bits) << granule_bits | u64::from(granule);
        let mut entries: Vec<u64> = self.entries.into_iter().map(packed).collect();
        entries.sort_unstable();
        let mut bytes = Vec::new();
        for number in [GRANULE_ROWS as u32, self.granules, granule_bits, hash_bits, bucket_bits] {
            bytes.extend(number.to_le_bytes());
        }
        let mut buckets = Bits::default();
        let mut rest = entries.as_slice();
        for bucket in 0..1u64 << bucket_bits {
            bytes.extend((buckets.bytes.len() as u32).to_le_bytes());
            let in_bucket = rest.partition_point(|entry| entry >> granule_bits >> rest_bits <= bucket);
            let (of_bucket, after) = rest.split_at(in_bucket);
            let mut before = 0;
            for entry in of_bucket {
                let hash = entry >> granule_bits & low_bits(rest_bits);
                buckets.push_rice(hash - before);
                buckets.push(entry & low_bits(granule_bits), granule_bits);
                before = hash;
            }
            buckets.end_byte();
            rest = after;
        }
        bytes.extend((buckets.bytes.len() as u32).to_le_bytes());
        bytes.extend(buckets.bytes);
        bytes
    }
}

/// A table, of which is read what a look-up needs.
pub(super) struct GranuleTable<'a> {
    piece: &'a Piece,
    granule_rows: usize,
    granules: u64,
    granule_bits: u32,
    hash_bits: u32,
    bucket_bits: u32,
}

impl<'a> GranuleTable<'a> {
    /// The table in `piece`; none when it is damaged. Blocks.
    pub(super) fn open(piece: &'a Piece) -> Result<Option<GranuleTable<'a>>, StorageError> {
        let head = piece.read(0..HEAD_BYTES as u64)?;
        let number = |at: usize| head.get(4 * at..4 * at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let [Some(granule_rows), Some(granules), Some(granule_bits), Some(hash_bits), Some(bucket_bits)] =
            [0, 1, 2, 3, 4].map(number)
        else {
            return Ok(None);
        };
        let is_sound = granule_rows > 0
            && granule_bits <= 24
            && (1..=HASH_BITS_MAX).contains(&hash_bits)
            && bucket_bits <= hash_bits.min(24);
        Ok(is_sound.then_some(GranuleTable {
            piece,
            granule_rows: granule_rows as usize,
            granules: u64::from(granules),
            granule_bits,
            hash_bits,
            bucket_bits,
        }))
    }

    /// The rows where the entry of this hash may stand; none when the table is damaged. Blocks.
    pub(super) fn rows_with(&self, entry: u64) -> Result<Option<Vec<Range<usize>>>, StorageError> {
        let hash = entry >> (64 - self.hash_bits);
        let rest_bits = self.hash_bits - self.bucket_bits;
        let fence = HEAD_BYTES as u64 + 4 * (hash >> rest_bits);
        let place = self.piece.read(fence..fence + 8)?;
        let number = |at: usize| place.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes).map(u64::from);
        let (Some(start), Some(end)) = (number(0), number(4)) else { return Ok(None) };
        if start > end {
            return Ok(None);
        }
        let first = HEAD_BYTES as u64 + 4 * ((1 << self.bucket_bits) + 1);
        let bucket = self.piece.read(first + start..first + end)?;
        Ok(self.rows_in(&bucket, hash & low_bits(rest_bits)))
    }

    fn rows_in(&self, bucket: &[u8], wanted: u64) -> Option<Vec<Range<usize>>> {
        let mut bits = BitReader { bytes: bucket, at: 0 };
        let mut rows = Vec::new();
        let mut hash = 0u64;
        while let Some(difference) = bits.take_rice() {
            hash = hash.checked_add(difference)?;
            let granule = bits.take(self.granule_bits)?;
            if hash == wanted {
                let first = usize::try_from(granule).ok().filter(|_| granule < self.granules)? * self.granule_rows;
                rows.push(first..first + self.granule_rows);
            }
            if hash > wanted {
                break;
            }
        }
        Some(rows)
    }
}

fn low_bits(count: u32) -> u64 {
    (1 << count) - 1
}

/// Bits being written, the lowest of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    open: u64,
    open_bits: u32,
}

impl Bits {
    /// Appends the low bits of a number, at most 32.
    fn push(&mut self, number: u64, count: u32) {
        self.open |= number << self.open_bits;
        self.open_bits += count;
        while self.open_bits >= 8 {
            self.bytes.push(self.open as u8);
            self.open >>= 8;
            self.open_bits -= 8;
        }
    }

    /// Appends a number: its upper bits as so many zeros and a one, its lowest as they are.
    fn push_rice(&mut self, number: u64) {
        let mut zeros = number >> SPARE_BITS;
        while zeros >= 32 {
            self.push(0, 32);
            zeros -= 32;
        }
        self.push(1 << zeros, zeros as u32 + 1);
        self.push(number & low_bits(SPARE_BITS), SPARE_BITS);
    }

    /// Fills the byte up with zeros: fewer than a number takes, as none is zeros only.
    fn end_byte(&mut self) {
        if self.open_bits > 0 {
            self.push(0, 8 - self.open_bits);
        }
    }
}

/// Bits being read.
struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    /// The next bits from where it stands, zeros behind the end: 57 at least.
    fn peek(&self) -> u64 {
        let from = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match from.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => {
                let mut word = [0; 8];
                word[..from.len()].copy_from_slice(from);
                u64::from_le_bytes(word)
            }
        };
        word >> (self.at % 8)
    }

    fn left(&self) -> usize {
        (8 * self.bytes.len()).saturating_sub(self.at)
    }

    /// The next `count` bits, at most 32, as a number; none when there are fewer.
    fn take(&mut self, count: u32) -> Option<u64> {
        let number = self.peek() & low_bits(count);
        (self.left() >= count as usize).then(|| {
            self.at += count as usize;
            number
        })
    }

    /// The next number; none at the end.
    fn take_rice(&mut self) -> Option<u64> {
        let mut zeros = 0;
        loop {
            match self.peek().trailing_zeros() {
                found if found < 57 => {
                    zeros += u64::from(found);
                    self.at += found as usize + 1;
                    break;
                }
                _ if self.left() > 57 => {
                    zeros += 57;
                    self.at += 57;
                }
                _ => return None,
            }
        }
        Some(zeros << SPARE_BITS | self.take(SPARE_BITS)?)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    const GRANULES: u64 = 128;

    fn hash(entry: u64) -> u64 {
        xxh3_64(&entry.to_le_bytes())
    }

    /// A table of `of_granule` entries in each granule, and one that is in every third.
    fn table(granules: u64, of_granule: u64) -> Vec<u8> {
        let mut builder = GranuleTableBuilder::default();
        for granule in 0..granules {
            let entries = granule * of_granule..(granule + 1) * of_granule;
            builder.push(entries.map(hash).chain((granule % 3 == 0).then(|| hash(u64::MAX))));
        }
        builder.finish()
    }

    fn rows_with(bytes: &[u8], entry: u64) -> Option<Vec<Range<usize>>> {
        let piece = Piece::Loaded(Bytes::copy_from_slice(bytes));
        GranuleTable::open(&piece).expect("reads")?.rows_with(hash(entry)).expect("reads")
    }

    #[test]
    fn entries_are_found_in_their_granule_and_hardly_elsewhere() {
        for of_granule in [1, 40, 3000] {
            let bytes = table(GRANULES, of_granule);
            let count = GRANULES * of_granule;
            for entry in (0..count).step_by(1 + count as usize / 3000) {
                let first = (entry / of_granule) as usize * GRANULE_ROWS;
                let found = rows_with(&bytes, entry).expect("undamaged");
                assert!(found.contains(&(first..first + GRANULE_ROWS)), "{entry} of {count}");
            }
            let everywhere = rows_with(&bytes, u64::MAX).expect("undamaged");
            assert!(
                (0..GRANULES as usize)
                    .step_by(3)
                    .all(|granule| { everywhere.iter().any(|rows| rows.start == granule * GRANULE_ROWS) })
            );
            let in_vain = (count..count + 8000).map(|entry| rows_with(&bytes, entry).expect("undamaged").len());
            let in_vain: usize = in_vain.sum();
            assert!(in_vain < 1500, "{in_vain} granules for 8,000 look-ups among {count}");
        }
    }

    #[test]
    fn an_entry_costs_less_than_one_and_a_half_bytes() {
        let bytes = table(GRANULES, 2000).len() as u64;
        assert!(bytes * 8 < 12 * GRANULES * 2000, "{bytes} bytes");
    }

    #[test]
    fn tables_of_little_are_tables() {
        for (granules, of_granule) in [(0, 0), (1, 0), (1, 1), (2, 1)] {
            let bytes = table(granules, of_granule);
            for entry in 0..granules * of_granule {
                assert!(!rows_with(&bytes, entry).expect("undamaged").is_empty(), "{entry}");
            }
        }
    }

    #[test]
    fn a_damaged_table_is_noticed_or_names_rows_that_are_tried() {
        let bytes = table(4, 100);
        assert!(rows_with(&bytes[..10], 1).is_none() && rows_with(&bytes[..24], 1).is_none());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            for entry in 0..50 {
                let _ = rows_with(&damaged, entry);
            }
        }
    }
}
