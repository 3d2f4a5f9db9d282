//! Reading whole rows of a segment, and what merging needs to know of all of them.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use hashbrown::HashMap;
use tracewell_model::{Logs, Records, Signal, SpanId, Spans, TraceId};

use super::columns::{SPAN_ID, START_TIME, TIME, TRACE_ID};
use super::lists::damaged;
use super::object::VerifiedObject;
use super::pages::Leaves;
use super::prune::bits;
use super::quarantine::OnDamage;
use super::reader::{Opened, Segment};
use super::restore::{restore_logs, restore_spans};
use crate::world::blocking;
use crate::{StorageError, StorageErrorKind};

/// What the rows of a segment are sorted by, in the order of the rows.
#[derive(Clone, Debug)]
pub(crate) enum SortKeys {
    /// Of spans.
    Spans {
        /// Their traces.
        trace_id: Vec<TraceId>,
        /// When they start.
        start: Vec<u64>,
    },
    /// Of log records: when they happened.
    Logs(Vec<u64>),
}

impl Segment {
    /// Whole spans, in the order of `rows`.
    pub(crate) async fn rows_spans(self: &Arc<Self>, rows: &[u32]) -> Result<Spans, StorageError> {
        match self.read_records(rows.to_vec()).await? {
            Records::Spans(spans) => Ok(spans),
            Records::Logs(_) => Err(self.wrong_signal("spans")),
        }
    }

    /// Whole log records, in the order of `rows`.
    pub(crate) async fn rows_logs(self: &Arc<Self>, rows: &[u32]) -> Result<Logs, StorageError> {
        match self.read_records(rows.to_vec()).await? {
            Records::Logs(logs) => Ok(logs),
            Records::Spans(_) => Err(self.wrong_signal("log records")),
        }
    }

    /// The whole rows from one to another.
    #[cfg(test)]
    pub(crate) async fn read_rows(self: &Arc<Self>, rows: std::ops::Range<u32>) -> Result<Records, StorageError> {
        self.read_records(rows.collect()).await
    }

