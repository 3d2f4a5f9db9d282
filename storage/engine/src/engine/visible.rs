//! The visible segments, as compaction and retention change them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ulid::Ulid;

use super::shared::Shared;
use crate::StorageError;
use crate::bugs::{Bug, planted};
use crate::catalog::Change;
use crate::compaction::{self, Outcome, Rewritten};
use crate::deletion::Tombstones;
use crate::segment::Segment;

/// Ingestion has precedence when the live tier holds more than this share of its budget.
const PRESSURE_PERCENT: u64 = 60;

#[async_trait]
impl compaction::Tables for Shared {
    fn segments(&self) -> Vec<Arc<Segment>> {
        let views = self.tables.all().into_iter().map(|table| table.view());
        views.flat_map(|view| view.segments.as_ref().clone()).collect()
    }

    async fn replace(&self, remove: &[Ulid], add: Vec<Arc<Segment>>) -> Result<(), StorageError> {
        let _turn = self.changing.lock().await;
        self.swap(remove, add, Change::default()).await
    }

    async fn replace_rewritten(&self, rewritten: Rewritten) -> Result<bool, StorageError> {
        let _turn = self.changing.lock().await;
        let Rewritten { inputs, outcome, deleted_rows } = rewritten;
        // Tombstones are only added while it is not our turn, and taken away while it is.
        if inputs.iter().any(|(segment, heeded)| segment.tombstones().len() != heeded.len()) {
            return Ok(false);
        }
        let add = match outcome {
            Outcome::Unchanged => {
                let of_input = |(segment, heeded): &(Arc<Segment>, Tombstones)| {
                    let id = segment.meta().id;
                    heeded.iter().map(|tombstone| (tombstone.id, id)).collect::<Vec<_>>()
                };
                let cleared = inputs.iter().flat_map(of_input).collect();
                self.commit(&Change { cleared, at: self.world.now(), ..Change::default() }).await?;
                inputs.iter().for_each(|(segment, heeded)| segment.clear_tombstones(heeded.len()));
                return Ok(true);
            }
            Outcome::Nothing => Vec::new(),
            Outcome::Segment(segment) => vec![segment],
        };
        let remove: Vec<Ulid> = inputs.iter().map(|(segment, _)| segment.meta().id).collect();
        self.swap(&remove, add, Change { deleted_rows, ..Change::default() }).await?;
        Ok(true)
    }

    fn is_under_pressure(&self) -> bool {
        self.budget.used() > self.config.live_bytes_max as u64 / 100 * PRESSURE_PERCENT
    }
}

impl Shared {
    /// Makes segments invisible and others visible, with whatever else is in `change`. Only while holding the turn to change.
    pub(super) async fn swap(
        &self,
        remove: &[Ulid],
        add: Vec<Arc<Segment>>,
        change: Change,
    ) -> Result<(), StorageError> {
        let kept = usize::from(planted(Bug::MergeKeepsInput) && remove.len() > 1 && !add.is_empty());
        let remove = &remove[kept..];
        let change = Change {
            add: add.iter().map(|segment| segment.meta().clone()).collect(),
            remove: remove.to_vec(),
            at: self.world.now(),
            ..change
        };
        self.commit(&change).await?;
        // A view is swapped once for each table that loses or gets a segment; a change concerns one table's rows at a
        // time, so nobody sees a row twice or not at all.
        for table in self.tables.all() {
            let gained: Vec<Arc<Segment>> = add
                .iter()
                .filter(|segment| table.holds(&segment.meta().tenant, segment.meta().signal))
                .cloned()
                .collect();
            let loses = table.view().segments.iter().any(|segment| remove.contains(&segment.meta().id));
            if loses || !gained.is_empty() {
                if planted(Bug::SwapInTwoSteps) {
                    table.replace(remove, Vec::new());
                    self.world.sleep(Duration::from_millis(200)).await;
                }
                table.replace(remove, gained);
            }
        }
        Ok(())
    }
}
