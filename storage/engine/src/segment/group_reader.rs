//! Decoding chosen rows of a row group, in batches.
//!
//! Rows that are scattered over all pages are decoded with those between them, which are dropped then: for numbers that
//! takes less than going from one to the next.

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::columns::PAGE_ROWS;

/// Of so many rows one has to begin a run of chosen ones before all are decoded.
const ROWS_TO_A_RUN: usize = 1_024;

/// Whether it pays to decode all rows of which some are chosen, given that they are numbers.
pub(super) fn is_scattered(chosen: &BooleanBuffer) -> bool {
    let (mut runs, mut pages, mut last_page) = (0, 0, usize::MAX);
    for (start, end) in chosen.set_slices() {
        let (first, last) = (start / PAGE_ROWS, (end - 1) / PAGE_ROWS);
        runs += 1;
        pages += last - first + usize::from(first != last_page);
        last_page = last;
    }
    runs * ROWS_TO_A_RUN > chosen.len() && 2 * pages > chosen.len() / PAGE_ROWS
}

/// The batches of the chosen rows.
pub(crate) enum GroupReader {
    /// As they are decoded.
    Chosen(ParquetRecordBatchReader),
    /// Chosen from all that are decoded.
    All(Chooser),
}

/// Chooses rows.
pub(crate) struct Chooser {
    /// Of all rows.
    reader: ParquetRecordBatchReader,
    chosen: BooleanBuffer,
    /// How many rows have been decoded.
    done: usize,
    batch_rows: usize,
    /// Chosen rows that are more than a batch may have.
    rest: Option<RecordBatch>,
}

impl Chooser {
    /// Batches of at most `batch_rows` of the rows of `reader`, which are all of a row group.
    pub(super) fn new(reader: ParquetRecordBatchReader, chosen: BooleanBuffer, batch_rows: usize) -> Chooser {
        Chooser { reader, chosen, done: 0, batch_rows, rest: None }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            if let Some(rest) = self.rest.take() {
                let rows = rest.num_rows().min(self.batch_rows);
                if rows < rest.num_rows() {
                    self.rest = Some(rest.slice(rows, rest.num_rows() - rows));
                }
                return Ok(Some(rest.slice(0, rows)));
            }
            let Some(batch) = self.reader.next().transpose()? else {
                return Ok(None);
            };
            let end = self.done + batch.num_rows();
            if end > self.chosen.len() {
                return Err(ArrowError::ParquetError("a row group has more rows than the index says".to_owned()));
            }
            let chosen = self.chosen.slice(self.done, batch.num_rows());
            self.done = end;
            if chosen.count_set_bits() > 0 {
                self.rest = Some(filter_record_batch(&batch, &chosen.into())?);
            }
        }
    }
}

impl Iterator for GroupReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            GroupReader::Chosen(reader) => reader.next(),
            GroupReader::All(chooser) => chooser.next_batch().transpose(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_everywhere_are_scattered_and_rows_that_stand_together_or_in_few_pages_are_not() {
        let rows = 16 * PAGE_ROWS;
        let every = |step: usize, end: usize| BooleanBuffer::collect_bool(rows, |row| row < end && row % step == 0);
        assert!(is_scattered(&every(100, rows)));
        assert!(!is_scattered(&every(2_000, rows)), "too few");
        assert!(!is_scattered(&every(10, 4 * PAGE_ROWS)), "in few pages");
        assert!(!is_scattered(&BooleanBuffer::new_set(rows)), "all in one run");
        assert!(!is_scattered(&BooleanBuffer::new_unset(rows)));
    }
}
