//! Counts over time: of log records by severity, of spans by duration.

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, Int64Type};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{Expr, ExprFunctionExt, col, lit};
use serde::Serialize;
use tracewell_model::{Signal, TimeRange, UnixNanos};
use tracewell_storage::{Column, Predicate};

use crate::answer::nanos_as_text;
use crate::buckets::Buckets;
use crate::keys::KeyFilter;
use crate::names::severity_class;
use crate::rollups::{Grid, exactness_of_rollups};
use crate::session::{Session, View, collect};
use crate::spread::{Part, Spread};
use crate::tally::{Durations, Tally, tally};
use crate::{Answer, Exactness, QueryEngine, QueryError, QueryScope, histogram_rollups, lower};

/// How many durations of each part of time are kept as they are, for exact percentiles.
const EXACT_DURATIONS_MAX: usize = 16_384;
/// The most bounds between classes of durations.
const BOUNDS_MAX: usize = 48;

/// The severities that a log histogram tells apart, in the order of [`LogBucket::severities`].
pub const SEVERITY_NAMES: [&str; 7] = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];

/// Log records over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogHistogram {
    /// Where the first bucket begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a bucket.
    pub bucket_nano: u64,
    /// [`SEVERITY_NAMES`].
    pub severities: [&'static str; 7],
    /// From the earliest to the latest.
    pub buckets: Vec<LogBucket>,
    /// The number of records.
    pub count: u64,
}

/// The log records of a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogBucket {
    /// Their number.
    pub count: u64,
    /// Their number by severity.
    pub severities: [u64; 7],
}

/// Spans over time and duration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanHistogram {
    /// Where the first bucket begins.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// The width of a bucket.
    pub bucket_nano: u64,
    /// The upper bounds (exclusive) of all but the last class of durations, growing by about equal factors.
    pub duration_bounds_nano: Vec<u64>,
    /// From the earliest to the latest.
    pub buckets: Vec<SpanBucket>,
    /// The number of spans.
    pub count: u64,
    /// The number of spans with the status error.
    pub error_count: u64,
    /// The duration that half of the spans do not exceed; none without spans.
    pub p50_nano: Option<u64>,
    /// The duration that 95 % of the spans do not exceed; none without spans.
    pub p95_nano: Option<u64>,
}

/// The spans that start in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpanBucket {
    /// Their number.
    pub count: u64,
    /// Those with the status error.
    pub error_count: u64,
    /// Their number by class of duration; one more than there are bounds.
    pub durations: Vec<u64>,
}

impl QueryEngine {
    /// The log records that meet the query, over time in `buckets` parts of equal width.
    pub async fn log_histogram(&self, scope: &QueryScope, buckets: usize) -> Result<Answer<LogHistogram>, QueryError> {
        let predicate = lower(&scope.query, Signal::Logs)?;
        let buckets = Buckets::new(scope.time, buckets)?;
        self.run(scope.deadline, |session| async move {
            let view = session.view(&scope.tenant, Signal::Logs);
            if let Some((grid, filter)) = by_rollups(&view, scope.time, buckets.count, &predicate)
                && let Some(counted) = histogram_rollups::logs(&session, &view, scope.time, &grid, &filter).await?
            {
                return Ok((log_histogram(grid.start(), grid.width_nanos(), counted), Exactness::Exact));
            }
            let counted = log_rows(&session, &view, scope.time, predicate, buckets.of_time()).await?;
            let mut found = vec![LogBucket::default(); buckets.count];
            for (number, severity, records) in counted {
                found[buckets.place(number)].add(severity, records);
            }
            Ok((log_histogram(buckets.start, buckets.width, found), Exactness::Exact))
        })
        .await
    }

    /// The spans that meet the query, over time in `buckets` parts of equal width, and over duration.
    pub async fn span_histogram(
        &self,
        scope: &QueryScope,
        buckets: usize,
    ) -> Result<Answer<SpanHistogram>, QueryError> {
        let predicate = lower(&scope.query, Signal::Traces)?;
        let buckets = Buckets::new(scope.time, buckets)?;
        self.run(scope.deadline, |session| async move {
            let view = session.view(&scope.tenant, Signal::Traces);
            if let Some((grid, filter)) = by_rollups(&view, scope.time, buckets.count, &predicate)
                && let Some(counted) = histogram_rollups::spans(&session, &view, scope.time, &grid, &filter).await?
            {
                let (histogram, _) = span_histogram(grid.start(), grid.width_nanos(), counted);
                return Ok((histogram, exactness_of_rollups(false)));
            }
            let counted = span_rows(&session, &view, scope.time, predicate, buckets.of_time()).await?;
            let mut found: Vec<Part<Durations>> = Vec::new();
            found.resize_with(buckets.count, Part::default);
            for (number, part) in counted {
                let sum = &mut found[buckets.place(number)];
                sum.errors += part.errors;
                sum.durations.add(&part.durations);
            }
            let (histogram, durations) = span_histogram(buckets.start, buckets.width, found);
            Ok((histogram, exactness_of_percentiles(durations.is_exact())))
        })
        .await
    }
}

/// Whether an answer with percentiles is exact.
pub(crate) fn exactness_of_percentiles(exact: bool) -> Exactness {
    match exact {
        true => Exactness::Exact,
        false => Exactness::Estimated { reason: "percentiles of many spans are estimated to within 0.2 %".to_owned() },
    }
}

