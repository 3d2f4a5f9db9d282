//! Where accepted requests go.

use futures::FutureExt;
use futures::future::BoxFuture;
use tracewell_storage::{Append, Appended, Storage, StorageError};

/// Makes requests durable. The storage does; tests have their own.
pub trait Sink: Send + Sync + 'static {
    /// Makes a request durable: when this returns `Ok`, the client may forget it.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StorageError>>;
}

impl Sink for Storage {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, StorageError>> {
        Storage::append(self, append).boxed()
    }
}
