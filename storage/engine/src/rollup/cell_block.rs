//! Blocks of cells: counts by stretch of time and key, in this order, packed. What is alike stands together, so that it
//! compresses well.

use super::{Damaged, put_piece, take, take_piece, take_u32};
use crate::segment::any_value::put_varint;

/// A block is ended when it has this many bytes.
const BLOCK_BYTES: usize = 64 << 10;

/// The bytes of cells of a stretch of time, not compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The first stretch of time.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Packs cells into blocks.
#[derive(Default)]
pub(super) struct CellWriter {
    done: Vec<Block>,
    open: Option<Open>,
}

/// A block being packed.
struct Open {
    first: u32,
    bucket: u32,
    key: u32,
    /// Of each cell how far it is from the one before.
    places: Vec<u8>,
    /// The count of each cell.
    counts: Vec<u8>,
    /// The number of classes of each cell of more than one duration.
    widths: Vec<u8>,
    /// The classes of each cell.
    classes: Vec<u8>,
    /// How many durations each class has but the last of a cell.
    shares: Vec<u8>,
}

impl Open {
    fn bytes(&self) -> usize {
        self.places.len() + self.counts.len() + self.widths.len() + self.classes.len() + self.shares.len()
    }

    fn finish(self) -> Block {
        let mut bytes = Vec::with_capacity(self.bytes() + 16);
        for stream in [&self.places, &self.counts, &self.widths, &self.classes, &self.shares] {
            put_piece(&mut bytes, stream);
        }
        Block { first: self.first, last: self.bucket, bytes }
    }
}

impl CellWriter {
    /// Appends a cell, which follows those before in the order of stretches of time, then keys. `classes` are ascending
    /// and their counts add up to `count`, or there are none.
    pub(super) fn push(&mut self, bucket: u32, key: u32, count: u64, classes: &[(u16, u64)]) {
        let open = self.open.get_or_insert_with(|| Open {
            first: bucket,
            bucket,
            key: 0,
            places: Vec::new(),
            counts: Vec::new(),
            widths: Vec::new(),
            classes: Vec::new(),
            shares: Vec::new(),
        });
        if bucket == open.bucket {
            put_varint(&mut open.places, u64::from(key - open.key) << 1);
        } else {
            put_varint(&mut open.places, u64::from(key) << 1 | 1);
            put_varint(&mut open.places, u64::from(bucket - open.bucket));
        }
        (open.bucket, open.key) = (bucket, key);
        put_varint(&mut open.counts, count);
        if count > 1 && !classes.is_empty() {
            put_varint(&mut open.widths, classes.len() as u64);
        }
        let mut before = 0;
        for (place, (class, share)) in classes.iter().enumerate() {
            put_varint(&mut open.classes, u64::from(class - before));
            before = *class;
            if place + 1 < classes.len() {
                put_varint(&mut open.shares, *share);
            }
        }
        if open.bytes() >= BLOCK_BYTES {
            self.done.extend(self.open.take().map(Open::finish));
        }
    }

    /// The blocks, in order.
    pub(super) fn finish(mut self) -> Vec<Block> {
        self.done.extend(self.open.take().map(Open::finish));
        self.done
    }
}

/// Unpacks the cells of a block.
pub(super) struct CellReader<'a> {
    bucket: u32,
    key: u32,
    with_durations: bool,
    places: &'a [u8],
    counts: &'a [u8],
    widths: &'a [u8],
    shares: &'a [u8],
    class_bytes: &'a [u8],
    /// The classes of the cell that was read last, ascending, and how many durations each has.
    pub(super) classes: Vec<(u16, u64)>,
}

impl<'a> CellReader<'a> {
    /// For the bytes of a block that starts with this stretch of time.
    pub(super) fn new(first: u32, mut bytes: &'a [u8], with_durations: bool) -> Result<Self, Damaged> {
        let bytes = &mut bytes;
        let [places, counts, widths, class_bytes, shares] =
            [take_piece(bytes)?, take_piece(bytes)?, take_piece(bytes)?, take_piece(bytes)?, take_piece(bytes)?];
        let classes = Vec::new();
        Ok(CellReader { bucket: first, key: 0, with_durations, places, counts, widths, shares, class_bytes, classes })
    }

    /// The stretch of time, key and count of the next cell.
    pub(super) fn next(&mut self) -> Result<Option<(u32, u32, u64)>, Damaged> {
        if self.places.is_empty() {
            return Ok(None);
        }
        let place = take(&mut self.places)?;
        let key = u32::try_from(place >> 1).map_err(|_| Damaged)?;
        if place & 1 == 0 {
            self.key = self.key.checked_add(key).ok_or(Damaged)?;
        } else {
            self.key = key;
            self.bucket = self.bucket.checked_add(take_u32(&mut self.places)?).ok_or(Damaged)?;
        }
        let count = take(&mut self.counts)?;
        self.classes.clear();
        if self.with_durations {
            self.read_classes(count)?;
        }
        Ok(Some((self.bucket, self.key, count)))
    }

    fn read_classes(&mut self, count: u64) -> Result<(), Damaged> {
        let width = if count > 1 { take(&mut self.widths)? } else { 1 };
        let (mut class, mut rest) = (0u64, count);
        for place in 0..width {
            class += take(&mut self.class_bytes)?;
            let share = if place + 1 < width { take(&mut self.shares)? } else { rest };
            rest = rest.checked_sub(share).ok_or(Damaged)?;
            self.classes.push((u16::try_from(class).map_err(|_| Damaged)?, share));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Cells = std::collections::BTreeMap<(u32, u32), std::collections::BTreeMap<u16, u64>>;

    fn packed(cells: &Cells) -> Vec<Block> {
        let mut writer = CellWriter::default();
        for ((bucket, key), classes) in cells {
            let classes: Vec<(u16, u64)> = classes.iter().map(|(class, count)| (*class, *count)).collect();
            writer.push(*bucket, *key, classes.iter().map(|(_, count)| count).sum(), &classes);
        }
        writer.finish()
    }

    proptest! {
        #[test]
        fn cells_come_back_from_their_blocks(
            cells in prop::collection::btree_map(
                (0u32..300_000_000, 0u32..50), prop::collection::btree_map(0u16..1920, 1u64..1_000, 1..20), 0..200
            )
        ) {
            let mut found = Cells::new();
            for block in packed(&cells) {
                let mut reader = CellReader::new(block.first, &block.bytes, true).expect("a block");
                while let Some((bucket, key, count)) = reader.next().expect("a cell") {
                    prop_assert!((block.first..=block.last).contains(&bucket));
                    prop_assert_eq!(count, reader.classes.iter().map(|(_, count)| count).sum::<u64>());
                    found.insert((bucket, key), reader.classes.iter().copied().collect());
                }
            }
            prop_assert_eq!(found, cells);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), durations: bool) {
            if let Ok(mut reader) = CellReader::new(7, &bytes, durations) {
                while let Ok(Some(_)) = reader.next() {}
            }
        }
    }
}
