//! Figures of the storage.

use tracewell_model::{Signal, TenantId, UnixNanos};

use super::shared::Shared;
use crate::compaction::{CompactionStats, Compactor};
use crate::live::Table;

/// Figures of the storage.
#[derive(Clone, Debug, Default)]
pub struct StorageStats {
    /// Of each tenant and signal, ordered by them.
    pub tables: Vec<TableStats>,
    /// The disk space that the journal takes.
    pub journal_bytes: u64,
    /// What is wrong at the moment: why appends are refused, or why nothing can be flushed.
    pub degraded: Option<String>,
    /// What is damaged or was set aside, by name: journal files, segments.
    pub damaged: Vec<String>,
    /// What the compactor did since the start.
    pub compaction: CompactionStats,
}

/// Figures of one tenant's records of one signal.
#[derive(Clone, Debug)]
pub struct TableStats {
    /// Whose.
    pub tenant: TenantId,
    /// Of what.
    pub signal: Signal,
    /// Rows in the live tier.
    pub live_rows: u64,
    /// Heap bytes of the live tier.
    pub live_bytes: u64,
    /// The number of segments.
    pub segments: u64,
    /// Rows in segments.
    pub segment_rows: u64,
    /// Bytes of the segments' objects.
    pub segment_bytes: u64,
    /// The earliest and the latest time of its rows, live or stored; none when there is no row.
    pub time_bounds: Option<(UnixNanos, UnixNanos)>,
}

/// The figures now.
pub(super) fn collect(shared: &Shared, compactor: &Compactor) -> StorageStats {
    let quarantined = compactor.quarantined().into_iter().map(|id| format!("segment {id}: cannot be merged"));
    let views = shared.tables.all().into_iter().map(|table| table.view());
    let parts: Vec<String> =
        views.flat_map(|view| view.segments.iter().flat_map(|s| s.damaged_parts()).collect::<Vec<_>>()).collect();
    StorageStats {
        tables: shared.tables.all().iter().map(|table| of_table(table)).collect(),
        journal_bytes: shared.files.bytes(),
        degraded: shared.health.degraded(),
        damaged: shared.health.damaged().into_iter().chain(parts).chain(quarantined).collect(),
        compaction: compactor.stats(),
    }
}

fn of_table(table: &Table) -> TableStats {
    let view = table.view();
    let live_bounds = view.chunks().map(|chunk| chunk.time_bounds());
    let segment_bounds = view.segments.iter().map(|segment| (segment.meta().time_min, segment.meta().time_max));
    TableStats {
        tenant: table.tenant().clone(),
        signal: table.signal(),
        live_rows: view.chunks().map(|chunk| chunk.records().len() as u64).sum(),
        live_bytes: view.chunks().map(|chunk| chunk.bytes() as u64).sum(),
        segments: view.segments.len() as u64,
        segment_rows: view.segments.iter().map(|segment| segment.meta().rows).sum(),
        segment_bytes: view.segments.iter().map(|segment| segment.meta().bytes).sum(),
        time_bounds: live_bounds.chain(segment_bounds).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))),
    }
}
