//! Counting by minute and key within bounded memory: what has been counted for a while is packed, and merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use super::cell_block::{Block, CellReader, CellWriter};
use super::{Damaged, HOUR_MINUTES};

/// The cells that are counted at a time. Beyond, they are packed.
const OPEN_CELLS_MAX: usize = 32 << 10;
/// The classes of all of these.
const OPEN_CLASSES_MAX: usize = 512 << 10;

/// Cells being counted.
pub(super) struct Cells {
    with_durations: bool,
    open: HashMap<(u32, u32), Counted>,
    open_classes: usize,
    packed: Vec<Vec<Block>>,
}

#[derive(Default)]
struct Counted {
    count: u64,
    /// Ascending.
    classes: Vec<(u16, u64)>,
}

impl Counted {
    /// Whether the class is new.
    fn add(&mut self, class: u16, count: u64) -> bool {
        match self.classes.binary_search_by_key(&class, |(class, _)| *class) {
            Ok(at) => {
                self.classes[at].1 += count;
                false
            }
            Err(at) => {
                self.classes.insert(at, (class, count));
                true
            }
        }
    }

    fn merge(&mut self, count: u64, classes: &[(u16, u64)]) {
        self.count += count;
        match self.classes.is_empty() {
            true => self.classes.extend_from_slice(classes),
            false => {
                for (class, count) in classes {
                    self.add(*class, *count);
                }
            }
        }
    }
}

/// All cells, packed.
pub(super) struct PackedCells {
    /// By minute.
    pub minutes: Vec<Block>,
    /// By hour.
    pub hours: Vec<Block>,
}

impl Cells {
    /// None yet; with durations, or counts alone.
    pub(super) fn new(with_durations: bool) -> Cells {
        Cells { with_durations, open: HashMap::new(), open_classes: 0, packed: Vec::new() }
    }

    /// Counts one. `class` counts only with durations.
    pub(super) fn add(&mut self, minute: u32, key: u32, class: u16) -> Result<(), Damaged> {
        let cell = self.open.entry((minute, key)).or_default();
        cell.count += 1;
        if self.with_durations {
            self.open_classes += usize::from(cell.add(class, 1));
        }
        if self.open.len() > OPEN_CELLS_MAX || self.open_classes > OPEN_CLASSES_MAX {
            self.pack();
            // Not too many runs, so that each is read in large pieces.
            if self.packed.len() >= 64 {
                let runs = std::mem::take(&mut self.packed);
                self.packed.push(self.merged(&runs)?.minutes);
            }
        }
        Ok(())
    }

    fn pack(&mut self) {
        let mut cells: Vec<_> = self.open.drain().collect();
        self.open_classes = 0;
        cells.sort_unstable_by_key(|(place, _)| *place);
        let mut writer = CellWriter::default();
        for ((minute, key), cell) in cells {
            writer.push(minute, key, cell.count, &cell.classes);
        }
        self.packed.push(writer.finish());
    }

    /// Packs all of them.
    pub(super) fn finish(mut self) -> Result<PackedCells, Damaged> {
        self.pack();
        let runs = std::mem::take(&mut self.packed);
        self.merged(&runs)
    }

    fn merged(&self, runs: &[Vec<Block>]) -> Result<PackedCells, Damaged> {
        let mut runs: Vec<Run<'_>> = runs.iter().map(|blocks| Run::new(blocks, self.with_durations)).collect();
        let mut next = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            next.extend(run.next()?.map(|place| Reverse((place, number))));
        }
        let (mut minutes, mut hours) = (CellWriter::default(), Hours::default());
        let mut last: Option<((u32, u32), Counted)> = None;
        while let Some(Reverse((place, number))) = next.pop() {
            let run = &mut runs[number];
            match &mut last {
                Some((at, cell)) if *at == place => cell.merge(run.count, run.classes()),
                _ => {
                    let cell = Counted { count: run.count, classes: run.classes().to_vec() };
                    if let Some((place, cell)) = last.replace((place, cell)) {
                        minutes.push(place.0, place.1, cell.count, &cell.classes);
                        hours.add(place, &cell);
                    }
                }
            }
            next.extend(run.next()?.map(|place| Reverse((place, number))));
        }
        if let Some((place, cell)) = last {
            minutes.push(place.0, place.1, cell.count, &cell.classes);
            hours.add(place, &cell);
        }
        Ok(PackedCells { minutes: minutes.finish(), hours: hours.finish() })
    }
}

