//! The columns of `rows.parquet` as records again: the reverse of shredding.

use arrow::array::{Array, AsArray, ListArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Int32Type, Int64Type, TimestampNanosecondType, UInt32Type};
use tracewell_model::{Attributes, Logs, SpanId, Spans, Strings, TraceId, Value};

use super::any_value::decode;
use super::columns::*;
use super::lists::{Items, Lists, Texts, damaged, strings};
use crate::{AttributeType, StorageError};

/// All columns of some rows as spans, appended to `spans`, which has the segment's scopes. `parent_of` gives the span
/// id of the row that a row's parent distance leads to.
pub(crate) fn restore_spans(
    batch: &RecordBatch,
    plan: &ColumnPlan,
    parent_of: impl Fn(usize, i32) -> Option<SpanId>,
    spans: &mut Spans,
) -> Result<(), StorageError> {
    let columns = Columns(batch);
    spans.scope.extend_from_slice(columns.get(SCOPE_ID)?.as_primitive::<UInt32Type>().values());
    push_ids(columns.get(TRACE_ID)?, |id| spans.trace_id.push(TraceId(id.unwrap_or_default())));
    push_ids(columns.get(SPAN_ID)?, |id| spans.span_id.push(SpanId(id.unwrap_or_default())));
    let distances = columns.get(PARENT_DISTANCE)?.as_primitive::<Int32Type>();
    let parents = columns.get(PARENT_SPAN_ID)?.as_fixed_size_binary();
    for (row, distance) in distances.iter().enumerate() {
        let parent = match distance {
            Some(distance) => parent_of(row, distance).ok_or_else(|| damaged("a parent that is not there"))?,
            None if parents.is_valid(row) => SpanId::from_slice(parents.value(row)).unwrap_or_default(),
            None => SpanId::NONE,
        };
        spans.parent_span_id.push(parent);
    }
    let starts = columns.get(START_TIME)?.as_primitive::<TimestampNanosecondType>().values();
    let durations = columns.get(DURATION)?.as_primitive::<Int64Type>().values();
    spans.start.extend(starts.iter().map(|&start| start as u64));
    spans.end.extend(starts.iter().zip(durations).map(|(&start, &duration)| start.wrapping_add(duration) as u64));
    push_strings(columns.get(NAME)?, &mut spans.name)?;
    spans.kind.extend_from_slice(columns.get(KIND)?.as_primitive::<Int32Type>().values());
    spans.status_code.extend_from_slice(columns.get(STATUS_CODE)?.as_primitive::<Int32Type>().values());
    push_strings(columns.get(STATUS_MESSAGE)?, &mut spans.status_message)?;
    push_strings(columns.get(TRACE_STATE)?, &mut spans.trace_state)?;
    let counts = [
        (FLAGS, &mut spans.flags),
        (DROPPED_ATTRIBUTES, &mut spans.dropped_attributes_count),
        (DROPPED_EVENTS, &mut spans.dropped_events_count),
        (DROPPED_LINKS, &mut spans.dropped_links_count),
    ];
    for (name, column) in counts {
        column.extend_from_slice(columns.get(name)?.as_primitive::<UInt32Type>().values());
    }
    restore_attributes(&columns, plan, &mut spans.attributes)?;
    restore_events(columns.get(EVENTS)?.as_list(), spans)?;
    restore_links(columns.get(LINKS)?.as_list(), spans)
}

