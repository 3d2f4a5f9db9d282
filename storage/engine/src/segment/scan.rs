//! Scanning a segment: row group by row group, the newest first, decoding ever fewer rows of ever more columns.

use std::sync::Arc;

use arrow::array::{BooleanBufferBuilder, RecordBatch, RecordBatchOptions};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::Schema;
use tracewell_model::{TimeRange, UnixNanos};

use super::group_reader::GroupReader;
use super::object::{OpenObject, VerifiedObject};
use super::pages::Leaves;
use super::prune::{Candidates, TraceLookups, bits};
use super::quarantine::OnDamage;
use super::reader::{Opened, Segment};
use super::view::SegmentView;
use crate::deletion::surviving;
use crate::scan::{BATCH_ROWS_MAX, Node, Prepared, RowCount, evaluate, project};
use crate::world::blocking;
use crate::{Column, ScanRequest, ScanStream, Share, StorageError, StorageErrorKind};

impl Segment {
    /// Reads rows of a share of the row groups; the segment is the source number `source` of its snapshot. Nothing runs
    /// ahead of the reader.
    pub(crate) fn scan(
        self: &Arc<Self>,
        source: u32,
        share: Share,
        request: &ScanRequest,
        on_damage: &OnDamage,
        looked_at: &RowCount,
    ) -> ScanStream {
        let tombstones = self.tombstones();
        let mut request = request.clone();
        if !tombstones.is_empty() {
            request.predicate = surviving(&request.predicate, &tombstones);
        }
        self.scan_with_deleted(source, share, request, on_damage, looked_at)
    }

    /// As [`Segment::scan`], also of rows that are deleted and not yet removed.
    pub(super) fn scan_with_deleted(
        self: &Arc<Self>,
        source: u32,
        share: Share,
        request: ScanRequest,
        on_damage: &OnDamage,
        looked_at: &RowCount,
    ) -> ScanStream {
        let looked_at = looked_at.clone();
        let start = Progress::NotBegun(Arc::clone(self), (source, share), Arc::new(request), on_damage.clone());
        Box::pin(futures::stream::try_unfold(start, move |progress| {
            let looked_at = looked_at.clone();
            blocking(move || {
                let mut scan = match progress {
                    Progress::NotBegun(segment, source, request, on_damage) => {
                        match Scan::new(Arc::clone(&segment), source, request, on_damage.clone(), looked_at) {
                            Ok(scan) => Box::new(scan),
                            Err(error) => return on_damage.leave_out(&segment, "all rows", error).map(|()| None),
                        }
                    }
                    Progress::Begun(scan) => scan,
                };
                Ok(scan.next_batch()?.map(|batch| (batch, Progress::Begun(scan))))
            })
        }))
    }
}

/// What the indexes say; nothing where they are damaged, as the rows themselves decide.
fn candidates(
    segment: &Segment,
    opened: &Opened,
    conjunct: &Node,
    group: usize,
    lookups: &mut TraceLookups,
) -> Result<Option<Candidates>, StorageError> {
    match segment.candidates(opened, conjunct, group, lookups) {
        Err(error) if error.kind() == StorageErrorKind::Corrupt => {
            segment.note_damage(&error.to_string());
            Ok(None)
        }
        found => found,
    }
}

enum Progress {
    NotBegun(Arc<Segment>, (u32, Share), Arc<ScanRequest>, OnDamage),
    Begun(Box<Scan>),
}

/// A scan under way.
struct Scan {
    segment: Arc<Segment>,
    opened: Arc<Opened>,
    object: VerifiedObject,
    /// Held open, so that not every look-up opens it again; without it they say themselves what is wrong with it.
    _index: Option<OpenObject>,
    source: u32,
    request: Arc<ScanRequest>,
    /// What rows have to meet.
    conjuncts: Vec<Node>,
    /// The leaves of the columns of the batches.
    output: Leaves,
    /// The row groups to do, the next last.
    groups: Vec<usize>,
    current: Option<Output>,
    lookups: TraceLookups,
    on_damage: OnDamage,
    looked_at: RowCount,
}

/// A row group whose rows are known, being made into batches.
struct Output {
    group: usize,
    rows: Vec<u32>,
    done: usize,
    /// None when no column has to be decoded.
    reader: Option<GroupReader>,
}

