//! Opening the storage: lock, catalog, segments, journal; then the background work.

use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;

use futures::TryStreamExt;
use hashbrown::HashMap;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracewell_model::{Signal, TenantId, UnixNanos};

use super::Inner;
use super::disk_watch;
use super::duplicates::{Duplicates, RequestKey};
use super::durable_store::DurableStore;
use super::flush::Flusher;
use super::health::Health;
use super::ingest::Ingest;
use super::lock::DirectoryLock;
use super::replay::{Replayed, Watermarks, replay};
use super::set_aside;
use super::shared::Shared;
use super::tails::Tails;
use crate::catalog::{Catalog, CatalogState, REQUEST_HASH_AGE_MAX, SegmentMeta, SqliteCatalog};
use crate::compaction::{self, Background, BackgroundWork, Compactor, Merger};
use crate::deletion::{HeldDeletion, Tombstone};
use crate::journal::{Disk, Files, Journal, LocalDisk, RecoveryError, is_set_aside};
use crate::live::{LiveBudget, Tables};
use crate::retention::{Graveyard, delete_orphans, delete_unfinished_files};
use crate::segment::Segment;
use crate::world::{System, World, blocking};
use crate::{StorageConfig, StorageError, StorageErrorKind};

/// Opens the storage on the real disk.
pub(super) async fn open(config: StorageConfig) -> Result<Arc<Inner>, StorageError> {
    std::fs::create_dir_all(&config.data_dir).map_err(|error| failed("cannot make", &config.data_dir, error))?;
    let journal_dir = config.data_dir.join("journal");
    let disk = LocalDisk::open(journal_dir.clone()).map_err(|error| failed("cannot open", &journal_dir, error))?;
    open_with_journal_on(config, Arc::new(disk)).await
}

/// Opens the storage on the real disk, with the journal on `disk`.
pub(super) async fn open_with_journal_on(
    config: StorageConfig,
    disk: Arc<dyn Disk>,
) -> Result<Arc<Inner>, StorageError> {
    let lock = DirectoryLock::acquire(&config.data_dir)?;
    let store = open_store(&config.data_dir)?;
    let catalog = Arc::new(SqliteCatalog::open(&config.data_dir.join("catalog.sqlite")).await?);
    open_on(config, Devices { world: Arc::new(System), disk, store, catalog, lock }).await
}

/// What the storage stands on.
pub(crate) struct Devices {
    pub world: Arc<dyn World>,
    /// Of the journal.
    pub disk: Arc<dyn Disk>,
    /// Of the segments.
    pub store: Arc<dyn ObjectStore>,
    pub catalog: Arc<dyn Catalog>,
    pub lock: DirectoryLock,
}

/// Opens the storage on these devices.
pub(super) async fn open_on(config: StorageConfig, devices: Devices) -> Result<Arc<Inner>, StorageError> {
    let disk = Arc::clone(&devices.disk);
    let shared = new_shared(config, devices);
    let opened_at = shared.world.now();
    let state = shared.catalog.load(opened_at.saturating_sub(REQUEST_HASH_AGE_MAX.as_nanos() as u64)).await?;
    open_segments(&shared, &state).await?;
    name_what_was_set_aside(&shared, disk.as_ref());
    delete_orphans(shared.catalog.as_ref(), shared.store.as_ref(), &Path::from(SEGMENTS), opened_at).await?;

    let inserted = Arc::new(Notify::new());
    let flusher = Flusher::start(Arc::clone(&shared), Arc::clone(&inserted))?;
    let (journal, duplicates) = replay_journal(&shared, &disk, &flusher, state).await?;
    disk_watch::check(&shared.health, disk.space(), shared.config.disk_reserve_bytes);
    let ingest = Ingest::start(Arc::clone(&shared), journal, duplicates, inserted)?;
    let compaction = Background::spawn(compaction_work(&shared))?;
    let inner = Arc::new(Inner { shared, ingest, flusher, compaction });
    let reserve = inner.shared.config.disk_reserve_bytes;
    let world = Arc::clone(&inner.shared.world);
    inner.flusher.spawn(disk_watch::watch(Arc::downgrade(&inner), world, disk, reserve));
    Ok(inner)
}

