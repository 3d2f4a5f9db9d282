//! Rate, errors and duration of services and their operations.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{ExprFunctionExt, col, lit};
use serde::Serialize;
use tracewell_model::{Signal, TenantId, TimeRange, UnixNanos};
use tracewell_storage::{Column, Comparison, Predicate, Scalar};

use crate::answer::nanos_as_text;
use crate::buckets::Buckets;
use crate::histogram::exactness_of_percentiles;
use crate::names::kind_name;
use crate::session::{Session, View, collect};
use crate::tally::{Durations, Tally, tally};
use crate::{Answer, QueryEngine, QueryError};

/// The parts of [`Series`].
const SERIES_PARTS: usize = 30;
/// How many durations of each service and part of time are kept as they are, for exact percentiles.
const EXACT_OF_PART_MAX: usize = 2_048;
/// How many durations of each operation are kept as they are.
const EXACT_OF_OPERATION_MAX: usize = 16_384;
/// `SpanKind` of spans that answer a request, and of those that take a message.
const SERVER: i32 = 2;
const CONSUMER: i32 = 5;

/// The services of a time range.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Services {
    /// By name.
    pub services: Vec<ServiceSummary>,
}

/// A service, by its entry spans: those of kind server or consumer, and those without a parent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSummary {
    /// The resource attribute `service.name`, `""` for records without one.
    pub name: String,
    /// The number of entry spans.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// Entry spans per second of the time range.
    pub rate_per_second: f64,
    /// The duration that half of the entry spans do not exceed; none without entry spans.
    pub p50_nano: Option<u64>,
    /// The duration that 95 % do not exceed.
    pub p95_nano: Option<u64>,
    /// The duration that 99 % do not exceed.
    pub p99_nano: Option<u64>,
    /// The number of log records.
    pub log_count: u64,
    /// The same over time.
    pub series: Series,
}

/// Entry spans over time, in 30 parts of equal width.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// Where the first part begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a part.
    pub bucket_nano: u64,
    /// The number of spans in each.
    pub span_counts: Vec<u64>,
    /// Those with the status error.
    pub error_counts: Vec<u64>,
    /// The duration that 95 % of the spans of a part do not exceed; none in parts without spans.
    pub p95_nano: Vec<Option<u64>>,
}

/// The operations of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Operations {
    /// By span count, then name and kind.
    pub operations: Vec<Operation>,
}

/// The spans of a service with one name and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// The spans' name.
    pub name: String,
    /// The spans' kind: `server`, `client`, `producer`, `consumer`, `internal`, `unspecified`, or a number.
    pub kind: String,
    /// The number of spans.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// The duration that half of the spans do not exceed.
    pub p50_nano: u64,
    /// The duration that 95 % do not exceed.
    pub p95_nano: u64,
    /// The duration that 99 % do not exceed.
    pub p99_nano: u64,
}

impl QueryEngine {
    /// The services that sent spans or log records of the time range.
    pub async fn services(&self, tenant: &TenantId, time: TimeRange) -> Result<Answer<Services>, QueryError> {
        let buckets = Buckets::new(time, SERIES_PARTS)?;
        self.run(None, |session| async move {
            let spans = session.view(tenant, Signal::Traces);
            let logs = session.view(tenant, Signal::Logs);
            let (spans, logs) =
                tokio::try_join!(entry_spans(&session, &spans, time, &buckets), log_counts(&session, &logs, time))?;
            let exact = spans.values().flat_map(|parts| parts.values()).all(|part| part.durations.is_exact());
            let names: BTreeSet<String> = spans.keys().chain(logs.keys()).cloned().collect();
            let none = HashMap::new();
            let summary = |name: String| {
                let log_count = logs.get(&name).copied().unwrap_or_default();
                service(&name, spans.get(&name).unwrap_or(&none), log_count, &buckets, time)
            };
            let services = Services { services: names.into_iter().map(summary).collect() };
            Ok((services, exactness_of_percentiles(exact)))
        })
        .await
    }

