//! What a list says of a trace.

use std::collections::HashSet;

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use futures::TryStreamExt;
use hashbrown::HashMap;
use serde::Serialize;
use tracewell_model::{TimeRange, TraceId, UnixNanos};
use tracewell_storage::Column;
use xxhash_rust::xxh3::Xxh3;

use crate::QueryError;
use crate::answer::{as_text, nanos_as_text};
use crate::session::{Session, View};
use crate::trace_search::is_one_of;

/// What is held of a span while its trace is gathered, to tell whether it was sent twice.
const SPAN_BYTES: usize = 32;
/// What is held of a service's part in a trace beside its name.
const PART_BYTES: usize = 64;

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
    /// The latest start of those: what lists of traces are ordered by.
    #[serde(rename = "latestMatchTimeUnixNano", serialize_with = "nanos_as_text")]
    pub latest_match: UnixNanos,
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

/// Which spans of a trace matched the search.
pub(crate) enum Matching {
    /// All that start in this time.
    StartingIn(TimeRange),
    /// Those at these addresses, which are sorted.
    At(Vec<u64>),
}

impl Matching {
    fn contains(&self, start: i64, address: u64) -> bool {
        match self {
            Matching::StartingIn(time) => time.contains(UnixNanos(start.max(0) as u64)),
            Matching::At(addresses) => addresses.binary_search(&address).is_ok(),
        }
    }
}

/// The summaries of traces, in the given order. Spans that were stored more than once count once.
pub(crate) async fn summaries(
    session: &Session,
    view: &View,
    traces: &[TraceId],
    matching: &Matching,
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
        ("start", Column::Time),
        ("duration", Column::Duration),
        ("status", Column::StatusCode),
        ("address", Column::Address),
    ];
    let those = is_one_of(traces.iter());
    let mut batches = session.stream(view, &columns, TimeRange::ALL, those);
    let memory = session.reservation("trace summaries");
    let mut gathered: HashMap<TraceId, Gathered> = HashMap::with_capacity(traces.len());
    while let Some(batch) = batches.try_next().await? {
        let spans = SpanColumns::new(&batch);
        let mut bytes = 0;
        for row in 0..batch.num_rows() {
            let trace = TraceId::from_slice(spans.trace.value(row)).unwrap_or_default();
            bytes += gathered.entry(trace).or_default().add(&spans, row, matching);
        }
        memory.try_grow(bytes)?;
    }
    let summary = |trace: &TraceId| gathered.remove(trace).unwrap_or_default().summary(*trace);
    Ok(traces.iter().map(summary).collect())
}

/// The columns of a batch of spans.
struct SpanColumns<'a> {
    trace: &'a FixedSizeBinaryArray,
    span: &'a FixedSizeBinaryArray,
    parent: &'a FixedSizeBinaryArray,
    service: &'a StringArray,
    name: &'a StringArray,
    start: &'a [i64],
    duration: &'a Int64Array,
    status: &'a Int32Array,
    address: &'a [u64],
}

