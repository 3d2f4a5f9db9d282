//! Services and operations by their rows.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{Expr, ExprFunctionExt, col, lit};
use tracewell_model::TimeRange;
use tracewell_storage::{Column, Comparison, Predicate, Scalar};

use super::{Counted, Name, Operations, Parts, Services, by_span_count, operation, summaries};
use crate::buckets::Buckets;
use crate::histogram::exactness_of_percentiles;
use crate::names::kind_name;
use crate::session::{Session, View, collect};
use crate::spread::Part;
use crate::tally::{Durations, Tally, tally};
use crate::{Exactness, QueryError};

/// How many durations of each service and part of time are kept as they are, for exact percentiles.
const EXACT_OF_PART_MAX: usize = 2_048;
/// How many durations of each operation are kept as they are.
const EXACT_OF_OPERATION_MAX: usize = 16_384;
/// `SpanKind` of spans that answer a request, and of those that take a message.
const SERVER: i32 = 2;
const CONSUMER: i32 = 5;

/// The services of the rows of a time range.
pub(super) async fn services(
    session: &Session,
    spans: &View,
    logs: &View,
    time: TimeRange,
    buckets: &Buckets,
) -> Result<(Services, Exactness), QueryError> {
    let (rows, records) =
        tokio::try_join!(entry_spans(session, spans, time, buckets.of_time()), log_counts(session, logs, time))?;
    let mut counted: BTreeMap<Name, Counted<Durations>> = BTreeMap::new();
    let mut exact = true;
    for (name, number, part) in rows {
        exact &= part.durations.is_exact();
        let parts = &mut counted.entry(Some(name)).or_default().parts;
        let sum = parts.entry(buckets.place(number)).or_default();
        sum.errors += part.errors;
        sum.durations.add(&part.durations);
    }
    for (name, count) in records {
        counted.entry(Some(name)).or_default().log_count += count;
    }
    let parts = Parts { start: buckets.start, width: buckets.width, count: buckets.count };
    Ok((summaries(counted, parts, time), exactness_of_percentiles(exact)))
}

/// The entry spans of each service and part of time, which `part` numbers; services without entry spans, too.
pub(super) async fn entry_spans(
    session: &Session,
    view: &View,
    time: TimeRange,
    part: Expr,
) -> Result<Vec<(String, i64, Part<Durations>)>, QueryError> {
    let columns = [
        ("time", Column::Time),
        ("service", Column::ServiceName),
        ("kind", Column::Kind),
        ("parent", Column::ParentSpanId),
        ("duration", Column::Duration),
        ("status", Column::StatusCode),
    ];
    let entry = || col("kind").in_list(vec![lit(SERVER), lit(CONSUMER)], false).or(col("parent").is_null());
    let failed = || col("status").eq(lit(2));
    let rows = session.scan(view, &columns, time, Predicate::always())?.aggregate(
        vec![col("service"), part.alias("bucket")],
        vec![
            count(lit(1)).filter(entry().and(failed())).build()?.alias("errors"),
            tally::<Durations>(EXACT_OF_PART_MAX, vec![col("duration")]).filter(entry()).build()?.alias("durations"),
        ],
    )?;
    let mut found = Vec::new();
    for batch in collect(rows).await? {
        let (names, numbers) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        let (errors, tallies) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            let durations = Durations::decode(usize::MAX, tallies.value(row))?;
            let part = Part { errors: errors.value(row) as u64, durations };
            found.push((names.value(row).to_owned(), numbers.value(row), part));
        }
    }
    Ok(found)
}

/// The number of log records of each service.
pub(super) async fn log_counts(
    session: &Session,
    view: &View,
    time: TimeRange,
) -> Result<Vec<(String, u64)>, QueryError> {
    let columns = [("service", Column::ServiceName)];
    let rows = session
        .scan(view, &columns, time, Predicate::always())?
        .aggregate(vec![col("service")], vec![count(lit(1)).alias("records")])?;
    let counts = |batch: &RecordBatch| -> Vec<(String, u64)> {
        let (names, records) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        (0..batch.num_rows()).map(|row| (names.value(row).to_owned(), records.value(row) as u64)).collect()
    };
    Ok(collect(rows).await?.iter().flat_map(counts).collect())
}

/// The operations of the rows of a service.
pub(super) async fn operations(
    session: &Session,
    view: &View,
    time: TimeRange,
    service: &str,
) -> Result<(Operations, Exactness), QueryError> {
    let (mut operations, mut exact) = (Vec::new(), true);
    for (name, kind, counted) in operation_counts(session, view, time, service).await? {
        exact &= counted.durations.is_exact();
        operations.push(operation(Some(name), kind_name(kind), &counted));
    }
    Ok((by_span_count(operations), exactness_of_percentiles(exact)))
}

/// The spans of a service by name and kind.
pub(super) async fn operation_counts(
    session: &Session,
    view: &View,
    time: TimeRange,
    service: &str,
) -> Result<Vec<(String, i32, Part<Durations>)>, QueryError> {
    let predicate = Predicate::Compare {
        column: Column::ServiceName,
        comparison: Comparison::Equal,
        value: Scalar::String(service.to_owned()),
    };
    let columns = [
        ("name", Column::Name),
        ("kind", Column::Kind),
        ("duration", Column::Duration),
        ("status", Column::StatusCode),
    ];
    let rows = session.scan(view, &columns, time, predicate)?.aggregate(
        vec![col("name"), col("kind")],
        vec![
            count(lit(1)).filter(col("status").eq(lit(2))).build()?.alias("errors"),
            tally::<Durations>(EXACT_OF_OPERATION_MAX, vec![col("duration")]).alias("durations"),
        ],
    )?;
    let mut found = Vec::new();
    for batch in collect(rows).await? {
        let (names, kinds) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int32Type>());
        let (errors, tallies) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            let durations = Durations::decode(usize::MAX, tallies.value(row))?;
            let counted = Part { errors: errors.value(row) as u64, durations };
            found.push((names.value(row).to_owned(), kinds.value(row), counted));
        }
    }
    Ok(found)
}
