//! Reading the journal after a restart, and telling torn ends from damage.
//!
//! Sequence numbers are consecutive, and the header of each file says where it goes on: what is missing in between is
//! damage. At the end of the last file, an unreadable frame is what a crash leaves behind of a group that nobody was
//! told about, unless a later frame says that everything before it was durable.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;

use super::disk::{Disk, DiskFile};
use super::files::{ClosedFile, Files, file_number};
use super::frame::{Entry, FileHeader, FileHeaderRead};
use super::reader::{Frame, FrameReader, file_id_of_first_frame, has_no_frame, read_header};
use super::writer::Position;
use crate::bugs::{Bug, planted};

/// Why the journal cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoveryError {
    /// The directory or a file cannot be opened.
    #[error("the journal cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Written by a later version of the program.
    #[error("journal file {file} has format version {version}, which this program does not know: use a newer program")]
    TooNew {
        /// The name of the file.
        file: String,
        /// Its version.
        version: u16,
    },
}

/// A part of the journal that cannot be read any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The name of the file.
    pub file: String,
    /// What is wrong.
    pub reason: String,
    /// The requests that are lost, unless they had been flushed before; none when it is not known.
    pub missing: Option<RangeInclusive<u64>>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "journal file {}: {}", self.file, self.reason)?;
        match &self.missing {
            Some(missing) => write!(f, "; requests {} to {} cannot be read", missing.start(), missing.end()),
            None => Ok(()),
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// Where to go on.
    pub next: Position,
    /// What could not be read.
    pub damage: Vec<Damage>,
    /// Whether everything read is certainly on the disk. If not, flush it before anything is acknowledged.
    pub durable: bool,
}

/// Shows every request of the journal to `visit`, in order, with its sequence number. When `visit` cannot make sense
/// of one, its error is reported as damage. Memory: a window of the file and one request.
pub(crate) fn recover(
    disk: &dyn Disk,
    files: &Files,
    visit: &mut dyn FnMut(u64, Entry) -> Result<(), String>,
) -> Result<Recovered, RecoveryError> {
    let found = list_files(disk)?;
    let mut recovery = Recovery { visit, damage: Vec::new(), is_oldest: true, expected: 1, durable: true };
    let last = found.len().checked_sub(1);
    for (index, file) in found.iter().enumerate() {
        let void_from = found[index + 1..].iter().find_map(|later| later.first_sequence());
        let void_from = void_from.filter(|_| !planted(Bug::VoidFramesRead));
        let damages_before = recovery.damage.len();
        let bytes = recovery.read_file(disk, file, void_from, Some(index) == last)?;
        files.add_closed(ClosedFile {
            name: file.name.clone(),
            last_sequence: recovery.expected - 1,
            bytes,
            damaged: recovery.damage.len() > damages_before,
        });
    }
    let file_number = found.last().map_or(1, |file| file.number + 1);
    let next = Position { file_number, sequence: recovery.expected };
    Ok(Recovered { next, damage: recovery.damage, durable: recovery.durable })
}

struct FoundFile {
    name: String,
    number: u64,
    header: Header,
}

/// What is known of a file.
enum Header {
    /// It was being made when the machine stopped.
    Blank,
    Valid {
        file_id: u64,
        first_sequence: u64,
    },
    /// The header is damaged. What it said, as far as the first frame tells it.
    Damaged {
        file_id: Option<u64>,
        first_sequence: Option<u64>,
    },
}

impl FoundFile {
    fn first_sequence(&self) -> Option<u64> {
        match self.header {
            Header::Blank => None,
            Header::Valid { first_sequence, .. } => Some(first_sequence),
            Header::Damaged { first_sequence, .. } => first_sequence,
        }
    }
}

fn list_files(disk: &dyn Disk) -> Result<Vec<FoundFile>, RecoveryError> {
    let mut found = Vec::new();
    for name in disk.list()? {
        let Some(number) = file_number(&name) else { continue };
        let file = disk.open(&name)?;
        let header = match read_header(file.as_ref()) {
            FileHeaderRead::TooNew(version) => return Err(RecoveryError::TooNew { file: name, version }),
            FileHeaderRead::Blank => Header::Blank,
            FileHeaderRead::Valid(FileHeader { number: named, file_id, first_sequence, .. }) if named == number => {
                Header::Valid { file_id, first_sequence }
            }
            FileHeaderRead::Valid(_) | FileHeaderRead::Damaged => told_by_first_frame(file)?,
        };
        found.push(FoundFile { name, number, header });
    }
    found.sort_by_key(|file| file.number);
    Ok(found)
}

fn told_by_first_frame(file: Box<dyn DiskFile>) -> io::Result<Header> {
    if has_no_frame(file.as_ref()) {
        // Making it failed half way, and so did removing it.
        return Ok(Header::Blank);
    }
    let Some(file_id) = file_id_of_first_frame(file.as_ref()) else {
        return Ok(Header::Damaged { file_id: None, first_sequence: None });
    };
    let mut reader = FrameReader::new(file, file_id)?;
    let first = reader.frame_at(reader.start());
    Ok(Header::Damaged { file_id: Some(file_id), first_sequence: first.map(|frame| frame.stamp.sequence) })
}

