//! Compaction: merges the small segments of one tenant, signal and day into larger, sorted, fully indexed ones.
//!
//! [`plan`] decides what to merge, [`order`] in which order the rows go, [`merge`] moves them, [`compactor`] does one
//! merge after the other, and [`background`] is the thread where that happens, together with retention.

mod background;
mod compactor;
mod merge;
mod order;
mod plan;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use ulid::Ulid;

pub(crate) use background::{Background, BackgroundWork};
pub use compactor::CompactionStats;
pub(crate) use compactor::Compactor;
pub(crate) use merge::Merger;

use crate::StorageError;
use crate::deletion::Tombstones;
use crate::segment::Segment;

/// Segments that were written again, without what is deleted of them.
pub(crate) struct Rewritten {
    /// The segments, each with the tombstones that were heeded.
    pub inputs: Vec<(Arc<Segment>, Tombstones)>,
    /// What was made of them.
    pub outcome: Outcome,
    /// How many rows went for each deletion.
    pub deleted_rows: Vec<(Ulid, u64)>,
}

/// What became of segments that were written again.
pub(crate) enum Outcome {
    /// Nothing of them is deleted: they stay.
    Unchanged,
    /// All of their rows are deleted.
    Nothing,
    /// A segment with the rows that are left.
    Segment(Arc<Segment>),
}

/// The visible segments, as compaction and retention work on them. The engine implements it.
#[async_trait]
pub(crate) trait Tables: Send + Sync {
    /// The visible segments of all tenants and signals.
    fn segments(&self) -> Vec<Arc<Segment>>;

    /// Makes the segments `remove` invisible and `add` visible: one transaction of the catalog, then one swap of the
    /// view. After an error the view is as before, and the change was not made and will not be.
    async fn replace(&self, remove: &[Ulid], add: Vec<Arc<Segment>>) -> Result<(), StorageError>;

    /// Makes what was made of segments visible in their place, unless more of them was deleted meanwhile: then nothing
    /// is changed, and the answer is false.
    async fn replace_rewritten(&self, rewritten: Rewritten) -> Result<bool, StorageError>;

    /// Whether the live tier is so near to its budget that background work had better wait.
    fn is_under_pressure(&self) -> bool;
}
