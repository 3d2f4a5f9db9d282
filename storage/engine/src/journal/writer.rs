//! Writing the journal: a group of requests, one write, one fsync.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::files::{ClosedFile, Files, file_name};
use super::frame::{Entry, FILE_HEADER_BYTES, FileHeader, Stamp};
use crate::bugs::{Bug, planted};
use crate::world::World;

/// Why a group of requests was not made durable. None of them was acknowledged; the caller may try again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// No space on the disk.
    #[error("the disk of the journal is full ({0}): free some space; appends go on by themselves then")]
    DiskFull(io::Error),
    /// Any other error of the disk.
    #[error("the journal cannot be written: {0}")]
    Io(io::Error),
}

impl JournalError {
    fn new(error: io::Error) -> JournalError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::DiskFull(error),
            _ => JournalError::Io(error),
        }
    }
}

/// Where the journal goes on after what is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number of the next file.
    pub file_number: u64,
    /// The sequence number of the next request.
    pub sequence: u64,
}

/// The writing end of the journal.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    world: Arc<dyn World>,
    files: Arc<Files>,
    file_bytes: u64,
    next: Position,
    current: Option<Current>,
    buffer: Vec<u8>,
}

/// The file that is written at present.
struct Current {
    name: String,
    file_id: u64,
    file: Box<dyn DiskFile>,
    /// Where the next frame goes.
    offset: u64,
    /// The space reserved.
    bytes: u64,
}

impl Journal {
    /// Goes on at `next` with new files of `file_bytes`. Nothing is written until the first request.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        world: Arc<dyn World>,
        files: Arc<Files>,
        file_bytes: u64,
        next: Position,
    ) -> Journal {
        Journal { disk, world, files, file_bytes, next, current: None, buffer: Vec::new() }
    }

    /// Makes a group of requests durable: they get consecutive sequence numbers, of which the first is returned.
    ///
    /// After an error the current file is given up, with whatever the disk may have of the group: a failed fsync
    /// says nothing about what a later one would do. The next group starts a new file, whose header voids the
    /// remains.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<u64, JournalError> {
        let group_bytes = entries.iter().map(|entry| entry.frame_bytes() as u64).sum();
        self.make_room(group_bytes)?;
        let written = self.write_group(entries);
        if let Err(error) = written {
            self.give_up_current();
            return Err(JournalError::new(error));
        }
        let first = self.next.sequence;
        self.next.sequence += entries.len() as u64;
        Ok(first)
    }

    /// Ends the current file, so that it can go when its requests are in segments. The next request begins another.
    pub(crate) fn rotate(&mut self) {
        self.close_current();
    }

    /// Makes sure that there is a file to write to; tells whether the journal works (again).
    pub(crate) fn probe(&mut self) -> Result<(), JournalError> {
        self.make_room(0)
    }

    fn make_room(&mut self, bytes: u64) -> Result<(), JournalError> {
        if self.current.as_ref().is_some_and(|current| current.offset + bytes <= current.bytes) {
            return Ok(());
        }
        self.close_current();
        let header_bytes = FILE_HEADER_BYTES as u64;
        self.start_file(self.file_bytes.max(header_bytes + bytes)).map_err(JournalError::new)
    }

    fn start_file(&mut self, bytes: u64) -> io::Result<()> {
        let number = self.next.file_number;
        let name = file_name(number);
        // The number is used up whatever happens, lest a half-made file be taken for the next one.
        self.next.file_number += 1;
        let file = self.disk.create(&name, bytes)?;
        let header = FileHeader {
            number,
            file_id: self.world.id().random() as u64,
            first_sequence: self.next.sequence,
            created_at: self.world.now(),
        };
        let made = file.write_at(0, &header.encode()).and_then(|()| file.sync()).and_then(|()| self.sync_directory());
        if let Err(error) = made {
            if self.disk.remove(&name).is_err() {
                // It goes before the files that come after it: alone, its header would claim that frames are missing.
                self.closed(name, bytes);
            }
            return Err(error);
        }
        self.files.set_current_bytes(bytes);
        self.current = Some(Current { name, file_id: header.file_id, file, offset: FILE_HEADER_BYTES as u64, bytes });
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        if planted(Bug::SkippedDirectorySync) { Ok(()) } else { self.disk.sync_directory() }
    }

    fn write_group(&mut self, entries: &[Entry]) -> io::Result<()> {
        let Journal { current, buffer, next, .. } = self;
        let Some(current) = current else {
            return Err(io::Error::other("there is no journal file to write to"));
        };
        buffer.clear();
        let durable_through = next.sequence - 1;
        let left_out = usize::from(planted(Bug::LostTailOfGroup) && entries.len() > 1);
        for (sequence, entry) in (next.sequence..).zip(&entries[..entries.len() - left_out]) {
            entry.encode(Stamp { file_id: current.file_id, sequence, durable_through }, buffer);
        }
        current.file.write_at(current.offset, buffer)?;
        sync(current.file.as_ref())?;
        current.offset += buffer.len() as u64;
        // One large group must not hold its memory for ever.
        buffer.shrink_to(BUFFER_BYTES_KEPT);
        Ok(())
    }

    /// Closes the current file, which is whole, and gives its unused space back.
    fn close_current(&mut self) {
        let Some(current) = self.current.take() else { return };
        // Best effort: unused space comes back when the file is removed.
        let bytes = current.file.truncate(current.offset).map_or(current.bytes, |()| current.offset);
        self.closed(current.name, bytes);
    }

    fn give_up_current(&mut self) {
        let Some(current) = self.current.take() else { return };
        tracing::error!(file = current.name, "giving up a journal file after an error; what was acknowledged is safe");
        self.closed(current.name, current.bytes);
    }

    fn closed(&mut self, name: String, bytes: u64) {
        self.files.set_current_bytes(0);
        let last_sequence = self.next.sequence - 1;
        self.files.add_closed(ClosedFile { name, last_sequence, bytes, damaged: false });
    }
}

fn sync(file: &dyn DiskFile) -> io::Result<()> {
    if planted(Bug::SkippedSync) {
        return Ok(());
    }
    match file.sync() {
        Err(_) if planted(Bug::RetriedSync) => file.sync(),
        synced => synced,
    }
}

const BUFFER_BYTES_KEPT: usize = 4 << 20;
