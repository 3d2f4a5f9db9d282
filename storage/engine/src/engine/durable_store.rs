//! The local object store, made durable: an object that was put stays there after a power cut.
//!
//! `LocalFileSystem` writes to a staging file and renames it, without any fsync. Objects of segments are written
//! once and nobody knows of them before the catalog does, so it is enough to sync each after its renaming, together
//! with the directories that lead to it. The directory of a segment goes with its last object.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use parking_lot::Mutex;

use crate::retention::remove_empty_directory;

/// At most this many directories are remembered.
const KNOWN_DIRECTORIES_MAX: usize = 10_000;

/// Objects in files below a directory.
#[derive(Debug)]
pub(super) struct DurableStore {
    inner: LocalFileSystem,
    syncer: Arc<Syncer>,
}

impl DurableStore {
    /// Objects below `root`, which exists.
    pub(super) fn new(root: &FilePath) -> Result<DurableStore> {
        let inner = LocalFileSystem::new_with_prefix(root)?;
        // As the inner store spells it, so that every object's file lies below.
        let root = root.canonicalize().map_err(|error| failed(root, error))?;
        Ok(DurableStore { inner, syncer: Arc::new(Syncer { root, known: Mutex::default() }) })
    }

    async fn sync(&self, location: &Path) -> Result<()> {
        let file = self.inner.path_to_filesystem(location)?;
        self.syncer.sync(file).await
    }
}

/// Makes files durable.
#[derive(Debug)]
struct Syncer {
    root: PathBuf,
    /// Directories that are certainly in their parents.
    known: Mutex<HashSet<PathBuf>>,
}

impl Syncer {
    /// Makes `file` and the directories that lead to it from the root durable.
    #[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "works on the real disk alone"))]
    async fn sync(self: &Arc<Self>, file: PathBuf) -> Result<()> {
        let syncer = Arc::clone(self);
        let syncing = tokio::task::spawn_blocking(move || syncer.sync_blocking(&file));
        syncing.await.map_err(|source| Error::JoinError { source })?
    }

    fn sync_blocking(&self, file: &FilePath) -> Result<()> {
        sync_path(file)?;
        let mut made = Vec::new();
        for directory in file.ancestors().skip(1) {
            // Makes what is in it durable: the file, or the directory before.
            sync_path(directory)?;
            if directory == self.root || self.known.lock().contains(directory) {
                break;
            }
            made.push(directory.to_owned());
        }
        let mut known = self.known.lock();
        if known.len() > KNOWN_DIRECTORIES_MAX {
            known.clear();
        }
        known.extend(made);
        Ok(())
    }
}

/// Removes the directory of the segment that the deleted `file` was of, when that was its last.
///
/// No writer is in it: each segment is written once, under an id of its own, before anything of it is deleted.
#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "works on the real disk alone"))]
async fn tidy_up(syncer: Arc<Syncer>, file: PathBuf) {
    let tidied = tokio::task::spawn_blocking(move || {
        if let Some(directory) = file.parent()
            && remove_empty_directory(directory)
        {
            syncer.known.lock().remove(directory);
        }
    });
    // At worst an empty directory is left until the next start.
    drop(tidied.await);
}

fn sync_path(path: &FilePath) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, error))
}

fn failed(path: &FilePath, source: std::io::Error) -> Error {
    let message = format!("cannot sync {}: {source}", path.display());
    Error::Generic { store: "DurableStore", source: message.into() }
}

impl fmt::Display for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableStore({})", self.syncer.root.display())
    }
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.inner.put_opts(location, payload, options).await?;
        self.sync(location).await?;
        Ok(result)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, options).await?;
        let file = self.inner.path_to_filesystem(location)?;
        Ok(Box::new(DurableUpload { inner, syncer: Arc::clone(&self.syncer), file }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (store, syncer) = (self.inner.clone(), Arc::clone(&self.syncer));
        let tidied = self.inner.delete_stream(locations).then(move |deleted| {
            let file = deleted.as_ref().ok().and_then(|location| store.path_to_filesystem(location).ok());
            let syncer = Arc::clone(&syncer);
            async move {
                if let Some(file) = file {
                    tidy_up(syncer, file).await;
                }
                deleted
            }
        });
        tidied.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await?;
        self.sync(to).await
    }
}

/// An upload whose object is durable when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    syncer: Arc<Syncer>,
    file: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        self.syncer.sync(self.file.clone()).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn objects_put_at_once_or_in_parts_are_read_back() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DurableStore::new(directory.path()).expect("opens");
        let (whole, parts) = (Path::from("a b/c*/whole"), Path::from("a b/parts"));
        store.put(&whole, "whole".into()).await.expect("puts");
        let mut upload = store.put_multipart(&parts).await.expect("begins");
        upload.put_part("par".into()).await.expect("puts");
        upload.put_part("ts".into()).await.expect("puts");
        upload.complete().await.expect("completes");
        for (path, expected) in [(whole, "whole"), (parts, "parts")] {
            let bytes = store.get(&path).await.expect("is there").bytes().await.expect("reads");
            assert_eq!(bytes, expected);
        }
    }

    #[tokio::test]
    async fn the_directory_of_a_segment_goes_with_its_last_object() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DurableStore::new(directory.path()).expect("opens");
        let object = |table: &str, name: &str| Path::from(format!("{table}/01ARZ3NDEKTSV4RRFFQ69G5FAV/{name}"));
        let (rows, index) = (object("logs", "rows.parquet"), object("logs", "index"));
        let note = Path::from("notes/note");
        for path in [&rows, &index, &note] {
            store.put(path, "bytes".into()).await.expect("puts");
        }
        let is_there = |path: &str| directory.path().join(path).is_dir();
        store.delete(&rows).await.expect("deletes");
        assert!(is_there("logs/01ARZ3NDEKTSV4RRFFQ69G5FAV"), "another object is in it");
        store.delete(&index).await.expect("deletes");
        store.delete(&note).await.expect("deletes");
        assert!(!is_there("logs/01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        assert!(is_there("logs") && is_there("notes"), "others may be about to write there");
        store.put(&rows, "again".into()).await.expect("puts");
        assert!(directory.path().join(rows.as_ref()).is_file());
    }
}
