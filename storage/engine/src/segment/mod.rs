//! Segments: immutable sets of records in open columnar files. docs/formats/segment.md has the format.
//!
//! Writing: [`order`] sorts, [`shred`] makes columns ([`columns`] says which), [`encode`] makes objects, [`writer`] puts
//! them. Reading: [`reader`] opens, [`pages`] decodes parts of `rows.parquet`, [`view`] shows them as the logical table,
//! [`scan`] and [`rows`] answer.

pub(crate) mod any_value;
mod blocks;
mod catalogue;
mod check;
mod columns;
mod detail;
mod encode;
mod gather;
mod granule_filter;
mod granule_table;
mod granules;
mod group_reader;
mod index;
mod lists;
mod needs;
mod object;
mod order;
mod page_reader;
mod pages;
mod prune;
mod quarantine;
mod reader;
mod restore;
mod rollup;
mod row_bytes;
mod rows;
mod scan;
mod scopes;
mod shred;
mod shred_attributes;
mod text_bundle;
mod text_filter;
mod text_index;
mod text_search;
mod tombstones;
mod trace_index;
mod trigrams;
mod value_filter;
mod view;
mod wordings;
mod writer;

#[cfg(test)]
mod tests;

use parquet::errors::ParquetError;
use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

pub(crate) use catalogue::FieldCatalogue;
pub(crate) use columns::{ColumnPlan, ROW_GROUP_ROWS};
pub(crate) use gather::{Gathered, RowRef, pick};
pub(crate) use quarantine::{Gaps, OnDamage};
pub(crate) use reader::Segment;
pub(crate) use rows::SortKeys;
pub(crate) use tombstones::DeletedRows;
pub(crate) use writer::{SegmentWriter, write};

use crate::{StorageError, StorageErrorKind};

/// The version of the format that is written.
pub(crate) const FORMAT_VERSION: u16 = 1;

/// The writer's name in Parquet files.
const CREATED_BY: &str = concat!("tracewell ", env!("CARGO_PKG_VERSION"));

/// How a segment is written.
#[derive(Clone, Debug)]
pub(crate) struct WriteOptions {
    /// 0 as flushed; more when merged, then compressed better.
    pub level: u8,
    /// Whether words can be looked up.
    pub full_text_index: bool,
    /// See [`crate::catalog::SegmentMeta::created_at`].
    pub created_at: UnixNanos,
}

/// The directory of a segment's objects.
pub(crate) fn directory(tenant: &TenantId, signal: Signal, id: Ulid) -> String {
    format!("segments/{tenant}/{signal}/{id}")
}

fn unwritten(error: ParquetError) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, format!("cannot encode a segment: {error}"))
}
