//! Lists of log records: search, and the logs of a trace.

use tracewell_model::Logs;

use crate::{Answer, Page, QueryEngine, QueryError, QueryScope};
use tracewell_model::{SpanId, TenantId, TraceId};

/// A page of log records.
#[derive(Clone, Debug, Default)]
pub struct LogPage {
    /// The records, in the order of the list.
    pub logs: Logs,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

impl QueryEngine {
    /// The log records that meet the query, newest first.
    pub async fn search_logs(&self, _scope: &QueryScope, _page: &Page) -> Result<Answer<LogPage>, QueryError> {
        Err(QueryError::internal("being built"))
    }

    /// The log records of a trace or of one of its spans, oldest first, of whatever time.
    pub async fn logs_of_trace(
        &self,
        _tenant: &TenantId,
        _trace: TraceId,
        _span: Option<SpanId>,
        _page: &Page,
    ) -> Result<Answer<LogPage>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