struct Recovery<'a> {
    visit: &'a mut dyn FnMut(u64, Entry) -> Result<(), String>,
    damage: Vec<Damage>,
    /// Whether no file was read yet. The oldest starts anywhere: those before it were flushed and removed.
    is_oldest: bool,
    /// The sequence number of the next request.
    expected: u64,
    durable: bool,
}

/// What comes where a frame should be and is not.
enum AfterGap {
    /// Nothing that counts.
    End,
    /// The frame at this place.
    Frame(u64),
}

impl Recovery<'_> {
    /// Reads one file; its length.
    fn read_file(
        &mut self,
        disk: &dyn Disk,
        found: &FoundFile,
        void_from: Option<u64>,
        is_last: bool,
    ) -> Result<u64, RecoveryError> {
        let file = disk.open(&found.name)?;
        let bytes = file.bytes()?;
        if let Header::Damaged { .. } = found.header {
            self.report(found, "its header is damaged".into(), None);
        }
        if let Some(first_sequence) = found.first_sequence() {
            self.go_to(found, first_sequence);
        }
        let file_id = match found.header {
            Header::Valid { file_id, .. } | Header::Damaged { file_id: Some(file_id), .. } => file_id,
            Header::Blank | Header::Damaged { file_id: None, .. } => return Ok(bytes),
        };
        let mut reader = FrameReader::new(file, file_id)?;
        self.read_frames(&mut reader, found, void_from);
        if let Some(error) = reader.unreadable() {
            self.report(found, format!("a part of it cannot be read: {error}"), None);
        }
        if is_last && let Err(error) = reader.sync() {
            tracing::error!(file = found.name, %error, "a journal file cannot be synced; flushing all that it holds");
            self.durable = false;
        }
        Ok(reader.file_bytes())
    }

    fn read_frames(&mut self, reader: &mut FrameReader, found: &FoundFile, void_from: Option<u64>) {
        let mut offset = reader.start();
        while void_from.is_none_or(|end| self.expected < end) {
            match reader.frame_at(offset) {
                Some(frame) if frame.stamp.sequence == self.expected => {
                    offset = frame.end;
                    self.visit(found, frame);
                }
                _ => match self.after_gap(reader, found, offset, void_from) {
                    AfterGap::Frame(next) => offset = next,
                    AfterGap::End => break,
                },
            }
        }
    }

    fn visit(&mut self, found: &FoundFile, frame: Frame) {
        let sequence = frame.stamp.sequence;
        self.expected = sequence + 1;
        if let Err(reason) = (self.visit)(sequence, frame.entry) {
            self.report(found, reason, Some(sequence..=sequence));
        }
    }

    /// Decides what an unreadable place is: the torn end of the journal, or damage to go on after.
    fn after_gap(
        &mut self,
        reader: &mut FrameReader,
        found: &FoundFile,
        offset: u64,
        void_from: Option<u64>,
    ) -> AfterGap {
        let mut resume = None;
        let mut proven = void_from.is_some();
        let mut from = offset;
        while let Some(place) = reader.find_frame(from) {
            let Some(frame) = reader.frame_at(place) else { break };
            from = frame.end;
            let counts =
                frame.stamp.sequence >= self.expected && void_from.is_none_or(|end| frame.stamp.sequence < end);
            if counts && resume.is_none() {
                resume = Some((place, frame.stamp.sequence));
            }
            proven |= frame.stamp.durable_through >= self.expected;
            if proven && resume.is_some() {
                break;
            }
        }
        match (resume, void_from) {
            (Some((place, sequence)), _) if proven => {
                self.report(found, format!("damaged at byte {offset}"), self.missing_until(sequence));
                self.expected = sequence;
                AfterGap::Frame(place)
            }
            (_, Some(end)) => {
                self.report(found, format!("damaged at byte {offset}"), self.missing_until(end));
                self.expected = end;
                AfterGap::End
            }
            _ => AfterGap::End,
        }
    }

    /// Goes on with the file that starts at `first`; what is missing before it went with a whole file.
    fn go_to(&mut self, found: &FoundFile, first: u64) {
        if !self.is_oldest && first > self.expected {
            let missing = self.missing_until(first);
            self.report(found, "requests before it are missing".into(), missing);
        }
        self.is_oldest = false;
        self.expected = first;
    }

    fn missing_until(&self, end: u64) -> Option<RangeInclusive<u64>> {
        (end > self.expected).then(|| self.expected..=end - 1)
    }

    fn report(&mut self, found: &FoundFile, reason: String, missing: Option<RangeInclusive<u64>>) {
        let damage = Damage { file: found.name.clone(), reason, missing };
        tracing::error!(file = damage.file, "{damage}");
        self.damage.push(damage);
    }
}
