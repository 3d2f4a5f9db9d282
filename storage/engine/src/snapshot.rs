//! A consistent view of one tenant's records of one signal.
//!
//! A record is in exactly one source of a snapshot, also while it moves from the live tier to a segment or from
//! segment to merged segment. What a snapshot shows does not change; segments in it stay readable for at least the
//! deletion grace.

use std::sync::Arc;

use tracewell_model::{Logs, Signal, Spans, TimeRange, TraceId, UnixNanos};

use crate::{ScanRequest, ScanStream, StorageError};

/// Where a row is within its snapshot: source number (upper 32 bits) and row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowAddress(pub u64);

impl RowAddress {
    /// The row `row` of the source `source`.
    pub fn new(source: u32, row: u32) -> RowAddress {
        RowAddress(u64::from(source) << 32 | u64::from(row))
    }

    /// The number of the source in [`Snapshot::sources`].
    pub fn source(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The number of the row in its source.
    pub fn row(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}
