//! A data directory opened for looking at it only.

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::catalog::SqliteCatalog;
use crate::{StorageError, StorageErrorKind};

/// The name of the catalog's file in a data directory.
pub(crate) const CATALOG_FILE: &str = "catalog.sqlite";

/// Catalog and objects of a data directory. Nothing in it is changed.
pub(super) struct StoreReader {
    pub catalog: SqliteCatalog,
    pub objects: Arc<dyn ObjectStore>,
}

impl StoreReader {
    /// Opens `data_dir`, in which there has to be a catalog.
    pub(super) async fn open(data_dir: &Path) -> Result<StoreReader, StorageError> {
        let file = data_dir.join(CATALOG_FILE);
        if !file.is_file() {
            let message = format!("there is no {CATALOG_FILE} in {}: is it a data directory?", data_dir.display());
            return Err(StorageError::new(StorageErrorKind::Invalid, message));
        }
        let catalog = SqliteCatalog::open_to_read(&file).await?;
        let objects = LocalFileSystem::new_with_prefix(data_dir).map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot open {}: {error}", data_dir.display()))
        })?;
        Ok(StoreReader { catalog, objects: Arc::new(objects) })
    }
}
