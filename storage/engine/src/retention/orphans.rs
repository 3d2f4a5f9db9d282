//! Orphans: objects that no segment of the catalog has, because the process died between writing them and the commit.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path as FilePath;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tracewell_model::UnixNanos;
use ulid::Ulid;

use crate::catalog::Catalog;
use crate::{StorageError, StorageErrorKind};

/// Deletes the objects below `prefix` that were written before `before`, are named like objects of segments and belong
/// to no segment; their number. `before` has to lie so far back that no write of then is still uncommitted.
///
/// Deletes nothing when the catalog knows no object at all: then it is the catalog that was lost.
pub(crate) async fn delete_orphans(
    catalog: &dyn Catalog,
    store: &dyn ObjectStore,
    prefix: &Path,
    before: UnixNanos,
) -> Result<usize, StorageError> {
    // Listed first: what is committed between the two steps is known to the catalog in the second.
    let listed: Vec<ObjectMeta> =
        store.list(Some(prefix)).try_collect().await.map_err(|error| failed(prefix, &error))?;
    // Compared as the store spells them: a path may hold characters that it escapes.
    let known: HashSet<Path> = catalog.object_paths().await?.into_iter().map(Path::from).collect();
    let orphans: Vec<Path> = listed
        .into_iter()
        .filter(|object| is_older(object, before) && is_segment_object(&object.location))
        .filter(|object| !known.contains(&object.location))
        .map(|object| object.location)
        .collect();
    if known.is_empty() && !orphans.is_empty() {
        tracing::error!(
            objects = orphans.len(),
            %prefix,
            "the catalog is empty but there are segments: restore the catalog, or remove the segments by hand"
        );
        return Ok(0);
    }
    for orphan in &orphans {
        match store.delete(orphan).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(orphan, &error)),
        }
    }
    if !orphans.is_empty() {
        tracing::info!(objects = orphans.len(), "objects that a crash left behind deleted");
    }
    Ok(orphans.len())
}

/// Deletes the files below `directory` that the local object store had not finished when the process died: it writes
/// to `name#number` and renames. With them go directories of segments that are empty, or become so. Only to be called
/// while nothing is written there. The number of files.
pub(crate) fn delete_unfinished_files(directory: &FilePath) -> std::io::Result<usize> {
    let mut deleted = 0;
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            // A link is not followed: `file_type` is of the link itself.
            let kind = entry.file_type()?;
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() && is_unfinished(&entry.path()) {
                std::fs::remove_file(entry.path())?;
                deleted += 1;
            }
        }
        remove_empty_directory(&directory);
    }
    Ok(deleted)
}

/// Removes the directory of a segment when nothing is in it; whether it was removed. Directories above it stay: another
/// segment may be about to be written there.
pub(crate) fn remove_empty_directory(directory: &FilePath) -> bool {
    let is_of_segment = directory.file_name().and_then(OsStr::to_str).is_some_and(is_ulid);
    // Refused by the system while something is in it.
    is_of_segment && std::fs::remove_dir(directory).is_ok()
}

fn is_unfinished(path: &FilePath) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).and_then(|name| name.rsplit_once('#'));
    let is_numbered = name.is_some_and(|(_, number)| number.parse::<u32>().is_ok());
    is_numbered && path.parent().and_then(FilePath::file_name).and_then(OsStr::to_str).is_some_and(is_ulid)
}

/// Objects of segments are in a directory that is called by the segment's id; anything else was put there by someone
/// else.
fn is_segment_object(path: &Path) -> bool {
    path.parts().rev().nth(1).is_some_and(|directory| is_ulid(directory.as_ref()))
}

fn is_ulid(name: &str) -> bool {
    name.len() == ulid::ULID_LEN && Ulid::from_string(name).is_ok()
}

fn is_older(object: &ObjectMeta, before: UnixNanos) -> bool {
    let modified = object.last_modified.timestamp_nanos_opt().and_then(|nanos| u64::try_from(nanos).ok());
    modified.is_some_and(|modified| modified < before.0)
}

