//! Verified reading of the objects of a segment.
//!
//! Everything here blocks: it is called where blocking is allowed ([`crate::world::blocking`]). Objects on the local disk are
//! read through one file handle by position, others by ranged requests.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Buf, Bytes};
use object_store::path::Path;
use object_store::{GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use super::blocks::{BLOCK_BYTES, Blocks};
use crate::bugs::{Bug, planted};
use crate::world::wait;
use crate::{StorageError, StorageErrorKind};

/// Pieces of a remote object that lie no further apart are read in one request.
const GAP_BYTES_MAX: u64 = 256 << 10;

/// What is read at once of an object that is read as a whole: whole blocks.
const SWEEP_BYTES: usize = 64 * BLOCK_BYTES;

/// An object of a segment.
pub(crate) struct Object {
    store: Arc<dyn ObjectStore>,
    path: Path,
    /// The open file, as long as somebody reads: segments that nobody reads hold no file open.
    file: Mutex<Weak<File>>,
    /// Whether the store is known to have no files.
    is_remote: AtomicBool,
}

impl Object {
    /// The object at `path`.
    pub(crate) fn new(store: Arc<dyn ObjectStore>, path: &str) -> Object {
        Object { store, path: Path::from(path), file: Mutex::new(Weak::new()), is_remote: AtomicBool::new(false) }
    }

    /// All of it.
    pub(crate) fn read_all(&self) -> Result<Bytes, StorageError> {
        let read = async { self.store.get(&self.path).await?.bytes().await };
        wait(read).map_err(|error| self.failed(error))
    }

    /// Its size and the XXH3-64 of its bytes, read piece by piece.
    pub(crate) fn digest(self: &Arc<Object>) -> Result<(u64, u64), StorageError> {
        let found = wait(self.store.head(&self.path)).map_err(|error| self.failed(error))?;
        let open = self.open()?;
        let mut hash = xxhash_rust::xxh3::Xxh3Default::new();
        for start in (0..found.size).step_by(SWEEP_BYTES) {
            hash.update(&open.read(start..found.size.min(start + SWEEP_BYTES as u64))?);
        }
        Ok((found.size, hash.digest()))
    }

    /// Opens it for reading parts.
    pub(crate) fn open(self: &Arc<Object>) -> Result<OpenObject, StorageError> {
        Ok(OpenObject { source: self.source()?, object: Arc::clone(self) })
    }

    fn source(&self) -> Result<Source, StorageError> {
        if let Some(file) = self.file.lock().upgrade() {
            return Ok(Source::Local(file));
        }
        if self.is_remote.load(Ordering::Relaxed) {
            return Ok(Source::Remote);
        }
        let options = GetOptions { range: Some((0..1u64).into()), ..GetOptions::default() };
        let found = wait(self.store.get_opts(&self.path, options));
        match found.map_err(|error| self.failed(error))?.payload {
            GetResultPayload::File(file, _) => {
                let file = Arc::new(file);
                *self.file.lock() = Arc::downgrade(&file);
                Ok(Source::Local(file))
            }
            GetResultPayload::Stream(_) => {
                self.is_remote.store(true, Ordering::Relaxed);
                Ok(Source::Remote)
            }
        }
    }

    /// An error that says that the object is damaged.
    pub(crate) fn corrupt(&self, what: impl std::fmt::Display) -> StorageError {
        StorageError::new(StorageErrorKind::Corrupt, format!("segment object {} is damaged: {what}", self.path))
    }

    /// An error of the store.
    fn failed(&self, error: object_store::Error) -> StorageError {
        match error {
            object_store::Error::NotFound { .. } => self.corrupt("it is missing"),
            error => {
                let message = format!("cannot read segment object {}: {error}", self.path);
                StorageError::new(StorageErrorKind::Internal, message)
            }
        }
    }
}

/// So many bytes of a file from `start` on.
fn read_at(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let place = start.saturating_add(bytes.len() as u64);
        match rustix::io::pread(file, spare_capacity(&mut bytes), place) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // More room than was asked for is read into as well.
    bytes.truncate(length);
    Ok(bytes)
}

#[derive(Clone)]
enum Source {
    Local(Arc<File>),
    Remote,
}

/// An object being read, not yet verified.
#[derive(Clone)]
pub(crate) struct OpenObject {
    object: Arc<Object>,
    source: Source,
}

impl OpenObject {
    /// The bytes in `range`, as they are. Fails when there are fewer.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let length = (range.end - range.start) as usize;
        match &self.source {
            Source::Local(file) => {
                let bytes = read_at(file, range.start, length).map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof => self.object.corrupt("it is shorter than it was written"),
                    _ if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                        self.object.corrupt("the disk cannot read it")
                    }
                    _ => StorageError::new(
                        StorageErrorKind::Internal,
                        format!("cannot read segment object {}: {error}", self.object.path),
                    ),
                })?;
                Ok(Bytes::from(bytes))
            }
            Source::Remote => {
                let read = self.object.store.get_range(&self.object.path, range);
                let bytes = wait(read).map_err(|error| self.object.failed(error))?;
                match bytes.len() {
                    read if read == length => Ok(bytes),
                    _ => Err(self.object.corrupt("it is shorter than it was written")),
                }
            }
        }
    }

    /// The object, verified block by block.
    pub(crate) fn verified(self, blocks: Arc<Blocks>) -> VerifiedObject {
        self.verified_from(0, blocks)
    }

    /// The part of the object from `base` on, verified block by block. What is before is not there.
    pub(crate) fn verified_from(self, base: u64, blocks: Arc<Blocks>) -> VerifiedObject {
        VerifiedObject { open: self, base, blocks, contents: None, fetched: Vec::new() }
    }
}