impl Scan {
    fn new(
        segment: Arc<Segment>,
        (source, share): (u32, Share),
        request: Arc<ScanRequest>,
        on_damage: OnDamage,
        looked_at: RowCount,
    ) -> Result<Scan, StorageError> {
        let opened = segment.opened()?;
        let object = segment.rows_object(&opened)?;
        let prepared = Prepared::new(&request.predicate, segment.meta().signal, &opened.scopes)?;
        let mut groups: Vec<usize> = match prepared.is_never() {
            true => Vec::new(),
            false => (0..opened.head.row_groups.len()).collect(),
        };
        groups.retain(|&group| {
            let info = &opened.head.row_groups[group];
            request.time.overlaps(UnixNanos(info.time_min), UnixNanos(info.time_max))
                && prepared.conjuncts.iter().all(|conjunct| opened.may_meet(conjunct, group))
        });
        groups.sort_by_key(|&group| opened.head.row_groups[group].time_max);
        // Neighbours in time go to different shares: what is asked for is often recent.
        let groups = groups.into_iter().rev().enumerate().filter(|(place, _)| share.has(*place));
        let mut groups: Vec<usize> = groups.map(|(_, group)| group).collect();
        groups.reverse();
        let conjuncts = prepared.conjuncts;
        let mut output = Leaves::default();
        for column in &request.columns {
            opened.leaves_of_column(column, &mut output);
        }
        let index = (!conjuncts.is_empty() && !groups.is_empty()).then(|| segment.open_index().ok()).flatten();
        let (current, lookups) = (None, TraceLookups::default());
        Ok(Scan {
            segment,
            opened,
            object,
            _index: index,
            source,
            request,
            conjuncts,
            output,
            groups,
            current,
            lookups,
            on_damage,
            looked_at,
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, StorageError> {
        loop {
            if self.current.is_none() {
                let Some(group) = self.groups.pop() else {
                    return Ok(None);
                };
                match self.begin_group(group) {
                    Ok(output) => self.current = output,
                    Err(error) => self.leave_out(group, error)?,
                }
            }
            if let Some(mut output) = self.current.take() {
                match self.output_batch(&mut output) {
                    Ok(Some(batch)) => {
                        self.current = Some(output);
                        return Ok(Some(batch));
                    }
                    Ok(None) => {}
                    Err(error) => self.leave_out(output.group, error)?,
                }
            }
        }
    }

    /// Goes on without what is left of a row group, if that is allowed.
    fn leave_out(&self, group: usize, error: StorageError) -> Result<(), StorageError> {
        self.on_damage.leave_out(&self.segment, &self.opened.rows_of_group(group), error)
    }

    /// Rows by their address are rows that will be read whole.
    fn check_whole(&self, group: usize) -> Result<(), StorageError> {
        match self.request.columns.contains(&Column::Address) && self.segment.quarantine().is_torn(group) {
            true => Err(self.segment.torn(group)),
            false => Ok(()),
        }
    }

    /// Finds the rows of a row group.
    fn begin_group(&mut self, group: usize) -> Result<Option<Output>, StorageError> {
        self.check_whole(group)?;
        let info = &self.opened.head.row_groups[group];
        let mut selected: Option<BooleanBuffer> = None;
        let mut steps = Vec::new();
        let mut looked_at = 0;
        for conjunct in &self.conjuncts {
            let found = candidates(&self.segment, &self.opened, conjunct, group, &mut self.lookups)?;
            if !found.as_ref().is_some_and(|found| found.exact) {
                steps.push(self.step(group, Question::Meets(conjunct)));
            }
            if let Some(found) = found {
                let rows = selected.map_or(found.rows.clone(), |before| &before & &found.rows);
                if rows.count_set_bits() == 0 {
                    return Ok(None);
                }
                selected = Some(rows);
            }
        }
        if !covers(&self.request.time, info.time_min, info.time_max) {
            steps.push(self.step(group, Question::IsInTime));
        }
        // What is decoded with little effort first: of the larger columns fewer rows are left then.
        steps.sort_by_key(|step| step.bytes);
        for steps in steps.chunk_by(|a, b| a.leaves == b.leaves) {
            selected = self.narrow(group, selected, steps, &mut looked_at)?;
        }
        let rows: Vec<u32> = match &selected {
            Some(selected) => selected.set_indices().map(|row| row as u32).collect(),
            None => (0..info.rows).collect(),
        };
        if !self.output.is_empty() {
            looked_at = looked_at.max(rows.len());
        }
        self.looked_at.add(looked_at);
        if rows.is_empty() {
            return Ok(None);
        }
        let reader = match self.output.is_empty() {
            true => None,
            false => {
                let read = self.opened.pages.read(&self.object, group, &self.output, selected.as_ref(), BATCH_ROWS_MAX);
                Some(read.map_err(|error| self.segment.rows_error(error))?)
            }
        };
        Ok(Some(Output { group, rows, done: 0, reader }))
    }

    /// What has to be decoded for a question.
    fn step<'a>(&self, group: usize, question: Question<'a>) -> Step<'a> {
        let mut leaves = Leaves::default();
        match question {
            Question::IsInTime => self.opened.leaves_of_column(&Column::Time, &mut leaves),
            Question::Meets(conjunct) => self.opened.leaves_of_node(conjunct, &mut leaves),
        }
        Step { question, bytes: self.opened.pages.encoded_bytes(group, &leaves), leaves }
    }

    /// Decides steps, which have the same leaves, for the selected rows. Rows are fewer every time, so that `looked_at` is
    /// those of the first time that any is decoded.
    fn narrow(
        &self,
        group: usize,
        selected: Option<BooleanBuffer>,
        steps: &[Step<'_>],
        looked_at: &mut usize,
    ) -> Result<Option<BooleanBuffer>, StorageError> {
        let count = self.opened.head.row_groups[group].rows;
        let rows: Vec<u32> = match &selected {
            Some(selected) => selected.set_indices().map(|row| row as u32).collect(),
            None => (0..count).collect(),
        };
        let Some(Step { leaves, .. }) = steps.first().filter(|_| !rows.is_empty()) else {
            return Ok(selected);
        };
        let mut met = BooleanBufferBuilder::new(rows.len());
        if leaves.is_empty() {
            let batch = empty_batch(rows.len())?;
            met.append_buffer(&self.decide(group, &rows, &batch, steps)?);
        } else {
            *looked_at = rows.len().max(*looked_at);
            let reader = self.opened.pages.read(&self.object, group, leaves, selected.as_ref(), BATCH_ROWS_MAX);
            for batch in reader.map_err(|error| self.segment.rows_error(error))? {
                let batch = batch.map_err(|error| self.decoding_error(error))?;
                let of_batch = rows.get(met.len()..met.len() + batch.num_rows());
                let of_batch = of_batch.ok_or_else(|| self.miscounted(group))?;
                met.append_buffer(&self.decide(group, of_batch, &batch, steps)?);
            }
        }
        if met.len() != rows.len() {
            return Err(self.miscounted(group));
        }
        let met = met.finish();
        if selected.is_none() {
            return Ok(Some(met));
        }
        Ok(Some(bits(count as usize, met.set_indices().map(|place| rows[place] as usize..rows[place] as usize + 1))))
    }

    fn decide(
        &self,
        group: usize,
        rows: &[u32],
        batch: &RecordBatch,
        steps: &[Step<'_>],
    ) -> Result<BooleanBuffer, StorageError> {
        let view = self.view(group, rows, batch);
        let mut all = BooleanBuffer::new_set(rows.len());
        for step in steps {
            if all.count_set_bits() == 0 {
                break;
            }
            let met = match step.question {
                Question::IsInTime => view.times()?.map(|time| self.request.time.contains(UnixNanos(time))).collect(),
                Question::Meets(conjunct) => evaluate(conjunct, &view)?,
            };
            all = &all & &met;
        }
        Ok(all)
    }

    fn output_batch(&self, output: &mut Output) -> Result<Option<RecordBatch>, StorageError> {
        let batch = match &mut output.reader {
            Some(reader) => match reader.next() {
                Some(batch) => batch.map_err(|error| self.decoding_error(error))?,
                None if output.done == output.rows.len() => return Ok(None),
                None => return Err(self.miscounted(output.group)),
            },
            None => match (output.rows.len() - output.done).min(BATCH_ROWS_MAX) {
                0 => return Ok(None),
                rows => empty_batch(rows)?,
            },
        };
        let rows = output.rows.get(output.done..output.done + batch.num_rows());
        let rows = rows.ok_or_else(|| self.miscounted(output.group))?;
        output.done += rows.len();
        let view = self.view(output.group, rows, &batch);
        project(&view, self.segment.meta().signal, &self.request.columns).map(Some)
    }

    fn view<'a>(&'a self, group: usize, rows: &'a [u32], batch: &'a RecordBatch) -> SegmentView<'a> {
        SegmentView { segment: &self.segment, opened: &self.opened, group, rows, source: self.source, batch }
    }

    fn decoding_error(&self, error: arrow::error::ArrowError) -> StorageError {
        self.segment.decoding_error(error)
    }

    fn miscounted(&self, group: usize) -> StorageError {
        let message = format!("row group {group} has another number of rows than the index says");
        self.segment.rows_error(parquet::errors::ParquetError::General(message))
    }
}

/// What is asked of rows.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// Whether they lie in the time that is asked for.
    IsInTime,
    /// Whether they meet this.
    Meets(&'a Node),
}

/// A question, and what it takes to decide it.
struct Step<'a> {
    question: Question<'a>,
    leaves: Leaves,
    /// The encoded size of the leaves.
    bytes: u64,
}

/// A batch of rows without columns.
fn empty_batch(rows: usize) -> Result<RecordBatch, StorageError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .map_err(super::shred_attributes::impossible)
}

/// Whether all times from `first` to `last` lie in the range.
fn covers(range: &TimeRange, first: u64, last: u64) -> bool {
    range.contains(UnixNanos(first)) && range.contains(UnixNanos(last))
}
