//! Checking a segment from end to end: every checksum, every row, every index.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use tracewell_model::{Records, Signal, TraceId, Value};

use super::FieldCatalogue;
use super::index::{RowGroupInfo, Section};
use super::object::VerifiedObject;
use super::reader::{Opened, Segment};
use super::text_index::each_text;
use super::wordings::Runs;
use crate::rollup::{MemoryRollup, RollupBuilder, differences};
use crate::text::{TextPattern, tokens};
use crate::world::blocking;
use crate::{AttributeType, Scalar, StorageError, StorageErrorKind};

/// The rows that are decoded at once.
const CHUNK_ROWS: u32 = 8_192;

/// Of so many rows of a row group each word and each attribute is looked up in the indexes.
const SAMPLE_ROWS: u32 = 16;

/// At most this many findings are told of a segment.
const FINDINGS_MAX: usize = 100;

impl Segment {
    /// What is wrong with it, by name; nothing when all is as it was written. Reads all of it, within little memory.
    pub(crate) async fn check(self: &Arc<Self>) -> Result<Vec<String>, StorageError> {
        let segment = Arc::clone(self);
        blocking(move || {
            let mut check = Check { segment: &segment, findings: Vec::new() };
            check.objects()?;
            match segment.opened() {
                Ok(opened) => check.contents(&opened)?,
                Err(error) => check.note(error)?,
            }
            segment.release();
            Ok(check.findings)
        })
        .await
    }
}

struct Check<'a> {
    segment: &'a Segment,
    findings: Vec<String>,
}

/// What the rows so far say about those to come and about the whole.
struct Seen {
    catalogue: FieldCatalogue,
    times: Option<(u64, u64)>,
    order: OrderCheck,
    rollup: RollupBuilder,
}

