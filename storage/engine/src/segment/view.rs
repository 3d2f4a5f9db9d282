//! Rows of a segment as a view.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, FixedSizeBinaryBuilder, Int32Array, Int64Array, ListArray, ListBuilder,
    RecordBatch, StringArray, StringBuilder, UInt32Array, UInt64Array,
};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt32Type};
use tracewell_model::{ScopeTable, Signal, Value};

use super::columns::*;
use super::lists::{Lists, damaged};
use super::reader::{Opened, Segment};
use super::shred_attributes::impossible;
use crate::scan::{Cells, Nested, View, display, null_array, saturated_times, values_array};
use crate::text::is_text_attribute;
use crate::{AttributeScope, AttributeType, Column, RowAddress, StorageError};

/// Some rows of a row group, of which the columns that are asked for are decoded.
pub(super) struct SegmentView<'a> {
    /// Whose they are.
    pub segment: &'a Segment,
    /// What is known of it.
    pub opened: &'a Opened,
    /// The row group.
    pub group: usize,
    /// The numbers of the rows in the row group, in order.
    pub rows: &'a [u32],
    /// The number of the source in its snapshot.
    pub source: u32,
    /// The decoded columns.
    pub batch: &'a RecordBatch,
}

impl SegmentView<'_> {
    fn signal(&self) -> Signal {
        self.opened.plan().signal
    }

    fn physical(&self, name: &str) -> Result<&ArrayRef, StorageError> {
        self.batch.column_by_name(name).ok_or_else(|| damaged(&format!("no column {name:?}")))
    }

    fn physical_list(&self, name: &str) -> Result<&ListArray, StorageError> {
        self.physical(name)?.as_list_opt().ok_or_else(|| damaged(&format!("a column {name:?} without lists")))
    }

    /// The times as sent.
    pub(super) fn times(&self) -> Result<impl Iterator<Item = u64> + '_, StorageError> {
        let name = match self.signal() {
            Signal::Traces => START_TIME,
            Signal::Logs => TIME,
        };
        let times = self.physical(name)?.as_primitive::<TimestampNanosecondType>().values();
        Ok(times.iter().map(|&time| time as u64))
    }

    fn durations(&self) -> Result<ArrayRef, StorageError> {
        let durations = self.physical(DURATION)?.as_primitive::<Int64Type>().values();
        if !self.opened.head.row_groups.iter().any(|group| group.wild_times) {
            return Ok(Arc::new(Int64Array::from_iter_values(durations.iter().map(|&duration| duration.max(0)))));
        }
        let actual = self.times()?.zip(durations).map(|(start, &duration)| {
            let end = start.wrapping_add(duration as u64);
            i64::try_from(end.saturating_sub(start)).unwrap_or(i64::MAX)
        });
        Ok(Arc::new(Int64Array::from_iter_values(actual)))
    }

    fn parents(&self) -> Result<ArrayRef, StorageError> {
        let distances = self.physical(PARENT_DISTANCE)?.as_primitive::<Int32Type>();
        let others = self.physical(PARENT_SPAN_ID)?.as_fixed_size_binary();
        let found = self.segment.parents(self.opened, self.group, self.rows, distances, &[])?;
        let mut ids = FixedSizeBinaryBuilder::with_capacity(self.rows.len(), 8);
        for (row, parent) in found.into_iter().enumerate() {
            match parent {
                // An array of the builder's size always fits.
                Some(parent) => drop(ids.append_value(parent.0)),
                None if others.is_valid(row) => drop(ids.append_value(others.value(row))),
                None => ids.append_null(),
            }
        }
        Ok(Arc::new(ids.finish()))
    }

    fn lengths(&self, list: &str) -> Result<ArrayRef, StorageError> {
        let offsets = self.physical_list(list)?.offsets();
        Ok(Arc::new(Int32Array::from_iter_values(offsets.windows(2).map(|row| row[1] - row[0]))))
    }

    fn attribute(&self, key: &str, of: AttributeType) -> Result<ArrayRef, StorageError> {
        let homes = self.opened.homes(key, Some(of));
        let mut found: Option<ArrayRef> = None;
        for column in &homes.dense {
            let values = self.physical(&column.name(self.signal()))?;
            let values = match of {
                AttributeType::Display => displayed(values, column.of)?,
                _ => Arc::clone(values),
            };
            found = Some(found.map_or(Ok(Arc::clone(&values)), |before| either(&before, &values))?);
        }
        if homes.in_lists {
            let lists = Lists::new(self.physical_list(ATTRIBUTES)?)?;
            if let Some(values) = list_values(&lists, key, of) {
                found = Some(found.map_or(Ok(Arc::clone(&values)), |before| either(&before, &values))?);
            }
        }
        let null = || {
            null_array(&Column::Attribute { scope: AttributeScope::Record, key: String::new(), of }, self.rows.len())
        };
        Ok(found.unwrap_or_else(null))
    }

    /// The lists of attributes of events or links, and the items of each row.
    fn nested_lists(&self, nested: Nested) -> Result<(&ListArray, Lists<'_>), StorageError> {
        let list = self.physical_list(match nested {
            Nested::Events => EVENTS,
            Nested::Links => LINKS,
        })?;
        let attributes = list.values().as_struct().column_by_name("attributes");
        let attributes = attributes.and_then(|attributes| attributes.as_list_opt());
        Ok((list, Lists::new(attributes.ok_or_else(|| damaged("items without attributes"))?)?))
    }
}