/// All columns of some rows as log records, appended to `logs`, which has the segment's scopes.
pub(crate) fn restore_logs(batch: &RecordBatch, plan: &ColumnPlan, logs: &mut Logs) -> Result<(), StorageError> {
    let columns = Columns(batch);
    logs.scope.extend_from_slice(columns.get(SCOPE_ID)?.as_primitive::<UInt32Type>().values());
    let times = columns.get(TIME)?.as_primitive::<TimestampNanosecondType>().values();
    let sent = columns.get(TIME_UNIX_NANO)?.as_primitive::<TimestampNanosecondType>();
    let observed = columns.get(OBSERVED_DELTA)?.as_primitive::<Int64Type>();
    for (row, &time) in times.iter().enumerate() {
        logs.timestamp.push(time as u64);
        logs.time.push(if sent.is_valid(row) { sent.value(row) } else { time } as u64);
        logs.observed_time.push(if observed.is_valid(row) { time.wrapping_add(observed.value(row)) as u64 } else { 0 });
    }
    push_ids(columns.get(TRACE_ID)?, |id| logs.trace_id.push(TraceId(id.unwrap_or_default())));
    push_ids(columns.get(SPAN_ID)?, |id| logs.span_id.push(SpanId(id.unwrap_or_default())));
    logs.severity_number.extend_from_slice(columns.get(SEVERITY_NUMBER)?.as_primitive::<Int32Type>().values());
    push_strings(columns.get(SEVERITY_TEXT)?, &mut logs.severity_text)?;
    let bodies = columns.get(BODY)?;
    let texts = Texts::new(bodies)?;
    let values = columns.get(BODY_VALUE)?.as_binary::<i32>();
    for row in 0..batch.num_rows() {
        logs.body.push(if values.is_valid(row) {
            decode(values.value(row))
        } else if bodies.is_valid(row) {
            Value::String(texts.get(row))
        } else {
            Value::Absent
        });
    }
    push_strings(columns.get(EVENT_NAME)?, &mut logs.event_name)?;
    logs.flags.extend_from_slice(columns.get(FLAGS)?.as_primitive::<UInt32Type>().values());
    let dropped = columns.get(DROPPED_ATTRIBUTES)?.as_primitive::<UInt32Type>();
    logs.dropped_attributes_count.extend_from_slice(dropped.values());
    restore_attributes(&columns, plan, &mut logs.attributes)
}

fn restore_events(list: &ListArray, spans: &mut Spans) -> Result<(), StorageError> {
    let items = Items(list.values().as_struct());
    let events = &mut spans.events;
    let times = items.get("time")?.as_primitive::<TimestampNanosecondType>();
    let names = strings(items.get("name")?)?;
    let dropped = items.get("dropped_attributes_count")?.as_primitive::<UInt32Type>();
    let attributes = Lists::new(items.get("attributes")?.as_list())?;
    for run in list.offsets().windows(2) {
        for item in run[0] as usize..run[1] as usize {
            events.time.push(times.value(item) as u64);
            events.name.push(names.value(item));
            events.dropped_attributes_count.push(dropped.value(item));
            push_row(&attributes, item, &mut events.attributes);
        }
        events.end_row();
    }
    Ok(())
}

fn restore_links(list: &ListArray, spans: &mut Spans) -> Result<(), StorageError> {
    let items = Items(list.values().as_struct());
    let links = &mut spans.links;
    let trace_ids = items.get("trace_id")?.as_fixed_size_binary();
    let span_ids = items.get("span_id")?.as_fixed_size_binary();
    let states = strings(items.get("trace_state")?)?;
    let flags = items.get("flags")?.as_primitive::<UInt32Type>();
    let dropped = items.get("dropped_attributes_count")?.as_primitive::<UInt32Type>();
    let attributes = Lists::new(items.get("attributes")?.as_list())?;
    for run in list.offsets().windows(2) {
        for item in run[0] as usize..run[1] as usize {
            let trace_id = trace_ids.is_valid(item).then(|| TraceId::from_slice(trace_ids.value(item))).flatten();
            let span_id = span_ids.is_valid(item).then(|| SpanId::from_slice(span_ids.value(item))).flatten();
            links.trace_id.push(trace_id.unwrap_or_default());
            links.span_id.push(span_id.unwrap_or_default());
            links.trace_state.push(states.value(item));
            links.flags.push(flags.value(item));
            links.dropped_attributes_count.push(dropped.value(item));
            push_row(&attributes, item, &mut links.attributes);
        }
        links.end_row();
    }
    Ok(())
}