impl Check<'_> {
    fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Damage is a finding; anything else ends the check.
    fn note(&mut self, error: StorageError) -> Result<(), StorageError> {
        match error.kind() {
            StorageErrorKind::Corrupt => {
                self.find(error.to_string());
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// The objects as the catalog describes them.
    fn objects(&mut self) -> Result<(), StorageError> {
        for (object, meta) in self.segment.objects().into_iter().zip(&self.segment.meta().objects) {
            match object.digest() {
                Ok((bytes, _)) if bytes != meta.bytes => {
                    self.find(format!("{} has {bytes} bytes, the catalog says {}", meta.path, meta.bytes));
                }
                Ok((_, checksum)) if checksum != meta.checksum => {
                    self.find(format!("{} has another checksum than the catalog says", meta.path));
                }
                Ok(_) => {}
                Err(error) => self.note(error)?,
            }
        }
        let (found, expected) = (self.segment.meta().objects.len(), self.segment.objects().len());
        if found != expected {
            self.find(format!("the catalog names {found} objects of it, there should be {expected}"));
        }
        Ok(())
    }

    fn contents(&mut self, opened: &Opened) -> Result<(), StorageError> {
        let (rows, index) = self.segment.verified_objects(opened)?;
        for object in [&rows, &index] {
            object.damaged_blocks()?.into_iter().for_each(|damaged| self.find(damaged));
        }
        // What opening found.
        self.segment.quarantine().parts().into_iter().for_each(|part| self.find(part));
        let mut seen = Seen {
            catalogue: FieldCatalogue::new(),
            times: None,
            order: OrderCheck::default(),
            rollup: RollupBuilder::new(),
        };
        let mut is_whole = true;
        for group in 0..opened.head.row_groups.len() {
            is_whole &= self.row_group(opened, &rows, group, &mut seen)?;
        }
        if is_whole {
            self.totals(opened, &seen);
            self.rollup(opened, seen.rollup)?;
        }
        Ok(())
    }

    /// Whether all rows of the row group could be read.
    fn row_group(
        &mut self,
        opened: &Opened,
        object: &VerifiedObject,
        group: usize,
        seen: &mut Seen,
    ) -> Result<bool, StorageError> {
        let info = opened.head.row_groups[group];
        let mut is_whole = true;
        let mut times: Option<(u64, u64)> = None;
        let mut traces: HashMap<TraceId, Vec<u32>> = HashMap::new();
        let runs = self.runs_of_wordings(opened, group)?;
        seen.order.next_group(info.time_min);
        for start in (0..info.rows).step_by(CHUNK_ROWS as usize) {
            let rows: Vec<u32> = (start..info.rows.min(start + CHUNK_ROWS)).collect();
            let records = match self.segment.decode_rows(opened, object, group, &rows) {
                Ok(records) => records,
                Err(error) => {
                    let first = info.first_row + start;
                    let last = first + rows.len() as u32 - 1;
                    self.note(StorageError::new(error.kind(), format!("rows {first} to {last}: {error}")))?;
                    is_whole = false;
                    continue;
                }
            };
            for (&row, (trace, time)) in rows.iter().zip(identities(&records)) {
                times = Some(times.map_or((time, time), |(min, max)| (min.min(time), max.max(time))));
                if !trace.is_none() {
                    traces.entry(trace).or_default().push(info.first_row + row);
                }
            }
            if let Some(at) = runs.as_ref().and_then(|runs| seen.order.first_unordered(&records, start, runs)) {
                self.find(format!("row {} is not in order", info.first_row + start + at as u32));
            }
            seen.catalogue.merge(&FieldCatalogue::of_records(&records));
            seen.rollup.add(&records, &(0..records.len() as u32).collect::<Vec<_>>())?;
            for row in sample(&info, start, &records) {
                self.text_index(opened, group, start, &records, row)?;
                self.value_index(opened, group, start, &records, row)?;
            }
        }
        self.trace_index(opened, traces)?;
        if is_whole && times.is_some_and(|times| times != (info.time_min, info.time_max)) {
            self.find(format!("the index says other times of row group {group} than its rows"));
        }
        seen.order.end_group(times);
        if let Some((min, max)) = times {
            seen.times = Some(seen.times.map_or((min, max), |(first, last)| (first.min(min), last.max(max))));
        }
        Ok(is_whole)
    }

    /// Where runs of log records with the same wording begin, inside which they are in order; none when that is damaged.
    fn runs_of_wordings(&mut self, opened: &Opened, group: usize) -> Result<Option<Vec<u32>>, StorageError> {
        let section = opened.head.section(Section::WordingRuns(group as u32));
        let (Signal::Logs, Some(range)) = (self.segment.meta().signal, section) else { return Ok(Some(Vec::new())) };
        match self.segment.index_of(&opened.head)?.read(range) {
            Ok(bytes) => {
                let runs = Runs::decode(&bytes, opened.head.row_groups[group].rows as usize);
                if runs.is_none() {
                    self.find(format!("the runs of wordings of row group {group} make no sense"));
                }
                Ok(runs.map(|runs| runs.starts()))
            }
            Err(error) => self.note(error).map(|()| None),
        }
    }

    /// Every trace is found where it is.
    fn trace_index(&mut self, opened: &Opened, traces: HashMap<TraceId, Vec<u32>>) -> Result<(), StorageError> {
        for (trace, rows) in traces {
            match self.segment.trace_ranges(opened, trace) {
                Ok(ranges) => {
                    let is_found = |row: &u32| ranges.iter().any(|range| range.contains(row));
                    if let Some(row) = rows.iter().find(|row| !is_found(row)) {
                        self.find(format!("the trace index does not lead to row {row} of trace {trace}"));
                    }
                }
                Err(error) => self.note(error)?,
            }
        }
        Ok(())
    }

    /// The words of a row are found by the text index, if there is one.
    fn text_index(
        &mut self,
        opened: &Opened,
        group: usize,
        start: u32,
        records: &Records,
        row: u32,
    ) -> Result<(), StorageError> {
        let mut words = BTreeSet::new();
        each_text(records, row as usize, |text| words.extend(tokens(text)));
        let patterns = words.into_iter().flat_map(|word| {
            [(TextPattern::Phrase(vec![word.clone()]), word.clone()), (TextPattern::Contains(word.clone()), word)]
        });
        for (pattern, word) in patterns {
            match self.segment.look_up_text(opened, &pattern.matcher(), group) {
                Ok(found) => {
                    if found.is_some_and(|found| !found.rows.value((start + row) as usize)) {
                        let row = opened.head.row_groups[group].first_row + start + row;
                        self.find(format!("the text index does not find {word:?} in row {row}"));
                    }
                }
                Err(error) => return self.note(error),
            }
        }
        Ok(())
    }

    /// The attributes of a row are found by the index of rare values, if there is one.
    fn value_index(
        &mut self,
        opened: &Opened,
        group: usize,
        start: u32,
        records: &Records,
        row: u32,
    ) -> Result<(), StorageError> {
        let attributes = match records {
            Records::Spans(spans) => &spans.attributes,
            Records::Logs(logs) => &logs.attributes,
        };
        for (key, value) in attributes.row(row as usize) {
            let (of, value) = match value {
                Value::String(text) => (AttributeType::String, Scalar::String(text.to_owned())),
                Value::Int(number) => (AttributeType::Int, Scalar::Int(number)),
                _ => continue,
            };
            // Of a duplicate key one value counts.
            if attributes.row(row as usize).filter(|(other, _)| *other == key).count() > 1 {
                continue;
            }
            match self.segment.look_up_values(opened, (key, of), &[&value], group) {
                Ok(Some(ranges)) if !ranges.iter().any(|range| range.contains(&((start + row) as usize))) => {
                    let row = opened.head.row_groups[group].first_row + start + row;
                    self.find(format!("the index of rare values does not find attribute {key:?} of row {row}"));
                }
                Ok(_) => {}
                Err(error) => return self.note(error),
            }
        }
        Ok(())
    }

    fn totals(&mut self, opened: &Opened, seen: &Seen) {
        let meta = self.segment.meta();
        if seen.times.is_some_and(|(min, max)| (min, max) != (meta.time_min.0, meta.time_max.0)) {
            self.find("the catalog says other times than its rows".to_owned());
        }
        if !opened.has_damaged_catalogue() && seen.catalogue != opened.catalogue {
            self.find("its field catalogue does not agree with its rows".to_owned());
        }
    }

    /// The stored rollup says what the rows say. A segment of before there were rollups has none.
    fn rollup(&mut self, opened: &Opened, counted: RollupBuilder) -> Result<(), StorageError> {
        let is_there = |section| opened.head.section(section).is_some();
        match (is_there(Section::RollupHead), is_there(Section::RollupBody)) {
            (true, true) => {}
            (false, false) => return Ok(()),
            _ => {
                self.find("its rollup is there in part".to_owned());
                return Ok(());
            }
        }
        let counted = MemoryRollup::new(counted.finish()?)?;
        let stored = |request: &_| self.segment.rollup_part(opened, request);
        match differences(self.segment.meta().signal, &stored, &|request| counted.part(request)) {
            Ok(found) => found.into_iter().for_each(|finding| self.find(finding)),
            Err(error) => self.note(error)?,
        }
        Ok(())
    }
}

/// The rows of the chunk of a row group from `start` on that are looked up in the indexes.
fn sample(info: &RowGroupInfo, start: u32, records: &Records) -> Vec<u32> {
    let step = (info.rows / SAMPLE_ROWS).max(1);
    (0..records.len() as u32).filter(|row| (start + row).is_multiple_of(step)).collect()
}

fn identities(records: &Records) -> impl Iterator<Item = (TraceId, u64)> + '_ {
    let (traces, times) = match records {
        Records::Spans(spans) => (&spans.trace_id, &spans.start),
        Records::Logs(logs) => (&logs.trace_id, &logs.timestamp),
    };
    traces.iter().copied().zip(times.iter().copied())
}

/// Whether rows come in the order that the format says.
#[derive(Default)]
struct OrderCheck {
    /// Of spans: the earliest start of the trace, the trace, the start.
    span: Option<(u64, TraceId, u64)>,
    /// Of log records: the scope and the time of the last one of the run.
    log: Option<(u32, u64)>,
    /// The latest time of the row groups before.
    latest: u64,
    is_early_group: bool,
}

impl OrderCheck {
    fn next_group(&mut self, earliest: u64) {
        self.log = None;
        self.is_early_group = earliest < self.latest;
    }

    fn end_group(&mut self, times: Option<(u64, u64)>) {
        self.latest = times.map_or(self.latest, |(_, last)| self.latest.max(last));
    }

    /// The place of the first record that stands before one that should come before it. The records are those of the
    /// row group from `start` on; what is before one of `runs` need not be before it.
    fn first_unordered(&mut self, records: &Records, start: u32, runs: &[u32]) -> Option<usize> {
        match records {
            Records::Spans(spans) => (0..spans.len()).find(|&row| {
                let (trace, start) = (spans.trace_id[row], spans.start[row]);
                let next = match self.span {
                    Some((earliest, last, _)) if last == trace => (earliest, trace, start),
                    _ => (start, trace, start),
                };
                self.span.replace(next).is_some_and(|last| last > next)
            }),
            Records::Logs(logs) if self.is_early_group => (!logs.is_empty()).then_some(0),
            Records::Logs(logs) => (0..logs.len()).find(|&row| {
                if runs.binary_search(&(start + row as u32)).is_ok() {
                    self.log = None;
                }
                let next = (logs.scope[row], logs.timestamp[row]);
                self.log.replace(next).is_some_and(|last| last > next)
            }),
        }
    }
}
