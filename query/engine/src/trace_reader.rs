//! A trace read piece by piece, so that one of any size is held only in part.

use std::collections::HashSet;
use std::fmt;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::TryStreamExt;
use tracewell_model::{Spans, TimeRange, TraceId};
use tracewell_storage::{Column, RowAddress, Snapshot};

use crate::fingerprint::Fingerprints;
use crate::session::{Session, View};
use crate::traces::has_id;
use crate::{Exactness, QueryEngine, QueryError};

/// The rows of the first piece; those of further ones follow from its size.
const FIRST_PIECE_ROWS: usize = 512;
/// The most rows of a piece.
const PIECE_ROWS_MAX: usize = 16_384;
/// About how large a piece may be in memory.
const PIECE_BYTES: usize = 8 << 20;
/// What is held of each span of the trace while it is read: where it is, and what it is when its id is not its own.
const SPAN_BYTES: usize = 48;

/// The spans of a trace, to be read piece by piece. A span that was stored more than once, the same in every field,
/// is read once.
pub struct TraceReader {
    engine: QueryEngine,
    snapshot: Snapshot,
    /// The rows that are not read yet, the next last.
    rows: Vec<RowAddress>,
    row_count: usize,
    piece_rows: usize,
    /// What was read before it was asked for.
    ahead: Option<Spans>,
    /// The ids of more than one row.
    shared_ids: HashSet<[u8; 8]>,
    /// The fingerprints of the rows with such ids that were read.
    seen: HashSet<u128>,
    memory: MemoryReservation,
}

impl fmt::Debug for TraceReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceReader").field("row_count", &self.row_count).field("unread", &self.rows.len()).finish()
    }
}

impl TraceReader {
    /// Finds the spans of `trace`.
    pub(crate) async fn find(
        engine: &QueryEngine,
        session: &Session,
        view: &View,
        trace: TraceId,
    ) -> Result<TraceReader, QueryError> {
        let columns = [("span", Column::SpanId), ("address", Column::Address)];
        let is_of_trace = has_id(Column::TraceId, &trace.0);
        let mut batches = session.stream(view, &columns, TimeRange::ALL, is_of_trace);
        let memory = session.reservation("a trace");
        let (mut rows, mut ids, mut shared_ids) = (Vec::new(), HashSet::new(), HashSet::new());
        while let Some(batch) = batches.try_next().await? {
            memory.try_grow(batch.num_rows() * SPAN_BYTES)?;
            let spans = batch.column(0).as_fixed_size_binary();
            rows.extend(batch.column(1).as_primitive::<UInt64Type>().values().iter().map(|row| RowAddress(*row)));
            for id in spans.iter().flatten() {
                let id: [u8; 8] = id.try_into().unwrap_or_default();
                if !ids.insert(id) {
                    shared_ids.insert(id);
                }
            }
        }
        rows.sort_unstable_by(|a, b| b.cmp(a));
        Ok(TraceReader {
            engine: engine.clone(),
            snapshot: view.snapshot().clone(),
            row_count: rows.len(),
            rows,
            piece_rows: FIRST_PIECE_ROWS,
            ahead: None,
            shared_ids,
            seen: HashSet::new(),
            memory,
        })
    }

    /// How many spans there are, those that are there twice included.
    pub fn row_count(&self) -> usize {
        self.row_count
    }

    /// Takes memory for what is made of the spans, as long as they are read. Fails when that is more than a query may
    /// take.
    pub fn reserve(&self, bytes: usize) -> Result<(), QueryError> {
        Ok(self.memory.try_grow(bytes)?)
    }

    /// Reads the first piece, within the question that found the trace.
    pub(crate) async fn read_ahead(&mut self) -> Result<(), QueryError> {
        let piece = self.next_piece();
        if !piece.is_empty() {
            let spans = self.snapshot.spans(&piece).await?;
            self.ahead = Some(self.taken(spans, piece.len()));
        }
        Ok(())
    }

    /// The rows of the next piece.
    fn next_piece(&mut self) -> Vec<RowAddress> {
        let mut piece = self.rows.split_off(self.rows.len().saturating_sub(self.piece_rows));
        piece.reverse();
        piece
    }

    /// The spans of a piece that are not the same as one before; from its size follows that of the next.
    fn taken(&mut self, spans: Spans, rows: usize) -> Spans {
        let bytes_a_row = spans.heap_bytes().div_ceil(rows).max(1);
        self.piece_rows = (PIECE_BYTES / bytes_a_row).clamp(1, PIECE_ROWS_MAX).min(8 * self.piece_rows);
        self.unseen(spans)
    }

    /// The next spans; none at the end. Each piece is a question of its own: it waits for its turn and has its deadline.
    pub async fn next(&mut self) -> Result<Option<Spans>, QueryError> {
        if let Some(ahead) = self.ahead.take().filter(|ahead| !ahead.is_empty()) {
            return Ok(Some(ahead));
        }
        while !self.rows.is_empty() {
            let piece = self.next_piece();
            let (snapshot, wanted) = (&self.snapshot, &piece);
            let read = self.engine.run(None, |_| async move { Ok((snapshot.spans(wanted).await?, Exactness::Exact)) });
            let spans = read.await?.value;
            let spans = self.taken(spans, piece.len());
            if !spans.is_empty() {
                return Ok(Some(spans));
            }
        }
        Ok(None)
    }

    /// The spans that are not the same as one before.
    fn unseen(&mut self, spans: Spans) -> Spans {
        if self.shared_ids.is_empty() {
            return spans;
        }
        let mut fingerprints = Fingerprints::default();
        let is_new = |row: &usize| {
            !self.shared_ids.contains(&spans.span_id[*row].0) || self.seen.insert(fingerprints.of_span(&spans, *row))
        };
        let new: Vec<usize> = (0..spans.len()).filter(is_new).collect();
        if new.len() == spans.len() {
            return spans;
        }
        let mut once = Spans::default();
        once.append_rows(&spans, new);
        once
    }
}
