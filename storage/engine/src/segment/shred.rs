//! Records as the columns of `rows.parquet`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, FixedSizeBinaryArray, FixedSizeBinaryBuilder, Int32Array, Int64Array, ListArray,
    RecordBatch, StringArray, StringBuilder, StructArray, TimestampNanosecondArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use hashbrown::HashMap;
use tracewell_model::{Logs, SpanId, Spans, Strings, Value};

use super::any_value::encode;
use super::columns::{ColumnPlan, event_fields, item_field, link_fields};
use super::shred_attributes::{impossible, shred};
use crate::StorageError;
use crate::scan::display;

/// Rows of a row group, in this order, with their `parents`. `scope_ids` gives the number in the segment of each of the
/// batch's scopes.
pub(crate) fn shred_spans(
    spans: &Spans,
    rows: &[u32],
    parents: Parents,
    scope_ids: &[u32],
    plan: &ColumnPlan,
) -> Result<RecordBatch, StorageError> {
    let pick = Picked { rows };
    let (dense, rest) = shred(&spans.attributes, pick.each(), &plan.dense)?;
    let durations = pick.each().map(|row| spans.end[row].wrapping_sub(spans.start[row]) as i64);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(pick.each().map(|row| scope_ids[spans.scope[row] as usize]))),
        ids(pick.each().map(|row| Some(spans.trace_id[row].0))),
        ids(pick.each().map(|row| Some(spans.span_id[row].0))),
        Arc::new(parents.distances),
        Arc::new(parents.others),
        pick.times(&spans.start),
        Arc::new(Int64Array::from_iter_values(durations)),
        pick.strings(&spans.name),
        pick.signed(&spans.kind),
        pick.signed(&spans.status_code),
        pick.strings(&spans.status_message),
        pick.strings(&spans.trace_state),
        pick.unsigned(&spans.flags),
        pick.unsigned(&spans.dropped_attributes_count),
        pick.unsigned(&spans.dropped_events_count),
        pick.unsigned(&spans.dropped_links_count),
    ];
    columns.extend(dense);
    columns.push(Arc::new(rest));
    columns.push(Arc::new(events(spans, rows)?));
    columns.push(Arc::new(links(spans, rows)?));
    RecordBatch::try_new(plan.schema(), columns).map_err(impossible)
}

/// Rows of a row group, in this order. `scope_ids` gives the number in the segment of each of the batch's scopes.
pub(crate) fn shred_logs(
    logs: &Logs,
    rows: &[u32],
    scope_ids: &[u32],
    plan: &ColumnPlan,
) -> Result<RecordBatch, StorageError> {
    let pick = Picked { rows };
    let (dense, rest) = shred(&logs.attributes, pick.each(), &plan.dense)?;
    let (body, body_value) = bodies(logs, rows);
    let sent = pick.each().map(|row| (logs.time[row] != logs.timestamp[row]).then_some(logs.time[row] as i64));
    let observed = pick.each().map(|row| match logs.observed_time[row] {
        0 => None,
        observed => Some(observed.wrapping_sub(logs.timestamp[row]) as i64),
    });
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(pick.each().map(|row| scope_ids[logs.scope[row] as usize]))),
        pick.times(&logs.timestamp),
        Arc::new(TimestampNanosecondArray::from_iter(sent).with_timezone("UTC")),
        Arc::new(Int64Array::from_iter(observed)),
        ids(pick.each().map(|row| Some(logs.trace_id[row]).filter(|id| id.is_some()).map(|id| id.0))),
        ids(pick.each().map(|row| Some(logs.span_id[row]).filter(|id| id.is_some()).map(|id| id.0))),
        pick.signed(&logs.severity_number),
        pick.strings(&logs.severity_text),
        body,
        body_value,
        pick.strings(&logs.event_name),
        pick.unsigned(&logs.flags),
        pick.unsigned(&logs.dropped_attributes_count),
    ];
    columns.extend(dense);
    columns.push(Arc::new(rest));
    RecordBatch::try_new(plan.schema(), columns).map_err(impossible)
}

/// Rows of a batch in a chosen order.
struct Picked<'a> {
    rows: &'a [u32],
}

impl Picked<'_> {
    fn each(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.rows.iter().map(|&row| row as usize)
    }

    fn times(&self, column: &[u64]) -> ArrayRef {
        let times = self.each().map(|row| column[row] as i64);
        Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC"))
    }

    fn strings(&self, column: &Strings) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(self.each().map(|row| column.get(row))))
    }

    fn signed(&self, column: &[i32]) -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(self.each().map(|row| column[row])))
    }

    fn unsigned(&self, column: &[u32]) -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(self.each().map(|row| column[row])))
    }
}