fn failed(what: &Path, error: &object_store::Error) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable, format!("object store: {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;
    use tracewell_model::{Signal, TenantId};

    use super::*;
    use crate::catalog::{self, Change, SegmentMeta, SqliteCatalog};

    const EVER: UnixNanos = UnixNanos(u64::MAX);

    fn name(number: u64) -> String {
        format!("segments/default/logs/{}/rows.parquet", Ulid::from_parts(number, 0))
    }

    fn segment(number: u64) -> SegmentMeta {
        SegmentMeta {
            id: Ulid::from_parts(number, 0),
            tenant: TenantId::default_tenant(),
            signal: Signal::Logs,
            level: 0,
            time_min: UnixNanos(0),
            time_max: UnixNanos(0),
            rows: 1,
            bytes: 5,
            format_version: 1,
            created_at: UnixNanos(0),
            objects: vec![catalog::ObjectMeta { path: name(number), bytes: 5, checksum: 0 }],
        }
    }

    /// A catalog that knows the segments `known`, one of them dead, and a store with the objects `stored`.
    async fn setting(known: &[u64], stored: &[String]) -> (tempfile::TempDir, SqliteCatalog, InMemory) {
        let directory = tempfile::tempdir().expect("directory");
        let catalog = SqliteCatalog::open(&directory.path().join("catalog.sqlite")).await.expect("opens");
        let add: Vec<SegmentMeta> = known.iter().map(|&number| segment(number)).collect();
        let remove = add.iter().take(1).map(|segment| segment.id).collect();
        catalog.commit(&Change { add, ..Change::default() }).await.expect("commits");
        catalog.commit(&Change { remove, ..Change::default() }).await.expect("commits");
        let store = InMemory::new();
        for path in stored {
            store.put(&Path::from(path.as_str()), "bytes".into()).await.expect("puts");
        }
        (directory, catalog, store)
    }

    async fn left(store: &InMemory) -> Vec<String> {
        let objects = store.list(None).map_ok(|object| object.location.to_string());
        let mut paths: Vec<String> = objects.try_collect().await.expect("lists");
        paths.sort();
        paths
    }

    async fn delete(catalog: &SqliteCatalog, store: &InMemory, before: UnixNanos) -> usize {
        delete_orphans(catalog, store, &Path::from("segments"), before).await.expect("deletes")
    }

    #[tokio::test]
    async fn only_objects_of_no_segment_are_deleted() {
        let foreign = ["segments/README.md".to_owned(), "elsewhere/01ARZ3NDEKTSV4RRFFQ69G5FAV/index".to_owned()];
        let mut stored = vec![name(1), name(2), name(3)];
        stored.extend(foreign.clone());
        let (_directory, catalog, store) = setting(&[1, 2], &stored).await;
        assert_eq!(delete(&catalog, &store, EVER).await, 1);
        let [readme, elsewhere] = foreign;
        assert_eq!(left(&store).await, [elsewhere, readme, name(1), name(2)]);
    }

    #[tokio::test]
    async fn young_objects_may_be_uncommitted_and_stay() {
        let started = UnixNanos::now();
        let (_directory, catalog, store) = setting(&[1], &[name(1), name(2)]).await;
        assert_eq!(delete(&catalog, &store, started).await, 0);
        assert_eq!(left(&store).await.len(), 2);
    }

    #[tokio::test]
    async fn with_a_lost_catalog_nothing_is_deleted() {
        let (_directory, catalog, store) = setting(&[], &[name(1), name(2)]).await;
        assert_eq!(delete(&catalog, &store, EVER).await, 0);
        assert_eq!(left(&store).await.len(), 2);
    }

    #[tokio::test]
    async fn a_path_that_the_store_spells_differently_is_known_all_the_same() {
        let path = format!("segments/team*'!()~/logs/{}/index", Ulid::from_parts(1, 0));
        let directory = tempfile::tempdir().expect("directory");
        let catalog = SqliteCatalog::open(&directory.path().join("catalog.sqlite")).await.expect("opens");
        let objects = vec![catalog::ObjectMeta { path: path.clone(), bytes: 5, checksum: 0 }];
        let add = vec![SegmentMeta { objects, ..segment(1) }];
        catalog.commit(&Change { add, ..Change::default() }).await.expect("commits");
        let local = object_store::local::LocalFileSystem::new_with_prefix(directory.path()).expect("opens");
        for store in [&local as &dyn ObjectStore, &InMemory::new()] {
            store.put(&Path::from(path.as_str()), "bytes".into()).await.expect("puts");
            let deleted = delete_orphans(&catalog, store, &Path::from("segments"), EVER).await.expect("deletes");
            assert_eq!(deleted, 0);
            store.get(&Path::from(path.as_str())).await.expect("is there");
        }
    }

    #[test]
    fn files_that_the_store_had_not_finished_are_deleted() {
        let directory = tempfile::tempdir().expect("directory");
        let deep = directory.path().join("default/logs").join(Ulid::from_parts(1, 0).to_string());
        std::fs::create_dir_all(&deep).expect("makes");
        for name in ["rows.parquet", "rows.parquet#1", "rows.parquet#x", "index#2", "../notes#1"] {
            std::fs::write(deep.join(name), "bytes").expect("writes");
        }
        assert_eq!(delete_unfinished_files(directory.path()).expect("deletes"), 2);
        assert!(!deep.join("rows.parquet#1").exists() && !deep.join("index#2").exists());
        assert!(deep.join("rows.parquet").exists() && deep.join("rows.parquet#x").exists());
        assert!(deep.join("../notes#1").exists());
        assert_eq!(delete_unfinished_files(&directory.path().join("missing")).expect("nothing to do"), 0);
    }

    #[test]
    fn empty_directories_of_segments_go_and_all_others_stay() {
        let directory = tempfile::tempdir().expect("directory");
        let table = directory.path().join("default/logs");
        let of = |number: u64| table.join(Ulid::from_parts(number, 0).to_string());
        for kept in [of(1), of(2), of(3), table.join("empty"), directory.path().join("other/traces")] {
            std::fs::create_dir_all(kept).expect("makes");
        }
        std::fs::write(of(2).join("index#1"), "bytes").expect("writes");
        std::fs::write(of(3).join("index"), "bytes").expect("writes");
        delete_unfinished_files(directory.path()).expect("deletes");
        assert!(!of(1).exists() && !of(2).exists());
        assert!(of(3).join("index").exists() && table.join("empty").exists());
        assert!(directory.path().join("other/traces").exists());
    }
}
