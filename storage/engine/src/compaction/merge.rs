//! Merges segments into one: plans the order of all rows from their sort keys, then moves the rows row group by row
//! group.
//!
//! Memory is bounded by the plan (see [`super::order`]) and a few times [`BATCH_BYTES`], whatever the size of the
//! inputs. Nothing is visible until the caller commits; a merge that fails leaves at most objects that nobody knows.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;
use object_store::path::Path;
use tokio_util::sync::CancellationToken;
use tracewell_model::{Records, Signal};
use ulid::Ulid;

use super::compactor::closing;
use super::order::{SpanKeys, order_of_logs, order_of_spans};
use super::plan::MergeJob;
use super::{Outcome, Rewritten};
use crate::bugs::{Bug, planted};
use crate::segment::{
    ColumnPlan, DeletedRows, FieldCatalogue, Gathered, ROW_GROUP_ROWS, RowRef, Segment, SegmentWriter, SortKeys,
    WriteOptions, directory, pick,
};
use crate::world::World;
use crate::{StorageError, StorageErrorKind};

/// The bytes of the rows that are read, put in order and written at once, near enough.
const BATCH_BYTES: usize = 48 << 20;

/// The rows of the first batch, before it is known how large rows are.
pub(super) const FIRST_BATCH_ROWS: usize = 8_192;

/// How much larger than the one before a batch may be, because the next rows may be larger than the last.
const BATCH_GROWTH: usize = 4;

/// The rows that are read of an input at once.
const READ_ROWS_MAX: usize = 16_384;

/// A merge that failed.
#[derive(Debug)]
pub(super) struct MergeError {
    /// Why.
    pub cause: StorageError,
    /// The input that could not be read, if it was that.
    pub culprit: Option<Ulid>,
}

impl From<StorageError> for MergeError {
    fn from(cause: StorageError) -> MergeError {
        MergeError { cause, culprit: None }
    }
}

/// Names the input whose reading failed.
fn of_input(input: &Segment) -> impl FnOnce(StorageError) -> MergeError {
    let culprit = Some(input.meta().id);
    move |cause| MergeError { cause, culprit }
}

/// Reads segments from a store and writes the merged ones there.
pub(crate) struct Merger {
    store: Arc<dyn ObjectStore>,
    world: Arc<dyn World>,
}

impl Merger {
    /// For segments in `store`.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, world: Arc<dyn World>) -> Merger {
        Merger { store, world }
    }

    /// The merged segment, durable but not in the catalog. Gives up at the next row group when `stop` is cancelled.
    pub(super) async fn merge(
        &self,
        job: &MergeJob,
        inputs: &[Arc<Segment>],
        stop: &CancellationToken,
    ) -> Result<Rewritten, MergeError> {
        let mut deleted = Vec::with_capacity(inputs.len());
        let mut heeded = Vec::with_capacity(inputs.len());
        for input in inputs {
            let tombstones = input.tombstones();
            deleted.push(input.deleted_rows(&tombstones).await.map_err(of_input(input))?);
            heeded.push((Arc::clone(input), tombstones));
        }
        let gone: u64 = deleted.iter().map(|deleted| deleted.rows.len() as u64).sum();
        let is_rewriting = inputs.iter().all(|input| input.meta().level == job.level);
        let outcome = match job.rows.saturating_sub(gone) {
            0 => Outcome::Nothing,
            _ if is_rewriting && gone == 0 => Outcome::Unchanged,
            rows => Outcome::Segment(self.write_or_discard(job, inputs, &deleted, rows, stop).await?),
        };
        let deleted_rows = deleted.into_iter().flat_map(|deleted| deleted.counts).collect();
        Ok(Rewritten { inputs: heeded, outcome, deleted_rows })
    }

    async fn write_or_discard(
        &self,
        job: &MergeJob,
        inputs: &[Arc<Segment>],
        deleted: &[DeletedRows],
        rows: u64,
        stop: &CancellationToken,
    ) -> Result<Arc<Segment>, MergeError> {
        let id = self.world.id();
        let written = match order_of(job.signal, inputs, deleted).await {
            Ok(order) => {
                let left_out = usize::from(planted(Bug::MergeDropsRow));
                self.write(job, id, inputs, &order[left_out..], stop).await
            }
            Err(error) => Err(error),
        };
        let written = match written {
            Ok(merged) if merged.meta().rows != rows && !planted(Bug::MergeDropsRow) => {
                Err(internal(format!("merging {rows} rows gave {}", merged.meta().rows)).into())
            }
            written => written,
        };
        if written.is_err() {
            // Whole objects may be there already; on a full disk they would be in the way.
            self.discard(job, id).await;
        }
        written
    }

    /// Deletes the objects of a segment that is not to become visible. What is left is found at the next start.
    pub(super) async fn discard(&self, job: &MergeJob, id: Ulid) {
        let directory = Path::from(directory(&job.tenant, job.signal, id));
        let objects = self.store.list(Some(&directory)).map_ok(|object| object.location).boxed();
        if let Err(error) = self.store.delete_stream(objects).try_collect::<Vec<_>>().await {
            tracing::warn!(segment = %id, %error, "objects of a merge that failed are left behind");
        }
    }

    async fn write(
        &self,
        job: &MergeJob,
        id: Ulid,
        inputs: &[Arc<Segment>],
        order: &[RowRef],
        stop: &CancellationToken,
    ) -> Result<Arc<Segment>, MergeError> {
        let mut writer = self.writer(job, id, inputs).await?;
        let mut rest = order;
        let mut batch_rows = FIRST_BATCH_ROWS;
        while !rest.is_empty() {
            if stop.is_cancelled() {
                return Err(closing().into());
            }
            // Never beyond a row group, so that what is gathered is written without being copied again.
            let (batch, others) = rest.split_at(rest.len().min(batch_rows).min(writer.rows_to_full_row_group()));
            rest = others;
            let (records, rows) = gather(job.signal, inputs, batch).await?;
            batch_rows = next_batch_rows(batch.len(), records.heap_bytes());
            writer.push(records, rows).await?;
        }
        let merged = Segment::open(&self.store, writer.finish().await?);
        // What was written is read back before anything depends on it: opening checks the heads of all objects.
        merged.field_catalogue().await?;
        merged.release();
        Ok(merged)
    }

    async fn writer(&self, job: &MergeJob, id: Ulid, inputs: &[Arc<Segment>]) -> Result<SegmentWriter, MergeError> {
        let mut catalogue = FieldCatalogue::new();
        for input in inputs {
            catalogue.merge(&input.field_catalogue().await.map_err(of_input(input))?);
        }
        let created_at = inputs.iter().map(|input| input.meta().created_at).max().unwrap_or_default();
        let options = WriteOptions { level: job.level, created_at, full_text_index: job.level > 0 };
        let plan = ColumnPlan::new(job.signal, &catalogue);
        Ok(SegmentWriter::new(&self.store, id, &job.tenant, plan, options)?)
    }
}