fn ids<const N: usize>(ids: impl Iterator<Item = Option<[u8; N]>>) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(ids.size_hint().0, N as i32);
    for id in ids {
        match id {
            // An array of the builder's size always fits.
            Some(id) => drop(builder.append_value(id)),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

/// Where the parent of each row of a row group is.
pub(crate) struct Parents {
    /// The parent is as many rows back.
    distances: Int32Array,
    /// Or else, when it is not in the row group, its id.
    others: FixedSizeBinaryArray,
}

impl Parents {
    /// For all rows of a row group, in this order.
    pub(crate) fn of(spans: &Spans, rows: &[u32]) -> Parents {
        let mut distances: Vec<Option<i32>> = Vec::with_capacity(rows.len());
        let mut others = FixedSizeBinaryBuilder::with_capacity(rows.len(), 8);
        let mut places: HashMap<SpanId, usize> = HashMap::new();
        let mut first = 0;
        for trace in rows.chunk_by(|&a, &b| spans.trace_id[a as usize] == spans.trace_id[b as usize]) {
            places.clear();
            for (place, &row) in trace.iter().enumerate() {
                places.entry(spans.span_id[row as usize]).or_insert(first + place);
            }
            for (place, &row) in trace.iter().enumerate() {
                let parent = spans.parent_span_id[row as usize];
                let found = parent.is_some().then(|| places.get(&parent)).flatten();
                distances.push(found.map(|&parent_place| (first + place) as i32 - parent_place as i32));
                match found {
                    None if parent.is_some() => drop(others.append_value(parent.0)),
                    _ => others.append_null(),
                }
            }
            first += trace.len();
        }
        Parents { distances: Int32Array::from(distances), others: others.finish() }
    }

    /// Those of `count` rows from the row `first` on.
    pub(crate) fn slice(&self, first: usize, count: usize) -> Parents {
        Parents { distances: self.distances.slice(first, count), others: self.others.slice(first, count) }
    }
}

/// Text bodies as they are; others as text for people and, beside it, as they are.
fn bodies(logs: &Logs, rows: &[u32]) -> (ArrayRef, ArrayRef) {
    let mut texts = StringBuilder::new();
    let mut values = BinaryBuilder::new();
    for &row in rows {
        let body = logs.body.get(row as usize);
        texts.append_option(display(body));
        match body {
            Value::Absent | Value::String(_) => values.append_null(),
            value => values.append_value(encode(value)),
        }
    }
    (Arc::new(texts.finish()), Arc::new(values.finish()))
}

fn events(spans: &Spans, rows: &[u32]) -> Result<ListArray, StorageError> {
    let events = &spans.events;
    let (offsets, items) = items(rows, |row| events.of_row(row));
    let pick = Picked { rows: &items };
    let columns = vec![
        pick.times(&events.time),
        pick.strings(&events.name),
        pick.unsigned(&events.dropped_attributes_count),
        Arc::new(shred(&events.attributes, pick.each(), &[])?.1),
    ];
    let structs = StructArray::try_new(event_fields(), columns, None).map_err(impossible)?;
    ListArray::try_new(item_field(event_fields()), offsets, Arc::new(structs), None).map_err(impossible)
}

fn links(spans: &Spans, rows: &[u32]) -> Result<ListArray, StorageError> {
    let links = &spans.links;
    let (offsets, items) = items(rows, |row| links.of_row(row));
    let pick = Picked { rows: &items };
    let columns = vec![
        ids(pick.each().map(|link| Some(links.trace_id[link]).filter(|id| id.is_some()).map(|id| id.0))),
        ids(pick.each().map(|link| Some(links.span_id[link]).filter(|id| id.is_some()).map(|id| id.0))),
        pick.strings(&links.trace_state),
        pick.unsigned(&links.flags),
        pick.unsigned(&links.dropped_attributes_count),
        Arc::new(shred(&links.attributes, pick.each(), &[])?.1),
    ];
    let structs = StructArray::try_new(link_fields(), columns, None).map_err(impossible)?;
    ListArray::try_new(item_field(link_fields()), offsets, Arc::new(structs), None).map_err(impossible)
}

/// The places of the items of all rows, and where those of each row start.
fn items(rows: &[u32], of_row: impl Fn(usize) -> std::ops::Range<usize>) -> (OffsetBuffer<i32>, Vec<u32>) {
    let runs = rows.iter().map(|&row| of_row(row as usize));
    let items: Vec<u32> = runs.clone().flatten().map(|item| item as u32).collect();
    (OffsetBuffer::from_lengths(runs.map(|run| run.len())), items)
}
