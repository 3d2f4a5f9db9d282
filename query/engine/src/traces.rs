//! Lists of traces, and whole traces.

use serde::Serialize;
use tracewell_model::{Signal, Spans, TenantId, TraceId};

use crate::trace_search::TraceSearch;
use crate::{Answer, Exactness, Page, QueryEngine, QueryError, QueryErrorKind, QueryScope, TraceSummary, lower};

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
    ///
    /// When time runs out before the page is full, the answer is [`Exactness::Partial`]: it has all traces down to the
    /// point in time that its cursor goes on from.
    pub async fn search_traces(&self, scope: &QueryScope, page: &Page) -> Result<Answer<TracePage>, QueryError> {
        let predicate = lower(&scope.query, Signal::Traces)?;
        let search = TraceSearch::new(predicate, scope.time, page)?;
        self.run(scope.deadline, |session| async move {
            let view = session.view(&scope.tenant, Signal::Traces);
            search.run(&session, &view).await
        })
        .await
    }

    /// All spans of a trace, of whatever time. [`QueryErrorKind::NotFound`] when there is none.
    pub async fn trace(&self, tenant: &TenantId, trace: TraceId) -> Result<Answer<Spans>, QueryError> {
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            let spans = view.read_all().trace(trace).await?;
            if spans.is_empty() {
                let message = format!("trace {trace} is not stored: it never arrived here, or its retention is over");
                return Err(QueryError::new(QueryErrorKind::NotFound, message));
            }
            Ok((spans, Exactness::Exact))
        })
        .await
    }
}