impl<'a> SpanColumns<'a> {
    fn new(batch: &'a RecordBatch) -> SpanColumns<'a> {
        SpanColumns {
            trace: batch.column(0).as_fixed_size_binary(),
            span: batch.column(1).as_fixed_size_binary(),
            parent: batch.column(2).as_fixed_size_binary(),
            service: batch.column(3).as_string(),
            name: batch.column(4).as_string(),
            start: batch.column(5).as_primitive::<TimestampNanosecondType>().values(),
            duration: batch.column(6).as_primitive::<Int64Type>(),
            status: batch.column(7).as_primitive::<Int32Type>(),
            address: batch.column(8).as_primitive::<UInt64Type>().values(),
        }
    }

    fn end(&self, row: usize) -> u64 {
        // Both are at most `i64::MAX`: the sum fits when it has no sign.
        self.start[row].max(0) as u64 + self.duration.value(row).max(0) as u64
    }

    /// What tells a span from all that were not sent as the same.
    fn fingerprint(&self, row: usize) -> u128 {
        let mut hash = Xxh3::new();
        hash.update(self.span.value(row));
        if self.parent.is_valid(row) {
            hash.update(self.parent.value(row));
        }
        hash.update(&self.start[row].to_le_bytes());
        hash.update(&self.duration.value(row).to_le_bytes());
        hash.update(&self.status.value(row).to_le_bytes());
        let (service, name) = (self.service.value(row), self.name.value(row));
        hash.update(&(service.len() as u64).to_le_bytes());
        hash.update(service.as_bytes());
        hash.update(name.as_bytes());
        hash.digest128()
    }
}

/// What is known of a trace so far.
#[derive(Default)]
struct Gathered {
    seen: HashSet<u128>,
    services: HashMap<String, Counts>,
    first: Option<Candidate>,
    root: Option<Candidate>,
    end: u64,
    matched: u64,
    latest_match: i64,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    spans: u64,
    errors: u64,
}

/// The earliest span of some kind: by start, of those that start together by id.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    start: i64,
    span: Vec<u8>,
    service: String,
    name: String,
}

impl Gathered {
    /// Counts a span in, and says how many bytes that took.
    fn add(&mut self, spans: &SpanColumns<'_>, row: usize, matching: &Matching) -> usize {
        if !self.seen.insert(spans.fingerprint(row)) {
            return 0;
        }
        let service = spans.service.value(row);
        let services = self.services.len();
        let counts = self.services.entry_ref(service).or_default();
        counts.spans += 1;
        counts.errors += u64::from(spans.status.value(row) == 2);
        self.end = self.end.max(spans.end(row));
        if matching.contains(spans.start[row], spans.address[row]) {
            self.matched += 1;
            self.latest_match = self.latest_match.max(spans.start[row]);
        }
        earlier(&mut self.first, spans, row);
        if spans.parent.is_null(row) {
            earlier(&mut self.root, spans, row);
        }
        let new_services = self.services.len() - services;
        SPAN_BYTES + new_services * (PART_BYTES + service.len())
    }

    fn summary(self, trace_id: TraceId) -> TraceSummary {
        let (root, first) = (self.root.as_ref(), self.first.as_ref());
        let service_of = |span: Option<&Candidate>| span.map_or(String::new(), |span| span.service.clone());
        let name_of = |span: Option<&Candidate>| span.map_or(String::new(), |span| span.name.clone());
        let start = first.map_or(0, |first| first.start.max(0) as u64);
        let share = |(name, counts): (&String, &Counts)| ServiceShare {
            name: name.clone(),
            span_count: counts.spans,
            error_count: counts.errors,
        };
        let mut services: Vec<ServiceShare> = self.services.iter().map(share).collect();
        services.sort_by(|a, b| b.span_count.cmp(&a.span_count).then_with(|| a.name.cmp(&b.name)));
        TraceSummary {
            trace_id,
            root_service_name: service_of(root),
            root_span_name: name_of(root),
            root_missing: root.is_none(),
            first_service_name: service_of(first),
            first_span_name: name_of(first),
            start: UnixNanos(start),
            duration_nano: self.end.saturating_sub(start),
            span_count: services.iter().map(|share| share.span_count).sum(),
            error_count: services.iter().map(|share| share.error_count).sum(),
            matched_span_count: self.matched,
            latest_match: UnixNanos(self.latest_match.max(0) as u64),
            services,
        }
    }
}

/// Puts the span in the place of the one that is known, when it comes before that.
fn earlier(known: &mut Option<Candidate>, spans: &SpanColumns<'_>, row: usize) {
    let (start, span) = (spans.start[row], spans.span.value(row));
    if known.as_ref().is_some_and(|known| (known.start, known.span.as_slice()) < (start, span)) {
        return;
    }
    let (service, name) = (spans.service.value(row).to_owned(), spans.name.value(row).to_owned());
    let found = Candidate { start, span: span.to_vec(), service, name };
    if known.as_ref().is_none_or(|known| found < *known) {
        *known = Some(found);
    }
}