/// Parts of whole minutes, and which keys count, if rollups can tell.
fn by_rollups(view: &View, time: TimeRange, buckets: usize, predicate: &Predicate) -> Option<(Grid, KeyFilter)> {
    Some((Grid::new(view, time, buckets)?, KeyFilter::new(predicate, view.signal())?))
}

/// The matching log records by part of time, which `part` numbers, and severity.
pub(crate) async fn log_rows(
    session: &Session,
    view: &View,
    time: TimeRange,
    predicate: Predicate,
    part: Expr,
) -> Result<Vec<(i64, i32, u64)>, QueryError> {
    let columns = [("time", Column::Time), ("severity", Column::SeverityNumber)];
    let counts = session
        .scan(view, &columns, time, predicate)?
        .aggregate(vec![part.alias("bucket"), col("severity")], vec![count(lit(1)).alias("records")])?;
    let mut found = Vec::new();
    for batch in collect(counts).await? {
        let (numbers, records) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(2));
        let (severities, records) = (batch.column(1).as_primitive::<Int32Type>(), records.as_primitive::<Int64Type>());
        let row = |row: usize| (numbers.value(row), severities.value(row), records.value(row) as u64);
        found.extend((0..batch.num_rows()).map(row));
    }
    Ok(found)
}

/// The matching spans by part of time, which `part` numbers.
pub(crate) async fn span_rows(
    session: &Session,
    view: &View,
    time: TimeRange,
    predicate: Predicate,
    part: Expr,
) -> Result<Vec<(i64, Part<Durations>)>, QueryError> {
    let columns = [("time", Column::Time), ("duration", Column::Duration), ("status", Column::StatusCode)];
    let counts = session.scan(view, &columns, time, predicate)?.aggregate(
        vec![part.alias("bucket")],
        vec![
            count(lit(1)).filter(col("status").eq(lit(2))).build()?.alias("errors"),
            tally::<Durations>(EXACT_DURATIONS_MAX, vec![col("duration")]).alias("durations"),
        ],
    )?;
    let mut found = Vec::new();
    for batch in collect(counts).await? {
        let (numbers, failed) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1));
        let (failed, tallies) = (failed.as_primitive::<Int64Type>(), batch.column(2).as_binary::<i32>());
        for row in 0..batch.num_rows() {
            let durations = Durations::decode(usize::MAX, tallies.value(row))?;
            found.push((numbers.value(row), Part { errors: failed.value(row) as u64, durations }));
        }
    }
    Ok(found)
}

impl LogBucket {
    /// Counts in records of a severity number.
    pub(crate) fn add(&mut self, severity: i32, records: u64) {
        self.count += records;
        self.severities[severity_class(severity)] += records;
    }
}

fn log_histogram(start: UnixNanos, width: u64, buckets: Vec<LogBucket>) -> LogHistogram {
    LogHistogram {
        start,
        bucket_nano: width,
        severities: SEVERITY_NAMES,
        count: buckets.iter().map(|bucket| bucket.count).sum(),
        buckets,
    }
}

fn span_histogram<D: Spread>(start: UnixNanos, width: u64, parts: Vec<Part<D>>) -> (SpanHistogram, D) {
    let mut all = D::none();
    parts.iter().for_each(|part| all.add_all(&part.durations));
    let bounds = duration_bounds(all.ends());
    let bucket = |part: &Part<D>| SpanBucket {
        count: part.durations.total(),
        error_count: part.errors,
        durations: part.durations.between(&bounds),
    };
    let [p50_nano, p95_nano] = all.percentiles([0.5, 0.95]);
    let histogram = SpanHistogram {
        start,
        bucket_nano: width,
        buckets: parts.iter().map(bucket).collect(),
        duration_bounds_nano: bounds,
        count: all.total(),
        error_count: parts.iter().map(|part| part.errors).sum(),
        p50_nano,
        p95_nano,
    };
    (histogram, all)
}

/// Bounds between classes of durations that tell those from the least to the greatest apart: four, two or one to each
/// doubling, at most [`BOUNDS_MAX`].
fn duration_bounds(extremes: Option<(u64, u64)>) -> Vec<u64> {
    let Some((least, greatest)) = extremes else { return Vec::new() };
    // Six significant bits each, so that classes of durations never lie on both sides.
    let fine: Vec<u64> = (0..48).flat_map(|shift| [256u64, 304, 360, 432].map(|bound| bound << shift)).collect();
    let from = fine.partition_point(|bound| *bound <= least);
    let to = fine.partition_point(|bound| *bound <= greatest);
    let step = [1, 2].into_iter().find(|step| (to - from) / step <= BOUNDS_MAX).unwrap_or(4);
    let bounds = (from..to).filter(|number| number % step == 0).map(|number| fine[number]);
    bounds.take(BOUNDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_lie_between_the_least_and_the_greatest_duration() {
        assert_eq!(duration_bounds(None), Vec::<u64>::new());
        assert_eq!(duration_bounds(Some((1_000, 1_000))), Vec::<u64>::new());
        assert_eq!(duration_bounds(Some((1_000, 3_000))), [1_024, 1_216, 1_440, 1_728, 2_048, 2_432, 2_880]);
        for greatest in [10_000, 10_000_000, 10_000_000_000, u64::MAX] {
            let bounds = duration_bounds(Some((1_000, greatest)));
            assert!(!bounds.is_empty() && bounds.len() <= BOUNDS_MAX, "{}", bounds.len());
            assert!(bounds.iter().all(|bound| (1_001..=greatest).contains(bound)), "{bounds:?}");
        }
    }
}
