//! The local object store, made durable: an object that was put stays there after a power cut.
//!
//! `LocalFileSystem` writes to a staging file and renames it, without any fsync. Objects of segments are written
//! once and nobody knows of them before the catalog does, so it is enough to sync each after its renaming, together
//! with the directories that lead to it.

use std::fmt;
use std::fs::File;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

/// Objects in files below a directory.
#[derive(Debug)]
pub(super) struct DurableStore {
    inner: LocalFileSystem,
    root: Arc<FilePath>,
}

impl DurableStore {
    /// Objects below `root`, which exists.
    pub(super) fn new(root: &FilePath) -> Result<DurableStore> {
        // As the inner store spells it, so that every object's file lies below.
        let inner = LocalFileSystem::new_with_prefix(root)?;
        let root = root.canonicalize().map_err(|error| failed(root, error))?;
        Ok(DurableStore { inner, root: root.into() })
    }

    async fn sync(&self, location: &Path) -> Result<()> {
        let file = self.inner.path_to_filesystem(location)?;
        sync(Arc::clone(&self.root), file).await
    }
}

/// Makes `file` and the directories from it up to `root` durable.
async fn sync(root: Arc<FilePath>, file: PathBuf) -> Result<()> {
    let syncing = tokio::task::spawn_blocking(move || {
        for path in file.ancestors() {
            File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, error))?;
            if path == &*root {
                break;
            }
        }
        Ok(())
    });
    syncing.await.map_err(|source| Error::JoinError { source })?
}

fn failed(path: &FilePath, source: std::io::Error) -> Error {
    let message = format!("cannot sync {}: {source}", path.display());
    Error::Generic { store: "DurableStore", source: message.into() }
}

impl fmt::Display for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableStore({})", self.root.display())
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
        Ok(Box::new(DurableUpload { inner, root: Arc::clone(&self.root), file }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
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
    root: Arc<FilePath>,
    file: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        sync(Arc::clone(&self.root), self.file.clone()).await?;
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
}
