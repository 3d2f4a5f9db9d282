//! Services, their operations and the calls between them.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use tracewell_model::UnixNanos;

use crate::ApiState;
use crate::endpoints as at;
use crate::error::ApiError;
use crate::params::Params;
use crate::shapes::{Operations, ServiceMap, Services};
use crate::tenant::Tenant;

/// `GET /api/v1/services`.
pub async fn list(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<Services>, ApiError> {
    let params = Params::parse(query.as_deref(), at::SERVICES.params)?;
    let time = params.time_range(UnixNanos::now())?;
    Ok(Json(state.engine.services(&tenant.0, time).await?.into()))
}

/// `GET /api/v1/services/{name}/operations`.
pub async fn operations(
    state: State<ApiState>,
    tenant: Tenant,
    Path(service): Path<String>,
    query: RawQuery,
) -> Result<Json<Operations>, ApiError> {
    operations_of(state.0, tenant, &service, query.0.as_deref()).await
}

/// The same for records whose resource names no service: a path cannot hold an empty name otherwise.
pub async fn operations_of_the_unnamed(
    state: State<ApiState>,
    tenant: Tenant,
    query: RawQuery,
) -> Result<Json<Operations>, ApiError> {
    operations_of(state.0, tenant, "", query.0.as_deref()).await
}

/// `GET /api/v1/service-map`.
pub async fn map(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<ServiceMap>, ApiError> {
    let params = Params::parse(query.as_deref(), at::SERVICE_MAP.params)?;
    let time = params.time_range(UnixNanos::now())?;
    Ok(Json(state.engine.service_map(&tenant.0, time).await?.into()))
}

async fn operations_of(
    state: ApiState,
    tenant: Tenant,
    service: &str,
    query: Option<&str>,
) -> Result<Json<Operations>, ApiError> {
    let params = Params::parse(query, at::OPERATIONS.params)?;
    let time = params.time_range(UnixNanos::now())?;
    Ok(Json(state.engine.operations(&tenant.0, time, service).await?.into()))
}
