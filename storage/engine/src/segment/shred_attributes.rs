//! Attributes as columns: dense keys as typed columns of their own, the rest as lists.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListArray, StringBuilder,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use tracewell_model::{Attributes, Value, ValueKind};

use super::any_value::encode;
use super::columns::{DenseColumn, attribute_fields, item_field};
use crate::{AttributeType, StorageError, StorageErrorKind};

/// The attributes of `rows`, in this order: an array for each of `dense`, and the lists of all others.
pub(crate) fn shred(
    attributes: &Attributes,
    rows: impl ExactSizeIterator<Item = usize>,
    dense: &[DenseColumn],
) -> Result<(Vec<ArrayRef>, ListArray), StorageError> {
    let count = rows.len();
    let mut shredder = Shredder::new(attributes, dense);
    for (place, row) in rows.enumerate() {
        shredder.row(place, row);
    }
    shredder.finish(count)
}

struct Shredder<'a> {
    attributes: &'a Attributes,
    columns: Vec<DenseBuilder>,
    /// For each key number the columns of its strings, integers, floats and booleans.
    homes: Vec<[Option<u32>; 4]>,
    /// For each key number its place in the order of keys.
    ranks: Vec<u32>,
    /// For each key number the last row (counted from 1) that had it, and the last that had it twice.
    seen: Vec<(usize, usize)>,
    rest: ListsBuilder,
    /// The entries of the current row that belong to the rest, with the rank of their keys.
    homeless: Vec<(u32, usize)>,
}

impl<'a> Shredder<'a> {
    fn new(attributes: &'a Attributes, dense: &[DenseColumn]) -> Shredder<'a> {
        let keys = attributes.dictionary();
        let mut homes = vec![[None; 4]; keys.len()];
        for (number, column) in dense.iter().enumerate() {
            if let (Some(key), Some(slot)) = (keys.find(&column.key), slot(column.of)) {
                homes[key as usize][slot] = Some(number as u32);
            }
        }
        let mut by_name: Vec<u32> = (0..keys.len() as u32).collect();
        by_name.sort_unstable_by_key(|&key| keys.name(key));
        let mut ranks = vec![0; keys.len()];
        for (rank, key) in by_name.into_iter().enumerate() {
            ranks[key as usize] = rank as u32;
        }
        Shredder {
            attributes,
            columns: dense.iter().map(|column| DenseBuilder::new(column.of)).collect(),
            homes,
            ranks,
            seen: vec![(0, 0); keys.len()],
            rest: ListsBuilder::default(),
            homeless: Vec::new(),
        }
    }

    fn row(&mut self, place: usize, row: usize) {
        let entries = self.attributes.entries(row);
        let keys = self.attributes.keys();
        for &key in &keys[entries.clone()] {
            let (last, twice) = &mut self.seen[key as usize];
            if std::mem::replace(last, place + 1) == place + 1 {
                *twice = place + 1;
            }
        }
        for entry in entries {
            let key = keys[entry] as usize;
            let home = value_slot(self.attributes.values().kind(entry)).and_then(|slot| self.homes[key][slot]);
            match home {
                Some(column) if self.seen[key].1 != place + 1 => {
                    self.columns[column as usize].put(place, self.attributes.values().get(entry));
                }
                _ => self.homeless.push((self.ranks[key], entry)),
            }
        }
        // Equal keys keep their order: entries are numbered in it.
        self.homeless.sort_unstable();
        for (_, entry) in self.homeless.drain(..) {
            let key = self.attributes.dictionary().name(keys[entry]);
            self.rest.push(key, self.attributes.values().get(entry));
        }
        self.rest.end_row();
    }

    fn finish(self, rows: usize) -> Result<(Vec<ArrayRef>, ListArray), StorageError> {
        let columns = self.columns.into_iter().map(|column| column.finish(rows)).collect();
        Ok((columns, self.rest.finish()?))
    }
}

fn slot(of: AttributeType) -> Option<usize> {
    super::columns::DENSE_TYPES.iter().position(|dense| *dense == of)
}

fn value_slot(kind: ValueKind) -> Option<usize> {
    match kind {
        ValueKind::String => slot(AttributeType::String),
        ValueKind::Int => slot(AttributeType::Int),
        ValueKind::Double => slot(AttributeType::Double),
        ValueKind::Bool => slot(AttributeType::Bool),
        _ => None,
    }
}

/// A column that is null wherever nothing was put.
enum DenseBuilder {
    String(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
}

impl DenseBuilder {
    fn new(of: AttributeType) -> DenseBuilder {
        match of {
            AttributeType::String | AttributeType::Display => DenseBuilder::String(StringBuilder::new()),
            AttributeType::Int => DenseBuilder::Int(Int64Builder::new()),
            AttributeType::Double => DenseBuilder::Double(Float64Builder::new()),
            AttributeType::Bool => DenseBuilder::Bool(BooleanBuilder::new()),
        }
    }

