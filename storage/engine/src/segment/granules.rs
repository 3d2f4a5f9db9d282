//! Where entries may stand, as a section of the index of a row group tells it.

use std::cell::OnceCell;
use std::ops::Range;

use bytes::Bytes;

use super::granule_filter::GranuleFilter;
use super::granule_table::GranuleTable;
use super::object::VerifiedObject;
use crate::StorageError;

/// The form of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As [`super::granule_table`] has it.
    Table,
    /// As [`super::granule_filter`] has it: what segments had before there were tables.
    Filters,
}

/// A part of the sections of an index.
#[derive(Clone)]
pub(super) enum Piece {
    /// These bytes of the sections, to be read when they are needed.
    Stored(VerifiedObject, Range<u64>),
    /// What is in memory, to test what reads pieces.
    #[cfg(test)]
    Loaded(Bytes),
}

impl Piece {
    /// The bytes in `range`, or fewer where the piece ends. Blocks.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        match self {
            Piece::Stored(object, section) => {
                let place = |at: u64| section.start.saturating_add(at).min(section.end);
                object.read(place(range.start)..place(range.end))
            }
            #[cfg(test)]
            Piece::Loaded(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(place(range.start)..place(range.end)))
            }
        }
    }

    /// What is behind the first bytes.
    pub(super) fn behind(self, bytes: u64) -> Piece {
        match self {
            Piece::Stored(object, section) => {
                let start = section.start.saturating_add(bytes).min(section.end);
                Piece::Stored(object, start..section.end)
            }
            #[cfg(test)]
            Piece::Loaded(piece) => Piece::Loaded(piece.slice((bytes as usize).min(piece.len())..)),
        }
    }
}

/// What tells the granules of entries.
pub(super) struct Granules {
    piece: Piece,
    form: Form,
    /// The filters, when they are read.
    filters: OnceCell<Bytes>,
}

impl Granules {
    /// What stands in `piece`. Nothing is read yet.
    pub(super) fn new(piece: Piece, form: Form) -> Granules {
        Granules { piece, form, filters: OnceCell::new() }
    }

    /// The rows where the entry of this hash may stand; none when they are damaged. Blocks.
    pub(super) fn rows_with(&self, entry: u64) -> Result<Option<Vec<Range<usize>>>, StorageError> {
        match self.form {
            Form::Filters => {
                let bytes = match self.filters.get() {
                    Some(bytes) => bytes,
                    None => {
                        let bytes = self.piece.read(0..u64::MAX)?;
                        self.filters.get_or_init(|| bytes)
                    }
                };
                Ok(GranuleFilter::decode(bytes).map(|filter| filter.rows_with(entry)))
            }
            Form::Table => match GranuleTable::open(&self.piece)? {
                Some(table) => table.rows_with(entry),
                None => Ok(None),
            },
        }
    }
}
