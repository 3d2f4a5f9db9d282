//! What can go wrong, by what the caller should do about it.

use std::fmt;

/// What the caller should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// Try again in a moment: a budget is full (memory, journal, disk) or the storage is closing.
    Unavailable,
    /// The request can never succeed.
    Invalid,
    /// Something stored is damaged; the rest is still served.
    Corrupt,
    /// An I/O error or a broken invariant: look at the message.
    Internal,
}

/// An error of the storage: a kind for programs, a message for people.
#[derive(Debug, Clone)]
pub struct StorageError {
    kind: StorageErrorKind,
    message: String,
}

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind, message: impl Into<String>) -> StorageError {
        StorageError { kind, message: message.into() }
    }

    /// What the caller should do.
    pub fn kind(&self) -> StorageErrorKind {
        self.kind
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StorageError {}
