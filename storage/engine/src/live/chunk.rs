//! A chunk: an immutable batch of records with the range of journal sequence numbers it came from.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tracewell_model::{Records, UnixNanos};

use crate::StorageError;
use crate::rollup::{MemoryRollup, RollupBuilder};

/// A request that was stored: what tells a resend of it apart, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredRequest {
    pub hash: u128,
    pub received_at: UnixNanos,
}

/// Records of one table. Never empty.
#[derive(Debug)]
pub(crate) struct Chunk {
    records: Arc<Records>,
    requests: Vec<StoredRequest>,
    /// The journal sequence number of its first request.
    pub first_sequence: u64,
    /// The journal sequence number of its last request.
    pub last_sequence: u64,
    /// When the first of its requests was put into the live tier.
    pub since: Instant,
    time_bounds: (UnixNanos, UnixNanos),
    bytes: usize,
    rollup: OnceLock<Arc<MemoryRollup>>,
}

impl Chunk {
    /// The records of one request; none when there is no record.
    pub(crate) fn new(records: Records, request: StoredRequest, sequence: u64, since: Instant) -> Option<Chunk> {
        let time_bounds = match &records {
            Records::Spans(spans) => spans.time_bounds()?,
            Records::Logs(logs) => logs.time_bounds()?,
        };
        let bytes = records.heap_bytes();
        Some(Chunk {
            records: Arc::new(records),
            requests: vec![request],
            first_sequence: sequence,
            last_sequence: sequence,
            since,
            time_bounds,
            bytes,
            rollup: OnceLock::new(),
        })
    }

    /// One chunk of all records of `chunks`, which follow each other; none when there is no chunk.
    pub(crate) fn merged(chunks: &[Arc<Chunk>]) -> Option<Chunk> {
        let (first, last) = (chunks.first()?, chunks.last()?);
        let records = concatenated(chunks)?;
        let bytes = records.heap_bytes();
        Some(Chunk {
            records: Arc::new(records),
            requests: chunks.iter().flat_map(|chunk| chunk.requests.iter().copied()).collect(),
            first_sequence: first.first_sequence,
            last_sequence: last.last_sequence,
            since: first.since,
            time_bounds: chunks.iter().fold(first.time_bounds, |(min, max), chunk| {
                (min.min(chunk.time_bounds.0), max.max(chunk.time_bounds.1))
            }),
            bytes,
            rollup: OnceLock::new(),
        })
    }

    /// What is counted of its records; made when it is first asked for.
    pub(crate) fn rollup(&self) -> Result<Arc<MemoryRollup>, StorageError> {
        if let Some(rollup) = self.rollup.get() {
            return Ok(Arc::clone(rollup));
        }
        let rollup = Arc::new(MemoryRollup::new(RollupBuilder::of_records(&self.records)?)?);
        Ok(Arc::clone(self.rollup.get_or_init(|| rollup)))
    }

    pub(crate) fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// The requests that its records came with.
    pub(crate) fn requests(&self) -> &[StoredRequest] {
        &self.requests
    }

    /// The earliest and the latest time of its records.
    pub(crate) fn time_bounds(&self) -> (UnixNanos, UnixNanos) {
        self.time_bounds
    }

    /// The heap bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// All records of `chunks` in one batch; none when there is no chunk.
fn concatenated(chunks: &[Arc<Chunk>]) -> Option<Records> {
    let first = chunks.first()?;
    let mut all = Records::new(first.records.signal());
    all.reserve_like(&first.records, chunks.iter().map(|chunk| chunk.records.len()).sum());
    // Chunks of a table are of one signal.
    chunks.iter().all(|chunk| all.append(&chunk.records)).then_some(all)
}