/// Brings columns and lists together, by key.
fn restore_attributes(columns: &Columns<'_>, plan: &ColumnPlan, target: &mut Attributes) -> Result<(), StorageError> {
    let rows = columns.0.num_rows();
    let dense = plan.dense.iter().map(|column| {
        let values = columns.get(&column.name(plan.signal))?;
        Ok(DenseReader {
            key: column.key.as_str(),
            number: target.dictionary_mut().intern(&column.key),
            nulls: values.nulls(),
            values: match column.of {
                AttributeType::Int => DenseValues::Int(values.as_primitive()),
                AttributeType::Double => DenseValues::Double(values.as_primitive()),
                AttributeType::Bool => DenseValues::Bool(values.as_boolean()),
                AttributeType::String | AttributeType::Display => DenseValues::String(Texts::new(values)?),
            },
        })
    });
    let dense = dense.collect::<Result<Vec<_>, StorageError>>()?;
    let present = present_columns(&dense, rows);
    let rest = Lists::new(columns.get(ATTRIBUTES)?.as_list())?;
    for row in 0..rows {
        let mut entries = rest.entries(row);
        for column in present.of_row(row).iter().map(|&column| &dense[column as usize]) {
            while !entries.is_empty() && rest.key(entries.start) < column.key {
                push(&rest, entries.start, target);
                entries.start += 1;
            }
            target.push_numbered(column.number, column.values.get(row));
        }
        for entry in entries {
            push(&rest, entry, target);
        }
        target.end_row();
    }
    Ok(())
}

fn push_row(lists: &Lists<'_>, row: usize, target: &mut Attributes) {
    for entry in lists.entries(row) {
        push(lists, entry, target);
    }
    target.end_row();
}

fn push(lists: &Lists<'_>, entry: usize, target: &mut Attributes) {
    target.push(lists.key(entry), lists.value(entry));
}

struct DenseReader<'a> {
    key: &'a str,
    number: u32,
    nulls: Option<&'a NullBuffer>,
    values: DenseValues<'a>,
}

enum DenseValues<'a> {
    String(Texts<'a>),
    Int(&'a arrow::array::Int64Array),
    Double(&'a arrow::array::Float64Array),
    Bool(&'a arrow::array::BooleanArray),
}

impl<'a> DenseValues<'a> {
    fn get(&self, row: usize) -> Value<'a> {
        match self {
            DenseValues::String(values) => Value::String(values.get(row)),
            DenseValues::Int(values) => Value::Int(values.value(row)),
            DenseValues::Double(values) => Value::Double(values.value(row)),
            DenseValues::Bool(values) => Value::Bool(values.value(row)),
        }
    }
}

/// Which columns have a value in each row. Found column by column, so that sparse columns cost little.
struct PresentColumns {
    offsets: Vec<u32>,
    columns: Vec<u32>,
}

impl PresentColumns {
    fn of_row(&self, row: usize) -> &[u32] {
        &self.columns[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

fn present_columns(dense: &[DenseReader<'_>], rows: usize) -> PresentColumns {
    let each_valid = |column: &DenseReader<'_>, found: &mut dyn FnMut(usize)| match column.nulls {
        Some(nulls) => nulls.valid_indices().for_each(found),
        None => (0..rows).for_each(found),
    };
    let mut offsets = vec![0u32; rows + 1];
    for column in dense {
        each_valid(column, &mut |row| offsets[row + 1] += 1);
    }
    for row in 0..rows {
        offsets[row + 1] += offsets[row];
    }
    let mut next = offsets.clone();
    let mut columns = vec![0; offsets[rows] as usize];
    for (number, column) in dense.iter().enumerate() {
        each_valid(column, &mut |row| {
            columns[next[row] as usize] = number as u32;
            next[row] += 1;
        });
    }
    PresentColumns { offsets, columns }
}

/// Columns by name.
struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn get(&self, name: &str) -> Result<&'a dyn Array, StorageError> {
        self.0.column_by_name(name).map(|column| column.as_ref()).ok_or_else(|| damaged(&format!("no column {name:?}")))
    }
}

fn push_strings(array: &dyn Array, target: &mut Strings) -> Result<(), StorageError> {
    let texts = Texts::new(array)?;
    (0..array.len()).for_each(|row| target.push(texts.get(row)));
    Ok(())
}

fn push_ids<const N: usize>(array: &dyn Array, mut push: impl FnMut(Option<[u8; N]>)) {
    for id in array.as_fixed_size_binary().iter() {
        push(id.and_then(|id| id.try_into().ok()));
    }
}
