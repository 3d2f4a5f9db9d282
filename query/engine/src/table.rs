//! A snapshot as a table of DataFusion: the columns, rows and time that a question needs, and nothing else.

use std::fmt;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session as PlanningSession, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt};
use tracewell_model::TimeRange;
use tracewell_storage::{Column, Predicate, ScanRequest, Share, Source, StorageError, arrow_type};

use crate::session::View;

/// Sources of which fewer rows are wanted are scanned by one thread each.
const SHARED_ROWS_MIN: u64 = 400_000;

/// Rows of a snapshot. Its predicate is the storage's to apply; plans put no filters on it.
#[derive(Clone)]
pub(crate) struct SnapshotTable {
    view: View,
    columns: Vec<Column>,
    time: TimeRange,
    predicate: Predicate,
    schema: SchemaRef,
}

impl SnapshotTable {
    /// The rows of `view` inside `time` that meet `predicate`, with these columns by name.
    pub(crate) fn new(view: &View, columns: &[(&str, Column)], time: TimeRange, predicate: Predicate) -> SnapshotTable {
        let fields: Vec<Field> =
            columns.iter().map(|(name, column)| Field::new(*name, arrow_type(column), true)).collect();
        SnapshotTable {
            view: view.clone(),
            columns: columns.iter().map(|(_, column)| column.clone()).collect(),
            time,
            predicate,
            schema: Arc::new(Schema::new(fields)),
        }
    }

    /// The rows, batch by batch, without a plan; of at most `parts` sources at a time.
    pub(crate) fn rows(&self, parts: usize) -> SendableRecordBatchStream {
        let (columns, schema) = (self.columns.clone(), Arc::clone(&self.schema));
        let request = Arc::new(ScanRequest { columns, time: self.time, predicate: self.predicate.clone() });
        let parts = self.share_out(parts).into_iter().map(|sources| {
            let (view, request, schema) = (self.view.clone(), Arc::clone(&request), Arc::clone(&schema));
            Partition { view, sources, request, schema }.rows()
        });
        let rows = futures::stream::select_all(parts);
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }

    /// The sources that may have rows, shared out to at most `parts` lists of about as many rows each. Large ones are
    /// in every list, by shares.
    fn share_out(&self, parts: usize) -> Vec<Vec<(u32, Share)>> {
        let mut wanted: Vec<(u64, u32)> = (0u32..)
            .zip(self.view.snapshot().sources())
            .filter(|(_, source)| {
                let (first, last) = source.time_bounds();
                self.time.overlaps(first, last)
            })
            .filter(|(number, _)| self.view.has(*number))
            .map(|(number, source)| (rows_within(source, self.time), number))
            .collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        let large = wanted.partition_point(|(rows, _)| *rows >= SHARED_ROWS_MIN);
        // Even a table without rows has a partition: aggregates without groups need one to answer.
        let parts = if large > 0 { parts } else { parts.min(wanted.len()) }.max(1);
        let mut lists: Vec<(u64, Vec<(u32, Share)>)> = Share::each(parts)
            .map(|share| {
                let of_large = wanted[..large].iter();
                (
                    of_large.clone().map(|(rows, _)| rows / parts as u64).sum(),
                    of_large.map(|(_, number)| (*number, share)).collect(),
                )
            })
            .collect();
        for (rows, number) in &wanted[large..] {
            if let Some(least) = lists.iter_mut().min_by_key(|(rows, _)| *rows) {
                least.0 += rows;
                least.1.push((*number, Share::WHOLE));
            }
        }
        lists.into_iter().map(|(_, list)| list).collect()
    }
}

/// About how many rows of a source lie in the time, if they lie evenly in its own.
fn rows_within(source: &Source, time: TimeRange) -> u64 {
    let (first, last) = source.time_bounds();
    let all = last.0.saturating_sub(first.0).saturating_add(1);
    let within = last.0.saturating_add(1).min(time.end.0).saturating_sub(first.0.max(time.start.0));
    (source.row_count() as f64 * (within as f64 / all as f64)) as u64
}

impl fmt::Debug for SnapshotTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotTable").field("columns", &self.columns).field("time", &self.time).finish()
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn PlanningSession,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (schema, columns) = match projection {
            Some(chosen) => (
                Arc::new(self.schema.project(chosen)?),
                chosen.iter().map(|&column| self.columns[column].clone()).collect(),
            ),
            None => (Arc::clone(&self.schema), self.columns.clone()),
        };
        let request = Arc::new(ScanRequest { columns, time: self.time, predicate: self.predicate.clone() });
        let partitions = self.share_out(session.config().target_partitions()).into_iter().map(|sources| {
            let (schema, request) = (Arc::clone(&schema), Arc::clone(&request));
            Arc::new(Partition { view: self.view.clone(), sources, request, schema }) as Arc<dyn PartitionStream>
        });
        let plan = StreamingTableExec::try_new(Arc::clone(&schema), partitions.collect(), None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// Some sources of a snapshot, or shares of them, read one after the other.
struct Partition {
    view: View,
    sources: Vec<(u32, Share)>,
    request: Arc<ScanRequest>,
    schema: SchemaRef,
}

impl fmt::Debug for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partition").field("sources", &self.sources).finish()
    }
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        self.rows()
    }
}

impl Partition {
    fn rows(&self) -> SendableRecordBatchStream {
        let (view, request, schema) = (self.view.clone(), Arc::clone(&self.request), Arc::clone(&self.schema));
        let batches = futures::stream::iter(self.sources.clone())
            .flat_map(move |(number, share)| {
                let source: &Source = view.read(number);
                source.scan_share(number, share, &request)
            })
            .map_err(storage_error)
            .and_then(move |batch| std::future::ready(named(batch, &schema)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}

fn named(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)?)
}

fn storage_error(error: StorageError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
