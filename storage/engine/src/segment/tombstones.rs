//! What is deleted of a segment and not yet removed from it: no read shows it.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use tracewell_model::{TimeRange, TraceId};
use ulid::Ulid;

use super::quarantine::OnDamage;
use super::reader::Segment;
use crate::deletion::{Tombstone, Tombstones, surviving};
use crate::scan::RowCount;
use crate::{Column, Comparison, Predicate, RowAddress, Scalar, ScanRequest, Share, StorageError};

/// The rows of a segment that are deleted, in order, and how many of them each deletion counts.
#[derive(Debug, Default)]
pub(crate) struct DeletedRows {
    pub rows: Vec<u32>,
    pub counts: Vec<(Ulid, u64)>,
}

impl Segment {
    /// The tombstones it has now.
    pub(crate) fn tombstones(&self) -> Tombstones {
        self.tombstone_list().load_full()
    }

    /// From now on no read shows what the tombstone deletes.
    pub(crate) fn bury(&self, tombstone: Arc<Tombstone>) {
        self.tombstone_list().rcu(|known| {
            let mut more = known.as_ref().clone();
            more.push(Arc::clone(&tombstone));
            more
        });
    }

    /// Takes away the first `count` tombstones, which no row meets.
    pub(crate) fn clear_tombstones(&self, count: usize) {
        self.tombstone_list().rcu(|known| known.get(count..).unwrap_or_default().to_vec());
    }

    /// The rows that meet `tombstones`. Fails when a row cannot be judged.
    pub(crate) async fn deleted_rows(self: &Arc<Self>, tombstones: &Tombstones) -> Result<DeletedRows, StorageError> {
        let mut deleted = DeletedRows::default();
        for tombstone in tombstones.iter() {
            let more = self.matching_rows(tombstone.predicate.clone(), &OnDamage::Fail).await?;
            let before = deleted.rows.len();
            deleted.rows.extend(more);
            deleted.rows.sort_unstable();
            deleted.rows.dedup();
            deleted.counts.push((tombstone.id, (deleted.rows.len() - before) as u64));
        }
        Ok(deleted)
    }

    /// The rows of a trace that are not deleted.
    pub(super) async fn surviving_rows(
        self: &Arc<Self>,
        trace: TraceId,
        tombstones: &Tombstones,
        on_damage: &OnDamage,
    ) -> Result<Vec<u32>, StorageError> {
        let of_trace = Predicate::Compare {
            column: Column::TraceId,
            comparison: Comparison::Equal,
            value: Scalar::Binary(trace.0.to_vec()),
        };
        self.matching_rows(surviving(&of_trace, tombstones), on_damage).await
    }

    async fn matching_rows(
        self: &Arc<Self>,
        predicate: Predicate,
        on_damage: &OnDamage,
    ) -> Result<Vec<u32>, StorageError> {
        let request = ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate };
        let mut scan = self.scan_with_deleted(0, Share::WHOLE, request, on_damage, &RowCount::default());
        let mut rows = Vec::new();
        while let Some(batch) = scan.try_next().await? {
            let addresses = batch.column(0).as_primitive::<UInt64Type>().values();
            rows.extend(addresses.iter().map(|address| RowAddress(*address).row() as u32));
        }
        rows.sort_unstable();
        Ok(rows)
    }
}
