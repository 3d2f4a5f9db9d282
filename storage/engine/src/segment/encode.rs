//! Encoding a segment: row groups into the bytes of its three objects. Computes only; [`super::writer`] puts them.

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use tracewell_model::{Logs, Records, ScopeTable, Signal, Spans, UnixNanos};
use xxhash_rust::xxh3::xxh3_64;

use super::blocks::SummingBuffer;
use super::catalogue::FieldCatalogue;
use super::columns::{ATTRIBUTE_VALUES, ColumnPlan, PAGE_ROWS, ROW_GROUP_ROWS};
use super::index::{IndexWriter, RowGroupInfo, Section};
use super::order::order_row_group;
use super::row_bytes::row_group_length;
use super::shred::{Parents, shred_logs, shred_spans};
use super::trace_index::TraceIndexBuilder;
use super::wordings::Tokenized;
use super::{WriteOptions, scopes, text_index, unwritten, value_filter};
use crate::rollup::RollupBuilder;
use crate::{StorageError, StorageErrorKind};

/// The rows that the trace index of spans is exact to: a trace's spans stand together, and comparing the ids of some
/// others costs nothing beside decoding a page.
const SPAN_GRANULE_ROWS: u32 = 1_024;

/// The rows that the trace index of log records is exact to: within a row group a trace's records are scattered.
const LOG_GRANULE_ROWS: u32 = ROW_GROUP_ROWS as u32;

/// The rows that are in columns at once, before they are encoded. A multiple of the rows of a page.
const PIECE_ROWS: usize = 2 * PAGE_ROWS;

/// What is left to put when all rows are encoded.
pub(crate) struct Encoded {
    /// The last bytes of `rows.parquet`.
    pub rows_rest: Vec<u8>,
    /// The size of `rows.parquet` and its XXH3-64.
    pub rows: (u64, u64),
    /// All of `scopes.parquet`.
    pub scopes: Vec<u8>,
    /// All of `index`.
    pub index: Vec<u8>,
    /// The earliest and the latest time.
    pub times: (UnixNanos, UnixNanos),
    /// The number of rows.
    pub row_count: u64,
}

/// A segment being encoded.
pub(crate) struct SegmentEncoder {
    plan: ColumnPlan,
    full_text_index: bool,
    row_group_rows: usize,
    parquet: ArrowWriter<SummingBuffer>,
    /// The values in each of the attributes' columns.
    attribute_values: Vec<u64>,
    scopes: ScopeTable,
    catalogue: FieldCatalogue,
    traces: TraceIndexBuilder,
    rollup: RollupBuilder,
    row_groups: Vec<RowGroupInfo>,
    /// The row group that more pieces may follow.
    open: Option<RowGroupInfo>,
    index: IndexWriter,
    rows: u32,
}

impl SegmentEncoder {
    /// Of rows with these columns.
    pub(crate) fn new(plan: ColumnPlan, options: &WriteOptions) -> Result<SegmentEncoder, StorageError> {
        let writing =
            ArrowWriterOptions::new().with_properties(plan.properties(options.level)?).with_skip_arrow_metadata(true);
        let parquet = ArrowWriter::try_new_with_options(SummingBuffer::default(), plan.schema(), writing);
        let granule = match plan.signal {
            Signal::Traces => SPAN_GRANULE_ROWS,
            Signal::Logs => LOG_GRANULE_ROWS,
        };
        Ok(SegmentEncoder {
            attribute_values: vec![0; plan.dense.len()],
            plan,
            full_text_index: options.full_text_index,
            row_group_rows: ROW_GROUP_ROWS,
            parquet: parquet.map_err(unwritten)?,
            scopes: ScopeTable::default(),
            catalogue: FieldCatalogue::new(),
            traces: TraceIndexBuilder::new(granule),
            rollup: RollupBuilder::new(),
            row_groups: Vec::new(),
            open: None,
            index: IndexWriter::default(),
            rows: 0,
        })
    }