    /// The operations of a service in the time range; none when there is no such service.
    pub async fn operations(
        &self,
        tenant: &TenantId,
        time: TimeRange,
        service: &str,
    ) -> Result<Answer<Operations>, QueryError> {
        let predicate = Predicate::Compare {
            column: Column::ServiceName,
            comparison: Comparison::Equal,
            value: Scalar::String(service.to_owned()),
        };
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            let columns = [
                ("name", Column::Name),
                ("kind", Column::Kind),
                ("duration", Column::Duration),
                ("status", Column::StatusCode),
            ];
            let rows = session.scan(&view, &columns, time, predicate)?.aggregate(
                vec![col("name"), col("kind")],
                vec![
                    count(lit(1)).filter(col("status").eq(lit(2))).build()?.alias("errors"),
                    tally::<Durations>(EXACT_OF_OPERATION_MAX, vec![col("duration")]).alias("durations"),
                ],
            )?;
            let (mut operations, mut exact) = (Vec::new(), true);
            for batch in collect(rows).await? {
                for (operation, is_exact) in operations_of(&batch)? {
                    operations.push(operation);
                    exact &= is_exact;
                }
            }
            operations.sort_by(|a, b| {
                b.span_count.cmp(&a.span_count).then_with(|| (&a.name, &a.kind).cmp(&(&b.name, &b.kind)))
            });
            Ok((Operations { operations }, exactness_of_percentiles(exact)))
        })
        .await
    }
}

/// The entry spans of a service in a part of time.
struct Part {
    errors: u64,
    durations: Durations,
}

/// For each service that has spans, its entry spans by part of time.
async fn entry_spans(
    session: &Session,
    view: &View,
    time: TimeRange,
    buckets: &Buckets,
) -> Result<HashMap<String, HashMap<usize, Part>>, QueryError> {
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
        vec![col("service"), buckets.of_time().alias("bucket")],
        vec![
            count(lit(1)).filter(entry().and(failed())).build()?.alias("errors"),
            tally::<Durations>(EXACT_OF_PART_MAX, vec![col("duration")]).filter(entry()).build()?.alias("durations"),
        ],
    )?;
    let mut services: HashMap<String, HashMap<usize, Part>> = HashMap::new();
    for batch in collect(rows).await? {
        let (names, numbers) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        let (errors, tallies) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            let durations = Durations::decode(usize::MAX, tallies.value(row))?;
            let parts = services.entry(names.value(row).to_owned()).or_default();
            let none = || Part { errors: 0, durations: Durations::new(usize::MAX) };
            let part = parts.entry(buckets.place(numbers.value(row))).or_insert_with(none);
            part.errors += errors.value(row) as u64;
            part.durations.add(&durations);
        }
    }
    Ok(services)
}

/// The number of log records of each service.
async fn log_counts(session: &Session, view: &View, time: TimeRange) -> Result<HashMap<String, u64>, QueryError> {
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

fn service(
    name: &str,
    parts: &HashMap<usize, Part>,
    log_count: u64,
    buckets: &Buckets,
    time: TimeRange,
) -> ServiceSummary {
    let mut all = Durations::new(usize::MAX);
    parts.values().for_each(|part| all.add(&part.durations));
    let [p50_nano, p95_nano, p99_nano] = all.quantiles([0.5, 0.95, 0.99]);
    let seconds = time.end.0.saturating_sub(time.start.0) as f64 / 1e9;
    let of_part = |number: usize| parts.get(&number);
    let series = Series {
        start: buckets.start,
        bucket_nano: buckets.width,
        span_counts: (0..buckets.count).map(|part| of_part(part).map_or(0, |part| part.durations.count())).collect(),
        error_counts: (0..buckets.count).map(|part| of_part(part).map_or(0, |part| part.errors)).collect(),
        p95_nano: (0..buckets.count).map(|part| of_part(part)?.durations.quantiles([0.95])[0]).collect(),
    };
    ServiceSummary {
        name: name.to_owned(),
        span_count: all.count(),
        error_count: parts.values().map(|part| part.errors).sum(),
        rate_per_second: if seconds > 0.0 { all.count() as f64 / seconds } else { 0.0 },
        p50_nano,
        p95_nano,
        p99_nano,
        log_count,
        series,
    }
}

/// Operations, and whether the percentiles of each are exact.
fn operations_of(batch: &RecordBatch) -> Result<Vec<(Operation, bool)>, QueryError> {
    let (names, kinds) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int32Type>());
    let (errors, tallies) = (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_binary::<i32>());
    let operation = |row: usize| {
        let durations = Durations::decode(usize::MAX, tallies.value(row))?;
        let quantiles = durations.quantiles([0.5, 0.95, 0.99]);
        let [p50_nano, p95_nano, p99_nano] = quantiles.map(Option::unwrap_or_default);
        let operation = Operation {
            name: names.value(row).to_owned(),
            kind: kind_name(kinds.value(row)),
            span_count: durations.count(),
            error_count: errors.value(row) as u64,
            p50_nano,
            p95_nano,
            p99_nano,
        };
        Ok((operation, durations.is_exact()))
    };
    (0..batch.num_rows()).map(operation).collect()
}
