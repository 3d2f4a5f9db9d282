//! Live rows as views, and scanning them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use tracewell_model::{Attributes, Logs, Records, ScopeTable, Spans, Strings};

use super::attributes::{attribute_array, keys_array, presence};
use super::view::{Cells, Nested, View, null_array, saturated_times};
use super::{BATCH_ROWS_MAX, Prepared, RowCount, ScanRequest, ScanStream, display, evaluate, project};
use crate::world::blocking;
use crate::{AttributeType, Column, RowAddress, StorageError};

/// Reads rows of a chunk of the live tier, the source number `source` of its snapshot.
pub(crate) fn scan_live(chunk: Arc<Records>, source: u32, request: &ScanRequest, looked_at: &RowCount) -> ScanStream {
    let request = Arc::new(request.clone());
    let start = (chunk, request, looked_at.clone(), 0usize);
    Box::pin(futures::stream::try_unfold(start, move |(chunk, request, looked_at, mut row)| async move {
        while row < chunk.len() {
            let rows = row..chunk.len().min(row + BATCH_ROWS_MAX);
            row = rows.end;
            looked_at.add(rows.len());
            let (work, wanted) = (Arc::clone(&chunk), Arc::clone(&request));
            let scan = move || scan_rows(&work, source, &wanted, rows);
            // Few rows are judged sooner than another thread is woken.
            let batch = if chunk.len() <= 256 { scan()? } else { blocking(scan).await? };
            if let Some(batch) = batch {
                return Ok(Some((batch, (chunk, request, looked_at, row))));
            }
        }
        Ok(None)
    }))
}

fn scan_rows(
    chunk: &Records,
    source: u32,
    request: &ScanRequest,
    rows: std::ops::Range<usize>,
) -> Result<Option<RecordBatch>, StorageError> {
    let in_time = |row: &usize| request.time.contains(tracewell_model::UnixNanos(time(chunk, *row)));
    let rows: Vec<usize> = rows.filter(in_time).collect();
    let mut view = LiveView { records: chunk, source, rows };
    let prepared = Prepared::new(&request.predicate, chunk.signal(), view.scopes())?;
    for conjunct in &prepared.conjuncts {
        if view.rows.is_empty() {
            break;
        }
        let met = evaluate(conjunct, &view)?;
        let mut met = met.iter();
        view.rows.retain(|_| met.next() == Some(true));
    }
    if view.rows.is_empty() {
        return Ok(None);
    }
    project(&view, chunk.signal(), &request.columns).map(Some)
}

fn time(chunk: &Records, row: usize) -> u64 {
    match chunk {
        Records::Spans(spans) => spans.start[row],
        Records::Logs(logs) => logs.timestamp[row],
    }
}

/// Some rows of a chunk.
struct LiveView<'a> {
    records: &'a Records,
    source: u32,
    rows: Vec<usize>,
}

impl LiveView<'_> {
    fn each(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.iter().copied()
    }

    fn attributes(&self) -> &Attributes {
        match self.records {
            Records::Spans(spans) => &spans.attributes,
            Records::Logs(logs) => &logs.attributes,
        }
    }

    fn strings(&self, column: &Strings) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(self.each().map(|row| column.get(row))))
    }

    fn numbers(&self, column: &[i32]) -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(self.each().map(|row| column[row])))
    }

    fn ids<const N: usize>(&self, id: impl Fn(usize) -> Option<[u8; N]>) -> ArrayRef {
        let mut ids = FixedSizeBinaryBuilder::with_capacity(self.rows.len(), N as i32);
        for row in self.each() {
            match id(row) {
                // An array of the builder's size always fits.
                Some(id) => drop(ids.append_value(id)),
                None => ids.append_null(),
            }
        }
        Arc::new(ids.finish())
    }

    fn span_column(&self, spans: &Spans, column: &Column) -> ArrayRef {
        match column {
            Column::Time => saturated_times(self.each().map(|row| spans.start[row])),
            Column::TraceId => self.ids(|row| Some(spans.trace_id[row].0)),
            Column::SpanId => self.ids(|row| Some(spans.span_id[row].0)),
            Column::ParentSpanId => {
                self.ids(|row| Some(spans.parent_span_id[row]).filter(|id| id.is_some()).map(|id| id.0))
            }
            Column::Duration => Arc::new(Int64Array::from_iter_values(
                self.each().map(|row| duration(spans.start[row], spans.end[row])),
            )),
            Column::Name => self.strings(&spans.name),
            Column::Kind => self.numbers(&spans.kind),
            Column::StatusCode => self.numbers(&spans.status_code),
            Column::StatusMessage => self.strings(&spans.status_message),
            Column::TraceState => self.strings(&spans.trace_state),
            Column::EventCount => {
                Arc::new(Int32Array::from_iter_values(self.each().map(|row| spans.events.of_row(row).len() as i32)))
            }
            Column::LinkCount => {
                Arc::new(Int32Array::from_iter_values(self.each().map(|row| spans.links.of_row(row).len() as i32)))
            }
            column => null_array(column, self.rows.len()),
        }
    }

    fn log_column(&self, logs: &Logs, column: &Column) -> ArrayRef {
        match column {
            Column::Time => saturated_times(self.each().map(|row| logs.timestamp[row])),
            Column::TraceId => self.ids(|row| Some(logs.trace_id[row]).filter(|id| id.is_some()).map(|id| id.0)),
            Column::SpanId => self.ids(|row| Some(logs.span_id[row]).filter(|id| id.is_some()).map(|id| id.0)),
            Column::SeverityNumber => self.numbers(&logs.severity_number),
            Column::SeverityText => self.strings(&logs.severity_text),
            Column::EventName => self.strings(&logs.event_name),
            Column::Body => Arc::new(StringArray::from_iter(self.each().map(|row| display(logs.body.get(row))))),
            column => null_array(column, self.rows.len()),
        }
    }

    /// The attributes of events or links, and where those of each row of the chunk are.
    fn lists(&self, nested: Nested) -> Option<(&Attributes, &[u32])> {
        match (self.records, nested) {
            (Records::Spans(spans), Nested::Events) => Some((&spans.events.attributes, &spans.events.offsets)),
            (Records::Spans(spans), Nested::Links) => Some((&spans.links.attributes, &spans.links.offsets)),
            (Records::Logs(_), _) => None,
        }
    }

    fn runs<'a>(&'a self, offsets: &'a [u32]) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.each().map(|row| offsets[row] as usize..offsets[row + 1] as usize)
    }

    fn list_cells(&self, offsets: &[u32], values: ArrayRef) -> Cells {
        let lengths = self.runs(offsets).map(|run| run.len());
        Cells { offsets: Some(OffsetBuffer::from_lengths(lengths)), values }
    }
}

