//! Rate, errors and duration of services and their operations: by rollups, or by rows where these are few.

mod by_rollups;
mod by_rows;

use std::collections::BTreeMap;

use serde::Serialize;
use tracewell_model::{Signal, TenantId, TimeRange, UnixNanos};

use crate::answer::nanos_as_text;
use crate::buckets::Buckets;
use crate::rollups::Grid;
use crate::spread::{Part, Spread};
use crate::{Answer, QueryEngine, QueryError};

/// About how many parts [`Series`] has.
const SERIES_PARTS: usize = 30;

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
    /// Whether it stands for the services beyond those that are told apart.
    pub is_other: bool,
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

/// Entry spans over time, in about 30 parts of equal width.
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
    /// Whether it stands for the operations beyond those that are told apart.
    pub is_other: bool,
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

/// A service, or the services beyond those that are told apart.
type Name = Option<String>;

/// What is known of a service.
struct Counted<D> {
    /// Entry spans by number of the part of time.
    parts: BTreeMap<usize, Part<D>>,
    log_count: u64,
}

impl<D> Default for Counted<D> {
    fn default() -> Self {
        Counted { parts: BTreeMap::new(), log_count: 0 }
    }
}

/// The parts of a series.
#[derive(Clone, Copy)]
struct Parts {
    start: UnixNanos,
    width: u64,
    count: usize,
}

impl QueryEngine {
    /// The services that sent spans or log records of the time range.
    pub async fn services(&self, tenant: &TenantId, time: TimeRange) -> Result<Answer<Services>, QueryError> {
        let buckets = Buckets::new(time, SERIES_PARTS)?;
        self.run(None, |session| async move {
            let spans = session.view(tenant, Signal::Traces);
            let logs = session.view(tenant, Signal::Logs);
            match Grid::new(&spans, time, SERIES_PARTS) {
                Some(grid) => by_rollups::services(&session, &spans, &logs, time, &grid).await,
                None => by_rows::services(&session, &spans, &logs, time, &buckets).await,
            }
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
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            match Grid::new(&view, time, 1) {
                Some(_) => by_rollups::operations(&session, &view, time, service).await,
                None => by_rows::operations(&session, &view, time, service).await,
            }
        })
        .await
    }
}

fn summaries<D: Spread>(counted: BTreeMap<Name, Counted<D>>, parts: Parts, time: TimeRange) -> Services {
    let summary = |(name, counted): (Name, Counted<D>)| service(name, &counted, parts, time);
    // By name; the others, whose name is none, at the end.
    let (mut named, mut other): (Vec<_>, Vec<_>) =
        counted.into_iter().map(summary).partition(|service| !service.is_other);
    named.append(&mut other);
    Services { services: named }
}

fn service<D: Spread>(name: Name, counted: &Counted<D>, parts: Parts, time: TimeRange) -> ServiceSummary {
    let mut all = D::none();
    counted.parts.values().for_each(|part| all.add_all(&part.durations));
    let [p50_nano, p95_nano, p99_nano] = all.percentiles([0.5, 0.95, 0.99]);
    let seconds = time.end.0.saturating_sub(time.start.0) as f64 / 1e9;
    let of_part = |number: usize| counted.parts.get(&number);
    let series = Series {
        start: parts.start,
        bucket_nano: parts.width,
        span_counts: (0..parts.count).map(|part| of_part(part).map_or(0, |part| part.durations.total())).collect(),
        error_counts: (0..parts.count).map(|part| of_part(part).map_or(0, |part| part.errors)).collect(),
        p95_nano: (0..parts.count).map(|part| of_part(part)?.durations.percentiles([0.95])[0]).collect(),
    };
    ServiceSummary {
        is_other: name.is_none(),
        name: name.unwrap_or_default(),
        span_count: all.total(),
        error_count: counted.parts.values().map(|part| part.errors).sum(),
        rate_per_second: if seconds > 0.0 { all.total() as f64 / seconds } else { 0.0 },
        p50_nano,
        p95_nano,
        p99_nano,
        log_count: counted.log_count,
        series,
    }
}

fn operation<D: Spread>(name: Option<String>, kind: String, counted: &Part<D>) -> Operation {
    let quantiles = counted.durations.percentiles([0.5, 0.95, 0.99]);
    let [p50_nano, p95_nano, p99_nano] = quantiles.map(Option::unwrap_or_default);
    Operation {
        is_other: name.is_none(),
        name: name.unwrap_or_default(),
        kind,
        span_count: counted.durations.total(),
        error_count: counted.errors,
        p50_nano,
        p95_nano,
        p99_nano,
    }
}

fn by_span_count(mut operations: Vec<Operation>) -> Operations {
    operations
        .sort_by(|a, b| b.span_count.cmp(&a.span_count).then_with(|| (&a.name, &a.kind).cmp(&(&b.name, &b.kind))));
    Operations { operations }
}
