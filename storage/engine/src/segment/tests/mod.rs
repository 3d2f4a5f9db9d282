//! Tests across the modules of the segment: what is written comes back, and is found.

mod checking;
mod damage;
mod golden;
mod round_trip;
pub(crate) mod samples;
mod scanning;

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use tracewell_model::{Records, TenantId, UnixNanos};
use ulid::Ulid;

use super::order::order_of;
use super::{ColumnPlan, FieldCatalogue, Segment, SegmentWriter, WriteOptions, write};

/// A store in memory, to read by requests.
fn remote() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

/// A store in a directory, to read by position.
fn local() -> (tempfile::TempDir, Arc<dyn ObjectStore>) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = LocalFileSystem::new_with_prefix(directory.path()).expect("a store");
    (directory, Arc::new(store))
}

fn options(full_text_index: bool) -> WriteOptions {
    WriteOptions { level: u8::from(full_text_index), full_text_index, created_at: UnixNanos(1) }
}

/// The records as a segment with row groups of `row_group_rows`.
async fn segment_of_groups(
    store: &Arc<dyn ObjectStore>,
    records: &Records,
    full_text_index: bool,
    row_group_rows: usize,
) -> Arc<Segment> {
    let plan = ColumnPlan::new(records.signal(), &FieldCatalogue::of_records(records));
    let options = options(full_text_index);
    let mut writer = SegmentWriter::new(store, Ulid::new(), &tenant(), plan, options).expect("starts");
    writer.set_row_group_rows(row_group_rows).await;
    let order = order_of(&[Arc::new(records.clone())]).into_iter().map(|at| at.row).collect();
    writer.push(records.clone(), order).await.expect("encodes");
    Segment::open(store, writer.finish().await.expect("writes"))
}

/// The records as a segment, as a flush writes it.
async fn segment(store: &Arc<dyn ObjectStore>, records: &Records, full_text_index: bool) -> Arc<Segment> {
    let meta = write(store, Ulid::new(), &tenant(), vec![Arc::new(records.clone())], options(full_text_index)).await;
    Segment::open(store, meta.expect("writes"))
}

fn tenant() -> TenantId {
    TenantId::new("team-a").expect("a tenant")
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}
