//! Work that keeps a processor busy for longer than a network thread may be.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::endpoints::JSON;
use crate::error::ApiError;

/// Runs `work` on a thread that may block.
pub async fn off_the_reactor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::Internal(format!("a defect of the server ended this request: {error}")))
}

/// A JSON answer that may be large: what `make` makes, made and written on a thread that may block.
pub async fn large_json<T: Serialize>(make: impl FnOnce() -> T + Send + 'static) -> Result<Response, ApiError> {
    let body = off_the_reactor(move || serde_json::to_vec(&make())).await?;
    let body = body.map_err(|error| ApiError::Internal(format!("the answer cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
}
