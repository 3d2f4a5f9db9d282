//! Everything that touches bytes at rest: journal, live tier, segments, catalog, compaction and retention.
//!
//! Start at [`Storage`]: [`Storage::append`] makes a request durable, [`Storage::snapshot`] gives a consistent view
//! to read. `docs/ARCHITECTURE.md` has the map and the invariants, `docs/formats/` the bytes.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "most tests run in the real world"))]

mod bugs;
mod catalog;
mod column;
mod compaction;
mod config;
mod deletion;
mod engine;
mod error;
mod journal;
mod live;
mod maintenance;
mod predicate;
mod retention;
mod rollup;
mod scan;
mod segment;
mod snapshot;
mod text;
mod world;

pub use column::{AttributeScope, AttributeType, Column, arrow_type};
pub use compaction::CompactionStats;
pub use config::{Retention, StorageConfig};
pub use deletion::{DeleteRequest, DeleteTarget, Deletion};
pub use engine::{Append, Appended, Storage, StorageStats, TableStats};
pub use error::{StorageError, StorageErrorKind};
pub use maintenance::{
    Backup, BackupObjects, ColumnBytes, InspectedSegment, Inspection, Problem, SectionBytes, SegmentDetail,
    VerifyReport, backup, inspect, inspect_segment, restore, verify,
};
pub use predicate::{Comparison, Predicate, Scalar};
pub use rollup::{
    CallGraph, Cell, Edge, EdgeKind, LogKey, MINUTE_NANOS, Node, NodeKind, RollupPart, RollupRequest, RollupTable,
    SpanKey, duration_class, duration_of_class,
};
pub use scan::{ScanRequest, ScanStream, Share};
pub use snapshot::{FieldCount, RowAddress, Snapshot, Source};
pub use text::{TextPattern, tokens};
