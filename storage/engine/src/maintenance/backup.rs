//! Backup and restore: a consistent copy of a data directory, taken while its server writes.
//!
//! The order makes it consistent. The journal is copied first, then the catalog: a request that is missing in the copy of
//! the journal because its file was released meanwhile is in a segment of the catalog's copy, and one that is in both is
//! passed over at the start by the catalog's watermark. So everything acknowledged before the backup began is in it.
//! Objects of segments never change; should one be deleted before it is copied, the catalog is copied again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracewell_model::UnixNanos;

use super::files::{copy_durably, files_below, make_directory, sync_directories};
use super::store::CATALOG_FILE;
use crate::catalog::{Catalog, SegmentMeta, SqliteCatalog};
use crate::world::blocking;
use crate::{StorageError, StorageErrorKind};

/// The file that says that a backup is whole. Written last.
const MANIFEST_FILE: &str = "backup.json";

/// The version of the layout of backups.
const MANIFEST_FORMAT: u32 = 1;

/// How often the catalog is copied again because segments were merged and deleted meanwhile.
const ATTEMPTS_MAX: usize = 20;

/// Directories of plain files that go along.
const ASIDE: [&str; 2] = ["set-aside", "dead-letters"];

/// How the immutable objects of segments get into a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupObjects {
    /// As copies.
    Copied,
    /// As hard links: at once and without space, but on the same file system, and damaged together with the originals.
    Linked,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// The version of the layout.
    format: u32,
    /// The program that made it.
    pub version: String,
    /// When it began, in Unix nanoseconds: everything acknowledged before is in it.
    pub began_at: u64,
    /// Segments.
    pub segments: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of their objects.
    pub segment_bytes: u64,
    /// Bytes of the journal's files.
    pub journal_bytes: u64,
}

/// Copies the store in `data_dir`, whose server may be running, to the directory `into`, which has to be empty or missing.
#[cfg_attr(not(test), expect(clippy::disallowed_methods, reason = "works on the real disk alone"))]
pub async fn backup(data_dir: &Path, into: &Path, objects: BackupObjects) -> Result<Backup, StorageError> {
    let began_at = UnixNanos::now();
    if !data_dir.join(CATALOG_FILE).is_file() {
        return Err(invalid(format!("there is no {CATALOG_FILE} in {}: is it a data directory?", data_dir.display())));
    }
    check_empty(into)?;
    make_directory(into).map_err(|error| failed("cannot make", into, &error))?;
    let mut copied: HashSet<String> = HashSet::new();
    for _ in 0..ATTEMPTS_MAX {
        let (from, to) = (data_dir.join("journal"), into.join("journal"));
        let journal_bytes =
            blocking(move || copy_journal(&from, &to).map_err(|error| failed("cannot copy", &from, &error))).await?;
        let segments = copy_catalog(data_dir, into).await?;
        let (from, to, wanted, mut done) = (data_dir.to_owned(), into.to_owned(), segments.clone(), copied.clone());
        let (complete, done) = blocking(move || {
            let complete = copy_objects(&from, &to, &wanted, objects, &mut done)?;
            Ok((complete, done))
        })
        .await?;
        copied = done;
        if complete {
            let backup = Backup {
                format: MANIFEST_FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                began_at: began_at.0,
                segments: segments.len() as u64,
                rows: segments.iter().map(|segment| segment.rows).sum(),
                segment_bytes: segments.iter().map(|segment| segment.bytes).sum(),
                journal_bytes,
            };
            let (from, to, manifest) = (data_dir.to_owned(), into.to_owned(), backup.clone());
            blocking(move || finish(&from, &to, &segments, &copied, &manifest)).await?;
            return Ok(backup);
        }
    }
    let message = format!(
        "segments of {} were deleted {ATTEMPTS_MAX} times before they were copied: raise deletion_grace, or use hard links",
        data_dir.display()
    );
    Err(StorageError::new(StorageErrorKind::Unavailable, message))
}

/// Copies the backup in `from` to `data_dir`, which has to be empty or missing.
pub async fn restore(from: &Path, data_dir: &Path) -> Result<Backup, StorageError> {
    let manifest = from.join(MANIFEST_FILE);
    let text = fs::read(&manifest).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            invalid(format!("there is no {MANIFEST_FILE} in {}: it is no backup, or not a whole one", from.display()))
        }
        _ => failed("cannot read", &manifest, &error),
    })?;
    let backup: Backup = serde_json::from_slice(&text)
        .map_err(|error| invalid(format!("{} makes no sense: {error}", manifest.display())))?;
    if backup.format != MANIFEST_FORMAT {
        let message = format!(
            "{} has format {}, this program reads {MANIFEST_FORMAT}: use a newer program",
            manifest.display(),
            backup.format
        );
        return Err(invalid(message));
    }
    check_empty(data_dir)?;
    let (source, target) = (from.to_owned(), data_dir.to_owned());
    blocking(move || {
        let copy = || -> io::Result<()> {
            make_directory(&target)?;
            for path in files_below(&source)? {
                let name = path.strip_prefix(&source).map_err(io::Error::other)?;
                if name != Path::new(MANIFEST_FILE) && name != Path::new("lock") {
                    copy_durably(&path, &target.join(name))?;
                }
            }
            sync_directories(&target)
        };
        copy().map_err(|error| failed("cannot restore to", &target, &error))
    })
    .await?;
    Ok(backup)
}

