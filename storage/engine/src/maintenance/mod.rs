//! Maintenance: what operators do with a store beside reading and writing it.
//!
//! [`verify`] checks everything there is, [`inspect`] tells what it consists of, [`backup`] copies it.

mod backup;
mod files;
mod inspect;
mod store;
mod verify;

pub use backup::{Backup, BackupObjects, backup, restore};
pub use inspect::{ColumnBytes, InspectedSegment, Inspection, SectionBytes, SegmentDetail, inspect, inspect_segment};
pub(crate) use verify::check_segments;
pub use verify::{Problem, VerifyReport, verify};
