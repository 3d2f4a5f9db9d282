//! The journal: every accepted request, durable before it is acknowledged. `docs/formats/journal.md` has the bytes.
//!
//! [`Journal`] writes, [`recover`] reads after a restart, [`Files`] knows which files are still needed.

mod disk;
#[cfg(test)]
pub(crate) mod faulty;
mod files;
mod frame;
mod reader;
mod recovery;
#[cfg(test)]
mod tests;
mod writer;

#[cfg(test)]
pub(crate) use disk::DiskFile;
pub(crate) use disk::{Disk, LocalDisk, Space};
pub(crate) use files::{Files, is_set_aside};
pub(crate) use frame::Entry;
pub(crate) use recovery::{Recovered, RecoveryError, recover};
pub(crate) use writer::{Journal, JournalError};
