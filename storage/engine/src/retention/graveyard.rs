//! The graveyard: segments that are no longer visible, until their objects are deleted.
//!
//! A query that took its snapshot before a segment was merged or expired reads on from the old objects. They are
//! deleted when the segment has been dead for the grace *and* nobody in this process holds it. The grace alone
//! protects readers in other processes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parking_lot::Mutex;
use tracewell_model::UnixNanos;
use ulid::Ulid;

use crate::StorageError;
use crate::bugs::{Bug, planted};
use crate::catalog::{Catalog, SegmentMeta};

/// Deletes the objects of dead segments. Which segments are dead is in the catalog, so a restart forgets none.
pub(crate) struct Graveyard {
    catalog: Arc<dyn Catalog>,
    store: Arc<dyn ObjectStore>,
    grace: Duration,
    readers: Mutex<HashMap<Ulid, Weak<dyn Any + Send + Sync>>>,
}

impl Graveyard {
    /// For dead segments of `catalog` whose objects are in `store`, kept for `grace`.
    pub(crate) fn new(catalog: Arc<dyn Catalog>, store: Arc<dyn ObjectStore>, grace: Duration) -> Graveyard {
        Graveyard { catalog, store, grace, readers: Mutex::default() }
    }

    /// To be told before a segment is made invisible: its objects stay while anyone holds `segment`.
    pub(crate) fn watch<S: Any + Send + Sync>(&self, id: Ulid, segment: &Arc<S>) {
        let segment: Arc<dyn Any + Send + Sync> = Arc::<S>::clone(segment);
        self.readers.lock().insert(id, Arc::downgrade(&segment));
    }

    /// Deletes the objects of the segments whose time has come; the number of segments. An object that cannot be
    /// deleted stays for the next time and does not keep the others.
    pub(crate) async fn clear(&self, now: UnixNanos) -> Result<usize, StorageError> {
        let grace = u64::try_from(self.grace.as_nanos()).unwrap_or(u64::MAX);
        let mut gone = Vec::new();
        let before = if planted(Bug::EarlyDeletion) { UnixNanos(u64::MAX) } else { now.saturating_sub(grace) };
        for segment in self.catalog.dead_segments(before).await? {
            if self.is_read(segment.id) && !planted(Bug::EarlyDeletion) {
                continue;
            }
            match self.delete(&segment).await {
                Ok(()) => gone.push(segment.id),
                Err(error) => {
                    tracing::warn!(segment = %segment.id, %error, "objects of a dead segment cannot be deleted yet");
                }
            }
        }
        if !gone.is_empty() {
            self.catalog.forget(&gone).await?;
            let mut readers = self.readers.lock();
            gone.iter().for_each(|id| drop(readers.remove(id)));
            tracing::debug!(segments = gone.len(), "dead segments deleted");
        }
        Ok(gone.len())
    }

    fn is_read(&self, id: Ulid) -> bool {
        self.readers.lock().get(&id).is_some_and(|segment| segment.strong_count() > 0)
    }

    async fn delete(&self, segment: &SegmentMeta) -> Result<(), object_store::Error> {
        for object in &segment.objects {
            match self.store.delete(&Path::from(object.path.as_str())).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use tracewell_model::{Signal, TenantId};

    use super::*;
    use crate::catalog::{Change, ObjectMeta, SqliteCatalog};

    const GRACE: Duration = Duration::from_secs(120);
    const REMOVED: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

    fn after(seconds: u64) -> UnixNanos {
        REMOVED.saturating_add(seconds * 1_000_000_000)
    }

    struct Setting {
        graveyard: Graveyard,
        store: Arc<InMemory>,
        catalog: Arc<SqliteCatalog>,
        _directory: tempfile::TempDir,
    }

    /// Segments with these numbers, of two objects each, all removed.
    async fn dead(numbers: &[u64]) -> Setting {
        let directory = tempfile::tempdir().expect("directory");
        let catalog = SqliteCatalog::open(&directory.path().join("catalog.sqlite")).await.expect("opens");
        let (catalog, store) = (Arc::new(catalog), Arc::new(InMemory::new()));
        let add: Vec<SegmentMeta> = numbers.iter().map(|&number| segment(number)).collect();
        for object in add.iter().flat_map(|segment| &segment.objects) {
            store.put(&Path::from(object.path.as_str()), "bytes".into()).await.expect("puts");
        }
        let remove = add.iter().map(|segment| segment.id).collect();
        catalog.commit(&Change { add, at: REMOVED, ..Change::default() }).await.expect("commits");
        catalog.commit(&Change { remove, at: REMOVED, ..Change::default() }).await.expect("commits");
        let shared = Arc::clone(&catalog) as Arc<dyn Catalog>;
        let graveyard = Graveyard::new(shared, Arc::clone(&store) as Arc<dyn ObjectStore>, GRACE);
        Setting { graveyard, store, catalog, _directory: directory }
    }

    fn segment(number: u64) -> SegmentMeta {
        let id = Ulid::from_parts(number, 0);
        let object = |kind| ObjectMeta { path: format!("segments/{id}.{kind}"), bytes: 5, checksum: 0 };
        SegmentMeta {
            id,
            tenant: TenantId::default_tenant(),
            signal: Signal::Traces,
            level: 0,
            time_min: REMOVED,
            time_max: REMOVED,
            rows: 1,
            bytes: 10,
            format_version: 1,
            created_at: REMOVED,
            objects: vec![object("parquet"), object("index")],
        }
    }

    impl Setting {
        async fn objects(&self) -> usize {
            self.store.list_with_delimiter(Some(&Path::from("segments"))).await.expect("lists").objects.len()
        }

        async fn forgotten(&self) -> bool {
            self.catalog.object_paths().await.expect("lists").is_empty()
        }
    }

    #[tokio::test]
    async fn objects_stay_for_the_grace() {
        let setting = dead(&[1]).await;
        assert_eq!(setting.graveyard.clear(after(120)).await.expect("clears"), 0);
        assert_eq!(setting.objects().await, 2);
        assert_eq!(setting.graveyard.clear(after(121)).await.expect("clears"), 1);
        assert_eq!(setting.objects().await, 0);
        assert!(setting.forgotten().await);
    }

    #[tokio::test]
    async fn objects_stay_while_a_query_holds_the_segment() {
        let setting = dead(&[1, 2]).await;
        let held = Arc::new("a segment");
        setting.graveyard.watch(segment(1).id, &held);
        let reader = Arc::clone(&held);
        drop(held);
        assert_eq!(setting.graveyard.clear(after(1000)).await.expect("clears"), 1, "the other");
        assert_eq!(setting.objects().await, 2);
        drop(reader);
        assert_eq!(setting.graveyard.clear(after(1001)).await.expect("clears"), 1);
        assert_eq!(setting.objects().await, 0);
        assert!(setting.graveyard.readers.lock().is_empty());
    }

    #[tokio::test]
    async fn objects_that_are_gone_already_do_not_matter() {
        let setting = dead(&[1]).await;
        setting.store.delete(&Path::from(segment(1).objects[0].path.as_str())).await.expect("deletes");
        assert_eq!(setting.graveyard.clear(after(121)).await.expect("clears"), 1);
        assert!(setting.forgotten().await);
    }

    #[tokio::test]
    async fn a_restart_between_deleting_and_forgetting_does_no_harm() {
        let setting = dead(&[1, 2]).await;
        setting.graveyard.delete(&segment(1)).await.expect("deletes");
        assert_eq!(setting.graveyard.clear(after(121)).await.expect("clears"), 2);
        assert_eq!(setting.objects().await, 0);
        assert!(setting.forgotten().await);
    }
}
