//! The rollup of a segment: read from its index object, or made of its rows when it was written without one.

use std::sync::Arc;

use super::index::Section;
use super::reader::{Opened, Segment};
use crate::StorageError;
use crate::rollup::{Head, MemoryRollup, Places, RollupBuilder, RollupPart, RollupRequest};
use crate::world::blocking;

/// The rows that are counted at a time.
const BATCH_ROWS: u32 = 8_192;

impl Segment {
    /// What was counted of its rows.
    pub(crate) async fn rollup(self: &Arc<Self>, request: RollupRequest) -> Result<RollupPart, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || segment.rollup_part(&request)).await
    }

    fn rollup_part(&self, request: &RollupRequest) -> Result<RollupPart, StorageError> {
        let opened = self.opened()?;
        let sections = [Section::RollupHead, Section::RollupBody].map(|section| opened.head.section(section));
        let [Some(head), Some(body)] = sections else {
            return self.counted(&opened)?.part(request);
        };
        let mut object = self.index_of(&opened.head)?;
        let head = Head::decode(&object.read(head)?);
        let head = Arc::new(head.map_err(|_| self.index.corrupt("its rollup makes no sense"))?);
        if head.rows != self.meta().rows {
            let what = format_args!("its rollup is of {} rows, the catalog says {}", head.rows, self.meta().rows);
            return Err(self.index.corrupt(what));
        }
        let places = Places::new(&head, request);
        let place = |range: std::ops::Range<u64>| body.start + range.start..body.start + range.end;
        object.fetch(places.ranges().into_iter().map(place).collect())?;
        let part = RollupPart::read(head, request, places, |range| object.read(place(range)));
        // The error names the object that is damaged.
        part.map_err(|error| match error.kind() {
            crate::StorageErrorKind::Corrupt => self.index.corrupt(error),
            _ => error,
        })
    }

    /// The rollup, made of the rows.
    fn counted(&self, opened: &Opened) -> Result<Arc<MemoryRollup>, StorageError> {
        let mut counted = self.counted.lock();
        if let Some(rollup) = counted.as_ref() {
            return Ok(Arc::clone(rollup));
        }
        let rows: u32 = opened.head.row_groups.iter().map(|group| group.rows).sum();
        let mut builder = RollupBuilder::new();
        for first in (0..rows).step_by(BATCH_ROWS as usize) {
            let batch: Vec<u32> = (first..rows.min(first.saturating_add(BATCH_ROWS))).collect();
            let records = self.records_at(&batch)?;
            builder.add(&records, &(0..records.len() as u32).collect::<Vec<_>>())?;
        }
        let rollup = Arc::new(MemoryRollup::new(builder.finish()?)?);
        *counted = Some(Arc::clone(&rollup));
        Ok(rollup)
    }
}