    /// Whole rows, in the order of `rows`.
    pub(crate) async fn read_records(self: &Arc<Self>, rows: Vec<u32>) -> Result<Records, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || segment.records_at(&rows, &OnDamage::Fail)).await
    }

    /// Whole rows, in the order of `rows`, but for those that `on_damage` leaves out.
    pub(crate) async fn read_left(
        self: &Arc<Self>,
        rows: Vec<u32>,
        on_damage: &OnDamage,
    ) -> Result<Records, StorageError> {
        let (segment, on_damage) = (Arc::clone(self), on_damage.clone());
        blocking(move || segment.records_at(&rows, &on_damage)).await
    }

    /// The rows of a trace, in order.
    pub(crate) async fn trace_rows(
        self: &Arc<Self>,
        trace: TraceId,
        on_damage: &OnDamage,
    ) -> Result<Vec<u32>, StorageError> {
        let tombstones = self.tombstones();
        if !tombstones.is_empty() {
            return self.surviving_rows(trace, &tombstones, on_damage).await;
        }
        let (segment, on_damage) = (Arc::clone(self), on_damage.clone());
        blocking(move || match segment.opened() {
            Ok(opened) => segment.rows_of_trace(&opened, trace, &on_damage),
            Err(error) => on_damage.leave_out(&segment, "all rows", error).map(|()| Vec::new()),
        })
        .await
    }

    /// The whole spans of a trace, in order.
    pub(crate) async fn trace_spans(
        self: &Arc<Self>,
        trace: TraceId,
        on_damage: &OnDamage,
    ) -> Result<Option<Spans>, StorageError> {
        let rows = self.trace_rows(trace, on_damage).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        match self.read_left(rows, on_damage).await? {
            Records::Spans(spans) => Ok(Some(spans)),
            Records::Logs(_) => Err(self.wrong_signal("spans")),
        }
    }

    /// What all rows are sorted by.
    pub(crate) async fn sort_keys(self: &Arc<Self>) -> Result<SortKeys, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || segment.read_sort_keys()).await
    }

    fn wrong_signal(&self, wanted: &str) -> StorageError {
        let message = format!("segment {} holds {}, no {wanted}", self.meta().id, self.meta().signal);
        StorageError::new(StorageErrorKind::Internal, message)
    }

    fn rows_of_trace(&self, opened: &Opened, trace: TraceId, on_damage: &OnDamage) -> Result<Vec<u32>, StorageError> {
        let all_rows = 0..u32::try_from(self.meta().rows).unwrap_or(u32::MAX);
        let ranges = match self.trace_ranges(opened, trace) {
            // Without the index all rows are looked at.
            Err(error) if error.kind() == StorageErrorKind::Corrupt => {
                self.note_damage(&error.to_string());
                Vec::from([all_rows])
            }
            ranges => ranges?,
        };
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let object = self.rows_object(opened)?;
        let candidates: Vec<u32> =
            ranges.into_iter().flatten().take_while(|row| u64::from(*row) < self.meta().rows).collect();
        let mut leaves = Leaves::default();
        opened.pages.add_leaves(&mut leaves, TRACE_ID);
        let mut found = Vec::new();
        for (group, rows) in in_groups(opened, &candidates)? {
            let batch = match self.decode(opened, &object, group, &leaves, &rows) {
                Ok(batch) => batch,
                Err(error) => {
                    on_damage.leave_out(self, &opened.rows_of_group(group), error)?;
                    continue;
                }
            };
            let ids = column(&batch, TRACE_ID)?.as_fixed_size_binary();
            let first = opened.head.row_groups[group].first_row;
            let of_trace = ids.iter().zip(&rows).filter(|(id, _)| *id == Some(&trace.0[..]));
            found.extend(of_trace.map(|(_, row)| first + row));
        }
        Ok(found)
    }

    /// Whole rows, in the order of `rows`. Rows that are left out because they are damaged are so by row groups.
    pub(super) fn records_at(&self, rows: &[u32], on_damage: &OnDamage) -> Result<Records, StorageError> {
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let opened = self.opened()?;
        let object = self.rows_object(&opened)?;
        let leaves = opened.pages.all_leaves();
        let mut records = self.no_records(&opened);
        let mut read = Vec::with_capacity(sorted.len());
        for (group, rows) in in_groups(&opened, &sorted)? {
            if matches!(on_damage, OnDamage::LeaveOut(_)) && self.quarantine().is_torn(group) {
                on_damage.leave_out(self, &opened.rows_of_group(group), self.torn(group))?;
                continue;
            }
            let part = match self.records_of_group(&opened, &object, group, &leaves, &rows) {
                Ok(part) => part,
                Err(error) => {
                    if error.kind() == StorageErrorKind::Corrupt {
                        self.quarantine().tear(group);
                    }
                    on_damage.leave_out(self, &opened.rows_of_group(group), error)?;
                    continue;
                }
            };
            match (&mut records, part) {
                (records, part) if records.is_empty() => *records = part,
                (Records::Spans(spans), Records::Spans(part)) => spans.append(&part),
                (Records::Logs(logs), Records::Logs(part)) => logs.append(&part),
                _ => return Err(self.wrong_signal("records of two kinds")),
            }
            read.extend(rows.iter().map(|row| opened.head.row_groups[group].first_row + row));
        }
        let sorted = read;
        if sorted == rows {
            return Ok(records);
        }
        let places = rows.iter().filter_map(|row| sorted.binary_search(row).ok());
        Ok(match records {
            Records::Spans(spans) => {
                let mut ordered = Spans::default();
                ordered.append_rows(&spans, places);
                Records::Spans(ordered)
            }
            Records::Logs(logs) => {
                let mut ordered = Logs::default();
                ordered.append_rows(&logs, places);
                Records::Logs(ordered)
            }
        })
    }

    /// Whole rows of a row group, which are in order, for a check.
    pub(super) fn decode_rows(
        &self,
        opened: &Opened,
        object: &VerifiedObject,
        group: usize,
        rows: &[u32],
    ) -> Result<Records, StorageError> {
        self.records_of_group(opened, object, group, &opened.pages.all_leaves(), rows)
    }

    /// No record yet, of the segment's scopes.
    fn no_records(&self, opened: &Opened) -> Records {
        match self.meta().signal {
            Signal::Traces => Records::Spans(Spans { scopes: opened.scopes.clone(), ..Spans::default() }),
            Signal::Logs => Records::Logs(Logs { scopes: opened.scopes.clone(), ..Logs::default() }),
        }
    }

    /// Whole rows of a row group, which are in order.
    fn records_of_group(
        &self,
        opened: &Opened,
        object: &VerifiedObject,
        group: usize,
        leaves: &Leaves,
        rows: &[u32],
    ) -> Result<Records, StorageError> {
        let batch = self.decode(opened, object, group, leaves, rows)?;
        let mut records = self.no_records(opened);
        match &mut records {
            Records::Logs(logs) => restore_logs(&batch, opened.plan(), logs)?,
            Records::Spans(spans) => self.restore_group(opened, group, rows, &batch, spans)?,
        }
        Ok(records)
    }

    fn restore_group(
        &self,
        opened: &Opened,
        group: usize,
        rows: &[u32],
        batch: &RecordBatch,
        spans: &mut Spans,
    ) -> Result<(), StorageError> {
        let distances = column(batch, super::columns::PARENT_DISTANCE)?.as_primitive();
        let ids = column(batch, SPAN_ID)?.as_fixed_size_binary();
        let known: Vec<SpanId> = ids.iter().map(|id| id.and_then(SpanId::from_slice).unwrap_or_default()).collect();
        let parents = self.parents(opened, group, rows, distances, &known)?;
        restore_spans(batch, opened.plan(), |row, _| parents[row], spans)
    }

    /// The span ids of the rows that parent distances lead to. `known` has the span ids of `rows`, if they are known.
    pub(super) fn parents(
        &self,
        opened: &Opened,
        group: usize,
        rows: &[u32],
        distances: &Int32Array,
        known: &[SpanId],
    ) -> Result<Vec<Option<SpanId>>, StorageError> {
        let count = i64::from(opened.head.row_groups[group].rows);
        let mut wanted: Vec<u32> = Vec::new();
        let parent_row = |row: u32, distance: i32| {
            let parent = i64::from(row) - i64::from(distance);
            if (0..count).contains(&parent) { Ok(parent as u32) } else { Err(damaged("a parent that is not there")) }
        };
        for (row, distance) in rows.iter().zip(distances) {
            if let Some(distance) = distance {
                let parent = parent_row(*row, distance)?;
                if known.is_empty() || rows.binary_search(&parent).is_err() {
                    wanted.push(parent);
                }
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let mut found: HashMap<u32, SpanId> = rows.iter().copied().zip(known.iter().copied()).collect();
        if !wanted.is_empty() {
            let object = self.rows_object(opened)?;
            let mut leaves = Leaves::default();
            opened.pages.add_leaves(&mut leaves, SPAN_ID);
            let batch = self.decode(opened, &object, group, &leaves, &wanted)?;
            let ids = column(&batch, SPAN_ID)?.as_fixed_size_binary();
            found.extend(wanted.iter().copied().zip(ids.iter().flatten().filter_map(SpanId::from_slice)));
        }
        rows.iter()
            .zip(distances)
            .map(|(row, distance)| match distance {
                None => Ok(None),
                Some(distance) => Ok(found.get(&parent_row(*row, distance)?).copied()),
            })
            .collect()
    }

    /// Decodes some rows of a row group, which are in order.
    fn decode(
        &self,
        opened: &Opened,
        object: &VerifiedObject,
        group: usize,
        leaves: &Leaves,
        rows: &[u32],
    ) -> Result<RecordBatch, StorageError> {
        let count = opened.head.row_groups[group].rows as usize;
        let selected =
            (rows.len() < count).then(|| bits(count, rows.iter().map(|&row| row as usize..row as usize + 1)));
        opened.pages.read_all(object, group, leaves, selected.as_ref()).map_err(|error| self.rows_error(error))
    }

    fn read_sort_keys(&self) -> Result<SortKeys, StorageError> {
        let opened = self.opened()?;
        let object = self.rows_object(&opened)?;
        let mut leaves = Leaves::default();
        let time = match self.meta().signal {
            Signal::Traces => START_TIME,
            Signal::Logs => TIME,
        };
        opened.pages.add_leaves(&mut leaves, time);
        if self.meta().signal == Signal::Traces {
            opened.pages.add_leaves(&mut leaves, TRACE_ID);
        }
        let mut times: Vec<u64> = Vec::new();
        let mut traces = Vec::new();
        for group in 0..opened.head.row_groups.len() {
            let batch = opened.pages.read_all(&object, group, &leaves, None);
            let batch = batch.map_err(|error| self.rows_error(error))?;
            let of_group = column(&batch, time)?.as_primitive::<TimestampNanosecondType>().values();
            times.extend(of_group.iter().map(|&time| time as u64));
            if self.meta().signal == Signal::Traces {
                let ids = column(&batch, TRACE_ID)?.as_fixed_size_binary();
                traces.extend(ids.iter().map(|id| id.and_then(TraceId::from_slice).unwrap_or_default()));
            }
        }
        Ok(match self.meta().signal {
            Signal::Traces => SortKeys::Spans { trace_id: traces, start: times },
            Signal::Logs => SortKeys::Logs(times),
        })
    }

    /// An error of decoding a batch of `rows.parquet`, said of this segment.
    pub(super) fn decoding_error(&self, error: arrow::error::ArrowError) -> StorageError {
        match error {
            arrow::error::ArrowError::ExternalError(source) => match source.downcast::<parquet::errors::ParquetError>()
            {
                Ok(error) => self.rows_error(*error),
                Err(source) => self.rows_error(parquet::errors::ParquetError::External(source)),
            },
            error => self.rows_error(parquet::errors::ParquetError::ArrowError(error.to_string())),
        }
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array, StorageError> {
    batch.column_by_name(name).map(|column| column.as_ref()).ok_or_else(|| damaged(&format!("no column {name:?}")))
}

/// The rows of a segment, which are in order, as rows of its row groups.
fn in_groups(opened: &Opened, rows: &[u32]) -> Result<Vec<(usize, Vec<u32>)>, StorageError> {
    let mut rest = rows;
    let mut found = Vec::new();
    for (number, group) in opened.head.row_groups.iter().enumerate() {
        let end = u64::from(group.first_row) + u64::from(group.rows);
        let (inside, after) = rest.split_at(rest.partition_point(|&row| u64::from(row) < end));
        if !inside.is_empty() {
            found.push((number, inside.iter().map(|row| row - group.first_row).collect()));
        }
        rest = after;
    }
    match rest.first() {
        None => Ok(found),
        Some(row) => Err(StorageError::new(StorageErrorKind::Invalid, format!("a segment has no row {row}"))),
    }
}
