//! The files of a tantivy index as one piece of bytes, and opening them where they lie in the index object.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use parquet::file::reader::Length;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, OwnedBytes, WatchCallback, WatchHandle, WritePtr};
use tantivy::{Directory, HasLen, Index};

use super::blocks::BLOCK_BYTES;
use super::object::VerifiedObject;
use crate::StorageError;

/// The files of `index`: their number, of each the length of its name, its name and its size, then their contents.
pub(crate) fn pack(index: &Index) -> tantivy::Result<Vec<u8>> {
    let directory = index.directory();
    let mut names: Vec<PathBuf> = directory.list_managed_files().into_iter().collect();
    let meta = PathBuf::from("meta.json");
    if !names.contains(&meta) {
        names.push(meta);
    }
    names.sort();
    let mut bytes = (names.len() as u32).to_le_bytes().to_vec();
    let mut contents = Vec::new();
    for name in &names {
        // meta.json is written as a whole and has no footer; the others are read with theirs.
        let mut content = directory.atomic_read(name)?;
        let name = name.to_string_lossy();
        if name.ends_with(".store") {
            // Nothing is stored, and saying so for every document takes room. tantivy only looks at the footer.
            content = footer(&content).to_vec();
        }
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        contents.extend_from_slice(&content);
    }
    bytes.extend_from_slice(&contents);
    Ok(bytes)
}

/// The footer of a file of tantivy: its text, the length of the text (4) and a magic number (4).
fn footer(file: &[u8]) -> &[u8] {
    let length = file.len().checked_sub(8).and_then(|at| file[at..at + 4].try_into().ok()).map(u32::from_le_bytes);
    let length = length.map_or(file.len(), |length| length as usize + 8);
    &file[file.len().saturating_sub(length)..]
}

/// How many blocks are held of those that were read last.
const RECENT_MAX: usize = 16;

/// An object of which many small pieces are read that lie in few blocks.
struct Recent {
    object: VerifiedObject,
    /// Where blocks start, and what they have; the oldest first.
    blocks: Mutex<VecDeque<(u64, Bytes)>>,
}

impl Recent {
    fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let block = BLOCK_BYTES as u64;
        let start = range.start / block * block;
        let end = (start + block).min(self.object.len());
        if range.start > range.end || range.end > end {
            return self.object.read(range);
        }
        let inside = |bytes: &Bytes| bytes.slice((range.start - start) as usize..(range.end - start) as usize);
        let mut blocks = self.blocks.lock();
        if let Some((_, bytes)) = blocks.iter().find(|(at, _)| *at == start) {
            return Ok(inside(bytes));
        }
        let bytes = self.object.read(start..end)?;
        let found = inside(&bytes);
        if blocks.len() == RECENT_MAX {
            blocks.pop_front();
        }
        blocks.push_back((start, bytes));
        Ok(found)
    }
}

/// A bundle inside an object, as a directory that can only be read.
#[derive(Clone)]
pub(crate) struct BundleDirectory {
    object: Arc<Recent>,
    files: Arc<Vec<(PathBuf, Range<u64>)>>,
}

impl fmt::Debug for BundleDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleDirectory").field("files", &self.files).finish_non_exhaustive()
    }
}

impl BundleDirectory {
    /// The bundle at `range` of `object`.
    pub(crate) fn open(object: VerifiedObject, range: Range<u64>) -> Result<BundleDirectory, StorageError> {
        let object = Arc::new(Recent { object, blocks: Mutex::default() });
        let mut at = range.start;
        let mut take = |length: u64| {
            let end = at.saturating_add(length).min(range.end);
            let piece = object.read(at..end);
            at = end;
            piece
        };
        let count = u32_of(&take(4)?);
        let mut sizes = Vec::new();
        for _ in 0..count {
            let length = u32_of(&take(4)?);
            let name = String::from_utf8_lossy(&take(u64::from(length))?).into_owned();
            let size = u64::from(u32_of(&take(4)?)) | u64::from(u32_of(&take(4)?)) << 32;
            sizes.push((PathBuf::from(name), size));
        }
        let mut files = Vec::new();
        for (name, size) in sizes {
            let end = at.saturating_add(size).min(range.end);
            files.push((name, at..end));
            at = end;
        }
        Ok(BundleDirectory { object, files: Arc::new(files) })
    }

    fn file(&self, path: &Path) -> Result<BundleFile, OpenReadError> {
        match self.files.iter().find(|(name, _)| name == path) {
            Some((_, range)) => Ok(BundleFile { object: Arc::clone(&self.object), range: range.clone() }),
            None => Err(OpenReadError::FileDoesNotExist(path.to_owned())),
        }
    }
}

fn u32_of(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_le_bytes).unwrap_or_default()
}

/// A file of a bundle.
struct BundleFile {
    object: Arc<Recent>,
    range: Range<u64>,
}

impl fmt::Debug for BundleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleFile({:?})", self.range)
    }
}

impl HasLen for BundleFile {
    fn len(&self) -> usize {
        (self.range.end - self.range.start) as usize
    }
}

impl FileHandle for BundleFile {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        let range = self.range.start + range.start as u64..self.range.start + range.end as u64;
        let bytes = self.object.read(range).map_err(io::Error::other)?;
        Ok(OwnedBytes::new(bytes.to_vec()))
    }
}

impl Directory for BundleDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        Ok(Arc::new(self.file(path)?))
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        Ok(self.file(path).is_ok())
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let file = self.file(path)?;
        let bytes = self.object.read(file.range).map_err(|error| OpenReadError::IoError {
            io_error: Arc::new(io::Error::other(error)),
            filepath: path.to_owned(),
        })?;
        Ok(bytes.to_vec())
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn atomic_write(&self, _path: &Path, _data: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, _lock: &Lock) -> Result<DirectoryLock, LockError> {
        // Nothing ever changes here.
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn watch(&self, _watch_callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the text index of a segment is never changed")
}
