//! Work that keeps a processor busy for longer than a network thread may be.

use crate::error::ApiError;

/// Runs `work` on a thread that may block.
pub async fn off_the_reactor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::Internal(format!("a defect of the server ended this request: {error}")))
}