    /// Makes row groups of fewer rows, to test what happens between them.
    #[cfg(test)]
    pub(crate) fn set_row_group_rows(&mut self, rows: usize) {
        self.row_group_rows = rows;
    }

    /// Appends the `rows` of `records`, in this order, as row groups as large as they may be. The catalogue is
    /// counted apart.
    pub(crate) fn append(&mut self, records: &Records, rows: &[u32]) -> Result<(), StorageError> {
        self.end_row_group()?;
        let mut rest = rows;
        while !rest.is_empty() {
            let (group, after) = rest.split_at(row_group_length(records, rest, self.row_group_rows));
            self.add_rows(records, group)?;
            self.end_row_group()?;
            rest = after;
        }
        Ok(())
    }

    /// Appends the `rows` of `records` to a row group that more can be appended to. For segments without an index.
    pub(crate) fn append_piece(&mut self, records: &Records, rows: &[u32]) -> Result<(), StorageError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let room = self.row_group_rows - self.open.map_or(0, |open| open.rows as usize);
            let (piece, after) = rest.split_at(row_group_length(records, rest, room));
            self.add_rows(records, piece)?;
            if piece.len() == room || !after.is_empty() {
                self.end_row_group()?;
            }
            rest = after;
        }
        Ok(())
    }

    /// Appends rows to the open row group, which has room for them.
    fn add_rows(&mut self, records: &Records, rows: &[u32]) -> Result<(), StorageError> {
        let total = (self.rows as usize).checked_add(rows.len()).and_then(|rows| u32::try_from(rows).ok());
        let Some(total) = total else {
            let message = format!("{} rows more than a segment of {} rows can take", rows.len(), self.rows);
            return Err(StorageError::new(StorageErrorKind::Internal, message));
        };
        self.open = Some(self.info(records, rows));
        self.rollup.add(records, rows)?;
        match records {
            Records::Spans(spans) => {
                let scope_ids = self.scopes.merge(&spans.scopes);
                rows.iter().for_each(|&row| self.traces.push(spans.trace_id[row as usize]));
                if self.full_text_index {
                    self.index_row_group(records, rows, &Tokenized::of(records, rows))?;
                }
                let parents = Parents::of(spans, rows);
                for (piece, first) in rows.chunks(PIECE_ROWS).zip((0..).step_by(PIECE_ROWS)) {
                    let parents = parents.slice(first, piece.len());
                    let batch = shred_spans(spans, piece, parents, &scope_ids, &self.plan)?;
                    self.write(&batch)?;
                }
            }
            Records::Logs(logs) => {
                let scope_ids = self.scopes.merge(&logs.scopes);
                let mut rows = by_scope(logs, rows, &scope_ids);
                if self.full_text_index {
                    let mut texts = Tokenized::of(records, &rows);
                    texts.sort(&mut rows);
                    self.index_row_group(records, &rows, &texts)?;
                }
                rows.iter().for_each(|&row| self.traces.push(logs.trace_id[row as usize]));
                for piece in rows.chunks(PIECE_ROWS) {
                    let batch = shred_logs(logs, piece, &scope_ids, &self.plan)?;
                    self.write(&batch)?;
                }
            }
        }
        self.rows = total;
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), StorageError> {
        for (column, count) in self.plan.dense.iter().zip(&mut self.attribute_values) {
            let values = batch.column_by_name(&column.name(self.plan.signal));
            *count += values.map_or(0, |values| values.len() - values.null_count()) as u64;
        }
        self.parquet.write(batch).map_err(unwritten)
    }

    fn end_row_group(&mut self) -> Result<(), StorageError> {
        if let Some(info) = self.open.take() {
            self.parquet.flush().map_err(unwritten)?;
            self.row_groups.push(info);
        }
        Ok(())
    }

    /// Counts the attributes of records whose rows are appended.
    pub(crate) fn count(&mut self, catalogue: &FieldCatalogue) {
        self.catalogue.merge(catalogue);
    }

    /// The row group, when these rows are appended.
    fn info(&self, records: &Records, rows: &[u32]) -> RowGroupInfo {
        let times = match records {
            Records::Spans(spans) => &spans.start,
            Records::Logs(logs) => &logs.timestamp,
        };
        let times = rows.iter().map(|&row| times[row as usize]);
        let (time_min, time_max) = (times.clone().min().unwrap_or_default(), times.max().unwrap_or_default());
        let wild_times = matches!(records, Records::Spans(spans) if has_wild_times(spans, rows));
        match self.open {
            None => RowGroupInfo { first_row: self.rows, rows: rows.len() as u32, time_min, time_max, wild_times },
            Some(open) => RowGroupInfo {
                first_row: open.first_row,
                rows: open.rows + rows.len() as u32,
                time_min: time_min.min(open.time_min),
                time_max: time_max.max(open.time_max),
                wild_times: wild_times || open.wild_times,
            },
        }
    }

    fn index_row_group(&mut self, records: &Records, rows: &[u32], texts: &Tokenized) -> Result<(), StorageError> {
        let group = self.row_groups.len() as u32;
        self.index.section(Section::Trigrams(group), &texts.trigrams()?);
        self.index.section(Section::Wordings(group), &text_index::build(texts.wordings())?);
        self.index.section(Section::WordingRuns(group), &texts.runs()?);
        self.index.section(Section::IdentifierTable(group), &texts.identifiers());
        let attributes = match records {
            Records::Spans(spans) => &spans.attributes,
            Records::Logs(logs) => &logs.attributes,
        };
        self.index.section(Section::ValueTable(group), &value_filter::build(attributes, rows));
        Ok(())
    }

    /// The bytes of `rows.parquet` that are ready.
    pub(crate) fn take_bytes(&mut self) -> Vec<u8> {
        self.parquet.inner_mut().take()
    }

    /// Ends the segment.
    pub(crate) fn finish(mut self) -> Result<Encoded, StorageError> {
        self.end_row_group()?;
        let counts: Vec<String> = self.attribute_values.iter().map(u64::to_string).collect();
        self.parquet.append_key_value_metadata(KeyValue::new(ATTRIBUTE_VALUES.to_owned(), counts.join(",")));
        self.parquet.finish().map_err(unwritten)?;
        let mut buffer = std::mem::take(self.parquet.inner_mut());
        let rows_rest = buffer.take();
        let (blocks, checksum) = buffer.finish();
        let scopes = scopes::encode(&self.scopes)?;
        let catalogue = zstd::bulk::compress(&self.catalogue.encode(), 3).map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("cannot compress a field catalogue: {error}"))
        })?;
        let (fence, traces) = self.traces.finish();
        self.index.section(Section::Catalogue, &catalogue);
        self.index.section(Section::TraceFence, &fence);
        self.index.section(Section::TraceBlocks, &traces);
        let rollup = self.rollup.finish()?;
        self.index.section(Section::RollupHead, &rollup.head);
        self.index.section(Section::RollupBody, &rollup.body);
        let time_min = self.row_groups.iter().map(|group| group.time_min).min().unwrap_or_default();
        let time_max = self.row_groups.iter().map(|group| group.time_max).max().unwrap_or_default();
        Ok(Encoded {
            rows_rest,
            rows: (blocks.bytes, checksum),
            index: self.index.finish(&self.row_groups, &blocks, (scopes.len() as u64, xxh3_64(&scopes))),
            scopes,
            times: (UnixNanos(time_min), UnixNanos(time_max)),
            row_count: u64::from(self.rows),
        })
    }
}

fn by_scope(logs: &Logs, rows: &[u32], scope_ids: &[u32]) -> Vec<u32> {
    let mut rows = rows.to_vec();
    order_row_group(logs, &mut rows, scope_ids);
    rows
}

fn has_wild_times(spans: &Spans, rows: &[u32]) -> bool {
    const WILD: u64 = 1 << 63;
    rows.iter().any(|&row| spans.start[row as usize] >= WILD || spans.end[row as usize] >= WILD)
}