impl View for SegmentView<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn scopes(&self) -> &ScopeTable {
        &self.opened.scopes
    }

    fn scope_ids(&self) -> Result<UInt32Array, StorageError> {
        Ok(self.physical(SCOPE_ID)?.as_primitive::<UInt32Type>().clone())
    }

    fn addresses(&self) -> UInt64Array {
        let first = self.opened.head.row_groups[self.group].first_row;
        UInt64Array::from_iter_values(self.rows.iter().map(|row| RowAddress::new(self.source, first + row).0))
    }

    fn column(&self, column: &Column) -> Result<ArrayRef, StorageError> {
        let name = match column {
            Column::Time => return Ok(saturated_times(self.times()?)),
            Column::Duration => return self.durations(),
            Column::ParentSpanId => return self.parents(),
            Column::EventCount => return self.lengths(EVENTS),
            Column::LinkCount => return self.lengths(LINKS),
            Column::Attribute { key, of, .. } => return self.attribute(key, *of),
            Column::TraceId => TRACE_ID,
            Column::SpanId => SPAN_ID,
            Column::Name => NAME,
            Column::Kind => KIND,
            Column::StatusCode => STATUS_CODE,
            Column::StatusMessage => STATUS_MESSAGE,
            Column::TraceState => TRACE_STATE,
            Column::SeverityNumber => SEVERITY_NUMBER,
            Column::SeverityText => SEVERITY_TEXT,
            Column::Body => BODY,
            Column::EventName => EVENT_NAME,
            column => return Ok(null_array(column, self.rows.len())),
        };
        Ok(Arc::clone(self.physical(name)?))
    }

    fn nested(&self, nested: Nested, key: &str, of: AttributeType) -> Result<Cells, StorageError> {
        let (list, attributes) = self.nested_lists(nested)?;
        let column = Column::Attribute { scope: AttributeScope::Record, key: String::new(), of };
        let values = list_values(&attributes, key, of).unwrap_or_else(|| null_array(&column, attributes.rows()));
        Ok(Cells { offsets: Some(list.offsets().clone()), values })
    }

    fn has_attribute(&self, key: &str) -> Result<BooleanBuffer, StorageError> {
        let homes = self.opened.homes(key, None);
        let mut found = BooleanBuffer::new_unset(self.rows.len());
        for column in &homes.dense {
            let values = self.physical(&column.name(self.signal()))?;
            let valid =
                values.nulls().map_or_else(|| BooleanBuffer::new_set(values.len()), |nulls| nulls.inner().clone());
            found = &found | &valid;
        }
        if homes.in_lists {
            let lists = Lists::new(self.physical_list(ATTRIBUTES)?)?;
            if let Some(entries) = lists.with_key(key) {
                found = &found | &rows_with(&lists, &entries);
            }
        }
        Ok(found)
    }

    fn nested_has_attribute(&self, nested: Nested, key: &str) -> Result<BooleanBuffer, StorageError> {
        let (list, attributes) = self.nested_lists(nested)?;
        let Some(entries) = attributes.with_key(key) else {
            return Ok(BooleanBuffer::new_unset(self.rows.len()));
        };
        let items = rows_with(&attributes, &entries);
        let offsets = list.offsets();
        Ok(BooleanBuffer::collect_bool(self.rows.len(), |row| {
            (offsets[row] as usize..offsets[row + 1] as usize).any(|item| items.value(item))
        }))
    }

    fn attribute_keys(&self) -> Result<ListArray, StorageError> {
        let plan = self.opened.plan();
        let dense = plan.dense.iter().map(|column| Ok((&column.key, self.physical(&column.name(plan.signal))?)));
        let dense = dense.collect::<Result<Vec<_>, StorageError>>()?;
        let lists = Lists::new(self.physical_list(ATTRIBUTES)?)?;
        let keys = (0..self.rows.len()).map(|row| {
            let in_columns = dense.iter().filter(move |(_, values)| values.is_valid(row)).map(|(key, _)| key.as_str());
            in_columns.chain(lists.entries(row).map(|entry| lists.key(entry)))
        });
        Ok(distinct_keys(keys))
    }

    fn nested_attribute_keys(&self, nested: Nested) -> Result<ListArray, StorageError> {
        let (list, attributes) = self.nested_lists(nested)?;
        let attributes = &attributes;
        Ok(distinct_keys(list.offsets().windows(2).map(|row| {
            (row[0] as usize..row[1] as usize)
                .flat_map(|item| attributes.entries(item))
                .map(|entry| attributes.key(entry))
        })))
    }

    fn texts(&self) -> Result<Vec<Cells>, StorageError> {
        if self.signal() == Signal::Logs {
            return Ok(vec![Cells::flat(Arc::clone(self.physical(BODY)?))]);
        }
        let (list, attributes) = self.nested_lists(Nested::Events)?;
        let names = list.values().as_struct().column_by_name("name");
        let names = names.ok_or_else(|| damaged("events without names"))?;
        let mut lengths = Vec::with_capacity(attributes.rows());
        let mut texts: Vec<&str> = Vec::new();
        for event in 0..attributes.rows() {
            let before = texts.len();
            let entries = attributes.entries(event);
            let end = entries.end;
            texts.extend(entries.filter_map(|entry| {
                let key = attributes.key(entry);
                // Entries are ordered by key; of a duplicate key the last counts.
                let is_last = entry + 1 == end || attributes.key(entry + 1) != key;
                match attributes.value(entry) {
                    Value::String(text) if is_last && is_text_attribute(key) => Some(text),
                    _ => None,
                }
            }));
            lengths.push(texts.len() - before);
        }
        // From events to rows.
        let of_events = OffsetBuffer::<i32>::from_lengths(lengths);
        let of_rows: Vec<i32> = list.offsets().iter().map(|&event| of_events[event as usize]).collect();
        Ok(vec![
            Cells::flat(Arc::clone(self.physical(NAME)?)),
            Cells::flat(Arc::clone(self.physical(STATUS_MESSAGE)?)),
            Cells { offsets: Some(list.offsets().clone()), values: Arc::clone(names) },
            Cells {
                offsets: Some(OffsetBuffer::new(of_rows.into())),
                values: Arc::new(StringArray::from_iter_values(texts)),
            },
        ])
    }
}

