//! Where work runs that computes or reads files.

#[cfg(test)]
use crate::engine::simulation::executor as simulated;
use crate::{StorageError, StorageErrorKind};

/// Runs work that computes or reads files where it does not hold up others.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    #[cfg(test)]
    if simulated::is_running() {
        simulated::pause().await;
        return work();
    }
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        let message = format!("a background task of the storage failed: {error}");
        Err(StorageError::new(StorageErrorKind::Internal, message))
    })
}

/// Waits for `future` within [`blocking`].
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    #[cfg(test)]
    if simulated::is_running() {
        return simulated::wait(future);
    }
    tokio::runtime::Handle::current().block_on(future)
}