/// A span's duration as [`Column::Duration`] has it.
fn duration(start: u64, end: u64) -> i64 {
    i64::try_from(end.saturating_sub(start)).unwrap_or(i64::MAX)
}

impl View for LiveView<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn scopes(&self) -> &ScopeTable {
        match self.records {
            Records::Spans(spans) => &spans.scopes,
            Records::Logs(logs) => &logs.scopes,
        }
    }

    fn scope_ids(&self) -> Result<UInt32Array, StorageError> {
        let scope = match self.records {
            Records::Spans(spans) => &spans.scope,
            Records::Logs(logs) => &logs.scope,
        };
        Ok(UInt32Array::from_iter_values(self.each().map(|row| scope[row])))
    }

    fn addresses(&self) -> UInt64Array {
        UInt64Array::from_iter_values(self.each().map(|row| RowAddress::new(self.source, row as u32).0))
    }

    fn column(&self, column: &Column) -> Result<ArrayRef, StorageError> {
        if let Column::Attribute { key, of, .. } = column {
            return Ok(attribute_array(self.attributes(), self.each(), key, *of));
        }
        Ok(match self.records {
            Records::Spans(spans) => self.span_column(spans, column),
            Records::Logs(logs) => self.log_column(logs, column),
        })
    }

    fn nested(&self, nested: Nested, key: &str, of: AttributeType) -> Result<Cells, StorageError> {
        let none = Attributes::default();
        let (attributes, offsets) = self.lists(nested).unwrap_or((&none, &[]));
        let values = match offsets {
            [] => attribute_array(attributes, std::iter::empty(), key, of),
            offsets => attribute_array(attributes, self.runs(offsets).flatten(), key, of),
        };
        match offsets {
            [] => Ok(Cells { offsets: Some(OffsetBuffer::new_zeroed(self.rows.len())), values }),
            offsets => Ok(self.list_cells(offsets, values)),
        }
    }

    fn has_attribute(&self, key: &str) -> Result<BooleanBuffer, StorageError> {
        Ok(presence(self.attributes(), self.each(), key))
    }

    fn nested_has_attribute(&self, nested: Nested, key: &str) -> Result<BooleanBuffer, StorageError> {
        let Some((attributes, offsets)) = self.lists(nested) else {
            return Ok(BooleanBuffer::new_unset(self.rows.len()));
        };
        Ok(self.runs(offsets).map(|run| presence(attributes, run, key).count_set_bits() > 0).collect())
    }

    fn attribute_keys(&self) -> Result<ListArray, StorageError> {
        Ok(keys_array(self.attributes(), self.each().map(|row| row..row + 1)))
    }

    fn nested_attribute_keys(&self, nested: Nested) -> Result<ListArray, StorageError> {
        Ok(match self.lists(nested) {
            Some((attributes, offsets)) => keys_array(attributes, self.runs(offsets)),
            None => keys_array(&Attributes::default(), self.each().map(|_| 0..0)),
        })
    }

    fn texts(&self) -> Result<Vec<Cells>, StorageError> {
        let spans = match self.records {
            Records::Logs(logs) => return Ok(vec![Cells::flat(self.log_column(logs, &Column::Body))]),
            Records::Spans(spans) => spans,
        };
        let offsets = &spans.events.offsets;
        let names: Vec<&str> = self.runs(offsets).flatten().map(|event| spans.events.name.get(event)).collect();
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        let mut texts = vec![
            Cells::flat(self.strings(&spans.name)),
            Cells::flat(self.strings(&spans.status_message)),
            self.list_cells(offsets, names),
        ];
        let attributes = &spans.events.attributes;
        for key in attributes.dictionary().iter().filter(|key| crate::text::is_text_attribute(key)) {
            let values = attribute_array(attributes, self.runs(offsets).flatten(), key, AttributeType::String);
            texts.push(self.list_cells(offsets, values));
        }
        Ok(texts)
    }
}
