//! Searches for traces, and whole traces.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use tracewell_model::{Signal, TraceId};
use tracewell_query::{Answer, Exactness, QueryError, QueryErrorKind, TraceReader};

use crate::endpoints::{self as at, JSON, PROTOBUF};
use crate::error::ApiError;
use crate::frame::FrameSpans;
use crate::otlp_pieces::OtlpPieces;
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
    let Answer { value: spans, exactness, .. } = trace_reader(&state, &tenant, scope::trace_id(&trace)?).await?;
    let mut pieces = OtlpPieces::new(spans, media_type == PROTOBUF);
    // Should the first piece fail, there is still a status to say so.
    let first = pieces.next().await?.unwrap_or_default();
    let rest = futures::stream::try_unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await.inspect_err(|error| tracing::warn!(%error, "a trace was cut short"))?;
        Ok::<_, ApiError>(piece.map(|piece| (piece, pieces)))
    });
    let body = Body::from_stream(futures::stream::once(async { Ok(first) }).chain(rest));
    let mut response = ([(header::CONTENT_TYPE, media_type), (header::VARY, "accept")], body).into_response();
    if let Exactness::Partial { reason } = exactness {
        response.headers_mut().insert(INCOMPLETE, header_text(&reason));
    }
    Ok(response)
}

/// What is missing, in answers that have no place for it in their body.
const INCOMPLETE: HeaderName = HeaderName::from_static("tracewell-incomplete");

/// Text for people as a header.
fn header_text(text: &str) -> HeaderValue {
    let plain: String = text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' }).collect();
    HeaderValue::from_str(&plain).unwrap_or(HeaderValue::from_static("the server's log says what"))
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
    let Answer { value: mut spans, exactness, .. } = trace_reader(&state, &tenant, id).await?;
    spans.reserve(FrameSpans::bytes_for(spans.row_count()))?;
    let mut shown = FrameSpans::default();
    while let Some(piece) = spans.next().await? {
        shown = off_the_reactor(move || {
            shown.add(&piece);
            shown
        })
        .await?;
    }
    let frame = off_the_reactor(move || frame::encode(id, &shown, &exactness.into())).await?;
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
    match state.engine.span(&tenant.0, trace, span).await?.value {
        Some(spans) => large_json(move || span_detail(&spans, 0)).await,
        None => {
            trace_reader(&state, &tenant, trace).await?;
            Err(ApiError::UnknownSpan { trace, span })
        }
    }
}

/// The spans of a trace, to be read.
async fn trace_reader(state: &ApiState, tenant: &Tenant, trace: TraceId) -> Result<Answer<TraceReader>, ApiError> {
    state.engine.trace(&tenant.0, trace).await.map_err(|error: QueryError| match error.kind() {
        QueryErrorKind::NotFound => ApiError::UnknownTrace(trace),
        _ => error.into(),
    })
}