    fn put(&mut self, row: usize, value: Value<'_>) {
        self.fill(row);
        match (self, value) {
            (DenseBuilder::String(builder), Value::String(text)) => builder.append_value(text),
            (DenseBuilder::Int(builder), Value::Int(number)) => builder.append_value(number),
            (DenseBuilder::Double(builder), Value::Double(number)) => builder.append_value(number),
            (DenseBuilder::Bool(builder), Value::Bool(flag)) => builder.append_value(flag),
            _ => debug_assert!(false, "a value in the column of another type"),
        }
    }

    fn fill(&mut self, rows: usize) {
        match self {
            DenseBuilder::String(builder) => builder.append_nulls(rows - builder.len()),
            DenseBuilder::Int(builder) => builder.append_nulls(rows - builder.len()),
            DenseBuilder::Double(builder) => builder.append_nulls(rows - builder.len()),
            DenseBuilder::Bool(builder) => builder.append_nulls(rows - builder.len()),
        }
    }

    fn finish(mut self, rows: usize) -> ArrayRef {
        self.fill(rows);
        match self {
            DenseBuilder::String(mut builder) => Arc::new(builder.finish()),
            DenseBuilder::Int(mut builder) => Arc::new(builder.finish()),
            DenseBuilder::Double(mut builder) => Arc::new(builder.finish()),
            DenseBuilder::Bool(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// Builds lists of attributes.
struct ListsBuilder {
    offsets: Vec<i32>,
    key: StringBuilder,
    string: StringBuilder,
    int: Int64Builder,
    double: Float64Builder,
    bool: BooleanBuilder,
    other: BinaryBuilder,
}

impl Default for ListsBuilder {
    fn default() -> Self {
        ListsBuilder {
            offsets: vec![0],
            key: StringBuilder::new(),
            string: StringBuilder::new(),
            int: Int64Builder::new(),
            double: Float64Builder::new(),
            bool: BooleanBuilder::new(),
            other: BinaryBuilder::new(),
        }
    }
}

impl ListsBuilder {
    fn push(&mut self, key: &str, value: Value<'_>) {
        self.key.append_value(key);
        self.string.append_option(if let Value::String(text) = value { Some(text) } else { None });
        self.int.append_option(if let Value::Int(number) = value { Some(number) } else { None });
        self.double.append_option(if let Value::Double(number) = value { Some(number) } else { None });
        self.bool.append_option(if let Value::Bool(flag) = value { Some(flag) } else { None });
        match value {
            Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::KeyValueList(_) => {
                self.other.append_value(encode(value));
            }
            _ => self.other.append_null(),
        }
    }

    fn end_row(&mut self) {
        self.offsets.push(self.key.len() as i32);
    }

    fn finish(mut self) -> Result<ListArray, StorageError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.key.finish()),
            Arc::new(self.string.finish()),
            Arc::new(self.int.finish()),
            Arc::new(self.double.finish()),
            Arc::new(self.bool.finish()),
            Arc::new(self.other.finish()),
        ];
        let structs = StructArray::try_new(attribute_fields(), columns, None).map_err(impossible)?;
        let offsets = OffsetBuffer::new(self.offsets.into());
        ListArray::try_new(item_field(attribute_fields()), offsets, Arc::new(structs), None).map_err(impossible)
    }
}

/// An Arrow error that only a mistake in this program can cause.
pub(crate) fn impossible(error: arrow::error::ArrowError) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, format!("columns of a segment do not fit together: {error}"))
}
