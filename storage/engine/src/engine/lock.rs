//! The lock that keeps a second process away from a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use parking_lot::Mutex;

use crate::{StorageError, StorageErrorKind};

/// Held as long as the storage is open; the system releases it when the process ends, however it does.
pub(crate) struct DirectoryLock(Mutex<Option<File>>);

impl DirectoryLock {
    /// Locks `directory`, which exists.
    pub(crate) fn acquire(directory: &Path) -> Result<DirectoryLock, StorageError> {
        let path = directory.join("lock");
        let failed = |error: std::io::Error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot lock {}: {error}", path.display()))
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(DirectoryLock(Mutex::new(Some(file)))),
            Err(TryLockError::WouldBlock) => {
                let message = format!(
                    "the data directory {} is used by another process: stop it, or choose another data directory",
                    directory.display()
                );
                Err(StorageError::new(StorageErrorKind::Unavailable, message))
            }
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// For a storage without a directory.
    #[cfg(test)]
    pub(crate) fn none() -> DirectoryLock {
        DirectoryLock(Mutex::new(None))
    }

    /// Lets others in.
    pub(super) fn release(&self) {
        self.0.lock().take();
    }
}