fn check_empty(directory: &Path) -> Result<(), StorageError> {
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(invalid(format!("{} is not empty: choose an empty or new directory", directory.display()))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("cannot read", directory, &error)),
    }
}

/// Copies the files of the journal, the oldest first; their bytes.
fn copy_journal(from: &Path, to: &Path) -> io::Result<u64> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => make_directory(to)?,
    }
    let mut files = match files_below(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        files => files?,
    };
    files.sort();
    let mut bytes = 0;
    for file in files {
        let Some(name) = file.file_name() else { continue };
        match copy_durably(&file, &to.join(name)) {
            Ok(copied) => bytes += copied,
            // It was released, and so were those before it: the catalog has what was in them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_dir_all(to)?;
                make_directory(to)?;
                bytes = 0;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Copies the catalog as of one moment; the segments that are visible in it.
async fn copy_catalog(data_dir: &Path, into: &Path) -> Result<Vec<SegmentMeta>, StorageError> {
    let target = into.join(CATALOG_FILE);
    match fs::remove_file(&target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("cannot replace", &target, &error));
        }
        _ => {}
    }
    SqliteCatalog::copy(&data_dir.join(CATALOG_FILE), &target).await?;
    let catalog = SqliteCatalog::open(&target).await?;
    // Their objects are not in the backup.
    let dead: Vec<_> = catalog.dead_segments(UnixNanos(u64::MAX)).await?.iter().map(|segment| segment.id).collect();
    catalog.forget(&dead).await?;
    let state = catalog.load(UnixNanos(u64::MAX)).await?;
    catalog.close().await;
    Ok(state.segments)
}

/// Copies the objects that are not yet copied; false when one is gone.
fn copy_objects(
    data_dir: &Path,
    into: &Path,
    segments: &[SegmentMeta],
    objects: BackupObjects,
    copied: &mut HashSet<String>,
) -> Result<bool, StorageError> {
    for object in segments.iter().flat_map(|segment| &segment.objects) {
        if copied.contains(&object.path) {
            continue;
        }
        let (from, to) = (data_dir.join(&object.path), into.join(&object.path));
        let outcome = match objects {
            BackupObjects::Copied => copy_durably(&from, &to).map(drop),
            BackupObjects::Linked => {
                to.parent().map_or(Ok(()), make_directory).and_then(|()| fs::hard_link(&from, &to))
            }
        };
        match outcome {
            Ok(()) => drop(copied.insert(object.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("cannot copy", &from, &error)),
        }
    }
    Ok(true)
}

/// Removes what an earlier attempt copied in vain, and writes the manifest when all else is durable.
fn finish(
    data_dir: &Path,
    into: &Path,
    segments: &[SegmentMeta],
    copied: &HashSet<String>,
    manifest: &Backup,
) -> Result<(), StorageError> {
    let write = || -> io::Result<()> {
        let wanted: HashSet<&str> =
            segments.iter().flat_map(|segment| &segment.objects).map(|object| object.path.as_str()).collect();
        for path in copied.iter().filter(|path| !wanted.contains(path.as_str())) {
            fs::remove_file(into.join(path))?;
        }
        for name in ASIDE {
            let directory = data_dir.join(name);
            for file in if directory.is_dir() { files_below(&directory)? } else { Vec::new() } {
                let below = file.strip_prefix(data_dir).map_err(io::Error::other)?;
                copy_durably(&file, &into.join(below))?;
            }
        }
        File::open(into.join(CATALOG_FILE))?.sync_all()?;
        sync_directories(into)?;
        let path = into.join(MANIFEST_FILE);
        fs::write(&path, serde_json::to_vec_pretty(manifest)?)?;
        File::open(&path)?.sync_all()?;
        File::open(into)?.sync_all()
    };
    write().map_err(|error| failed("cannot finish the backup in", into, &error))
}

fn invalid(message: String) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, message)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StorageError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageErrorKind::Unavailable,
        _ => StorageErrorKind::Internal,
    };
    StorageError::new(kind, format!("{what} {}: {error}", PathBuf::from(path).display()))
}
