//! The catalog: a model of what the trait promises, which fails in all the ways that the trait allows.
//!
//! It passes the same contract tests as the databases (`catalog/contract.rs`). A power cut leaves the state before a
//! transaction or the one after it; a commit that fails may have been made, or may come back at the next start unless
//! somebody has asked since.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

use super::chance::Chance;
use super::executor;
use super::machine::{Fate, Machine, Weather};
use crate::catalog::{Catalog, CatalogError, CatalogState, Change, REQUEST_HASH_AGE_MAX, SegmentMeta};
use crate::deletion::{Deletion, HeldDeletion, NewDeletion};

#[derive(Clone, Default)]
struct State {
    visible: BTreeMap<Ulid, SegmentMeta>,
    dead: BTreeMap<Ulid, (UnixNanos, SegmentMeta)>,
    watermarks: BTreeMap<(TenantId, Signal), u64>,
    hashes: BTreeMap<(TenantId, Signal, u128), UnixNanos>,
    deletions: BTreeMap<Ulid, (HeldDeletion, Deletion)>,
}

/// The catalog. Clones share it.
#[derive(Clone)]
pub(super) struct SimulatedCatalog {
    machine: Machine,
    state: Arc<Mutex<State>>,
    /// What a failed commit has left behind, and a recovery would take for committed.
    unsettled: Arc<Mutex<Option<State>>>,
}

impl SimulatedCatalog {
    pub(super) fn new(machine: &Machine) -> SimulatedCatalog {
        SimulatedCatalog { machine: machine.clone(), state: Arc::default(), unsettled: Arc::default() }
    }

    /// What a restart finds.
    pub(super) fn restart(&self, chance: &mut Chance) {
        if let Some(state) = self.unsettled.lock().take()
            && chance.happens(0.5)
        {
            *self.state.lock() = state;
        }
    }

    /// The paths of the objects of visible segments, and of those that are not yet forgotten.
    pub(super) fn paths(&self) -> (HashSet<String>, HashSet<String>) {
        let state = self.state.lock();
        let paths =
            |segment: &SegmentMeta| segment.objects.iter().map(|object| object.path.clone()).collect::<Vec<_>>();
        let visible = state.visible.values().flat_map(paths).collect();
        let dead = state.dead.values().flat_map(|(_, segment)| paths(segment)).collect();
        (visible, dead)
    }

    async fn operation(&self, kind: &'static str, probability: fn(&Weather) -> f64) -> Result<Fate, CatalogError> {
        executor::pause().await;
        match self.machine.operation(kind, probability, "") {
            Fate::Fails => Err(failed()),
            fate => Ok(fate),
        }
    }
}

fn failed() -> CatalogError {
    CatalogError::Database(sqlx::Error::Io(std::io::Error::other("injected error")))
}

impl State {
    fn changed(&self, change: &Change) -> Result<State, CatalogError> {
        let conflict = |reason: String| Err(CatalogError::Conflict(reason));
        let mut next = self.clone();
        for id in &change.remove {
            match next.visible.remove(id) {
                Some(segment) => next.dead.insert(*id, (change.at, segment)),
                None => return conflict(format!("segment {id} is not visible")),
            };
        }
        for segment in &change.add {
            let segments = || next.visible.values().chain(next.dead.values().map(|(_, segment)| segment));
            let path_taken = |path: &str| segments().flat_map(|other| &other.objects).any(|object| object.path == path);
            let is_taken = segments().any(|other| other.id == segment.id)
                || segment.objects.iter().any(|object| path_taken(&object.path));
            if is_taken {
                return conflict(format!("segment {} or one of its objects is there already", segment.id));
            }
            next.visible.insert(segment.id, segment.clone());
        }
        for (tenant, signal, position) in &change.watermarks {
            let held = next.watermarks.entry((tenant.clone(), *signal)).or_insert(0);
            if *position < *held {
                return conflict(format!("watermark of {signal} of tenant {tenant} would go back to {position}"));
            }
            *held = *position;
        }
        let mut latest: BTreeMap<_, UnixNanos> = BTreeMap::new();
        for (tenant, signal, hash, at) in &change.request_hashes {
            let seen = latest.entry((tenant.clone(), *signal, *hash)).or_insert(*at);
            *seen = (*seen).max(*at);
        }
        next.hashes.extend(latest);
        let oldest = change.at.saturating_sub(REQUEST_HASH_AGE_MAX.as_nanos() as u64);
        next.hashes.retain(|_, at| *at >= oldest);
        next.note_deletions(change);
        Ok(next)
    }

