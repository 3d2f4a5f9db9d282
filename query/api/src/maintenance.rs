//! Maintenance on demand: flushing and compaction, which happen by themselves otherwise, and verifying.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use tracewell_storage::StorageError;

use crate::ApiState;
use crate::endpoints::{self as at, Endpoint};
use crate::error::ApiError;
use crate::params::Params;
use crate::shapes::VerifyReport;

/// `POST /api/v1/maintenance/flush`.
pub async fn flush(
    State(state): State<ApiState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    check(&at::FLUSH, query.as_deref(), &headers)?;
    let storage = state.storage.clone();
    to_the_end(async move { storage.flush().await }).await
}

/// `POST /api/v1/maintenance/compact`.
pub async fn compact(
    State(state): State<ApiState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    check(&at::COMPACT, query.as_deref(), &headers)?;
    let storage = state.storage.clone();
    to_the_end(async move { storage.compact_now().await }).await
}

/// `POST /api/v1/maintenance/verify`.
pub async fn verify(
    State(state): State<ApiState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<VerifyReport>, ApiError> {
    check(&at::VERIFY, query.as_deref(), &headers)?;
    Ok(Json(state.storage.verify().await?.into()))
}

/// Browsers send simple `POST` requests for any page that asks; they say so in `Sec-Fetch-Site`.
pub fn check(endpoint: &Endpoint, query: Option<&str>, headers: &HeaderMap) -> Result<Params, ApiError> {
    let params = Params::parse(query, endpoint.params)?;
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(params),
        Some(_) => Err(ApiError::CrossSite),
    }
}

/// Does the work to its end, also when the client leaves: it is not the client's.
async fn to_the_end(
    work: impl Future<Output = Result<(), StorageError>> + Send + 'static,
) -> Result<StatusCode, ApiError> {
    let done = tokio::spawn(work).await;
    done.map_err(|error| ApiError::Internal(format!("a defect of the server ended this request: {error}")))??;
    Ok(StatusCode::NO_CONTENT)
}
