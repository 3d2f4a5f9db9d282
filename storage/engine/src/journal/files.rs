//! Which journal files there are, and when each may go.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::disk::Disk;

const EXTENSION: &str = ".twj";
/// Damaged files are kept for people to look at, under this further extension.
const DAMAGED_EXTENSION: &str = ".damaged";

/// The name of the file with this number: names sort as numbers do.
pub(crate) fn file_name(number: u64) -> String {
    format!("{number:020}{EXTENSION}")
}

/// The number in a name of a journal file.
pub(crate) fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Whether this is the name of a damaged file that was set aside.
pub(crate) fn is_set_aside(name: &str) -> bool {
    name.strip_suffix(DAMAGED_EXTENSION).is_some_and(|name| file_number(name).is_some())
}

/// A file that is written no more.
#[derive(Clone, Debug)]
pub(crate) struct ClosedFile {
    pub name: String,
    /// The sequence number of its last frame that counts.
    pub last_sequence: u64,
    pub bytes: u64,
    pub damaged: bool,
}

/// The files of the journal. Shared between the writer, which adds, and the flusher, which releases.
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    closed: Mutex<VecDeque<ClosedFile>>,
    /// Whether a file was removed and a power cut might bring it back.
    is_removal_unsynced: AtomicBool,
    closed_bytes: AtomicU64,
    current_bytes: AtomicU64,
}

impl Files {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Files {
        Files {
            disk,
            closed: Mutex::default(),
            // By the process before this one, perhaps.
            is_removal_unsynced: AtomicBool::new(true),
            closed_bytes: AtomicU64::new(0),
            current_bytes: AtomicU64::new(0),
        }
    }

    /// The disk space taken.
    pub(crate) fn bytes(&self) -> u64 {
        self.closed_bytes.load(Ordering::Relaxed) + self.current_bytes.load(Ordering::Relaxed)
    }

    /// Takes note of the length of the file that is written at present; 0 when there is none.
    pub(super) fn set_current_bytes(&self, bytes: u64) {
        self.current_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Adds a file that is written no more. Files come in the order of their numbers.
    pub(super) fn add_closed(&self, file: ClosedFile) {
        self.closed_bytes.fetch_add(file.bytes, Ordering::Relaxed);
        self.closed.lock().push_back(file);
    }

    /// The sequence number up to which all frames are in closed files; none when no file is closed.
    ///
    /// Ask for it *before* looking at what the tables still need: a request in a closed file has been inserted into
    /// its table, one in the current file perhaps not yet.
    pub(crate) fn closed_through(&self) -> Option<u64> {
        self.closed.lock().back().map(|file| file.last_sequence)
    }

    /// Removes the closed files whose frames are all up to `flushed_through`, oldest first; damaged ones are set aside.
    ///
    /// Each removal is durable before the next: were an older file to come back without the one after it, requests
    /// would seem to be missing.
    pub(crate) fn release(&self, flushed_through: u64) {
        loop {
            let mut closed = self.closed.lock();
            if self.is_removal_unsynced.load(Ordering::Relaxed) {
                if let Err(error) = self.disk.sync_directory() {
                    tracing::warn!(%error, "cannot sync the directory of the journal; trying again later");
                    return;
                }
                self.is_removal_unsynced.store(false, Ordering::Relaxed);
            }
            let Some(file) = closed.front().filter(|file| file.last_sequence <= flushed_through) else { return };
            let outcome = if file.damaged {
                self.disk.rename(&file.name, &format!("{}{DAMAGED_EXTENSION}", file.name))
            } else {
                self.disk.remove(&file.name)
            };
            match outcome {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(file = file.name, %error, "cannot remove a journal file; trying again later");
                    return;
                }
                _ => {
                    self.is_removal_unsynced.store(true, Ordering::Relaxed);
                    self.closed_bytes.fetch_sub(file.bytes, Ordering::Relaxed);
                    closed.pop_front();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_journal_files_have_a_number() {
        assert_eq!(file_number(&file_name(42)), Some(42));
        assert_eq!(file_number(&file_name(u64::MAX)), Some(u64::MAX));
        for name in ["42.twj", "lost+found", "00000000000000000042.twj.damaged", "+0000000000000000042.twj"] {
            assert_eq!(file_number(name), None, "{name}");
        }
    }
}
