//! Retention: drops the oldest segments by age and by size, and deletes the objects of segments that are gone.
//!
//! [`limits`] decides what expires; [`graveyard`] deletes the objects of merged and expired segments when nobody can
//! read them any more; [`orphans`] finds objects that a crash left behind.

mod graveyard;
mod limits;
mod orphans;

use std::collections::HashSet;

use ulid::Ulid;

pub(crate) use graveyard::Graveyard;
pub(crate) use orphans::{delete_orphans, delete_unfinished_files, remove_empty_directory};

use crate::compaction::Tables;
use crate::{Retention, StorageError};
use tracewell_model::UnixNanos;

/// Makes expired segments invisible; their objects are left to the [`Graveyard`]. The number of segments that went.
pub(crate) async fn expire(
    tables: &dyn Tables,
    graveyard: &Graveyard,
    retention: &Retention,
    now: UnixNanos,
) -> Result<usize, StorageError> {
    let segments = tables.segments();
    let expired = limits::expired(segments.iter().map(|segment| segment.meta()), retention, now);
    if expired.is_empty() {
        return Ok(0);
    }
    let chosen: HashSet<Ulid> = expired.iter().copied().collect();
    for segment in segments.iter().filter(|segment| chosen.contains(&segment.meta().id)) {
        graveyard.watch(segment.meta().id, segment);
    }
    tables.replace(&expired, Vec::new()).await?;
    tracing::info!(segments = expired.len(), "segments expired");
    Ok(expired.len())
}
