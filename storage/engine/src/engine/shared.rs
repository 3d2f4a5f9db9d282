//! What all parts of a running storage share.

use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use tracewell_model::UnixNanos;
use ulid::Ulid;

use super::health::Health;
use super::lock::DirectoryLock;
use super::tails::Tails;
use crate::bugs::{Bug, planted};
use crate::catalog::{Catalog, CatalogError, Change};
use crate::journal::Files;
use crate::live::{LiveBudget, Tables};
use crate::world::World;
use crate::{StorageConfig, StorageError};

/// The state of a running storage.
pub(super) struct Shared {
    pub config: StorageConfig,
    pub world: Arc<dyn World>,
    pub catalog: Arc<dyn Catalog>,
    pub store: Arc<dyn ObjectStore>,
    pub tables: Tables,
    pub budget: Arc<LiveBudget>,
    pub files: Arc<Files>,
    pub health: Arc<Health>,
    pub tails: Tails,
    /// Held by who changes which segments are visible, or what is deleted of them.
    pub changing: tokio::sync::Mutex<()>,
    /// Held until the last background work has ended.
    pub lock: DirectoryLock,
    /// Tenants of whose records no segment can be made.
    #[cfg(test)]
    pub unwritable: parking_lot::Mutex<Vec<tracewell_model::TenantId>>,
}

/// How often the catalog is asked whether a change whose commit failed was made after all.
const OUTCOME_RETRY: Duration = Duration::from_secs(1);

impl Shared {
    /// Commits a change to the catalog. After an error it was certainly not made: when the database cannot tell, this
    /// asks until it can.
    pub(super) async fn commit(&self, change: &Change) -> Result<(), StorageError> {
        let Err(error) = self.catalog.commit(change).await else { return Ok(()) };
        if matches!(error, CatalogError::Conflict(_)) || planted(Bug::FailedCommitForgotten) {
            return Err(error.into());
        }
        loop {
            match self.catalog.load(UnixNanos(u64::MAX)).await {
                Ok(state) => {
                    let is_visible = |id: &Ulid| state.segments.iter().any(|segment| segment.id == *id);
                    let was_made = change.add.iter().all(|segment| is_visible(&segment.id))
                        && !change.remove.iter().any(is_visible)
                        && change.deletion.as_ref().is_none_or(|new| {
                            new.segments.is_empty() || state.deletions.iter().any(|held| held.id == new.id)
                        });
                    return if was_made { Ok(()) } else { Err(error.into()) };
                }
                Err(again) => tracing::error!(%error, %again, "the catalog does not tell whether a change was made"),
            }
            self.world.sleep(OUTCOME_RETRY).await;
        }
    }

    /// Removes the journal files whose requests are all in segments.
    pub(super) fn release_journal(&self) {
        // In this order: see `closed_through`.
        let Some(closed_through) = self.files.closed_through() else { return };
        let unflushed = self.tables.all().iter().filter_map(|table| table.first_unflushed()).min();
        let unflushed = unflushed.filter(|_| !planted(Bug::EarlyTruncation));
        let flushed_through = unflushed.map_or(closed_through, |first| (first - 1).min(closed_through));
        self.files.release(flushed_through);
    }
}
