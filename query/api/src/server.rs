//! What is asked about the server itself.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tracewell_model::UnixNanos;

use crate::error::ApiError;
use crate::params::Params;
use crate::status::{Status, StatusSource};
use crate::{ApiState, endpoints, openapi};

/// `GET /api/v1/status`.
pub async fn status(State(state): State<ApiState>, RawQuery(query): RawQuery) -> Result<Json<Status>, ApiError> {
    Params::parse(query.as_deref(), endpoints::STATUS.params)?;
    Ok(Json(Status::new(&*state.status, state.storage.stats(), UnixNanos::now())))
}

/// `GET /api/v1/openapi.json`.
pub async fn openapi(RawQuery(query): RawQuery) -> Result<Json<&'static Value>, ApiError> {
    Params::parse(query.as_deref(), endpoints::OPENAPI.params)?;
    Ok(Json(openapi::document()))
}

/// `GET /healthz`.
pub async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`.
pub async fn ready(State(state): State<ApiState>) -> Response {
    readiness(&*state.status)
}

/// The answer to whether the server is ready.
pub fn readiness(status: &dyn StatusSource) -> Response {
    match status.readiness() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}
