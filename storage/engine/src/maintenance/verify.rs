//! Verifying: all checksums and invariants of a store, and the names of what is damaged.

use std::collections::HashMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use serde::Serialize;
use tracewell_model::UnixNanos;

use super::store::StoreReader;
use crate::catalog::Catalog;
use crate::engine::{DirectoryLock, decode_entry, set_aside_files};
use crate::journal::{Disk, Files, LocalDisk, is_set_aside, recover};
use crate::segment::Segment;
use crate::world::blocking;
use crate::{StorageError, StorageErrorKind};

/// What verifying found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Segments that were read from end to end.
    pub segments: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of their objects.
    pub bytes: u64,
    /// Requests of the journal that were decoded.
    pub journal_requests: u64,
    /// What is damaged. Empty: nothing is.
    pub problems: Vec<Problem>,
    /// What is not as usual but does no harm, such as objects that a crash left behind.
    pub notes: Vec<String>,
}

/// Something damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What it is about: a segment, the journal, the catalog.
    pub subject: String,
    /// What is wrong, and where.
    pub reason: String,
}

impl VerifyReport {
    fn problem(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(Problem { subject: subject.into(), reason: reason.into() });
    }
}

/// Checks the store in `data_dir`, which no process may have open.
pub async fn verify(data_dir: &FilePath) -> Result<VerifyReport, StorageError> {
    let store = StoreReader::open(data_dir).await?;
    let _lock = DirectoryLock::acquire(data_dir)?;
    let mut report = VerifyReport::default();
    for reason in store.catalog.integrity().await? {
        report.problem("catalog", reason);
    }
    let state = store.catalog.load(UnixNanos(0)).await?;
    let open = |meta| Segment::open(&store.objects, meta);
    let segments: Vec<Arc<Segment>> = state.segments.into_iter().map(open).collect();
    check_segments(&segments, &mut report).await?;
    check_orphans(&store, &mut report).await?;
    let journal_dir = data_dir.join("journal");
    if journal_dir.is_dir() {
        let (requests, problems) = blocking(move || check_journal(&journal_dir)).await?;
        report.journal_requests = requests;
        report.problems.extend(problems);
    }
    for path in set_aside_files(data_dir) {
        report.problem("set aside", format!("{}: records that an earlier run could not store", path.display()));
    }
    store.catalog.close().await;
    Ok(report)
}

/// Reads segments from end to end.
pub(crate) async fn check_segments(segments: &[Arc<Segment>], report: &mut VerifyReport) -> Result<(), StorageError> {
    for segment in segments {
        let meta = segment.meta();
        let subject = format!("segment {} of {} of tenant {}", meta.id, meta.signal, meta.tenant);
        for reason in segment.check().await? {
            report.problem(subject.as_str(), reason);
        }
        report.segments += 1;
        report.rows += meta.rows;
        report.bytes += meta.bytes;
    }
    Ok(())
}

/// Notes the objects that no segment has. They are left from a crash and go at the next start.
async fn check_orphans(store: &StoreReader, report: &mut VerifyReport) -> Result<(), StorageError> {
    let listed: Vec<ObjectMeta> =
        store.objects.list(Some(&Path::from("segments"))).try_collect().await.map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot list the objects of segments: {error}"))
        })?;
    let known = store.catalog.object_paths().await?;
    let known: HashMap<Path, ()> = known.into_iter().map(|path| (Path::from(path), ())).collect();
    if known.is_empty() && !listed.is_empty() {
        report.problem("catalog", format!("it knows no segment, but there are {} objects", listed.len()));
        return Ok(());
    }
    for object in listed.into_iter().filter(|object| !known.contains_key(&object.location)) {
        report.notes.push(format!("object {} ({} bytes) belongs to no segment", object.location, object.size));
    }
    Ok(())
}

/// Decodes every request of the journal; their number, and what cannot be read.
fn check_journal(directory: &FilePath) -> Result<(u64, Vec<Problem>), StorageError> {
    let failed = |error: String| StorageError::new(StorageErrorKind::Internal, error);
    let disk = LocalDisk::open(directory.to_owned()).map_err(|error| failed(error.to_string()))?;
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let mut requests = 0;
    let recovered = recover(disk.as_ref(), &Files::new(Arc::clone(&disk)), &mut |_, entry| {
        requests += 1;
        decode_entry(&entry).map(drop)
    });
    let recovered = recovered.map_err(|error| failed(error.to_string()))?;
    let damaged = recovered.damage.iter().map(|damage| damage.to_string());
    let names = disk.list().map_err(|error| failed(error.to_string()))?;
    let left = names.iter().filter(|name| is_set_aside(name));
    let left = left.map(|name| format!("journal file {name}: damaged, set aside by an earlier run"));
    let problems = damaged.chain(left).map(|reason| Problem { subject: "journal".to_owned(), reason });
    Ok((requests, problems.collect()))
}
