//! The service map: which services there are, and who calls whom.

use std::collections::BTreeMap;
use std::ops::Range;

use futures::StreamExt;
use serde::Serialize;
use tracewell_model::{Signal, TenantId, TimeRange, UnixNanos};
use tracewell_storage::{CallGraph, Edge, EdgeKind, MINUTE_NANOS, Node, NodeKind, RollupRequest, RollupTable};

use crate::answer::nanos_as_text;
use crate::rollups::{self, exactness_of_rollups};
use crate::session::View;
use crate::spread::{Classes, Part, Spread};
use crate::{Answer, Exactness, QueryEngine, QueryError};

/// Ends of calls of as many bytes are matched at once.
const HALF_BYTES_MAX: u64 = 12 << 20;
/// When there are more, those of so many minutes are matched at a time.
const WINDOW_MINUTES: u32 = 360;
/// The most such pieces.
const WINDOWS_MAX: u32 = 2_000;

/// Services, what else they use, and the calls between them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMap {
    /// The first minute that is counted.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanos_as_text")]
    pub start: UnixNanos,
    /// Where the last minute that is counted ends.
    #[serde(rename = "endTimeUnixNano", serialize_with = "nanos_as_text")]
    pub end: UnixNanos,
    /// Services first, by name.
    pub nodes: Vec<MapNode>,
    /// By source and target.
    pub edges: Vec<MapEdge>,
}

/// A service, database, queue or anything else that is called.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapNode {
    /// What edges name it by.
    pub id: String,
    /// `service`, `database`, `messaging` or `external`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// `db.system.name` or `messaging.system`, otherwise `""`.
    pub system: String,
    /// Whether it stands for the nodes beyond those that are told apart.
    pub is_other: bool,
    /// Of services the entry spans, of others the calls of them.
    pub span_count: u64,
    /// Those that failed.
    pub error_count: u64,
    /// Per second.
    pub rate_per_second: f64,
    /// The duration that half of them do not exceed; none without any.
    pub p50_nano: Option<u64>,
    /// The duration that 95 % do not exceed.
    pub p95_nano: Option<u64>,
    /// The duration that 99 % do not exceed.
    pub p99_nano: Option<u64>,
}

/// The calls from one node to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MapEdge {
    /// The node that calls or sends.
    pub source: String,
    /// The node that is called or receives.
    pub target: String,
    /// `call`, `messaging`, `database` or `external`.
    pub kind: &'static str,
    /// The number of calls.
    pub count: u64,
    /// Those that failed, on either side.
    pub error_count: u64,
    /// Calls per second.
    pub rate_per_second: f64,
    /// The duration that half of the calls do not exceed, by the span of the called, or of the caller where the
    /// called sends none.
    pub p50_nano: u64,
    /// The duration that 95 % do not exceed.
    pub p95_nano: u64,
    /// The duration that 99 % do not exceed.
    pub p99_nano: u64,
}

impl QueryEngine {
    /// The calls of the minutes that the time range touches, by rollups alone.
    pub async fn service_map(&self, tenant: &TenantId, time: TimeRange) -> Result<Answer<ServiceMap>, QueryError> {
        let minutes = touched(time);
        self.run(None, |session| async move {
            let view = session.view(tenant, Signal::Traces);
            let services = entries(&view, &minutes).await?;
            let (edges, incomplete) = edges(&view, &minutes).await?;
            let map = map(&minutes, services, &edges);
            let exactness = match incomplete {
                Some(reason) => Exactness::Partial { reason },
                None => exactness_of_rollups(map.nodes.iter().any(|node| node.is_other)),
            };
            Ok((map, exactness))
        })
        .await
    }
}

/// The minutes that a range touches.
fn touched(time: TimeRange) -> Range<u32> {
    let end = time.end.0.div_ceil(MINUTE_NANOS) as u32;
    ((time.start.0 / MINUTE_NANOS) as u32).min(end)..end
}

/// The sources that have spans of these minutes.
fn sources(view: &View, minutes: &Range<u32>) -> Vec<u32> {
    let minute = |time: UnixNanos| (time.0 / MINUTE_NANOS) as u32;
    let numbered = (0u32..).zip(view.snapshot().sources());
    let overlapping = numbered.filter(|(_, source)| {
        let (first, last) = source.time_bounds();
        minute(first) < minutes.end && minutes.start <= minute(last)
    });
    overlapping.map(|(number, _)| number).collect()
}

/// The entry spans of services.
async fn entries(view: &View, minutes: &Range<u32>) -> Result<BTreeMap<Node, Part<Classes>>, QueryError> {
    let request = || RollupRequest { by_hours: true, ..RollupRequest::minutes(RollupTable::Spans, minutes.clone()) };
    let requests = sources(view, minutes).into_iter().map(|number| (number, request())).collect();
    let mut services: BTreeMap<Node, Part<Classes>> = BTreeMap::new();
    let mut read = rollups::parts(view, requests);
    while let Some(part) = read.next().await.transpose()? {
        let keys = part.span_keys();
        let mut sums: Vec<Option<Classes>> = vec![None; keys.len()];
        part.visit(|cell| {
            let sum = sums[cell.key].get_or_insert_default();
            if keys[cell.key].is_entry() {
                cell.durations.iter().for_each(|(class, count)| sum.push(*class, *count));
            }
        })?;
        for (key, sum) in keys.iter().zip(sums).filter_map(|(key, sum)| Some((key, sum?))) {
            let node = Node { kind: NodeKind::Service, system: "".into(), name: key.service.clone() };
            let service = services.entry(node).or_default();
            service.errors += if key.is_error() { sum.total() } else { 0 };
            service.durations.add_all(&sum);
        }
    }
    Ok(services)
}

