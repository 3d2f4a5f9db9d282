//! Decoding parts of `rows.parquet`: chosen columns of chosen rows of a row group.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowSelection};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use tracewell_model::Signal;

use super::columns::{ATTRIBUTE_VALUES, ColumnPlan};
use super::group_reader::{Chooser, GroupReader, is_scattered};
use super::object::VerifiedObject;
use super::page_reader::GroupPages;
use crate::maintenance::ColumnBytes;

/// The end of a file that is fetched at first: enough for the footers of most.
const FOOTER_GUESS_BYTES: u64 = 256 << 10;

/// The most columns that are named as the contents of a few bytes.
const NAMED_MAX: usize = 4;

/// How the pages of a `rows.parquet` are decoded.
pub(crate) struct Pages {
    metadata: ArrowReaderMetadata,
    plan: ColumnPlan,
    /// The numbers of the leaf columns by their paths.
    leaves: HashMap<String, usize>,
    /// The values in leaf columns of attributes, by number. Programs before said it in statistics.
    attribute_values: HashMap<usize, u64>,
}

/// Leaf columns to be decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leaves(std::collections::BTreeSet<usize>);

impl Leaves {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Pages {
    /// Reads the footer.
    pub(crate) fn open(object: &mut VerifiedObject, signal: Signal) -> Result<Pages> {
        let size = parquet::file::reader::Length::len(object);
        let tail = size.saturating_sub(FOOTER_GUESS_BYTES)..size;
        object.fetch(vec![tail]).map_err(|error| ParquetError::External(Box::new(error)))?;
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_column_index_policy(PageIndexPolicy::Skip)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(object, options.clone())?;
        let schema = with_dictionaries(&metadata);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options.with_schema(schema))?;
        let plan = ColumnPlan::of_schema(signal, metadata.schema());
        let columns = metadata.parquet_schema().columns().iter().enumerate();
        let leaves: HashMap<String, usize> = columns.map(|(number, column)| (column.path().string(), number)).collect();
        let attributes = plan.dense.iter().map(|column| leaves.get(&column.name(signal)).copied());
        let attribute_values =
            attributes.zip(attribute_values(&metadata)).filter_map(|(leaf, count)| Some((leaf?, count?)));
        let attribute_values = attribute_values.collect();
        Ok(Pages { metadata, plan, leaves, attribute_values })
    }

    /// The number of row groups.
    pub(crate) fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Which attributes have columns of their own.
    pub(crate) fn plan(&self) -> &ColumnPlan {
        &self.plan
    }

    /// Adds the leaves of the columns with these paths (or with paths below them) to `leaves`.
    pub(crate) fn add_leaves(&self, leaves: &mut Leaves, path: &str) {
        match self.leaves.get(path) {
            Some(leaf) => drop(leaves.0.insert(*leaf)),
            None => {
                let below = format!("{path}.");
                let inside = self.leaves.iter().filter(|(leaf, _)| leaf.starts_with(&below));
                leaves.0.extend(inside.map(|(_, number)| *number));
            }
        }
    }

    /// All leaves.
    pub(crate) fn all_leaves(&self) -> Leaves {
        Leaves((0..self.leaves.len()).collect())
    }

    /// What Parquet knows of the values of a column in a row group.
    pub(crate) fn statistics(&self, group: usize, path: &str) -> Option<&Statistics> {
        let leaf = *self.leaves.get(path)?;
        self.group(group).column(leaf).statistics()
    }

    /// The number of values in a column that are not null.
    pub(crate) fn value_count(&self, path: &str) -> Option<u64> {
        self.value_count_of(*self.leaves.get(path)?)
    }

    fn value_count_of(&self, leaf: usize) -> Option<u64> {
        if let Some(count) = self.attribute_values.get(&leaf) {
            return Some(*count);
        }
        let counts = self.metadata.metadata().row_groups().iter().map(|group| {
            let nulls = group.column(leaf).statistics()?.null_count_opt()?;
            (group.num_rows() as u64).checked_sub(nulls)
        });
        counts.sum()
    }

