//! Reading rows of a source as Arrow batches.
//!
//! A source shows its rows through a [`view::View`]: the columns of the logical table for a run of rows. Predicates are
//! evaluated ([`evaluate`]) and batches are made ([`project`]) on views only, so that live rows and rows of segments
//! are judged by the same code.

mod attributes;
mod display;
mod evaluate;
mod live;
mod prepare;
mod project;
mod scopes;
mod test;
mod texts;
mod view;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use futures::Stream;
use tracewell_model::TimeRange;

pub(crate) use attributes::values_array;
pub(crate) use display::display;
pub(crate) use evaluate::{evaluate, nested as nested_of};
pub(crate) use live::scan_live;
pub(crate) use prepare::{Leaf, Node, Prepared, Target};
pub(crate) use project::project;
pub(crate) use test::Test;
pub(crate) use view::{Cells, Nested, View, null_array, saturated_times};

use crate::{Column, Predicate, StorageError};

/// The most rows of a batch of a scan.
pub(crate) const BATCH_ROWS_MAX: usize = 16_384;

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

/// Counts the rows that scans look at: those of which something is decoded, be it to judge them or to give them. What
/// indexes and statistics decide costs none. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct RowCount(Arc<AtomicU64>);

impl RowCount {
    pub(crate) fn add(&self, rows: usize) {
        self.0.fetch_add(rows as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of several parts of a source that are scanned side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    number: usize,
    of: usize,
}

impl Share {
    /// All of the source.
    pub const WHOLE: Share = Share { number: 0, of: 1 };

    /// The parts when there are `parts`, at least one. Together they have every row once.
    pub fn each(parts: usize) -> impl Iterator<Item = Share> {
        let of = parts.max(1);
        (0..of).map(move |number| Share { number, of })
    }

    /// Whether what has this place among the pieces of a source belongs to it.
    pub(crate) fn has(self, place: usize) -> bool {
        place % self.of == self.number
    }
}

/// The batches of a scan, in any order. Dropping it stops the work.
pub type ScanStream = Pin<Box<dyn Stream<Item = Result<RecordBatch, StorageError>> + Send>>;
