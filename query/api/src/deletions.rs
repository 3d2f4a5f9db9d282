//! Deleting on request, and the record of it.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use tracewell_model::{Signal, TimeRange, TraceId, UnixNanos};
use tracewell_query::lower;
use tracewell_storage::{Column, Comparison, DeleteRequest, DeleteTarget, Predicate, Scalar};

use crate::endpoints as at;
use crate::error::ApiError;
use crate::maintenance::check;
use crate::params::{CONFIRM, DELETE_END, DELETE_Q, DELETE_START, Params, TRACE_ID, invalid};
use crate::shapes::{Deletion, Deletions};
use crate::tenant::Tenant;
use crate::{ApiState, scope};

/// `POST /api/v1/maintenance/delete/trace`.
pub async fn trace(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Deletion>, ApiError> {
    let params = check(&at::DELETE_TRACE, query.as_deref(), &headers)?;
    let trace = scope::trace_id(params.text(&TRACE_ID))?;
    let parts = [Signal::Traces, Signal::Logs].map(|signal| (signal, TimeRange::ALL, of_trace(trace)));
    let target = DeleteTarget::Matching(parts.to_vec());
    delete(&state, DeleteRequest { tenant: tenant.0, target, description: format!("trace {trace}") }).await
}

/// `POST /api/v1/maintenance/delete/query`.
pub async fn query(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Deletion>, ApiError> {
    let params = check(&at::DELETE_QUERY, query.as_deref(), &headers)?;
    let text = params.text(&DELETE_Q);
    let parsed = tracewell_language::parse(text).map_err(|error| {
        let position = Some(error.position());
        ApiError::InvalidQuery { message: error.to_string(), position }
    })?;
    if parsed.root.is_none() {
        return Err(invalid(&DELETE_Q, text, "a search that says which records; to delete all, delete the tenant"));
    }
    let signal = params.signal()?;
    let time = params.range_of(&DELETE_START, &DELETE_END, UnixNanos::now())?;
    let target = DeleteTarget::Matching(vec![(signal, time, lower(&parsed, signal)?)]);
    let description = format!("{signal} from {} to {} (Unix nanoseconds) that meet: {text}", time.start.0, time.end.0);
    delete(&state, DeleteRequest { tenant: tenant.0, target, description }).await
}

/// `POST /api/v1/maintenance/delete/tenant`.
pub async fn everything(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Deletion>, ApiError> {
    let params = check(&at::DELETE_TENANT, query.as_deref(), &headers)?;
    let confirmed = params.text(&CONFIRM);
    if confirmed != tenant.0.as_str() {
        let expected = format!("the name of the tenant whose records are to be deleted, {:?}", tenant.0.as_str());
        return Err(invalid(&CONFIRM, confirmed, expected));
    }
    let (target, description) = (DeleteTarget::Everything, format!("everything of tenant {}", tenant.0));
    delete(&state, DeleteRequest { tenant: tenant.0, target, description }).await
}

/// `GET /api/v1/deletions`.
pub async fn list(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<Deletions>, ApiError> {
    Params::parse(query.as_deref(), at::DELETIONS.params)?;
    let all = state.storage.deletions().await?;
    let deletions = all.into_iter().filter(|deletion| deletion.tenant == tenant.0).map(Deletion::from).collect();
    Ok(Json(Deletions { deletions }))
}

/// To its end, also when the client leaves.
async fn delete(state: &ApiState, request: DeleteRequest) -> Result<Json<Deletion>, ApiError> {
    let storage = state.storage.clone();
    let done = tokio::spawn(async move { storage.delete(request).await }).await;
    let deletion =
        done.map_err(|error| ApiError::Internal(format!("a defect of the server ended this request: {error}")))?;
    Ok(Json(deletion?.into()))
}

fn of_trace(trace: TraceId) -> Predicate {
    Predicate::Compare {
        column: Column::TraceId,
        comparison: Comparison::Equal,
        value: Scalar::Binary(trace.0.to_vec()),
    }
}
