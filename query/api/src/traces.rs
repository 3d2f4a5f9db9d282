//! Searches for traces, and whole traces.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tracewell_model::{Signal, Spans, TraceId};
use tracewell_query::{Answer, QueryError, QueryErrorKind};

use crate::endpoints::{self as at, JSON, PROTOBUF};
use crate::error::ApiError;
use crate::params::{BUCKETS, FIELDS, Params, VALUES_LIMIT};
use crate::records::span_detail;
use crate::shapes::{Facets, TraceHistogram, TracePage};
use crate::tenant::Tenant;
use crate::work::{large_json, off_the_reactor};
use crate::{ApiState, accept, frame, scope};

/// `GET /api/v1/traces`.
pub async fn search(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<TracePage>, ApiError> {
    let params = Params::parse(query.as_deref(), at::TRACES.params)?;
    let (question, page) = (scope::query_scope(tenant, &params)?, scope::page(&params)?);
    Ok(Json(state.engine.search_traces(&question, &page).await?.into()))
}

/// `GET /api/v1/traces/histogram`.
pub async fn histogram(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<TraceHistogram>, ApiError> {
    let params = Params::parse(query.as_deref(), at::TRACE_HISTOGRAM.params)?;
    let (question, buckets) = (scope::query_scope(tenant, &params)?, params.count(&BUCKETS)?);
    Ok(Json(state.engine.span_histogram(&question, buckets).await?.into()))
}

/// `GET /api/v1/traces/facets`.
pub async fn facets(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<Facets>, ApiError> {
    let params = Params::parse(query.as_deref(), at::TRACE_FACETS.params)?;
    let question = scope::query_scope(tenant, &params)?;
    let (fields, limit) = (params.names(&FIELDS)?, params.count(&VALUES_LIMIT)?);
    Ok(Json(state.engine.facets(&question, Signal::Traces, &fields, limit).await?.into()))
}

/// `GET /api/v1/traces/{traceId}`.
pub async fn otlp(
    State(state): State<ApiState>,
    tenant: Tenant,
    Path(trace): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    Params::parse(query.as_deref(), at::TRACE.params)?;
    let media_type = accept::preferred(&headers, &[JSON, PROTOBUF], "application/json, application/x-protobuf")?;
    let spans = whole_trace(&state, tenant, scope::trace_id(&trace)?).await?.value;
    let body = off_the_reactor(move || match media_type {
        PROTOBUF => tracewell_otlp::encode_traces(&spans),
        _ => tracewell_otlp::traces_to_json(&spans).into_bytes(),
    });
    Ok(([(header::CONTENT_TYPE, media_type), (header::VARY, "accept")], body.await?).into_response())
}

/// `GET /api/v1/traces/{traceId}/frame`.
pub async fn frame(
    State(state): State<ApiState>,
    tenant: Tenant,
    Path(trace): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    Params::parse(query.as_deref(), at::TRACE_FRAME.params)?;
    let id = scope::trace_id(&trace)?;
    let Answer { value: spans, exactness, .. } = whole_trace(&state, tenant, id).await?;
    let frame = off_the_reactor(move || frame::encode(id, &spans, &exactness.into())).await?;
    let frame = frame.map_err(|error| ApiError::Internal(format!("the trace frame cannot be written: {error}")))?;
    Ok(([(header::CONTENT_TYPE, frame::MEDIA_TYPE)], frame).into_response())
}

/// `GET /api/v1/traces/{traceId}/spans/{spanId}`.
pub async fn span(
    State(state): State<ApiState>,
    tenant: Tenant,
    Path((trace, span)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    Params::parse(query.as_deref(), at::SPAN.params)?;
    let (trace, span) = (scope::trace_id(&trace)?, scope::span_id(&span)?);
    let spans = whole_trace(&state, tenant, trace).await?.value;
    let row = spans.span_id.iter().position(|&id| id == span).ok_or(ApiError::UnknownSpan { trace, span })?;
    large_json(move || span_detail(&spans, row)).await
}

/// All spans of a trace.
async fn whole_trace(state: &ApiState, tenant: Tenant, trace: TraceId) -> Result<Answer<Spans>, ApiError> {
    state.engine.trace(&tenant.0, trace).await.map_err(|error: QueryError| match error.kind() {
        QueryErrorKind::NotFound => ApiError::UnknownTrace(trace),
        _ => error.into(),
    })
}
