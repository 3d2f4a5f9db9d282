//! Exporting: all records that meet a query, whole, in pieces of bounded size, in no order.

use std::collections::VecDeque;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::StreamExt;
use tracewell_model::{Records, Signal, TimeRange};
use tracewell_storage::{Column, Predicate, RowAddress, ScanRequest, ScanStream, Snapshot};

use crate::{QueryEngine, QueryError, QueryErrorKind, QueryScope, lower};

/// The rows of the first piece, before it is known how large rows are.
const FIRST_ROWS: usize = 256;
/// The most rows of a piece.
const ROWS_MAX: usize = 8_192;
/// The bytes of a piece, near enough.
const PIECE_BYTES: usize = 4 << 20;

/// What an export does about damaged records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportDamage {
    /// It fails.
    Fail,
    /// It leaves them out.
    LeaveOut,
}

/// An export under way. It sees what was stored when it began, for as long as `deletion_grace` at least.
pub struct Export {
    snapshot: Snapshot,
    signal: Signal,
    time: TimeRange,
    predicate: Predicate,
    damage: ExportDamage,
    /// The next source to scan.
    next_source: u32,
    scan: Option<ScanStream>,
    found: VecDeque<RowAddress>,
    rows: usize,
}

impl QueryEngine {
    /// Begins to export the records of `signal` that `scope` is about. Its deadline does not count: whoever takes the pieces
    /// says how long it goes on.
    pub fn export(&self, scope: &QueryScope, signal: Signal, damage: ExportDamage) -> Result<Export, QueryError> {
        let predicate = lower(&scope.query, signal)?;
        let snapshot = self.storage().snapshot(&scope.tenant, signal);
        let (scan, found) = (None, VecDeque::new());
        Ok(Export {
            snapshot,
            signal,
            time: scope.time,
            predicate,
            damage,
            next_source: 0,
            scan,
            found,
            rows: FIRST_ROWS,
        })
    }
}

impl Export {
    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Records>, QueryError> {
        while self.find().await? {
            let addresses: Vec<RowAddress> = self.found.drain(..self.found.len().min(self.rows)).collect();
            let records = fetch(&self.snapshot, self.signal, self.damage, &addresses).await?;
            if records.is_empty() {
                continue;
            }
            let fitting = PIECE_BYTES.saturating_mul(records.len()) / records.heap_bytes().max(1);
            self.rows = fitting.clamp(1, ROWS_MAX).min(self.rows.saturating_mul(2));
            return Ok(Some(records));
        }
        match self.snapshot.gaps() {
            gaps if gaps.is_empty() || self.damage == ExportDamage::LeaveOut => Ok(None),
            gaps => {
                let message = format!("damaged data cannot be exported: {}", gaps.join("; "));
                Err(QueryError::new(QueryErrorKind::Damaged, message))
            }
        }
    }

    /// What was left out so far.
    pub fn gaps(&self) -> Vec<String> {
        self.snapshot.gaps()
    }

    /// Looks for records until a piece is full; false when there are none left.
    async fn find(&mut self) -> Result<bool, QueryError> {
        while self.found.len() < self.rows {
            if let Some(scan) = &mut self.scan {
                match scan.next().await {
                    Some(batch) => {
                        let batch = batch?;
                        let addresses = batch.column(0).as_primitive::<UInt64Type>().values();
                        self.found.extend(addresses.iter().map(|address| RowAddress(*address)));
                        continue;
                    }
                    None => self.scan = None,
                }
            }
            let Some(source) = self.snapshot.sources().get(self.next_source as usize) else { break };
            let (first, last) = source.time_bounds();
            if self.time.overlaps(first, last) {
                let predicate = self.predicate.clone();
                let request = ScanRequest { columns: vec![Column::Address], time: self.time, predicate };
                self.scan = Some(source.scan(self.next_source, &request));
            }
            self.next_source += 1;
        }
        Ok(!self.found.is_empty())
    }
}

/// The whole records at these addresses.
async fn fetch(
    snapshot: &Snapshot,
    signal: Signal,
    damage: ExportDamage,
    addresses: &[RowAddress],
) -> Result<Records, QueryError> {
    Ok(match (damage, signal) {
        (ExportDamage::LeaveOut, signal) => snapshot.left(signal, addresses).await?,
        (ExportDamage::Fail, Signal::Traces) => Records::Spans(snapshot.spans(addresses).await?),
        (ExportDamage::Fail, Signal::Logs) => Records::Logs(snapshot.logs(addresses).await?),
    })
}