/// The objects of segments all lie below this.
const SEGMENTS: &str = "segments";

fn open_store(data_dir: &FilePath) -> Result<Arc<dyn ObjectStore>, StorageError> {
    let cannot = |error| failed("cannot open", data_dir, error);
    delete_unfinished_files(&data_dir.join(SEGMENTS)).map_err(cannot)?;
    let store = DurableStore::new(data_dir).map_err(|error| cannot(io::Error::other(error)))?;
    Ok(Arc::new(store))
}

fn new_shared(config: StorageConfig, devices: Devices) -> Arc<Shared> {
    let Devices { world, disk, store, catalog, lock } = devices;
    let budget = Arc::new(LiveBudget::default());
    Arc::new(Shared {
        tables: Tables::new(config.tenants_max, Arc::clone(&budget)),
        config,
        world,
        catalog,
        store,
        budget,
        files: Arc::new(Files::new(disk)),
        health: Arc::new(Health::default()),
        tails: Tails::default(),
        changing: tokio::sync::Mutex::default(),
        lock,
        #[cfg(test)]
        unwritable: parking_lot::Mutex::default(),
    })
}

/// Makes the segments of the catalog visible. Those whose objects are gone or cut are named; so are the answers that lack
/// their rows.
async fn open_segments(shared: &Shared, state: &CatalogState) -> Result<(), StorageError> {
    let listed: Vec<ObjectMeta> =
        shared.store.list(Some(&Path::from(SEGMENTS))).try_collect().await.map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot list the objects of segments: {error}"))
        })?;
    let sizes: HashMap<Path, u64> = listed.into_iter().map(|object| (object.location, object.size)).collect();
    for (tenant, signal, _) in &state.watermarks {
        shared.tables.get_or_restore(tenant, *signal);
    }
    let mut by_table: HashMap<(TenantId, Signal), Vec<Arc<Segment>>> = HashMap::new();
    for meta in &state.segments {
        let segment = Segment::open(&shared.store, meta.clone());
        if let Err(reason) = check_objects(meta, &sizes) {
            segment.note_damage(&reason);
        }
        by_table.entry((meta.tenant.clone(), meta.signal)).or_default().push(segment);
    }
    bury(&by_table, state);
    for ((tenant, signal), segments) in by_table {
        shared.tables.get_or_restore(&tenant, signal).replace(&[], segments);
    }
    Ok(())
}

/// Gives the segments the tombstones of the deletions that hold for them.
fn bury(by_table: &HashMap<(TenantId, Signal), Vec<Arc<Segment>>>, state: &CatalogState) {
    for deletion in &state.deletions {
        for part in &deletion.parts {
            let Some(predicate) = &part.predicate else { continue };
            let tombstone = Arc::new(Tombstone { id: deletion.id, predicate: predicate.clone() });
            let segments = by_table.get(&(deletion.tenant.clone(), part.signal)).into_iter().flatten();
            for segment in segments.filter(|segment| deletion.segments.contains(&segment.meta().id)) {
                segment.bury(Arc::clone(&tombstone));
            }
        }
    }
}

/// Names what earlier runs found damaged, until somebody has looked at it and moved it away.
fn name_what_was_set_aside(shared: &Shared, disk: &dyn Disk) {
    let journal_files = disk.list().unwrap_or_default();
    for name in journal_files.iter().filter(|name| is_set_aside(name)) {
        shared.health.add_damaged(format!("journal file {name}: damaged, set aside by an earlier run"));
    }
    for path in set_aside::files(&shared.config.data_dir) {
        shared.health.add_damaged(format!("{}: records that an earlier run could not store", path.display()));
    }
}

fn check_objects(meta: &SegmentMeta, sizes: &HashMap<Path, u64>) -> Result<(), String> {
    for object in &meta.objects {
        let about = || format!("segment object {} is damaged:", object.path);
        match sizes.get(&Path::from(object.path.as_str())) {
            Some(&bytes) if bytes == object.bytes => {}
            Some(&bytes) => return Err(format!("{} it has {bytes} bytes instead of {}", about(), object.bytes)),
            None => return Err(format!("{} it is missing", about())),
        }
    }
    Ok(())
}

