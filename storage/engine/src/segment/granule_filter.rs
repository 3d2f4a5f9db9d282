//! Bloom filters over granules of rows: which of the entries, known by their hashes, may stand in which rows.
//!
//! Segments had these before there were tables ([`super::granule_table`]): a look-up reads all of them. An answer may name too
//! many rows, never too few.

use std::ops::Range;

/// The bits that an entry sets.
const PROBES: u64 = 8;

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

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    const BYTES: usize = 1500;

    /// Filters of granules of 10 rows, of 1,000 entries each.
    fn filters(granules: u64) -> Vec<u8> {
        let mut bytes = [10u32, granules as u32].map(u32::to_le_bytes).concat();
        bytes.extend((0..granules).flat_map(|_| (BYTES as u32).to_le_bytes()));
        for granule in 0..granules {
            let mut filter = vec![0; BYTES];
            for entry in 1000 * granule..1000 * (granule + 1) {
                probes(hash(entry), BYTES).for_each(|bit| filter[bit / 8] |= 1 << (bit % 8));
            }
            bytes.extend(filter);
        }
        bytes
    }

    fn hash(entry: u64) -> u64 {
        xxh3_64(&entry.to_le_bytes())
    }

    #[test]
    fn entries_are_found_in_their_granule_and_hardly_elsewhere() {
        let bytes = filters(5);
        let filter = GranuleFilter::decode(&bytes).expect("undamaged");
        for entry in 0..5000 {
            let first = entry as usize / 1000 * 10;
            assert!(filter.rows_with(hash(entry)).contains(&(first..first + 10)), "{entry}");
        }
        let in_vain: usize = (5000..9000).map(|entry| filter.rows_with(hash(entry)).len()).sum();
        assert!(in_vain < 100, "{in_vain} of 20,000");
    }

    #[test]
    fn a_damaged_filter_is_noticed() {
        let bytes = filters(5);
        for length in [0, 7, 20, bytes.len() - 1] {
            assert!(GranuleFilter::decode(&bytes[..length]).is_none(), "{length} bytes");
        }
    }
}