/// The rows of the next batch, after one of `rows` rows and `bytes` bytes.
fn next_batch_rows(rows: usize, bytes: usize) -> usize {
    let fitting = (BATCH_BYTES as u64).saturating_mul(rows as u64) / bytes.max(1) as u64;
    let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
    fitting.min(rows.saturating_mul(BATCH_GROWTH)).clamp(1, ROW_GROUP_ROWS)
}

/// The order of the merged rows, without the deleted ones.
async fn order_of(signal: Signal, inputs: &[Arc<Segment>], deleted: &[DeletedRows]) -> Result<Vec<RowRef>, MergeError> {
    let mut spans = Vec::new();
    let mut logs = Vec::new();
    for (input, deleted) in inputs.iter().zip(deleted) {
        match input.sort_keys().await.map_err(of_input(input))? {
            SortKeys::Spans { trace_id, mut start } => {
                // So that no trace begins with a span that is deleted.
                for &row in &deleted.rows {
                    if let Some(start) = start.get_mut(row as usize) {
                        *start = u64::MAX;
                    }
                }
                spans.push(SpanKeys { trace_id, start });
            }
            SortKeys::Logs(times) => logs.push(times),
        }
    }
    let (order, held) = match signal {
        Signal::Traces => (order_of_spans(&spans), spans.len()),
        Signal::Logs => (order_of_logs(&logs), logs.len()),
    };
    let is_left = |at: &RowRef| deleted[at.part as usize].rows.binary_search(&at.row).is_err();
    match held == inputs.len() {
        true => Ok(order.into_iter().filter(is_left).collect()),
        false => Err(internal(format!("a segment to be merged does not hold {signal}")).into()),
    }
}

/// The rows `batch`, and the order in which they are to stand.
async fn gather(signal: Signal, inputs: &[Arc<Segment>], batch: &[RowRef]) -> Result<(Records, Vec<u32>), MergeError> {
    let mut gathered = Gathered::new(signal, batch.len());
    for (input, picked) in inputs.iter().zip(pick(inputs.len(), batch)) {
        for picked in picked.chunks(READ_ROWS_MAX) {
            let rows = picked.iter().map(|(row, _)| *row).collect();
            let part = input.read_records(rows).await.map_err(of_input(input))?;
            gathered.add_all(&part, picked).map_err(of_input(input))?;
        }
    }
    Ok(gathered.finish())
}

fn internal(message: String) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_step_by_step_and_stay_within_their_bytes() {
        assert_eq!(next_batch_rows(8_192, 8_192), 32_768, "four times as many at most");
        assert_eq!(next_batch_rows(ROW_GROUP_ROWS, 1), ROW_GROUP_ROWS);
        assert_eq!(next_batch_rows(8_192, 8_192 << 20), 48, "rows of a megabyte");
        assert_eq!(next_batch_rows(1, 1 << 40), 1);
        assert_eq!(next_batch_rows(1, 0), 4);
    }
}
