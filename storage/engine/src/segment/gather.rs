//! Gathering rows that stand in several batches, in an order over all of them.

use tracewell_model::{Records, Signal};

use crate::{StorageError, StorageErrorKind};

/// A row of one of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowRef {
    /// The number of the part.
    pub part: u32,
    /// The number of the row in it.
    pub row: u32,
}

/// Rows being gathered: part by part, and then to be read in their order.
pub(crate) struct Gathered {
    records: Records,
    order: Vec<u32>,
}

impl Gathered {
    /// For `rows` rows.
    pub(crate) fn new(signal: Signal, rows: usize) -> Gathered {
        Gathered { records: Records::new(signal), order: vec![0; rows] }
    }

    /// Adds some rows of a part; each goes to the place that [`pick`] says.
    pub(crate) fn add(&mut self, part: &Records, picked: &[(u32, usize)]) -> Result<(), StorageError> {
        let first = self.begin(part);
        let all_there = self.records.append_rows(part, picked.iter().map(|(row, _)| *row as usize));
        self.end(first, picked, all_there)
    }

    /// Adds all rows of a part, which are the picked ones.
    pub(crate) fn add_all(&mut self, part: &Records, picked: &[(u32, usize)]) -> Result<(), StorageError> {
        let first = self.begin(part);
        let all_there = self.records.append(part);
        self.end(first, picked, all_there)
    }

    fn begin(&mut self, part: &Records) -> usize {
        if self.records.is_empty() {
            self.records.reserve_like(part, self.order.len());
        }
        self.records.len()
    }

    fn end(&mut self, first: usize, picked: &[(u32, usize)], of_one_signal: bool) -> Result<(), StorageError> {
        if !of_one_signal || self.records.len() != first + picked.len() {
            let (got, wanted) = (self.records.len() - first, picked.len());
            let message = format!("{wanted} rows were to be gathered, {got} were there");
            return Err(StorageError::new(StorageErrorKind::Internal, message));
        }
        picked.iter().zip(first as u32..).for_each(|((_, position), at)| self.order[*position] = at);
        Ok(())
    }

    /// The records, and the order in which they are to stand.
    pub(crate) fn finish(self) -> (Records, Vec<u32>) {
        (self.records, self.order)
    }
}

/// For each of `parts` parts the rows that are wanted of it, in its order, with their places among `wanted`.
pub(crate) fn pick(parts: usize, wanted: &[RowRef]) -> Vec<Vec<(u32, usize)>> {
    let mut picks = vec![Vec::new(); parts];
    for (position, at) in wanted.iter().enumerate() {
        picks[at.part as usize].push((at.row, position));
    }
    picks.iter_mut().for_each(|pick| pick.sort_unstable());
    picks
}