/// Of each row the value of this key, of a duplicate key the last. None when no row has it.
fn list_values(lists: &Lists<'_>, key: &str, of: AttributeType) -> Option<ArrayRef> {
    let entries = lists.with_key(key)?;
    let values = (0..lists.rows())
        .map(|row| lists.entries(row).rev().find(|&entry| entries.value(entry)).map(|entry| lists.value(entry)));
    Some(values_array(values, of))
}

fn rows_with(lists: &Lists<'_>, entries: &BooleanBuffer) -> BooleanBuffer {
    BooleanBuffer::collect_bool(lists.rows(), |row| lists.entries(row).any(|entry| entries.value(entry)))
}

/// A column of values as text.
fn displayed(values: &ArrayRef, of: AttributeType) -> Result<ArrayRef, StorageError> {
    Ok(match of {
        AttributeType::Int => shown_once(values.as_primitive::<Int64Type>(), |number| number, Value::Int)?,
        AttributeType::Double => {
            let doubles = values.as_primitive::<Float64Type>();
            shown_once(doubles, f64::to_bits, |bits| Value::Double(f64::from_bits(bits)))?
        }
        AttributeType::Bool => shown_once(values.as_boolean(), |flag| flag, Value::Bool)?,
        AttributeType::String | AttributeType::Display => Arc::clone(values),
    })
}

/// Values as text by a dictionary, each made into text once.
fn shown_once<T, K: Copy + Eq + std::hash::Hash>(
    values: impl IntoIterator<Item = Option<T>>,
    key: fn(T) -> K,
    value: fn(K) -> Value<'static>,
) -> Result<ArrayRef, StorageError> {
    let mut texts: Vec<String> = Vec::new();
    let mut known: hashbrown::HashMap<K, i32> = hashbrown::HashMap::new();
    let mut number = |item: T| {
        *known.entry(key(item)).or_insert_with_key(|key| {
            texts.push(display(value(*key)).unwrap_or_default().into_owned());
            texts.len() as i32 - 1
        })
    };
    let numbers: Int32Array = values.into_iter().map(|item| item.map(&mut number)).collect();
    let texts = DictionaryArray::try_new(numbers, Arc::new(StringArray::from(texts))).map_err(impossible)?;
    Ok(Arc::new(texts))
}

/// Of each row the value that is there; never both are.
fn either(first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef, StorageError> {
    let plain = |values: &ArrayRef| match values.data_type() {
        DataType::Dictionary(_, _) => cast(values, &DataType::Utf8).map_err(impossible),
        _ => Ok(Arc::clone(values)),
    };
    let (first, second) = (plain(first)?, plain(second)?);
    let Some(nulls) = first.nulls() else {
        return Ok(first);
    };
    let is_first = arrow::array::BooleanArray::new(nulls.inner().clone(), None);
    zip(&is_first, &first, &second).map_err(impossible)
}

fn distinct_keys<'a>(rows: impl Iterator<Item = impl Iterator<Item = &'a str>>) -> ListArray {
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut seen: Vec<&str> = Vec::new();
    for keys in rows {
        seen.clear();
        seen.extend(keys);
        seen.sort_unstable();
        seen.dedup();
        seen.iter().for_each(|key| lists.values().append_value(key));
        lists.append(true);
    }
    lists.finish()
}
