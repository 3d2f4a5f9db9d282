//! What a list says of a trace.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use datafusion::common::Result as PlanResult;
use datafusion::functions_aggregate::expr_fn::{count, first_value, max, min};
use datafusion::prelude::{DataFrame, ExprFunctionExt, cast, col, lit};
use serde::Serialize;
use tracewell_model::{TimeRange, TraceId, UnixNanos};
use tracewell_storage::Column;

use crate::QueryError;
use crate::answer::{as_text, nanos_as_text};
use crate::session::{Session, View, collect};
use crate::trace_search::is_one_of;

/// A trace in a few words, over all its spans wherever they are stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    pub trace_id: TraceId,
    /// The service of the root span; `""` while the root is unknown.
    pub root_service_name: String,
    /// The name of the root span; `""` while the root is unknown.
    pub root_span_name: String,
    /// Whether no span without a parent is stored.
    pub root_missing: bool,
    /// The service of the earliest span.
    pub first_service_name: String,
    /// The name of the earliest span.
    pub first_span_name: String,
    /// The earliest start of a span.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// From there to the latest end of a span.
    pub duration_nano: u64,
    /// The number of spans.
    pub span_count: u64,
    /// The number of spans with the status error.
    pub error_count: u64,
    /// The number of spans that met the query in its time range.
    pub matched_span_count: u64,
    /// The services that took part, by span count.
    pub services: Vec<ServiceShare>,
}

/// A service's part in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceShare {
    /// The name of the service.
    pub name: String,
    /// Its spans in the trace.
    pub span_count: u64,
    /// Those with the status error.
    pub error_count: u64,
}

/// The summaries of traces, in the given order; each comes with the number of its spans that matched.
pub(crate) async fn summaries(
    session: &Session,
    view: &View,
    traces: &[(TraceId, u64)],
) -> Result<Vec<TraceSummary>, QueryError> {
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let columns = [
        ("trace", Column::TraceId),
        ("span", Column::SpanId),
        ("parent", Column::ParentSpanId),
        ("service", Column::ServiceName),
        ("name", Column::Name),
        ("time", Column::Time),
        ("duration", Column::Duration),
        ("status", Column::StatusCode),
    ];
    let those = is_one_of(traces.iter().map(|(trace, _)| trace));
    let spans = session.scan(view, &columns, TimeRange::ALL, those)?;
    let mut parts: HashMap<TraceId, Vec<Part>> = HashMap::new();
    for batch in collect(by_service(spans)?).await? {
        for (trace, part) in parts_of(&batch) {
            parts.entry(trace).or_default().push(part);
        }
    }
    let summary = |(trace, matched): &(TraceId, u64)| parts.remove(trace).map(|parts| summary(*trace, *matched, parts));
    Ok(traces.iter().filter_map(summary).collect())
}

/// A row for each service of each trace. Spans that were sent twice count once.
fn by_service(spans: DataFrame) -> PlanResult<DataFrame> {
    let start = cast(col("time"), DataType::Int64);
    let spans = spans.distinct()?.select(vec![
        col("trace"),
        col("service"),
        col("name"),
        col("span"),
        col("parent"),
        col("status"),
        start.clone().alias("start"),
        // Starts and durations are no larger than `i64::MAX` each: their sum fits when it has no sign.
        (cast(start, DataType::UInt64) + cast(col("duration"), DataType::UInt64)).alias("end"),
    ])?;
    let earliest = || vec![col("start").sort(true, false), col("span").sort(true, false)];
    let is_root = || col("parent").is_null();
    // The builder forgets the order that the function was made with.
    let root = |what| first_value(col(what), earliest()).order_by(earliest()).filter(is_root()).build();
    let first = |what| first_value(col(what), earliest());
    spans.aggregate(
        vec![col("trace"), col("service")],
        vec![
            count(lit(1)).alias("spans"),
            count(lit(1)).filter(col("status").eq(lit(2))).build()?.alias("errors"),
            min(col("start")).alias("first"),
            max(col("end")).alias("last"),
            first("name").alias("first_name"),
            first("span").alias("first_span"),
            root("name")?.alias("root_name"),
            root("start")?.alias("root_start"),
            root("span")?.alias("root_span"),
        ],
    )
}

/// A service's part in a trace, with what tells which part has the first span and the root.
struct Part {
    share: ServiceShare,
    end: u64,
    first: Candidate,
    root: Option<Candidate>,
}

struct Candidate {
    start: i64,
    span: Vec<u8>,
    name: String,
}

impl Candidate {
    fn key(&self) -> (i64, &[u8]) {
        (self.start, &self.span)
    }
}

fn parts_of(batch: &RecordBatch) -> Vec<(TraceId, Part)> {
    let numbers = |column: usize| batch.column(column).as_primitive::<Int64Type>();
    let texts = |column: usize| batch.column(column).as_string::<i32>();
    let ids = |column: usize| batch.column(column).as_fixed_size_binary();
    let candidate = |row: usize, start: usize, span: usize, name: usize| Candidate {
        start: numbers(start).value(row),
        span: ids(span).value(row).to_vec(),
        name: texts(name).value(row).to_owned(),
    };
    let part = |row: usize| {
        let share = ServiceShare {
            name: texts(1).value(row).to_owned(),
            span_count: numbers(2).value(row) as u64,
            error_count: numbers(3).value(row) as u64,
        };
        let root = numbers(9).is_valid(row).then(|| candidate(row, 9, 10, 8));
        let trace = TraceId::from_slice(ids(0).value(row)).unwrap_or_default();
        (
            trace,
            Part {
                share,
                end: batch.column(5).as_primitive::<UInt64Type>().value(row),
                first: candidate(row, 4, 7, 6),
                root,
            },
        )
    };
    (0..batch.num_rows()).map(part).collect()
}

fn summary(trace_id: TraceId, matched_span_count: u64, mut parts: Vec<Part>) -> TraceSummary {
    parts.sort_by(|a, b| (b.share.span_count, &a.share.name).cmp(&(a.share.span_count, &b.share.name)));
    let first = parts.iter().min_by_key(|part| part.first.key());
    let root = parts.iter().filter_map(|part| Some((part, part.root.as_ref()?))).min_by_key(|(_, root)| root.key());
    let start = first.map_or(0, |part| part.first.start.max(0) as u64);
    let end = parts.iter().map(|part| part.end).max().unwrap_or(start);
    TraceSummary {
        trace_id,
        root_service_name: root.map_or(String::new(), |(part, _)| part.share.name.clone()),
        root_span_name: root.map_or(String::new(), |(_, root)| root.name.clone()),
        root_missing: root.is_none(),
        first_service_name: first.map_or(String::new(), |part| part.share.name.clone()),
        first_span_name: first.map_or(String::new(), |part| part.first.name.clone()),
        start: UnixNanos(start),
        duration_nano: end.saturating_sub(start),
        span_count: parts.iter().map(|part| part.share.span_count).sum(),
        error_count: parts.iter().map(|part| part.share.error_count).sum(),
        matched_span_count,
        services: parts.into_iter().map(|part| part.share).collect(),
    }
}
