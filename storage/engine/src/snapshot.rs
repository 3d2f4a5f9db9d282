//! A consistent view of one tenant's records of one signal.
//!
//! A record is in exactly one source of a snapshot, also while it moves from the live tier to a segment or from
//! segment to merged segment. What a snapshot shows does not change; segments in it stay readable for at least the
//! deletion grace.

use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use tracewell_model::{Logs, Records, Signal, Spans, TraceId, UnixNanos};

use crate::live::{Chunk, StoredRequest};
use crate::rollup::{RollupPart, RollupRequest};
use crate::scan::{RowCount, scan_live};
use crate::segment::{FieldCatalogue, Gaps, OnDamage, Segment};
use crate::world::blocking;
use crate::{AttributeScope, ScanRequest, ScanStream, Share, StorageError, StorageErrorKind};

/// How many segments are read at once when whole rows or a trace are fetched.
const CONCURRENT_READS: usize = 8;

/// Where a row is within its snapshot: source number (upper 32 bits) and row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowAddress(pub u64);

impl RowAddress {
    /// The row `row` of the source `source`.
    pub fn new(source: u32, row: u32) -> RowAddress {
        RowAddress(u64::from(source) << 32 | u64::from(row))
    }

    /// The number of the source in [`Snapshot::sources`].
    pub fn source(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The number of the row in its source.
    pub fn row(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

/// A part of a snapshot that is scanned by itself: a chunk of the live tier or a segment.
#[derive(Clone)]
pub struct Source {
    kind: SourceKind,
    /// What reading it for this snapshot left out.
    gaps: Gaps,
    /// The rows that scans of this snapshot looked at.
    looked_at: RowCount,
}

#[derive(Clone)]
enum SourceKind {
    Live(Arc<Chunk>),
    Segment(Arc<Segment>),
}

impl Source {
    /// The earliest and the latest [`crate::Column::Time`] in it, both inclusive.
    pub fn time_bounds(&self) -> (UnixNanos, UnixNanos) {
        match &self.kind {
            SourceKind::Live(chunk) => chunk.time_bounds(),
            SourceKind::Segment(segment) => (segment.meta().time_min, segment.meta().time_max),
        }
    }

    /// The number of its rows.
    pub fn row_count(&self) -> u64 {
        match &self.kind {
            SourceKind::Live(chunk) => chunk.records().len() as u64,
            SourceKind::Segment(segment) => segment.meta().rows,
        }
    }

    /// Whether it is a segment, not a chunk of the live tier.
    pub fn is_segment(&self) -> bool {
        matches!(self.kind, SourceKind::Segment(_))
    }

    /// Reads rows; `source_number` is its number in [`Snapshot::sources`], for [`crate::Column::Address`].
    pub fn scan(&self, source_number: u32, request: &ScanRequest) -> ScanStream {
        self.scan_share(source_number, Share::WHOLE, request)
    }

    /// Reads rows of a share of it. A chunk of the live tier is in the first share.
    pub fn scan_share(&self, source_number: u32, share: Share, request: &ScanRequest) -> ScanStream {
        match &self.kind {
            SourceKind::Live(_) if !share.has(0) => Box::pin(stream::empty()),
            SourceKind::Live(chunk) => scan_live(Arc::clone(chunk.records()), source_number, request, &self.looked_at),
            SourceKind::Segment(segment) => {
                segment.scan(source_number, share, request, &self.on_damage(), &self.looked_at)
            }
        }
    }

    /// Which attributes its rows have and how often, in no order. Of all its rows, whatever their time.
    pub async fn fields(&self) -> Result<Vec<FieldCount>, StorageError> {
        let catalogue = match &self.kind {
            SourceKind::Live(chunk) => {
                let records = Arc::clone(chunk.records());
                blocking(move || Ok(FieldCatalogue::of_records(&records))).await?
            }
            SourceKind::Segment(segment) => match segment.field_catalogue().await {
                Ok(catalogue) => catalogue,
                Err(error) => {
                    self.on_damage().leave_out(segment, "the fields", error)?;
                    FieldCatalogue::new()
                }
            },
        };
        use AttributeScope::{Event, Link, Record, Resource, Scope};
        Ok([Resource, Scope, Record, Event, Link]
            .into_iter()
            .flat_map(|scope| {
                catalogue.fields(scope).map(move |(key, counts)| {
                    let [strings, ints, doubles, bools] = counts.typed;
                    FieldCount { scope, key: key.to_owned(), strings, ints, doubles, bools, others: counts.other }
                })
            })
            .collect())
    }

    /// What was counted of its rows.
    pub async fn rollup(&self, request: RollupRequest) -> Result<RollupPart, StorageError> {
        match &self.kind {
            SourceKind::Live(chunk) => {
                let chunk = Arc::clone(chunk);
                blocking(move || chunk.rollup()?.part(&request)).await
            }
            SourceKind::Segment(segment) => segment.rollup(request, &self.on_damage()).await,
        }
    }

    async fn trace_rows(&self, trace: TraceId) -> Result<Vec<u32>, StorageError> {
        match &self.kind {
            SourceKind::Live(chunk) => Ok(live_trace_rows(chunk.records(), trace)),
            SourceKind::Segment(segment) => segment.trace_rows(trace, &self.on_damage()).await,
        }
    }

    /// Whole rows, but for those that are damaged.
    async fn left(&self, rows: &[u32]) -> Result<Records, StorageError> {
        match &self.kind {
            SourceKind::Segment(segment) => segment.read_left(rows.to_vec(), &self.on_damage()).await,
            SourceKind::Live(chunk) => match chunk.records().signal() {
                Signal::Traces => self.spans(rows).await.map(Records::Spans),
                Signal::Logs => self.logs(rows).await.map(Records::Logs),
            },
        }
    }

    async fn trace_spans(&self, trace: TraceId) -> Result<Option<Spans>, StorageError> {
        if let SourceKind::Segment(segment) = &self.kind {
            return segment.trace_spans(trace, &self.on_damage()).await;
        }
        let rows = self.trace_rows(trace).await?;
        if rows.is_empty() { Ok(None) } else { self.spans(&rows).await.map(Some) }
    }

    fn on_damage(&self) -> OnDamage {
        OnDamage::LeaveOut(self.gaps.clone())
    }

    async fn spans(&self, rows: &[u32]) -> Result<Spans, StorageError> {
        match &self.kind {
            SourceKind::Live(chunk) => match chunk.records().as_ref() {
                Records::Spans(spans) => {
                    let mut found = Spans::default();
                    found.append_rows(spans, known_rows(rows, spans.len())?);
                    Ok(found)
                }
                Records::Logs(_) => Err(wrong_signal("spans", "logs")),
            },
            SourceKind::Segment(segment) => segment.rows_spans(rows).await,
        }
    }

    async fn logs(&self, rows: &[u32]) -> Result<Logs, StorageError> {
        match &self.kind {
            SourceKind::Live(chunk) => match chunk.records().as_ref() {
                Records::Logs(logs) => {
                    let mut found = Logs::default();
                    found.append_rows(logs, known_rows(rows, logs.len())?);
                    Ok(found)
                }
                Records::Spans(_) => Err(wrong_signal("log records", "spans")),
            },
            SourceKind::Segment(segment) => segment.rows_logs(rows).await,
        }
    }
}

/// How often an attribute occurs, by the type of its values. Those of resources and instrumentation scopes occur once
/// for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// Where it stands.
    pub scope: AttributeScope,
    /// Its key.
    pub key: String,
    /// As text.
    pub strings: u64,
    /// As an integer.
    pub ints: u64,
    /// As a float.
    pub doubles: u64,
    /// As true or false.
    pub bools: u64,
    /// As anything else.
    pub others: u64,
}

/// What one tenant had of one signal when the snapshot was taken. Cheap to clone.
#[derive(Clone)]
pub struct Snapshot {
    sources: Arc<[Source]>,
    gaps: Gaps,
    looked_at: RowCount,
}

impl Snapshot {
    pub(crate) fn new(chunks: impl IntoIterator<Item = Arc<Chunk>>, segments: &[Arc<Segment>]) -> Snapshot {
        let (gaps, looked_at) = (Gaps::default(), RowCount::default());
        let live = chunks.into_iter().map(SourceKind::Live);
        let stored = segments.iter().map(|segment| SourceKind::Segment(Arc::clone(segment)));
        let source = |kind| Source { kind, gaps: gaps.clone(), looked_at: looked_at.clone() };
        let sources = live.chain(stored).map(source).collect();
        Snapshot { sources, gaps, looked_at }
    }

    /// A snapshot of records that are in memory and stored nowhere, for judging a batch as scans judge rows.
    #[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "nobody asks how old it is"))]
    pub fn of_records(records: Records) -> Snapshot {
        let request = StoredRequest { hash: 0, received_at: UnixNanos(0) };
        Snapshot::new(Chunk::new(records, request, 0, Instant::now()).map(Arc::new), &[])
    }

    /// What reading this snapshot and its clones has left out so far because it is damaged, by name. Empty: every row
    /// was looked at.
    pub fn gaps(&self) -> Vec<String> {
        self.gaps.named()
    }

    /// How many rows scans of this snapshot and its clones have looked at so far, again for each scan: those of which something
    /// was decoded. Rows that indexes and statistics decide do not count.
    pub fn rows_looked_at(&self) -> u64 {
        self.looked_at.get()
    }

    /// Its parts; every row is in exactly one of them. A [`RowAddress`] counts them from 0.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The whole spans at these addresses, in this order. [`StorageErrorKind::Corrupt`] when one cannot be read: a scan
    /// for addresses does not find such rows from then on.
    pub async fn spans(&self, addresses: &[RowAddress]) -> Result<Spans, StorageError> {
        let picks = self.pick(addresses)?;
        let reads: Vec<_> = picks.iter().map(|pick| self.sources[pick.source].spans(&pick.rows)).collect();
        let parts: Vec<Spans> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let mut found = Spans::default();
        parts.iter().for_each(|part| found.append(part));
        let order = order_of(&picks, addresses.len(), found.len())?;
        if order.is_sorted() {
            return Ok(found);
        }
        let mut ordered = Spans::default();
        ordered.append_rows(&found, order);
        Ok(ordered)
    }

    /// The whole log records at these addresses, in this order. Errors as of [`Snapshot::spans`].
    pub async fn logs(&self, addresses: &[RowAddress]) -> Result<Logs, StorageError> {
        let picks = self.pick(addresses)?;
        let reads: Vec<_> = picks.iter().map(|pick| self.sources[pick.source].logs(&pick.rows)).collect();
        let parts: Vec<Logs> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let mut found = Logs::default();
        parts.iter().for_each(|part| found.append(part));
        let order = order_of(&picks, addresses.len(), found.len())?;
        if order.is_sorted() {
            return Ok(found);
        }
        let mut ordered = Logs::default();
        ordered.append_rows(&found, order);
        Ok(ordered)
    }

    /// The whole records at these addresses that can be read, in the order of the addresses' numbers. What cannot be read
    /// is in [`Snapshot::gaps`].
    pub async fn left(&self, signal: Signal, addresses: &[RowAddress]) -> Result<Records, StorageError> {
        let picks = self.pick(addresses)?;
        let reads: Vec<_> = picks.iter().map(|pick| self.sources[pick.source].left(&pick.rows)).collect();
        let parts: Vec<Records> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let mut all = Records::new(signal);
        match parts.iter().all(|part| all.append(part)) {
            true => Ok(all),
            false => {
                Err(StorageError::new(StorageErrorKind::Invalid, format!("these are not all addresses of {signal}")))
            }
        }
    }

    /// All spans of a trace that can be read, wherever they are stored; a span that was sent more than once, the same in every field,
    /// is there once. No spans when the trace is unknown.
    pub async fn trace(&self, trace: TraceId) -> Result<Spans, StorageError> {
        let reads: Vec<_> = self.sources.iter().map(|source| source.trace_spans(trace)).collect();
        let parts: Vec<Option<Spans>> = stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let mut found = Spans::default();
        parts.iter().flatten().for_each(|part| found.append(part));
        Ok(without_resends(found))
    }

    /// Whether a span of the trace is stored.
    pub async fn has_trace(&self, trace: TraceId) -> Result<bool, StorageError> {
        let looks: Vec<_> = self.sources.iter().map(|source| source.trace_rows(trace)).collect();
        let mut reads = stream::iter(looks).buffer_unordered(CONCURRENT_READS);
        while let Some(rows) = reads.next().await {
            if !rows?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Groups addresses by source, so that each source is read once.
    fn pick(&self, addresses: &[RowAddress]) -> Result<Vec<Pick>, StorageError> {
        let mut order: Vec<usize> = (0..addresses.len()).collect();
        order.sort_by_key(|&position| addresses[position]);
        let mut picks: Vec<Pick> = Vec::new();
        for position in order {
            let address = addresses[position];
            if address.source() >= self.sources.len() {
                return Err(unknown_row(address.row()));
            }
            if picks.last().is_none_or(|pick| pick.source != address.source()) {
                picks.push(Pick { source: address.source(), rows: Vec::new(), positions: Vec::new() });
            }
            if let Some(pick) = picks.last_mut() {
                pick.rows.push(address.row() as u32);
                pick.positions.push(position);
            }
        }
        Ok(picks)
    }
}

/// Rows of one source, and where in the answer each belongs.
struct Pick {
    source: usize,
    rows: Vec<u32>,
    positions: Vec<usize>,
}

/// For each place of the answer, the row of the concatenated parts that belongs there.
fn order_of(picks: &[Pick], asked: usize, found: usize) -> Result<Vec<usize>, StorageError> {
    if asked != found {
        let message = format!("{asked} rows were asked of the segments and {found} came back");
        return Err(StorageError::new(StorageErrorKind::Internal, message));
    }
    let mut order = vec![0; asked];
    for (row, &position) in picks.iter().flat_map(|pick| &pick.positions).enumerate() {
        order[position] = row;
    }
    Ok(order)
}

fn live_trace_rows(records: &Records, trace: TraceId) -> Vec<u32> {
    let ids = match records {
        Records::Spans(spans) => &spans.trace_id,
        Records::Logs(logs) => &logs.trace_id,
    };
    ids.iter().enumerate().filter(|(_, id)| **id == trace).map(|(row, _)| row as u32).collect()
}

fn known_rows(rows: &[u32], len: usize) -> Result<impl Iterator<Item = usize>, StorageError> {
    match rows.iter().find(|&&row| row as usize >= len) {
        Some(&row) => Err(unknown_row(row as usize)),
        None => Ok(rows.iter().map(|&row| row as usize)),
    }
}

fn unknown_row(row: usize) -> StorageError {
    let message = format!("row {row} is not in this snapshot: use addresses only with the snapshot they came from");
    StorageError::new(StorageErrorKind::Invalid, message)
}

fn wrong_signal(asked: &str, held: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, format!("{asked} were asked of a snapshot of {held}"))
}

/// Drops rows that equal an earlier one in every field.
fn without_resends(spans: Spans) -> Spans {
    let mut by_id: hashbrown::HashMap<[u8; 8], Vec<usize>> = hashbrown::HashMap::with_capacity(spans.len());
    let mut kept = Vec::with_capacity(spans.len());
    for row in 0..spans.len() {
        let earlier = by_id.entry(spans.span_id[row].0).or_default();
        if !earlier.iter().any(|&other| is_same_span(&spans, other, row)) {
            earlier.push(row);
            kept.push(row);
        }
    }
    if kept.len() == spans.len() {
        return spans;
    }
    let mut once = Spans::default();
    once.append_rows(&spans, kept);
    once
}

fn is_same_span(spans: &Spans, a: usize, b: usize) -> bool {
    let (events_a, events_b) = (spans.events.of_row(a), spans.events.of_row(b));
    let (links_a, links_b) = (spans.links.of_row(a), spans.links.of_row(b));
    spans.start[a] == spans.start[b]
        && spans.end[a] == spans.end[b]
        && spans.scope[a] == spans.scope[b]
        && spans.parent_span_id[a] == spans.parent_span_id[b]
        && spans.kind[a] == spans.kind[b]
        && spans.flags[a] == spans.flags[b]
        && spans.status_code[a] == spans.status_code[b]
        && spans.dropped_attributes_count[a] == spans.dropped_attributes_count[b]
        && spans.dropped_events_count[a] == spans.dropped_events_count[b]
        && spans.dropped_links_count[a] == spans.dropped_links_count[b]
        && spans.name.get(a) == spans.name.get(b)
        && spans.trace_state.get(a) == spans.trace_state.get(b)
        && spans.status_message.get(a) == spans.status_message.get(b)
        && spans.attributes.row(a).eq(spans.attributes.row(b))
        && events_a.len() == events_b.len()
        && links_a.len() == links_b.len()
        && events_a.zip(events_b).all(|(a, b)| is_same_event(spans, a, b))
        && links_a.zip(links_b).all(|(a, b)| is_same_link(spans, a, b))
}

fn is_same_event(spans: &Spans, a: usize, b: usize) -> bool {
    let events = &spans.events;
    events.time[a] == events.time[b]
        && events.name.get(a) == events.name.get(b)
        && events.dropped_attributes_count[a] == events.dropped_attributes_count[b]
        && events.attributes.row(a).eq(events.attributes.row(b))
}

fn is_same_link(spans: &Spans, a: usize, b: usize) -> bool {
    let links = &spans.links;
    links.trace_id[a] == links.trace_id[b]
        && links.span_id[a] == links.span_id[b]
        && links.flags[a] == links.flags[b]
        && links.trace_state.get(a) == links.trace_state.get(b)
        && links.dropped_attributes_count[a] == links.dropped_attributes_count[b]
        && links.attributes.row(a).eq(links.attributes.row(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handlers of requests are futures that move between threads.
    #[test]
    fn reading_a_snapshot_can_move_between_threads() {
        fn assert_send<T: Send>(_: T) {}
        let snapshot = Snapshot::new([], &[]);
        assert_send(snapshot.spans(&[]));
        assert_send(snapshot.logs(&[]));
        assert_send(snapshot.trace(TraceId([1; 16])));
        assert_send(snapshot.has_trace(TraceId([1; 16])));
    }

    #[test]
    fn an_address_holds_source_and_row() {
        let address = RowAddress::new(u32::MAX, 7);
        assert_eq!((address.source(), address.row()), (u32::MAX as usize, 7));
        assert!(RowAddress::new(1, u32::MAX) < RowAddress::new(2, 0));
    }
}
