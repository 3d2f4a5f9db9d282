//! Lists of traces, and whole traces.

use serde::Serialize;
use tracewell_model::{Spans, TenantId, TraceId};

use crate::{Answer, Page, QueryEngine, QueryError, QueryScope, TraceSummary};

/// A page of traces.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TracePage {
    /// The traces, in the order of the list.
    pub traces: Vec<TraceSummary>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

impl QueryEngine {
    /// The traces with a span that meets the query, by the latest start of such a span, newest first. Summaries are
    /// of the whole trace, also of spans outside the time range.
    pub async fn search_traces(&self, _scope: &QueryScope, _page: &Page) -> Result<Answer<TracePage>, QueryError> {
        Err(QueryError::internal("being built"))
    }

    /// All spans of a trace, of whatever time. [`crate::QueryErrorKind::NotFound`] when there is none.
    pub async fn trace(&self, _tenant: &TenantId, _trace: TraceId) -> Result<Answer<Spans>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
