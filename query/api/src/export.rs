//! Exporting records as a stream of OTLP requests.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream::try_unfold;
use tokio::sync::OwnedSemaphorePermit;
use tracewell_model::{Records, TimeRange, UnixNanos};
use tracewell_query::{Export, ExportDamage, QueryScope};

use crate::endpoints as at;
use crate::error::ApiError;
use crate::params::{EXPORT_END, EXPORT_START, PARTIAL, Params};
use crate::tenant::Tenant;
use crate::work::off_the_reactor;
use crate::{ApiState, scope};

/// The most exports at the same time.
pub const EXPORTS_MAX: usize = 4;

/// The media type of OTLP requests one after the other, each behind its length as a varint.
pub const MEDIA_TYPE: &str = "application/vnd.tracewell.otlp-requests";

/// `GET /api/v1/export`.
pub async fn export(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_deref(), at::EXPORT.params)?;
    let now = UnixNanos::now();
    let time = TimeRange {
        start: params.time(&EXPORT_START, now)?.unwrap_or(TimeRange::ALL.start),
        end: params.time(&EXPORT_END, now)?.unwrap_or(TimeRange::ALL.end),
    };
    let question = QueryScope::everything(tenant.0, time).matching(scope::query(&params)?);
    let damage = if params.flag(&PARTIAL)? { ExportDamage::LeaveOut } else { ExportDamage::Fail };
    let permit = Arc::clone(&state.exports).try_acquire_owned().map_err(|_| {
        ApiError::Unavailable(format!("{EXPORTS_MAX} exports are running already: try again when one has ended"))
    })?;
    let export = state.engine.export(&question, params.signal()?, damage)?;
    // An error ends the connection before the end of the body, so that nobody takes a part for the whole.
    let body = Body::from_stream(try_unfold((export, permit), next));
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response())
}

async fn next(
    (mut export, permit): (Export, OwnedSemaphorePermit),
) -> Result<Option<(Vec<u8>, (Export, OwnedSemaphorePermit))>, ApiError> {
    let failed = |error: ApiError| {
        tracing::error!(%error, "an export ended early");
        error
    };
    let Some(records) = export.next().await.map_err(|error| failed(error.into()))? else { return Ok(None) };
    let message = off_the_reactor(move || delimited(&records)).await.map_err(failed)?;
    Ok(Some((message, (export, permit))))
}

/// The records as a request behind its length.
fn delimited(records: &Records) -> Vec<u8> {
    let message = match records {
        Records::Spans(spans) => tracewell_otlp::encode_traces(spans),
        Records::Logs(logs) => tracewell_otlp::encode_logs(logs),
    };
    tracewell_otlp::length_delimited(&message)
}
