//! Lists of log records: search, and the logs of a trace.

use tracewell_model::{Logs, Signal, SpanId, TenantId, TimeRange, TraceId};
use tracewell_storage::{Column, Predicate};

use crate::log_search::LogSearch;
use crate::slices::TimeOrder;
use crate::traces::has_id;
use crate::{Answer, Page, QueryEngine, QueryError, QueryScope, lower};

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
    ///
    /// When time runs out before the page is full, the answer is [`crate::Exactness::Partial`]: it has all records down
    /// to the point in time that its cursor goes on from.
    pub async fn search_logs(&self, scope: &QueryScope, page: &Page) -> Result<Answer<LogPage>, QueryError> {
        let predicate = lower(&scope.query, Signal::Logs)?;
        let search = LogSearch::new(predicate, scope.time, TimeOrder::NewestFirst, page)?;
        self.run_search(scope.deadline, scope.search_time, |session| async move {
            let view = session.view(&scope.tenant, Signal::Logs);
            search.run(&session, &view).await
        })
        .await
    }

    /// The log records of a trace or of one of its spans, oldest first, of whatever time.
    pub async fn logs_of_trace(
        &self,
        tenant: &TenantId,
        trace: TraceId,
        span: Option<SpanId>,
        page: &Page,
    ) -> Result<Answer<LogPage>, QueryError> {
        let mut conditions = vec![has_id(Column::TraceId, &trace.0)];
        conditions.extend(span.map(|span| has_id(Column::SpanId, &span.0)));
        let search = LogSearch::new(Predicate::And(conditions), TimeRange::ALL, TimeOrder::OldestFirst, page)?;
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Logs);
            search.run(&session, &view).await
        })
        .await
    }
}
