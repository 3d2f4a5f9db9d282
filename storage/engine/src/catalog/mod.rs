//! The catalog: which segments are visible, how far the journal has been flushed, and which requests were kept.
//!
//! A SQL database behind one trait. Every change of what is visible is one transaction ([`Catalog::commit`]): a
//! crash leaves the state before it or the state after it. `docs/formats/catalog.md` has the schema.

#[cfg(test)]
pub(crate) mod contract;
mod sql;
mod sqlite;

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

pub(crate) use sqlite::SqliteCatalog;

use crate::deletion::{Deletion, HeldDeletion, NewDeletion};
use crate::{StorageError, StorageErrorKind};

/// How long the hashes of requests are kept to recognise a request that is sent again.
pub(crate) const REQUEST_HASH_AGE_MAX: Duration = Duration::from_secs(600);

/// What the catalog knows about a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentMeta {
    /// Its name; unique for ever.
    pub id: Ulid,
    /// Whose records it holds.
    pub tenant: TenantId,
    /// Which records it holds.
    pub signal: Signal,
    /// 0 as flushed; each merge adds at least one. So no row was rewritten more often than this.
    pub level: u8,
    /// The earliest time of its records, as sent.
    pub time_min: UnixNanos,
    /// The latest time of its records, as sent.
    pub time_max: UnixNanos,
    /// Its number of records.
    pub rows: u64,
    /// The bytes of all its objects.
    pub bytes: u64,
    /// The version of the segment format.
    pub format_version: u16,
    /// When its youngest record was flushed, or received, if that is later by our clock. A merged segment has the latest of its inputs, so it tells about the
    /// records, not about the file.
    pub created_at: UnixNanos,
    /// The objects it consists of, in the order that the segment format gives them.
    pub objects: Vec<ObjectMeta>,
}

/// An object in the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectMeta {
    /// Its path in the store.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The XXH3-64 of its bytes.
    pub checksum: u64,
}

/// One transaction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// Segments that become visible. Their objects are durable already.
    pub add: Vec<SegmentMeta>,
    /// Segments that stop being visible. The change fails as a whole unless each is visible.
    pub remove: Vec<Ulid>,
    /// Up to where the journal's records of a table are in segments. The change fails as a whole when one goes back.
    pub watermarks: Vec<(TenantId, Signal, u64)>,
    /// Requests whose records become visible, and when they were received.
    pub request_hashes: Vec<(TenantId, Signal, u128, UnixNanos)>,
    /// A deletion to be recorded: it holds for its segments from now on.
    pub deletion: Option<NewDeletion>,
    /// Deletions of which no row is left in a segment.
    pub cleared: Vec<(Ulid, Ulid)>,
    /// Rows that the change removes for a deletion.
    pub deleted_rows: Vec<(Ulid, u64)>,
    /// Tables whose requests are forgotten: sent again, they are stored again.
    pub forget_requests: Vec<(TenantId, Signal)>,
    /// Now: the time of the removal, and hashes older than [`REQUEST_HASH_AGE_MAX`] before it are dropped.
    pub at: UnixNanos,
}

/// What is visible, all as of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CatalogState {
    /// The visible segments by id, which is nearly the order of their making.
    pub segments: Vec<SegmentMeta>,
    /// Up to where the journal's records of each table are in segments.
    pub watermarks: Vec<(TenantId, Signal, u64)>,
    /// The requests received of late.
    pub request_hashes: Vec<(TenantId, Signal, u128, UnixNanos)>,
    /// The deletions that are not completed, and those asked for since the hashes that are loaded.
    pub deletions: Vec<HeldDeletion>,
}

/// The database behind the catalog.
#[async_trait]
pub(crate) trait Catalog: Send + Sync {
    /// Everything visible, with the hashes of the requests received at `hashes_since` or later. A change whose commit
    /// failed before is either in it, or will never be made: also not by a recovery of the database.
    async fn load(&self, hashes_since: UnixNanos) -> Result<CatalogState, CatalogError>;

    /// Makes a change visible, whole and durable when it returns. After [`CatalogError::Conflict`] nothing of it is;
    /// after any other error [`Catalog::load`] tells.
    async fn commit(&self, change: &Change) -> Result<(), CatalogError>;

    /// The segments removed before `removed_before` and not yet forgotten, the longest dead first.
    async fn dead_segments(&self, removed_before: UnixNanos) -> Result<Vec<SegmentMeta>, CatalogError>;

    /// Drops the rows of dead segments whose objects are gone. Ids that are unknown or visible are left alone.
    async fn forget(&self, ids: &[Ulid]) -> Result<(), CatalogError>;

    /// All deletions that were ever asked for, the newest first, at most `limit`.
    async fn deletions(&self, limit: usize) -> Result<Vec<Deletion>, CatalogError>;

    /// The paths of all objects of visible and dead segments, to tell which objects of the store belong to none.
    async fn object_paths(&self) -> Result<HashSet<String>, CatalogError>;

    /// Ends the use of the database. Not needed for durability.
    async fn close(&self);
}

/// What can go wrong with the catalog.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    /// The change does not fit what is visible now; nothing was changed.
    #[error("catalog change refused: {0}")]
    Conflict(String),
    /// A row holds what no version of the program writes.
    #[error("catalog is damaged: {0}; restore the catalog from a backup")]
    Corrupt(String),
    /// The catalog was written by a later version of the program.
    #[error("catalog has schema version {found}, this program knows up to {known}: use a newer program")]
    TooNew {
        /// The version of the schema.
        found: i64,
        /// The last version that this program knows.
        known: i64,
    },
    /// The catalog was written by an earlier version of the program and is only to be looked at.
    #[error("catalog has schema version {found}, this program {known}: start the server once to bring it up to date")]
    TooOld {
        /// The version of the schema.
        found: i64,
        /// The version that this program writes.
        known: i64,
    },
    /// The database failed.
    #[error("catalog database: {0}")]
    Database(#[from] sqlx::Error),
}

impl CatalogError {
    fn kind(&self) -> StorageErrorKind {
        match self {
            CatalogError::Conflict(_) => StorageErrorKind::Internal,
            CatalogError::Corrupt(_) => StorageErrorKind::Corrupt,
            CatalogError::TooNew { .. } | CatalogError::TooOld { .. } => StorageErrorKind::Invalid,
            CatalogError::Database(error) => sql::error_kind(error),
        }
    }
}

impl From<CatalogError> for StorageError {
    fn from(error: CatalogError) -> StorageError {
        StorageError::new(error.kind(), error.to_string())
    }
}
