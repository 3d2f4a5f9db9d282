//! Bloom filters over granules of rows: which of the entries, known by their hashes, may stand in which rows.
//!
//! An entry costs 12 bits for every granule of rows that has it, whatever its text. An answer may name too many rows,
//! never too few.

use std::ops::Range;

/// The rows that are judged together.
pub(super) const GRANULE_ROWS: usize = 1024;

/// Bits for each entry, and how many of them it sets: 0.3 % of the granules are named in vain.
const BITS_PER_ENTRY: usize = 12;
const PROBES: u64 = 8;

/// Filters of granules of [`GRANULE_ROWS`] rows, being built.
#[derive(Default)]
pub(super) struct GranuleFilterBuilder {
    filters: Vec<Vec<u8>>,
}

impl GranuleFilterBuilder {
    /// Adds the next granule, by its distinct entries.
    pub(super) fn push(&mut self, entries: impl ExactSizeIterator<Item = u64>) {
        let bytes = (entries.len() * BITS_PER_ENTRY).div_ceil(8);
        let mut filter = vec![0u8; bytes];
        for entry in entries {
            for bit in probes(entry, bytes) {
                filter[bit / 8] |= 1 << (bit % 8);
            }
        }
        self.filters.push(filter);
    }

    /// The filters as bytes: see docs/formats/segment.md.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = (GRANULE_ROWS as u32).to_le_bytes().to_vec();
        bytes.extend((self.filters.len() as u32).to_le_bytes());
        for filter in &self.filters {
            bytes.extend((filter.len() as u32).to_le_bytes());
        }
        bytes.extend(self.filters.concat());
        bytes
    }
}

/// The bits of an entry in a filter of so many bytes (not 0).
fn probes(entry: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let bits = 8 * bytes as u64;
    let (first, step) = (entry & 0xffff_ffff, entry >> 32 | 1);
    (0..PROBES).map(move |probe| ((first + probe * step) % bits) as usize)
}

/// Filters, read.
pub(super) struct GranuleFilter<'a> {
    granule_rows: usize,
    filters: Vec<&'a [u8]>,
}

impl<'a> GranuleFilter<'a> {
    /// The filters in `bytes`, unless they are damaged.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<GranuleFilter<'a>> {
        let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
        let (granule_rows, count) = (number(0)?, number(4)?);
        let mut rest = bytes.get(8usize.checked_add(count.checked_mul(4)?)?..)?;
        let mut filters = Vec::with_capacity(count);
        for filter in 0..count {
            let (filter, after) = rest.split_at_checked(number(8 + 4 * filter)?)?;
            filters.push(filter);
            rest = after;
        }
        (granule_rows > 0).then_some(GranuleFilter { granule_rows, filters })
    }

    /// The rows where the entry may stand.
    pub(super) fn rows_with(&self, entry: u64) -> Vec<Range<usize>> {
        let has = |filter: &[u8]| {
            !filter.is_empty() && probes(entry, filter.len()).all(|bit| filter[bit / 8] & 1 << (bit % 8) != 0)
        };
        let granules = self.filters.iter().enumerate().filter(|(_, filter)| has(filter));
        granules.map(|(granule, _)| granule * self.granule_rows..(granule + 1) * self.granule_rows).collect()
    }
}
