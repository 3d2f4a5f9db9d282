//! Deletion on request: what is to go, what of it is done, and the record of it.
//!
//! A deletion is a *tombstone* in the catalog: a condition, and the segments it holds for. From the commit on, no read of
//! these segments shows a row that meets the condition; rewriting them without those rows follows in the background.
//! `docs/decisions/0009-deletion-by-tombstones.md` has the reasons.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tracewell_model::{Signal, TenantId, TimeRange, UnixNanos};
use ulid::Ulid;

use crate::{Column, Comparison, Predicate, Scalar};

/// What to delete, of what is stored when it is asked.
#[derive(Clone, Debug)]
pub struct DeleteRequest {
    /// Whose records.
    pub tenant: TenantId,
    /// Which of them.
    pub target: DeleteTarget,
    /// What was asked for, in words, for the record.
    pub description: String,
}

/// Which records of a tenant to delete.
#[derive(Clone, Debug)]
pub enum DeleteTarget {
    /// All spans and all log records.
    Everything,
    /// Those of each of these signals inside a range of time that meet a condition.
    Matching(Vec<(Signal, TimeRange, Predicate)>),
}

/// A deletion, as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its id.
    pub id: String,
    /// Whose records.
    pub tenant: TenantId,
    /// What was asked for, in words.
    pub description: String,
    /// When it was asked for. From then on the records are not shown.
    pub requested_at: UnixNanos,
    /// When the last of the records was removed from the segments; none while some are left.
    pub completed_at: Option<UnixNanos>,
    /// The records removed so far.
    pub rows: u64,
    /// The segments that have yet to be looked at.
    pub pending_segments: u64,
}

/// The condition of records inside `time`.
pub(crate) fn within(time: TimeRange, predicate: Predicate) -> Predicate {
    let bound = |comparison, nanos: UnixNanos| Predicate::Compare {
        column: Column::Time,
        comparison,
        value: Scalar::Int(i64::try_from(nanos.0).unwrap_or(i64::MAX)),
    };
    if time == TimeRange::ALL {
        return predicate;
    }
    Predicate::And(vec![bound(Comparison::GreaterOrEqual, time.start), bound(Comparison::Less, time.end), predicate])
}

/// A deletion's condition on the rows of a segment.
#[derive(Debug, PartialEq)]
pub(crate) struct Tombstone {
    /// The deletion.
    pub id: Ulid,
    /// What it deletes.
    pub predicate: Predicate,
}

/// The tombstones of a segment, in the order in which they came.
pub(crate) type Tombstones = Arc<Vec<Arc<Tombstone>>>;

/// `predicate` without what is deleted.
pub(crate) fn surviving(predicate: &Predicate, tombstones: &[Arc<Tombstone>]) -> Predicate {
    let not = |tombstone: &Arc<Tombstone>| Predicate::Not(Box::new(tombstone.predicate.clone()));
    Predicate::And([predicate.clone()].into_iter().chain(tombstones.iter().map(not)).collect())
}

/// A deletion to be recorded with the change that makes it hold.
#[derive(Clone, Debug)]
pub(crate) struct NewDeletion {
    pub id: Ulid,
    pub tenant: TenantId,
    pub description: String,
    pub parts: Vec<DeletionPart>,
    /// The segments it holds for.
    pub segments: Vec<Ulid>,
    /// Rows that go with the change.
    pub rows: u64,
}

/// What a deletion does to one table. Stands in the catalog as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeletionPart {
    pub signal: Signal,
    /// None: everything goes.
    pub predicate: Option<Predicate>,
    /// The journal's sequence number up to which the table's requests were in segments. Of a table of which everything
    /// goes, requests up to here are forgotten: sent again they are stored again.
    pub through: u64,
}

/// A deletion that is not completed, or young.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeldDeletion {
    pub id: Ulid,
    pub tenant: TenantId,
    pub parts: Vec<DeletionPart>,
    /// The segments in which rows may be left.
    pub segments: Vec<Ulid>,
}
