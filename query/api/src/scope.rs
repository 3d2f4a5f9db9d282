//! What every question states: whose records, of which time, which of them, and which page.

use tracewell_language::Query;
use tracewell_model::{SpanId, TraceId, UnixNanos};
use tracewell_query::{Page, QueryScope};

use crate::error::ApiError;
use crate::params::{CURSOR, LIMIT, Params, Q, invalid_named};
use crate::tenant::Tenant;

/// The records that `params` ask about.
pub fn query_scope(tenant: Tenant, params: &Params) -> Result<QueryScope, ApiError> {
    let time = params.time_range(UnixNanos::now())?;
    Ok(QueryScope::everything(tenant.0, time).matching(query(params)?))
}

/// The search in `q`.
pub fn query(params: &Params) -> Result<Query, ApiError> {
    tracewell_language::parse(params.text(&Q)).map_err(|error| {
        let position = Some(error.position());
        ApiError::InvalidQuery { message: error.to_string(), position }
    })
}

/// The page that `params` ask for.
pub fn page(params: &Params) -> Result<Page, ApiError> {
    Ok(Page { limit: params.count(&LIMIT)?, cursor: params.get(&CURSOR).map(str::to_owned) })
}

/// The id of a trace in the path.
pub fn trace_id(text: &str) -> Result<TraceId, ApiError> {
    text.parse().map_err(|_| invalid_named("traceId", text, "32 hexadecimal digits, not all zero"))
}

/// The id of a span in the path.
pub fn span_id(text: &str) -> Result<SpanId, ApiError> {
    text.parse().map_err(|_| invalid_named("spanId", text, "16 hexadecimal digits, not all zero"))
}
