//! Inspecting: what a store consists of, down to the bytes of a column.
//!
//! Reads the catalog and immutable objects only, so a server may be running meanwhile.

use std::path::Path;

use serde::Serialize;
use tracewell_model::UnixNanos;
use ulid::Ulid;

use super::store::StoreReader;
use crate::catalog::{Catalog, SegmentMeta};
use crate::segment::Segment;
use crate::{StorageError, StorageErrorKind};

/// The visible segments of a store, by tenant, signal and time.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Each visible segment.
    pub segments: Vec<InspectedSegment>,
    /// Bytes of the journal's files.
    pub journal_bytes: u64,
}

/// A segment as the catalog has it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedSegment {
    /// Its name.
    pub id: String,
    /// Whose records it holds.
    pub tenant: String,
    /// `traces` or `logs`.
    pub signal: &'static str,
    /// 0 as flushed; above the levels of its inputs when merged.
    pub level: u8,
    /// Its number of records.
    pub rows: u64,
    /// The bytes of its objects.
    pub bytes: u64,
    /// The earliest time of its records, in Unix nanoseconds.
    pub time_min: u64,
    /// The latest time of its records, in Unix nanoseconds.
    pub time_max: u64,
    /// When its youngest record was flushed, in Unix nanoseconds.
    pub created_at: u64,
    /// The version of the segment format.
    pub format_version: u16,
}

/// What a segment consists of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentDetail {
    /// What the catalog says.
    pub segment: InspectedSegment,
    /// Its objects, each a path and its bytes.
    pub objects: Vec<(String, u64)>,
    /// The rows of its row groups.
    pub row_groups: Vec<u32>,
    /// Resources with their instrumentation scopes.
    pub scopes: u64,
    /// The leaf columns of its rows, the largest first.
    pub columns: Vec<ColumnBytes>,
    /// The parts of its index, the largest first; those of row groups taken together.
    pub sections: Vec<SectionBytes>,
}

/// A leaf column of `rows.parquet`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnBytes {
    /// Its path in the schema.
    pub name: String,
    /// Its bytes on disk.
    pub bytes: u64,
    /// Its bytes before compression.
    pub uncompressed_bytes: u64,
    /// Values that are there; nulls are counted where it is not known which are.
    pub values: u64,
    /// The encodings of its pages.
    pub encodings: Vec<String>,
}

/// A part of an index.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SectionBytes {
    /// What it holds.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: u64,
}

/// The segments of the store in `data_dir`.
pub async fn inspect(data_dir: &Path) -> Result<Inspection, StorageError> {
    let store = StoreReader::open(data_dir).await?;
    let mut segments = store.catalog.load(UnixNanos(u64::MAX)).await?.segments;
    store.catalog.close().await;
    segments.sort_by_key(|meta| (meta.tenant.clone(), meta.signal, meta.time_min, meta.id));
    let segments = segments.iter().map(InspectedSegment::new).collect();
    Ok(Inspection { segments, journal_bytes: journal_bytes(data_dir) })
}

/// The segment `id` of the store in `data_dir`.
pub async fn inspect_segment(data_dir: &Path, id: &str) -> Result<SegmentDetail, StorageError> {
    let unknown = || {
        let message = format!("no visible segment is called {id:?}: inspect without a name lists them");
        StorageError::new(StorageErrorKind::Invalid, message)
    };
    let id_read = Ulid::from_string(id).map_err(|_| unknown())?;
    let store = StoreReader::open(data_dir).await?;
    let segments = store.catalog.load(UnixNanos(u64::MAX)).await?.segments;
    store.catalog.close().await;
    let meta = segments.into_iter().find(|meta| meta.id == id_read).ok_or_else(unknown)?;
    Segment::open(&store.objects, meta).detail().await
}

impl InspectedSegment {
    pub(crate) fn new(meta: &SegmentMeta) -> InspectedSegment {
        InspectedSegment {
            id: meta.id.to_string(),
            tenant: meta.tenant.to_string(),
            signal: meta.signal.as_str(),
            level: meta.level,
            rows: meta.rows,
            bytes: meta.bytes,
            time_min: meta.time_min.0,
            time_max: meta.time_max.0,
            created_at: meta.created_at.0,
            format_version: meta.format_version,
        }
    }
}

/// Files that vanish meanwhile were flushed.
fn journal_bytes(data_dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(data_dir.join("journal")) else { return 0 };
    entries.filter_map(|entry| entry.ok()?.metadata().ok()).map(|file| file.len()).sum()
}
