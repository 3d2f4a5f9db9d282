//! Deleting on request: from the live tier, the journal, the segments and their indexes.
//!
//! First everything that is acknowledged is written to segments: then the journal's watermark lies behind it, and no restart
//! brings it back. Then one transaction of the catalog makes the deletion hold. See [`crate::deletion`].

use std::sync::Arc;

use tracewell_model::{Signal, UnixNanos};
use ulid::Ulid;

use super::Inner;
use crate::catalog::Change;
use crate::deletion::{DeleteRequest, DeleteTarget, Deletion, DeletionPart, NewDeletion, Tombstone, within};
use crate::segment::Segment;
use crate::{Predicate, StorageError, StorageErrorKind};

/// At most this many bytes of the words of a request are recorded.
const DESCRIPTION_BYTES_MAX: usize = 4_096;

/// At most this many deletions are listed.
const LISTED_MAX: usize = 1_000;

/// Makes a deletion hold. When this returns, no read shows its records any more, also after a restart.
pub(super) async fn delete(inner: &Inner, request: DeleteRequest) -> Result<Deletion, StorageError> {
    let conditions = conditions(&request.target)?;
    inner.flusher.flush_all().await?;
    let shared = &inner.shared;
    let turn = shared.changing.lock().await;
    let watermarks = shared.catalog.load(UnixNanos(u64::MAX)).await?.watermarks;
    let through = |signal| {
        let of_table = watermarks.iter().find(|(tenant, of, _)| *tenant == request.tenant && *of == signal);
        of_table.map_or(0, |(_, _, through)| *through)
    };
    let mut deletion = NewDeletion {
        id: shared.world.id(),
        tenant: request.tenant.clone(),
        description: excerpt(&request.description),
        parts: Vec::new(),
        segments: Vec::new(),
        rows: 0,
    };
    let mut affected: Vec<(Arc<Segment>, Option<Arc<Tombstone>>)> = Vec::new();
    for condition in conditions {
        let Condition { signal, predicate, .. } = &condition;
        let id = deletion.id;
        let tombstone = predicate.clone().map(|predicate| Arc::new(Tombstone { id, predicate }));
        if let Some(table) = shared.tables.get(&request.tenant, *signal) {
            let segments = table.view().segments.as_ref().clone();
            let segments = segments.into_iter().filter(|segment| condition.may_concern(segment));
            affected.extend(segments.map(|segment| (segment, tombstone.clone())));
        }
        let part = DeletionPart { signal: *signal, predicate: predicate.clone(), through: through(*signal) };
        deletion.parts.push(part);
    }
    let id = deletion.id;
    match request.target {
        DeleteTarget::Matching(_) => {
            deletion.segments = affected.iter().map(|(segment, _)| segment.meta().id).collect();
            let change = Change { deletion: Some(deletion), at: shared.world.now(), ..Change::default() };
            shared.commit(&change).await?;
            for (segment, tombstone) in affected {
                tombstone.into_iter().for_each(|tombstone| segment.bury(tombstone));
            }
        }
        DeleteTarget::Everything => {
            let segments: Vec<Arc<Segment>> = affected.into_iter().map(|(segment, _)| segment).collect();
            deletion.rows = segments.iter().map(|segment| segment.meta().rows).sum();
            let remove: Vec<Ulid> = segments.iter().map(|segment| segment.meta().id).collect();
            let both = [Signal::Traces, Signal::Logs].map(|signal| (request.tenant.clone(), signal));
            let change = Change { deletion: Some(deletion), forget_requests: both.to_vec(), ..Change::default() };
            inner.compaction.compactor().watch(&segments);
            shared.swap(&remove, Vec::new(), change).await?;
        }
    }
    drop(turn);
    tracing::info!(deletion = %id, tenant = %request.tenant, "records deleted on request");
    if matches!(request.target, DeleteTarget::Everything) {
        inner.ingest.forget(&request.tenant).await?;
    }
    // What the journal still has of them goes with the file, once all of its requests are in segments.
    inner.ingest.rotate().await?;
    inner.compaction.rewrite_soon();
    let found = shared.catalog.deletions(LISTED_MAX).await?.into_iter().find(|deletion| deletion.id == id.to_string());
    found.ok_or_else(|| StorageError::new(StorageErrorKind::Internal, format!("deletion {id} is not recorded")))
}

/// All deletions, the newest first.
pub(super) async fn deletions(inner: &Inner) -> Result<Vec<Deletion>, StorageError> {
    Ok(inner.shared.catalog.deletions(LISTED_MAX).await?)
}

/// What goes of one table.
struct Condition {
    signal: Signal,
    time: tracewell_model::TimeRange,
    /// None: everything.
    predicate: Option<Predicate>,
}

impl Condition {
    fn may_concern(&self, segment: &Segment) -> bool {
        self.predicate.is_none() || self.time.overlaps(segment.meta().time_min, segment.meta().time_max)
    }
}

fn conditions(target: &DeleteTarget) -> Result<Vec<Condition>, StorageError> {
    let DeleteTarget::Matching(parts) = target else {
        let all = |signal| Condition { signal, time: tracewell_model::TimeRange::ALL, predicate: None };
        return Ok(Vec::from([Signal::Traces, Signal::Logs].map(all)));
    };
    parts
        .iter()
        .map(|(signal, time, predicate)| {
            let predicate = within(*time, predicate.clone());
            // What cannot be read back must not get into the catalog.
            let text = serde_json::to_string(&predicate).map_err(|error| unstorable(&error))?;
            let read: Predicate = serde_json::from_str(&text).map_err(|error| unstorable(&error))?;
            let same = serde_json::to_string(&read).map_err(|error| unstorable(&error))? == text;
            match same {
                true => Ok(Condition { signal: *signal, time: *time, predicate: Some(predicate) }),
                false => Err(StorageError::new(StorageErrorKind::Invalid, "the condition cannot be recorded")),
            }
        })
        .collect()
}

fn unstorable(error: &serde_json::Error) -> StorageError {
    let message = format!("the condition is too deeply nested to be recorded ({error}): delete in several steps");
    StorageError::new(StorageErrorKind::Invalid, message)
}

fn excerpt(description: &str) -> String {
    let mut end = description.len().min(DESCRIPTION_BYTES_MAX);
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    description[..end].to_owned()
}