/// The calls of these minutes, and why some may be missing.
async fn edges(view: &View, minutes: &Range<u32>) -> Result<(Vec<Edge>, Option<String>), QueryError> {
    let mut graph = CallGraph::new();
    let request = || RollupRequest { by_hours: true, ..RollupRequest::minutes(RollupTable::Edges, minutes.clone()) };
    let requests = sources(view, minutes).into_iter().map(|number| (number, request())).collect();
    let mut read = rollups::parts(view, requests);
    while let Some(part) = read.next().await.transpose()? {
        graph.add_found(&part)?;
    }
    let windows = if graph.half_bytes() <= HALF_BYTES_MAX { vec![minutes.clone()] } else { windows(view, minutes) };
    for window in windows {
        let halves = CallGraph::halves_for(&window);
        let request = || RollupRequest { table: None, minutes: 0..0, by_hours: false, halves: halves.clone() };
        let requests = sources(view, &halves).into_iter().map(|number| (number, request())).collect();
        let mut read = rollups::parts(view, requests);
        while let Some(part) = read.next().await.transpose()? {
            graph.add_halves(&part)?;
        }
        drop(read);
        graph.match_halves(&window);
    }
    let incomplete = graph.incomplete();
    Ok((graph.finish(), incomplete))
}

/// The minutes that there are spans of, in pieces.
fn windows(view: &View, minutes: &Range<u32>) -> Vec<Range<u32>> {
    let bounds = || view.snapshot().sources().iter().map(|source| source.time_bounds());
    let minute = |time: UnixNanos| (time.0 / MINUTE_NANOS) as u32;
    let first = bounds().map(|(first, _)| minute(first)).min().unwrap_or_default().max(minutes.start);
    let end = bounds().map(|(_, last)| minute(last) + 1).max().unwrap_or_default().min(minutes.end);
    let width = WINDOW_MINUTES.max(end.saturating_sub(first) / WINDOWS_MAX);
    (first..end)
        .step_by(width as usize)
        .map(|start| start..start.saturating_add(width).min(end))
        .filter(|window| !sources(view, window).is_empty())
        .collect()
}

fn map(minutes: &Range<u32>, mut nodes: BTreeMap<Node, Part<Classes>>, edges: &[Edge]) -> ServiceMap {
    let nanos = |minute: u32| UnixNanos(u64::from(minute).saturating_mul(MINUTE_NANOS));
    let seconds = f64::from(minutes.end - minutes.start) * 60.0;
    let rate = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
    for edge in edges {
        nodes.entry(edge.source.clone()).or_default();
        let target = nodes.entry(edge.target.clone()).or_default();
        if edge.target.kind != NodeKind::Service {
            target.errors += edge.error_count;
            edge.durations.iter().for_each(|(class, count)| target.durations.push(*class, *count));
        }
    }
    let node = |(node, part): (Node, Part<Classes>)| {
        let [p50_nano, p95_nano, p99_nano] = part.durations.percentiles([0.5, 0.95, 0.99]);
        MapNode {
            id: id(&node),
            kind: node_kind(node.kind),
            is_other: node.name.is_none(),
            name: node.name.as_deref().unwrap_or_default().to_owned(),
            system: node.system.as_ref().to_owned(),
            span_count: part.durations.total(),
            error_count: part.errors,
            rate_per_second: rate(part.durations.total()),
            p50_nano,
            p95_nano,
            p99_nano,
        }
    };
    let edge = |edge: &Edge| {
        let mut durations = Classes::none();
        edge.durations.iter().for_each(|(class, count)| durations.push(*class, *count));
        let [p50_nano, p95_nano, p99_nano] = durations.percentiles([0.5, 0.95, 0.99]).map(Option::unwrap_or_default);
        MapEdge {
            source: id(&edge.source),
            target: id(&edge.target),
            kind: edge_kind(edge.kind),
            count: edge.count,
            error_count: edge.error_count,
            rate_per_second: rate(edge.count),
            p50_nano,
            p95_nano,
            p99_nano,
        }
    };
    ServiceMap {
        start: nanos(minutes.start),
        end: nanos(minutes.end),
        nodes: nodes.into_iter().map(node).collect(),
        edges: edges.iter().map(edge).collect(),
    }
}

fn id(node: &Node) -> String {
    let name = node.name.as_deref().map_or("*".to_owned(), |name| format!(":{name}"));
    match node.system.as_ref() {
        "" => format!("{}{name}", node_kind(node.kind)),
        system => format!("{}/{system}{name}", node_kind(node.kind)),
    }
}

fn node_kind(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Service => "service",
        NodeKind::Database => "database",
        NodeKind::Messaging => "messaging",
        NodeKind::External => "external",
    }
}

fn edge_kind(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Call => "call",
        EdgeKind::Messaging => "messaging",
        EdgeKind::Database => "database",
        EdgeKind::External => "external",
    }
}
