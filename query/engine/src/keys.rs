//! Which of the keys that rollups count by meet a query: judged by the storage, as rows are.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use tracewell_model::{Logs, Records, Scope, ScopeTable, Signal, SpanId, Spans, TimeRange, TraceId, Value};
use tracewell_storage::{Column, LogKey, Predicate, RowAddress, ScanRequest, Snapshot, SpanKey};

use crate::QueryError;

/// A condition that depends on nothing but what rollups count by.
pub(crate) struct KeyFilter {
    predicate: Predicate,
    /// Whether it depends on the name of spans, or the text of severities.
    needs_text: bool,
}

impl KeyFilter {
    /// The condition, if it is one.
    pub(crate) fn new(predicate: &Predicate, signal: Signal) -> Option<KeyFilter> {
        let mut filter = KeyFilter { predicate: predicate.clone(), needs_text: false };
        let mut columns = Vec::new();
        if !columns_of(predicate, &mut columns) {
            return None;
        }
        for column in columns {
            match (signal, column) {
                (_, Column::ServiceName) => {}
                (Signal::Traces, Column::Kind | Column::StatusCode) | (Signal::Logs, Column::SeverityNumber) => {}
                (Signal::Traces, Column::Name) | (Signal::Logs, Column::SeverityText) => filter.needs_text = true,
                _ => return None,
            }
        }
        Some(filter)
    }

    /// The same for rows.
    pub(crate) fn predicate(&self) -> &Predicate {
        &self.predicate
    }

    /// Which of the keys of spans meet it; none when that is not known of one.
    pub(crate) async fn spans(&self, keys: &[SpanKey]) -> Result<Option<Vec<bool>>, QueryError> {
        if self.predicate == Predicate::always() {
            return Ok(Some(vec![true; keys.len()]));
        }
        if keys.iter().any(|key| self.is_unknown(key.service.is_none(), key.name.is_none())) {
            return Ok(None);
        }
        let mut spans = Spans::default();
        for key in keys {
            spans.scope.push(scope(&mut spans.scopes, key.service.as_deref()));
            spans.trace_id.push(TraceId([1; 16]));
            spans.span_id.push(SpanId([1; 8]));
            spans.parent_span_id.push(SpanId::NONE);
            spans.trace_state.push("");
            spans.flags.push(0);
            spans.name.push(key.name.as_deref().unwrap_or_default());
            spans.kind.push(key.kind);
            spans.start.push(0);
            spans.end.push(0);
            spans.attributes.end_row();
            spans.dropped_attributes_count.push(0);
            spans.events.end_row();
            spans.dropped_events_count.push(0);
            spans.links.end_row();
            spans.dropped_links_count.push(0);
            spans.status_code.push(key.status);
            spans.status_message.push("");
        }
        self.judge(Records::Spans(spans)).await.map(Some)
    }

    /// Which of the keys of log records meet it; none when that is not known of one.
    pub(crate) async fn logs(&self, keys: &[LogKey]) -> Result<Option<Vec<bool>>, QueryError> {
        if self.predicate == Predicate::always() {
            return Ok(Some(vec![true; keys.len()]));
        }
        if keys.iter().any(|key| self.is_unknown(key.service.is_none(), key.severity_text.is_none())) {
            return Ok(None);
        }
        let mut logs = Logs::default();
        for key in keys {
            logs.scope.push(scope(&mut logs.scopes, key.service.as_deref()));
            logs.timestamp.push(0);
            logs.time.push(0);
            logs.observed_time.push(0);
            logs.trace_id.push(TraceId::NONE);
            logs.span_id.push(SpanId::NONE);
            logs.flags.push(0);
            logs.severity_number.push(key.severity);
            logs.severity_text.push(key.severity_text.as_deref().unwrap_or_default());
            logs.body.push(Value::Absent);
            logs.attributes.end_row();
            logs.dropped_attributes_count.push(0);
            logs.event_name.push("");
        }
        self.judge(Records::Logs(logs)).await.map(Some)
    }

    fn is_unknown(&self, no_service: bool, no_text: bool) -> bool {
        // Whatever has no service was counted with others of any kind and severity.
        no_service || (no_text && self.needs_text)
    }

    async fn judge(&self, keys: Records) -> Result<Vec<bool>, QueryError> {
        let mut met = vec![false; keys.len()];
        let snapshot = Snapshot::of_records(keys);
        let request =
            ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate: self.predicate.clone() };
        for (number, source) in (0u32..).zip(snapshot.sources()) {
            let batches: Vec<_> = source.scan(number, &request).try_collect().await?;
            for address in batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values()) {
                met[RowAddress(*address).row()] = true;
            }
        }
        Ok(met)
    }
}

fn scope(scopes: &mut ScopeTable, service: Option<&str>) -> u32 {
    let name = service.unwrap_or_default();
    // Scopes are told apart by their encoded resource; any bytes that differ will do.
    let mut scope = Scope { resource: name.as_bytes().to_vec(), ..Scope::default() };
    if !name.is_empty() {
        scope.resource_attributes.push("service.name", Value::String(name));
    }
    scope.resource_attributes.end_row();
    scope.scope_attributes.end_row();
    scopes.intern(&Arc::new(scope))
}

/// Gathers the columns that a condition depends on; false when it depends on anything else.
fn columns_of<'a>(predicate: &'a Predicate, columns: &mut Vec<&'a Column>) -> bool {
    match predicate {
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().all(|part| columns_of(part, columns)),
        Predicate::Not(part) => columns_of(part, columns),
        Predicate::Compare { column, .. } | Predicate::In { column, .. } | Predicate::Matches { column, .. } => {
            columns.push(column);
            true
        }
        Predicate::Text(_) | Predicate::HasAttribute { .. } => false,
    }
}
