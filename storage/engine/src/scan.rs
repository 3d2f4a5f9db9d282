//! Reading rows of a source as Arrow batches.

use std::pin::Pin;

use arrow::array::RecordBatch;
use futures::Stream;
use tracewell_model::TimeRange;

use crate::{Column, Predicate, StorageError};

/// What to read.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The columns of the batches, in this order; their names are `c0`, `c1`, ... May be empty: batches then only
    /// have a row count.
    pub columns: Vec<Column>,
    /// Only rows whose [`Column::Time`] lies inside.
    pub time: TimeRange,
    /// Only rows that meet it.
    pub predicate: Predicate,
}

/// The batches of a scan, in any order. Dropping it stops the work.
pub type ScanStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, StorageError>> + Send>>;

/// Reads rows of a chunk of the live tier. (Provisional until the owner of this file replaces it.)
pub(crate) fn scan_live(_chunk: std::sync::Arc<tracewell_model::Records>, _source: u32, _request: &ScanRequest) -> ScanStream {
    Box::pin(futures::stream::empty())
}
