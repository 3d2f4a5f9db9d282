//! Fields and their values.

use axum::Json;
use axum::extract::{RawQuery, State};
use tracewell_model::UnixNanos;

use crate::ApiState;
use crate::endpoints as at;
use crate::error::ApiError;
use crate::params::{FIELD, PREFIX, Params, VALUES_LIMIT};
use crate::shapes::{FieldValues, Fields};
use crate::tenant::Tenant;

/// `GET /api/v1/fields`.
pub async fn list(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<Fields>, ApiError> {
    let params = Params::parse(query.as_deref(), at::FIELD_LIST.params)?;
    let (signal, time) = (params.signal()?, params.time_range(UnixNanos::now())?);
    Ok(Json(state.engine.fields(&tenant.0, signal, time).await?.into()))
}

/// `GET /api/v1/fields/values`.
pub async fn values(
    State(state): State<ApiState>,
    tenant: Tenant,
    RawQuery(query): RawQuery,
) -> Result<Json<FieldValues>, ApiError> {
    let params = Params::parse(query.as_deref(), at::FIELD_VALUES.params)?;
    let (signal, time) = (params.signal()?, params.time_range(UnixNanos::now())?);
    let (field, prefix, limit) = (params.text(&FIELD), params.text(&PREFIX), params.count(&VALUES_LIMIT)?);
    let answer = state.engine.field_values(&tenant.0, signal, time, field, prefix, limit).await?;
    Ok(Json(answer.into()))
}
