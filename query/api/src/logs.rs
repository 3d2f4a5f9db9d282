//! Searches for log records, and the log records of a trace.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use tracewell_model::Signal;
use tracewell_query::Answer;

use crate::endpoints::{self as at, JSON, PROTOBUF};
use crate::error::ApiError;
use crate::params::{BUCKETS, FIELDS, Params, SPAN_ID, VALUES_LIMIT};
use crate::records::log_records;
use crate::shapes::{Facets, LogHistogram, LogPage};
use crate::tenant::Tenant;
use crate::work::{large_json, off_the_reactor};
use crate::{ApiState, accept, scope};

/// Where the next page begins, in answers that have no place for it in their body.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("tracewell-next-cursor");

/// `GET /api/v1/logs`.
pub async fn search(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_deref(), at::LOGS.params)?;
    let media_type = accept::preferred(&headers, &[JSON, PROTOBUF], "application/json, application/x-protobuf")?;
    let (question, page) = (scope::query_scope(tenant, &params)?, scope::page(&params)?);
    let answer = state.engine.search_logs(&question, &page).await?;
    written(answer, media_type).await
}

/// `GET /api/v1/logs/histogram`.
pub async fn histogram(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<LogHistogram>, ApiError> {
    let params = Params::parse(query.as_deref(), at::LOG_HISTOGRAM.params)?;
    let (question, buckets) = (scope::query_scope(tenant, &params)?, params.count(&BUCKETS)?);
    Ok(Json(state.engine.log_histogram(&question, buckets).await?.into()))
}

/// `GET /api/v1/logs/facets`.
pub async fn facets(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<Facets>, ApiError> {
    let params = Params::parse(query.as_deref(), at::LOG_FACETS.params)?;
    let question = scope::query_scope(tenant, &params)?;
    let (fields, limit) = (params.names(&FIELDS)?, params.count(&VALUES_LIMIT)?);
    Ok(Json(state.engine.facets(&question, Signal::Logs, &fields, limit).await?.into()))
}

/// `GET /api/v1/traces/{traceId}/logs`.
pub async fn of_trace(
    State(state): State<ApiState>,
    tenant: Tenant,
    Path(trace): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let params = Params::parse(query.as_deref(), at::TRACE_LOGS.params)?;
    let media_type = accept::preferred(&headers, &[JSON, PROTOBUF], "application/json, application/x-protobuf")?;
    let (trace, span, page) = (scope::trace_id(&trace)?, params.parsed(&SPAN_ID)?, scope::page(&params)?);
    let answer = state.engine.logs_of_trace(&tenant.0, trace, span, &page).await?;
    written(answer, media_type).await
}

/// A page as JSON, or as the OTLP request that would send its records.
async fn written(answer: Answer<tracewell_query::LogPage>, media_type: &'static str) -> Result<Response, ApiError> {
    if media_type != PROTOBUF {
        return large_json(move || log_page(answer)).await;
    }
    let next_cursor = answer.value.next_cursor;
    let logs = answer.value.logs;
    let body = off_the_reactor(move || tracewell_otlp::encode_logs(&logs)).await?;
    let mut response = ([(header::CONTENT_TYPE, media_type), (header::VARY, "accept")], body).into_response();
    if let Some(cursor) = next_cursor.and_then(|cursor| cursor.parse().ok()) {
        response.headers_mut().insert(NEXT_CURSOR, cursor);
    }
    Ok(response)
}

fn log_page(answer: Answer<tracewell_query::LogPage>) -> LogPage {
    LogPage {
        logs: log_records(&answer.value.logs),
        next_cursor: answer.value.next_cursor,
        exactness: answer.exactness.into(),
        statistics: answer.statistics.into(),
    }
}
