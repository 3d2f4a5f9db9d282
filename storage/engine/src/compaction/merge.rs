//! Merges segments into one: plans the order of the rows, then moves them row group by row group.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::plan::MergeJob;
use crate::segment::Segment;
use crate::{StorageError, StorageErrorKind};

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

/// Reads segments and writes the merged one.
pub(crate) struct Merger;

impl Merger {
    pub(super) async fn merge(
        &self,
        _job: &MergeJob,
        _inputs: &[Arc<Segment>],
        _stop: &CancellationToken,
    ) -> Result<Arc<Segment>, MergeError> {
        Err(StorageError::new(StorageErrorKind::Unavailable, "segments cannot be merged yet").into())
    }
}
