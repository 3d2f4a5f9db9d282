//! The values of fields that rollups count by: service, name, kind and status of spans, service and severity of log
//! records.

use futures::StreamExt;
use tracewell_model::{Signal, TimeRange};
use tracewell_storage::{Column, LogKey, Predicate, RollupTable, SpanKey};

use crate::QueryError;
use crate::field_column::{FieldColumn, value_counts};
use crate::rollups::Cut;
use crate::session::{Session, View};
use crate::tally::{Tally, ValueCounts};

/// How often each value of the field occurs in the time range, if rollups tell.
pub(crate) async fn counts(
    session: &Session,
    view: &View,
    time: TimeRange,
    field: &FieldColumn,
) -> Result<Option<ValueCounts>, QueryError> {
    let (table, column) = match (view.signal(), field.columns()) {
        (Signal::Traces, [column @ (Column::ServiceName | Column::Name | Column::Kind | Column::StatusCode)]) => {
            (RollupTable::Spans, column)
        }
        (Signal::Logs, [column @ (Column::ServiceName | Column::SeverityNumber | Column::SeverityText)]) => {
            (RollupTable::Logs, column)
        }
        _ => return Ok(None),
    };
    let mut counted = ValueCounts::new(0);
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, table, true);
    while let Some(part) = read.next().await.transpose()? {
        let values: Vec<Option<String>> = match table {
            RollupTable::Logs => part.log_keys().iter().map(|key| of_log(key, column)).collect(),
            _ => part.span_keys().iter().map(|key| of_span(key, column)).collect(),
        };
        let mut sums = vec![0; values.len()];
        part.visit(|cell| sums[cell.key] += cell.count)?;
        for (value, sum) in values.into_iter().zip(sums).filter(|(_, sum)| *sum > 0) {
            // One of those that are not told apart.
            let Some(value) = value else { return Ok(None) };
            counted.add(&value, sum);
        }
    }
    let mut counted = field.named(counted);
    for (view, end) in cut.ends(view) {
        let rows = value_counts(session, &view, end, Predicate::always(), std::slice::from_ref(field)).await?.0;
        for (value, count) in rows.into_iter().flat_map(ValueCounts::ranked) {
            counted.add(&value, count);
        }
    }
    Ok(Some(counted))
}

fn of_span(key: &SpanKey, column: &Column) -> Option<String> {
    // Without a service, kind and status are not told apart either.
    let service = key.service.as_deref()?;
    Some(match column {
        Column::ServiceName => service.to_owned(),
        Column::Name => key.name.as_deref()?.to_owned(),
        Column::Kind => key.kind.to_string(),
        _ => key.status.to_string(),
    })
}

fn of_log(key: &LogKey, column: &Column) -> Option<String> {
    let service = key.service.as_deref()?;
    Some(match column {
        Column::ServiceName => service.to_owned(),
        Column::SeverityText => key.severity_text.as_deref()?.to_owned(),
        _ => key.severity.to_string(),
    })
}
