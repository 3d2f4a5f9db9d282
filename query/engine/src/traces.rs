//! Lists of traces, and whole traces.

use arrow::array::AsArray;
use arrow::datatypes::{TimestampNanosecondType, UInt64Type};
use futures::TryStreamExt;
use serde::Serialize;
use tracewell_model::{Signal, SpanId, Spans, TenantId, TimeRange, TraceId};
use tracewell_storage::{Column, Comparison, Predicate, RowAddress, Scalar};

use crate::session::{DAMAGED_GROUPS_MAX, Session, View};
use crate::trace_reader::TraceReader;
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
        self.run_search(scope.deadline, scope.search_time, |session| async move {
            let view = session.view(&scope.tenant, Signal::Traces);
            search.run(&session, &view).await
        })
        .await
    }

    /// The spans of a trace, of whatever time. [`QueryErrorKind::NotFound`] when there is none.
    pub async fn trace(&self, tenant: &TenantId, trace: TraceId) -> Result<Answer<TraceReader>, QueryError> {
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            let reader = self.trace_reader(&session, &view, trace).await?;
            if reader.row_count() == 0 {
                let message = match session.gaps() {
                    None => format!("trace {trace} is not stored: it never arrived here, or its retention is over"),
                    Some(gaps) => format!("trace {trace} is not found, but {gaps}"),
                };
                return Err(QueryError::new(QueryErrorKind::NotFound, message));
            }
            Ok((reader, Exactness::Exact))
        })
        .await
    }

    /// Finds a trace and reads its beginning, without what turns out to be damaged.
    async fn trace_reader(&self, session: &Session, view: &View, trace: TraceId) -> Result<TraceReader, QueryError> {
        for _ in 0..DAMAGED_GROUPS_MAX {
            let mut reader = TraceReader::find(self, session, view, trace).await?;
            match reader.read_ahead().await {
                Err(error) if error.kind() == QueryErrorKind::Damaged => {}
                read => return read.map(|()| reader),
            }
        }
        TraceReader::find(self, session, view, trace).await
    }

    /// A span of a trace: of several with its id the one that starts first. None when there is none.
    pub async fn span(
        &self,
        tenant: &TenantId,
        trace: TraceId,
        span: SpanId,
    ) -> Result<Answer<Option<Spans>>, QueryError> {
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            let columns = [("time", Column::Time), ("address", Column::Address)];
            let is_it = Predicate::And(vec![has_id(Column::TraceId, &trace.0), has_id(Column::SpanId, &span.0)]);
            let mut batches = session.stream(&view, &columns, TimeRange::ALL, is_it);
            let mut first: Option<(i64, u64)> = None;
            while let Some(batch) = batches.try_next().await? {
                let times = batch.column(0).as_primitive::<TimestampNanosecondType>().values();
                let addresses = batch.column(1).as_primitive::<UInt64Type>().values();
                first = times.iter().copied().zip(addresses.iter().copied()).chain(first).min();
            }
            let Some((_, address)) = first else { return Ok((None, Exactness::Exact)) };
            Ok((Some(view.snapshot().spans(&[RowAddress(address)]).await?), Exactness::Exact))
        })
        .await
    }
}

/// The condition that a column of ids holds this one.
pub(crate) fn has_id(column: Column, id: &[u8]) -> Predicate {
    Predicate::Compare { column, comparison: Comparison::Equal, value: Scalar::Binary(id.to_vec()) }
}