/// Says what stands in a range of an object's bytes.
pub(crate) type Contents = Arc<dyn Fn(Range<u64>) -> String + Send + Sync>;

/// An object being read; what is read is verified first.
#[derive(Clone)]
pub(crate) struct VerifiedObject {
    open: OpenObject,
    base: u64,
    blocks: Arc<Blocks>,
    contents: Option<Contents>,
    /// What was fetched ahead, with its place.
    fetched: Vec<(u64, Bytes)>,
}

impl VerifiedObject {
    /// Names what is damaged by `contents`.
    pub(crate) fn with_contents(self, contents: Contents) -> VerifiedObject {
        VerifiedObject { contents: Some(contents), ..self }
    }

    /// The numbers of all damaged blocks, each with what stands in it. Reads everything.
    pub(crate) fn damaged_blocks(&self) -> Result<Vec<String>, StorageError> {
        let mut damaged = Vec::new();
        for start in (0..self.blocks.bytes).step_by(SWEEP_BYTES) {
            let end = self.blocks.bytes.min(start + SWEEP_BYTES as u64);
            let Err(error) = self.read_blocks(start..end) else { continue };
            if error.kind() != StorageErrorKind::Corrupt {
                return Err(error);
            }
            for start in (start..end).step_by(BLOCK_BYTES) {
                let end = end.min(start + BLOCK_BYTES as u64);
                damaged.extend(self.read_blocks(start..end).err().map(|error| error.to_string()));
            }
        }
        Ok(damaged)
    }

    /// Fetches what will be read, in few requests, when requests are dear.
    pub(crate) fn fetch(&mut self, mut ranges: Vec<Range<u64>>) -> Result<(), StorageError> {
        self.fetched.clear();
        if matches!(self.open.source, Source::Local(_)) {
            return Ok(());
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut wanted: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            let range = self.blocks.covering(range);
            match wanted.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(GAP_BYTES_MAX) => {
                    last.end = last.end.max(range.end)
                }
                _ => wanted.push(range),
            }
        }
        for range in wanted {
            let start = range.start;
            match self.read_blocks(range) {
                Ok(bytes) => self.fetched.push((start, bytes)),
                // What is damaged may not be needed: it is read again by itself.
                Err(error) if error.kind() == StorageErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The bytes in `range`.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        if range.end > self.blocks.bytes || range.start > range.end {
            return Err(self.open.object.corrupt(format_args!("it should have bytes {range:?}")));
        }
        let (start, bytes) = match self
            .fetched
            .iter()
            .find(|(start, bytes)| *start <= range.start && range.end <= start + bytes.len() as u64)
        {
            Some((start, bytes)) => (*start, bytes.clone()),
            None => {
                let covering = self.blocks.covering(range.clone());
                let start = covering.start;
                (start, self.read_blocks(covering)?)
            }
        };
        Ok(bytes.slice((range.start - start) as usize..(range.end - start) as usize))
    }

    fn read_blocks(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let start = range.start;
        let bytes = self.open.read(self.base + range.start..self.base + range.end)?;
        match self.blocks.first_damaged(start, &bytes).filter(|_| !planted(Bug::IgnoredBlockChecksum)) {
            None => Ok(bytes),
            Some(block) => {
                let start = block * BLOCK_BYTES as u64;
                let contents = self.contents.as_ref().map(|contents| contents(start..start + BLOCK_BYTES as u64));
                let contents = contents.map(|contents| format!(" ({contents})")).unwrap_or_default();
                let what = format_args!("the checksum of block {block}{contents} does not match");
                Err(self.open.object.corrupt(what))
            }
        }
    }
}

impl Length for VerifiedObject {
    fn len(&self) -> u64 {
        self.blocks.bytes
    }
}

impl ChunkReader for VerifiedObject {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        // Page headers are far shorter than a block.
        let end = self.blocks.covering(start..start.saturating_add(BLOCK_BYTES as u64)).end;
        Ok(self.read(start..end).map_err(external)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.read(start..start.saturating_add(length as u64)).map_err(external)
    }
}

fn external(error: StorageError) -> ParquetError {
    ParquetError::External(Box::new(error))
}