async fn replay_journal(
    shared: &Arc<Shared>,
    disk: &Arc<dyn Disk>,
    flusher: &Flusher,
    state: CatalogState,
) -> Result<(Journal, Duplicates), StorageError> {
    let began = shared.world.instant();
    let duplicates = restored(state.request_hashes);
    let watermarks: Watermarks =
        state.watermarks.into_iter().map(|(tenant, signal, through)| ((tenant, signal), through)).collect();
    let last_flushed = watermarks.values().copied().max().unwrap_or(0);
    let forgotten = forgotten(&state.deletions);
    let (reader, reader_disk) = (Arc::clone(shared), Arc::clone(disk));
    let replaying =
        move || replay(&reader, reader_disk.as_ref(), &watermarks, &forgotten, duplicates).map_err(recovery_failed);
    let Replayed { recovered, duplicates, requests } = blocking(replaying).await?;
    recovered.damage.iter().for_each(|damage| shared.health.add_damaged(damage.to_string()));
    if !recovered.durable {
        flusher.flush_all().await?;
    }
    tracing::info!(requests, elapsed_ms = (shared.world.instant() - began).as_millis() as u64, "journal replayed");
    let mut next = recovered.next;
    next.sequence = next.sequence.max(last_flushed + 1);
    let file_bytes = disk_watch::journal_file_bytes(disk.as_ref(), shared.config.journal_file_bytes)
        .map_err(|error| failed("cannot tell the space of", &shared.config.data_dir, error))?;
    let (world, files) = (Arc::clone(&shared.world), Arc::clone(&shared.files));
    Ok((Journal::new(Arc::clone(disk), world, files, file_bytes, next), duplicates))
}

/// Up to where the journal's requests of a table are forgotten, because all of it was deleted then.
fn forgotten(deletions: &[HeldDeletion]) -> Watermarks {
    let mut forgotten = Watermarks::default();
    for deletion in deletions {
        for part in deletion.parts.iter().filter(|part| part.predicate.is_none()) {
            let through = forgotten.entry((deletion.tenant.clone(), part.signal)).or_default();
            *through = part.through.max(*through);
        }
    }
    forgotten
}

fn restored(mut hashes: Vec<(TenantId, Signal, u128, UnixNanos)>) -> Duplicates {
    hashes.sort_by_key(|(_, _, _, received_at)| *received_at);
    let mut duplicates = Duplicates::default();
    for (tenant, signal, hash, received_at) in hashes {
        duplicates.insert(RequestKey { tenant, signal, hash }, received_at);
    }
    duplicates
}

fn compaction_work(shared: &Arc<Shared>) -> BackgroundWork {
    let stop = CancellationToken::new();
    let config = &shared.config;
    let tables: Arc<dyn compaction::Tables> = Arc::clone(shared) as _;
    let world = Arc::clone(&shared.world);
    let (catalog, store) = (Arc::clone(&shared.catalog), Arc::clone(&shared.store));
    let graveyard = Arc::new(Graveyard::new(catalog, Arc::clone(&store), config.deletion_grace));
    let compactor = Compactor::new(
        Arc::clone(&tables),
        Arc::clone(&graveyard),
        Merger::new(store, Arc::clone(&world)),
        Arc::clone(&world),
        config,
        stop.clone(),
    );
    BackgroundWork {
        tables,
        compactor: Arc::new(compactor),
        graveyard,
        retention: config.retention.clone(),
        world,
        compaction_interval: config.compaction_interval,
        stop,
    }
}

fn recovery_failed(error: RecoveryError) -> StorageError {
    let kind = match &error {
        RecoveryError::Io(_) => StorageErrorKind::Internal,
        RecoveryError::TooNew { .. } => StorageErrorKind::Invalid,
    };
    StorageError::new(kind, error.to_string())
}

fn failed(what: &str, path: &FilePath, error: io::Error) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, format!("{what} {}: {error}", path.display()))
}