    /// Where the bytes of the file are, by leaf column.
    pub(crate) fn column_bytes(&self) -> Vec<ColumnBytes> {
        let names = self.metadata.parquet_schema().columns().iter().map(|column| column.path().string());
        let of_leaf = |(leaf, name)| {
            let mut of_column = ColumnBytes { name, bytes: 0, uncompressed_bytes: 0, values: 0, encodings: Vec::new() };
            for group in self.metadata.metadata().row_groups() {
                let column = group.column(leaf);
                of_column.bytes += column.compressed_size() as u64;
                of_column.uncompressed_bytes += column.uncompressed_size() as u64;
                of_column.values += column.num_values() as u64;
                of_column.encodings.extend(column.encodings().map(|encoding| encoding.to_string()));
            }
            of_column.values = self.value_count_of(leaf).unwrap_or(of_column.values);
            of_column.encodings.sort_unstable();
            of_column.encodings.dedup();
            of_column
        };
        names.enumerate().map(of_leaf).collect()
    }

    /// What stands in a range of bytes of the file, for people.
    pub(crate) fn contents(&self, bytes: std::ops::Range<u64>) -> String {
        let mut found = Vec::new();
        for (number, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            for column in group.columns() {
                let (start, length) = column.byte_range();
                if start < bytes.end && bytes.start < start + length {
                    found.push(format!("column {:?} of row group {number}", column.column_path().string()));
                }
            }
        }
        match found.len() {
            0 => "the end of the file".to_owned(),
            1..=NAMED_MAX => found.join(", "),
            more => format!("{} and {} more", found[..NAMED_MAX].join(", "), more - NAMED_MAX),
        }
    }

    /// The size of leaves in a row group before compression.
    pub(crate) fn encoded_bytes(&self, group: usize, leaves: &Leaves) -> u64 {
        leaves.0.iter().map(|&leaf| self.group(group).column(leaf).uncompressed_size() as u64).sum()
    }

    /// Whether every row has one number, or none, in each of the leaves.
    fn are_numbers(&self, leaves: &Leaves) -> bool {
        leaves.0.iter().all(|&leaf| {
            let column = self.metadata.parquet_schema().column(leaf);
            let is_number = matches!(column.physical_type(), PhysicalType::INT32 | PhysicalType::INT64);
            is_number && column.max_rep_level() == 0
        })
    }

    fn group(&self, group: usize) -> &RowGroupMetaData {
        self.metadata.metadata().row_group(group)
    }

    /// Starts decoding `leaves` of the rows of a row group that are set in `rows` (all without it).
    pub(crate) fn read(
        &self,
        object: &VerifiedObject,
        group: usize,
        leaves: &Leaves,
        rows: Option<&BooleanBuffer>,
        batch_rows: usize,
    ) -> Result<GroupReader> {
        if let Some(chosen) = rows.filter(|rows| self.are_numbers(leaves) && is_scattered(rows)) {
            let all = self.read_chosen(object, group, leaves, None, self.group(group).num_rows() as usize)?;
            return Ok(GroupReader::All(Chooser::new(all, chosen.clone(), batch_rows)));
        }
        self.read_chosen(object, group, leaves, rows, batch_rows).map(GroupReader::Chosen)
    }

    fn read_chosen(
        &self,
        object: &VerifiedObject,
        group: usize,
        leaves: &Leaves,
        rows: Option<&BooleanBuffer>,
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let selection = rows.map(selection);
        let mut object = object.clone();
        let ranges = self.byte_ranges(group, leaves, selection.as_ref());
        object.fetch(ranges).map_err(|error| ParquetError::External(Box::new(error)))?;
        let schema = self.metadata.parquet_schema();
        let mask = ProjectionMask::leaves(schema, leaves.0.iter().copied());
        let columns = parquet_to_arrow_field_levels(schema, mask, Some(self.metadata.schema().fields()))?;
        let metadata = Arc::clone(self.metadata.metadata());
        let rows_max = self.group(group).num_rows() as usize;
        let pages = GroupPages { object: Arc::new(object), metadata, group };
        ParquetRecordBatchReader::try_new_with_row_groups(&columns, &pages, batch_rows.min(rows_max), selection)
    }