/// Cells by minute, in order, become cells by hour.
#[derive(Default)]
struct Hours {
    hour: u32,
    open: HashMap<u32, Counted>,
    writer: CellWriter,
}

impl Hours {
    fn add(&mut self, (minute, key): (u32, u32), cell: &Counted) {
        let hour = minute / HOUR_MINUTES;
        if hour != self.hour {
            self.end_hour();
            self.hour = hour;
        }
        self.open.entry(key).or_default().merge(cell.count, &cell.classes);
    }

    fn end_hour(&mut self) {
        let mut cells: Vec<_> = self.open.drain().collect();
        cells.sort_unstable_by_key(|(key, _)| *key);
        for (key, cell) in cells {
            self.writer.push(self.hour, key, cell.count, &cell.classes);
        }
    }

    fn finish(mut self) -> Vec<Block> {
        self.end_hour();
        self.writer.finish()
    }
}

/// Packed cells being read.
struct Run<'a> {
    blocks: std::slice::Iter<'a, Block>,
    with_durations: bool,
    reader: Option<CellReader<'a>>,
    count: u64,
}

impl<'a> Run<'a> {
    fn new(blocks: &'a [Block], with_durations: bool) -> Run<'a> {
        Run { blocks: blocks.iter(), with_durations, reader: None, count: 0 }
    }

    /// The minute and key of the next cell, whose count and classes are then here.
    fn next(&mut self) -> Result<Option<(u32, u32)>, Damaged> {
        loop {
            if let Some(reader) = &mut self.reader
                && let Some((minute, key, count)) = reader.next()?
            {
                self.count = count;
                return Ok(Some((minute, key)));
            }
            let Some(block) = self.blocks.next() else { return Ok(None) };
            self.reader = Some(CellReader::new(block.first, &block.bytes, self.with_durations)?);
        }
    }

    fn classes(&self) -> &[(u16, u64)] {
        self.reader.as_ref().map_or(&[], |reader| &reader.classes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn all(blocks: &[Block]) -> BTreeMap<(u32, u32), BTreeMap<u16, u64>> {
        let mut found = BTreeMap::new();
        let mut run = Run::new(blocks, true);
        while let Some(place) = run.next().expect("undamaged") {
            let before = found.insert(place, run.classes().iter().copied().collect());
            assert!(before.is_none(), "{place:?} is there twice");
        }
        found
    }

    #[test]
    fn more_cells_than_fit_are_counted_as_they_come() {
        let mut cells = Cells::new(true);
        let (mut minutes, mut hours) = (BTreeMap::new(), BTreeMap::new());
        let mut random = 7u64;
        for _ in 0..4 * OPEN_CELLS_MAX {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (minute, key, class) =
                ((random >> 40) as u32 % 3_000, (random >> 20) as u32 % 20, (random >> 52) as u16 % 9);
            cells.add(28_000_000 + minute, key, class).expect("undamaged");
            let add = |into: &mut BTreeMap<_, BTreeMap<u16, u64>>, bucket| {
                *into.entry((bucket, key)).or_default().entry(class).or_default() += 1;
            };
            add(&mut minutes, 28_000_000 + minute);
            add(&mut hours, (28_000_000 + minute) / HOUR_MINUTES);
        }
        assert!(cells.packed.len() > 1);
        let packed = cells.finish().expect("undamaged");
        assert_eq!(all(&packed.minutes), minutes);
        assert_eq!(all(&packed.hours), hours);
    }
}
