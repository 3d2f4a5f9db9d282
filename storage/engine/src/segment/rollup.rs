//! The rollup of a segment: read from its index object, or made of its rows when it was written without one.

use std::sync::Arc;

use super::index::Section;
use super::quarantine::OnDamage;
use super::reader::{Opened, Segment};
use crate::rollup::{Head, MemoryRollup, Places, RollupBuilder, RollupPart, RollupRequest};
use crate::world::blocking;
use crate::{StorageError, StorageErrorKind};

/// The rows that are counted at a time.
const BATCH_ROWS: u32 = 8_192;

impl Segment {
    /// What was counted of its rows, but of those that are deleted.
    pub(crate) async fn rollup(
        self: &Arc<Self>,
        request: RollupRequest,
        on_damage: &OnDamage,
    ) -> Result<RollupPart, StorageError> {
        let none = request.clone();
        match self.surviving_rollup(request).await {
            Err(error) => {
                on_damage.leave_out(self, "the counts", error)?;
                MemoryRollup::new(RollupBuilder::new().finish()?)?.part(&none)
            }
            part => part,
        }
    }

    async fn surviving_rollup(self: &Arc<Self>, request: RollupRequest) -> Result<RollupPart, StorageError> {
        let tombstones = self.tombstones();
        let deleted = self.deleted_rows(&tombstones).await?;
        let segment = Arc::clone(self);
        blocking(move || {
            let opened = segment.opened()?;
            if !deleted.rows.is_empty() {
                return segment.counted(&opened, tombstones.len(), &deleted.rows)?.part(&request);
            }
            match segment.rollup_part(&opened, &request) {
                // The rows can be counted again.
                Err(error) if error.kind() == StorageErrorKind::Corrupt => {
                    segment.note_damage(&error.to_string());
                    segment.counted(&opened, 0, &[])?.part(&request)
                }
                part => part,
            }
        })
        .await
    }

    /// The stored one as it is, whatever is deleted; one made of the rows when none is stored.
    pub(super) fn rollup_part(&self, opened: &Opened, request: &RollupRequest) -> Result<RollupPart, StorageError> {
        let sections = [Section::RollupHead, Section::RollupBody].map(|section| opened.head.section(section));
        let [Some(head), Some(body)] = sections else {
            return self.counted(opened, 0, &[])?.part(request);
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

    /// The rollup, made of the rows but those of `deleted`, which are in order and meet the first `tombstones`.
    fn counted(&self, opened: &Opened, tombstones: usize, deleted: &[u32]) -> Result<Arc<MemoryRollup>, StorageError> {
        let mut counted = self.counted.lock();
        if let Some((of, rollup)) = counted.as_ref()
            && *of == tombstones
        {
            return Ok(Arc::clone(rollup));
        }
        let rows: u32 = opened.head.row_groups.iter().map(|group| group.rows).sum();
        let mut builder = RollupBuilder::new();
        for first in (0..rows).step_by(BATCH_ROWS as usize) {
            let batch = first..rows.min(first.saturating_add(BATCH_ROWS));
            let batch: Vec<u32> = batch.filter(|row| deleted.binary_search(row).is_err()).collect();
            let records = self.records_at(&batch, &OnDamage::Fail)?;
            builder.add(&records, &(0..records.len() as u32).collect::<Vec<_>>())?;
        }
        let rollup = Arc::new(MemoryRollup::new(builder.finish()?)?);
        *counted = Some((tombstones, Arc::clone(&rollup)));
        Ok(rollup)
    }
}