    fn note_deletions(&mut self, change: &Change) {
        if let Some(NewDeletion { id, tenant, description, parts, segments, rows }) = change.deletion.clone() {
            let record = Deletion {
                id: id.to_string(),
                tenant: tenant.clone(),
                description,
                requested_at: change.at,
                completed_at: None,
                rows,
                pending_segments: 0,
            };
            self.deletions.insert(id, (HeldDeletion { id, tenant, parts, segments }, record));
        }
        for (held, record) in self.deletions.values_mut() {
            let is_cleared =
                |segment: &Ulid| change.remove.contains(segment) || change.cleared.contains(&(held.id, *segment));
            held.segments.retain(|segment| !is_cleared(segment));
            record.rows +=
                change.deleted_rows.iter().filter(|(id, _)| *id == held.id).map(|(_, rows)| rows).sum::<u64>();
            record.pending_segments = held.segments.len() as u64;
            if held.segments.is_empty() && record.completed_at.is_none() {
                record.completed_at = Some(change.at);
            }
        }
        let is_forgotten = |tenant: &TenantId, signal| change.forget_requests.contains(&(tenant.clone(), signal));
        self.hashes.retain(|(tenant, signal, _), _| !is_forgotten(tenant, *signal));
    }
}

#[async_trait]
impl Catalog for SimulatedCatalog {
    async fn load(&self, hashes_since: UnixNanos) -> Result<CatalogState, CatalogError> {
        let fate = self.operation("load", |weather| weather.catalog_read).await?;
        *self.unsettled.lock() = None;
        let mut loaded = {
            let state = self.state.lock();
            let hashes = state.hashes.iter().filter(|(_, at)| **at >= hashes_since);
            CatalogState {
                segments: state.visible.values().cloned().collect(),
                watermarks: state.watermarks.iter().map(|((t, s), position)| (t.clone(), *s, *position)).collect(),
                request_hashes: hashes.map(|((t, s, hash), at)| (t.clone(), *s, *hash, *at)).collect(),
                deletions: {
                    let counts = |(_, record): &&(HeldDeletion, Deletion)| {
                        record.completed_at.is_none() || record.requested_at >= hashes_since
                    };
                    state.deletions.values().filter(counts).map(|(held, _)| held.clone()).collect()
                },
            }
        };
        loaded.request_hashes.sort_by_key(|(_, _, _, at)| *at);
        self.machine.after(fate);
        Ok(loaded)
    }

    async fn commit(&self, change: &Change) -> Result<(), CatalogError> {
        executor::pause().await;
        let next = self.state.lock().changed(change)?;
        *self.unsettled.lock() = None;
        if self.machine.is_disk_full() {
            self.machine.add_fault();
            return Err(failed());
        }
        let what = format!(
            "+{} -{} through {:?}",
            change.add.len(),
            change.remove.len(),
            change.watermarks.iter().map(|(_, _, position)| *position).collect::<Vec<_>>()
        );
        let fate = self.machine.operation("commit", |weather| weather.catalog_commit, &what);
        if fate == Fate::Fails {
            match self.machine.chance(|chance| chance.within(0..3)) {
                0 => {}
                1 => *self.state.lock() = next,
                _ => *self.unsettled.lock() = Some(next),
            }
            return Err(failed());
        }
        *self.state.lock() = next;
        self.machine.after(fate);
        executor::pause().await;
        Ok(())
    }

    async fn dead_segments(&self, removed_before: UnixNanos) -> Result<Vec<SegmentMeta>, CatalogError> {
        let fate = self.operation("dead segments", |weather| weather.catalog_read).await?;
        let state = self.state.lock();
        let mut dead: Vec<_> = state.dead.values().filter(|(at, _)| *at < removed_before).cloned().collect();
        drop(state);
        dead.sort_by_key(|(at, segment)| (*at, segment.id));
        self.machine.after(fate);
        Ok(dead.into_iter().map(|(_, segment)| segment).collect())
    }

    async fn forget(&self, ids: &[Ulid]) -> Result<(), CatalogError> {
        let fate = self.operation("forget", |weather| weather.catalog_commit).await?;
        *self.unsettled.lock() = None;
        self.state.lock().dead.retain(|id, _| !ids.contains(id));
        self.machine.after(fate);
        Ok(())
    }

    async fn deletions(&self, limit: usize) -> Result<Vec<Deletion>, CatalogError> {
        let fate = self.operation("deletions", |weather| weather.catalog_read).await?;
        let mut deletions: Vec<Deletion> =
            self.state.lock().deletions.values().map(|(_, record)| record.clone()).collect();
        deletions.sort_by(|a, b| (b.requested_at, &b.id).cmp(&(a.requested_at, &a.id)));
        deletions.truncate(limit);
        self.machine.after(fate);
        Ok(deletions)
    }

    async fn object_paths(&self) -> Result<HashSet<String>, CatalogError> {
        let fate = self.operation("object paths", |weather| weather.catalog_read).await?;
        let (visible, dead) = self.paths();
        self.machine.after(fate);
        Ok(visible.into_iter().chain(dead).collect())
    }

    async fn close(&self) {}
}