    /// Decodes it all, as one batch.
    pub(crate) fn read_all(
        &self,
        object: &VerifiedObject,
        group: usize,
        leaves: &Leaves,
        rows: Option<&BooleanBuffer>,
    ) -> Result<RecordBatch> {
        let count = match rows {
            Some(rows) => rows.count_set_bits(),
            None => self.group(group).num_rows() as usize,
        };
        let mut reader = self.read_chosen(object, group, leaves, rows, count.max(1))?;
        let batch = reader.next().transpose()?;
        match batch {
            Some(batch) if batch.num_rows() == count => Ok(batch),
            batch => {
                let found = batch.map_or(0, |batch| batch.num_rows());
                Err(ParquetError::General(format!("row group {group} has {found} rows where {count} should be")))
            }
        }
    }

    fn byte_ranges(
        &self,
        group: usize,
        leaves: &Leaves,
        selection: Option<&RowSelection>,
    ) -> Vec<std::ops::Range<u64>> {
        let mut ranges = Vec::new();
        let offsets = self.metadata.metadata().offset_index().and_then(|index| index.get(group));
        for &leaf in &leaves.0 {
            let (start, length) = self.group(group).column(leaf).byte_range();
            match (selection, offsets.and_then(|offsets| offsets.get(leaf))) {
                (Some(selection), Some(index)) if !index.page_locations().is_empty() => {
                    let pages = index.page_locations();
                    // What comes before the first data page is the dictionary.
                    ranges.push(start..pages[0].offset as u64);
                    ranges.extend(selection.scan_ranges(pages));
                }
                _ => ranges.push(start..start + length),
            }
        }
        ranges
    }
}

/// What the metadata say of the attribute columns, in their order.
fn attribute_values(metadata: &ArrowReaderMetadata) -> impl Iterator<Item = Option<u64>> + '_ {
    let entries = metadata.metadata().file_metadata().key_value_metadata();
    let counts = entries.into_iter().flatten().find(|entry| entry.key == ATTRIBUTE_VALUES);
    let counts = counts.and_then(|counts| counts.value.as_deref()).unwrap_or_default();
    counts.split(',').map(|count| count.parse().ok())
}

/// The rows that are set.
fn selection(rows: &BooleanBuffer) -> RowSelection {
    RowSelection::from_consecutive_ranges(rows.set_slices().map(|(start, end)| start..end), rows.len())
}

/// The schema in which text columns that are wholly dictionary coded are read as such, without copying the texts.
fn with_dictionaries(metadata: &ArrowReaderMetadata) -> Arc<Schema> {
    let parquet = metadata.parquet_schema();
    let groups = metadata.metadata().row_groups();
    let is_coded = |root: usize| {
        let Some(leaf) = (0..parquet.num_columns()).find(|leaf| parquet.get_column_root_idx(*leaf) == root) else {
            return false;
        };
        parquet.column(leaf).physical_type() == PhysicalType::BYTE_ARRAY
            && !groups.is_empty()
            && groups.iter().all(|group| is_dictionary_only(group, leaf))
    };
    let fields = metadata.schema().fields().iter().enumerate().map(|(root, field)| match field.data_type() {
        DataType::Utf8 if is_coded(root) => {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(Field::new(field.name(), coded, field.is_nullable()))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn is_dictionary_only(group: &RowGroupMetaData, leaf: usize) -> bool {
    let column = group.column(leaf);
    column.dictionary_page_offset().is_some()
        && column
            .page_encoding_stats_mask()
            .is_some_and(|mask| mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY))
}
