//! Which segments to merge next: metadata in, jobs out.
//!
//! Segments of one tenant and signal whose records were flushed on the same UTC day form a *window*. Windows go by the
//! time of the flush, not by the times in the records: nobody can send records into a window that has closed, and
//! no sender's clock can open windows without number. As records are flushed seconds after they are sent, such a
//! window is a day of records too.
//!
//! In an open window merging is a ladder: [`FAN_IN`] segments of level `n` become one of level `n + 1`, up to
//! [`LADDER_TOP`]. Freshly flushed segments (level 0) do not wait for that many when they hold enough rows to
//! make scanning them slow, because only merged segments have a text index. When the window closes, what is left of
//! all levels is merged together. Segments of half the size limit or more are settled: they are not merged again.
//!
//! Every merge yields a level above those of its inputs, and inputs are below [`LEVEL_MAX`]. So **no row is rewritten
//! more than [`LEVEL_MAX`] times**, whatever the load, and rows that come fast are rewritten once or twice.

use std::collections::BTreeMap;
use std::time::Duration;

use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

use crate::catalog::SegmentMeta;

/// No segment has a higher level, so no row is rewritten more often.
pub(crate) const LEVEL_MAX: u8 = 4;

/// The highest level that merges within an open window reach; the last is for closing the window.
const LADDER_TOP: u8 = 3;

/// Segments of one level above 0 that are merged into one of the next.
const FAN_IN: usize = 8;

/// Freshly flushed segments that are merged whatever their age.
const FRESH_FAN_IN: usize = 16;

/// The most inputs of a merge: each holds open decoders.
const INPUTS_MAX: usize = 64;

/// Fresh rows below this number are scanned so quickly that their index may wait longer.
const FRESH_ROWS_MIN: u64 = 4096;

/// How long at least this many fresh rows stay without an index.
const FRESH_AGE_MAX: Duration = Duration::from_secs(60);

/// How long fewer fresh rows stay without an index.
const FRESH_AGE_MAX_SMALL: Duration = Duration::from_secs(300);

/// How long after its end a window closes: flushes that began within it are in by then.
const CLOSING_DELAY: Duration = Duration::from_secs(600);

/// The most bytes of a merged segment.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// The bounds that a plan keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// The most rows of a merged segment (but a single flush may hold more).
    pub rows_max: u64,
    /// The most bytes of a merged segment (but a single flush may hold more).
    pub bytes_max: u64,
    /// The length of the windows.
    pub window: Duration,
}

impl Policy {
    /// Segments of at most `rows_max` rows. Windows are days, but hours where records are kept so briefly
    /// (`age_max`) that a segment of a day would hold on to them for long.
    pub(crate) fn new(rows_max: usize, age_max: Option<Duration>) -> Policy {
        let window = if age_max.is_some_and(|age| age < 4 * DAY) { HOUR } else { DAY };
        Policy { rows_max: rows_max.max(1) as u64, bytes_max: SEGMENT_BYTES_MAX, window }
    }

    fn is_settled(&self, segment: &SegmentMeta) -> bool {
        segment.level >= LEVEL_MAX
            || segment.level > 0 && (segment.rows > self.rows_max / 2 || segment.bytes > self.bytes_max / 2)
    }

    /// Whether the window `window` has ended for good.
    fn is_closed(&self, window: u64, now: UnixNanos) -> bool {
        let end = UnixNanos((window + 1).saturating_mul(nanos(self.window)));
        now >= end.saturating_add(nanos(CLOSING_DELAY))
    }
}

/// When to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// When it is worth it.
    WhenWorthIt,
    /// As if all windows were closed.
    Now,
}

/// Segments to be merged into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergeJob {
    /// Whose.
    pub tenant: TenantId,
    /// Of what.
    pub signal: Signal,
    /// The level of the merged segment.
    pub level: u8,
    /// The segments to merge. A single one when it is only to be sorted and indexed.
    pub inputs: Vec<Ulid>,
    /// The rows of all inputs.
    pub rows: u64,
    /// When the oldest of the inputs was flushed.
    since: UnixNanos,
}

/// The merges that are due, the most urgent first. No segment is in two of them.
pub(crate) fn plan<'a>(
    segments: impl IntoIterator<Item = &'a SegmentMeta>,
    policy: impl Fn(Signal) -> Policy,
    now: UnixNanos,
    urgency: Urgency,
) -> Vec<MergeJob> {
    let mut windows: BTreeMap<(&TenantId, Signal, u64), Vec<&SegmentMeta>> = BTreeMap::new();
    for segment in segments {
        let policy = policy(segment.signal);
        if !policy.is_settled(segment) {
            let window = segment.created_at.0 / nanos(policy.window);
            windows.entry((&segment.tenant, segment.signal, window)).or_default().push(segment);
        }
    }
    let mut jobs = Vec::new();
    for ((_, signal, window), mut segments) in windows {
        let policy = policy(signal);
        // Neighbours in time are merged with each other, so that the merged segments overlap little.
        segments.sort_by_key(|segment| (segment.time_min, segment.time_max, segment.id));
        if urgency == Urgency::Now || policy.is_closed(window, now) {
            jobs.extend(jobs_of(&segments, policy));
        } else {
            jobs.extend(ladder(&segments, policy, now));
        }
    }
    jobs.sort_by_key(|job| (job.level, job.since, job.inputs.first().copied()));
    jobs
}

/// The merges of an open window.
fn ladder(segments: &[&SegmentMeta], policy: Policy, now: UnixNanos) -> Vec<MergeJob> {
    let mut jobs = Vec::new();
    for level in 0..LADDER_TOP {
        let rung: Vec<&SegmentMeta> = segments.iter().copied().filter(|segment| segment.level == level).collect();
        let due = if level == 0 { is_fresh_due(&rung, policy, now) } else { is_rung_due(&rung, policy) };
        if due {
            jobs.extend(jobs_of(&rung, policy));
        }
    }
    jobs
}

fn is_fresh_due(fresh: &[&SegmentMeta], policy: Policy, now: UnixNanos) -> bool {
    let Some(oldest) = fresh.iter().map(|segment| segment.created_at).min() else { return false };
    let rows = total_rows(fresh);
    let age_max = if rows >= FRESH_ROWS_MIN { FRESH_AGE_MAX } else { FRESH_AGE_MAX_SMALL };
    fresh.len() >= FRESH_FAN_IN || rows >= policy.rows_max || now >= oldest.saturating_add(nanos(age_max))
}

fn is_rung_due(rung: &[&SegmentMeta], policy: Policy) -> bool {
    rung.len() >= FAN_IN || rung.len() > 1 && total_rows(rung) >= policy.rows_max
}

/// Cuts `segments` into merges within the bounds. A segment that is left alone stays as it is, unless it is fresh.
fn jobs_of(segments: &[&SegmentMeta], policy: Policy) -> Vec<MergeJob> {
    let mut jobs = Vec::new();
    let mut rest = segments;
    while !rest.is_empty() {
        let (mut rows, mut bytes) = (0_u64, 0_u64);
        let fitting = rest.iter().take(INPUTS_MAX).take_while(|segment| {
            rows = rows.saturating_add(segment.rows);
            bytes = bytes.saturating_add(segment.bytes);
            rows <= policy.rows_max && bytes <= policy.bytes_max
        });
        let (inputs, others) = rest.split_at(fitting.count().max(1));
        rest = others;
        jobs.extend(job_of(inputs));
    }
    jobs
}

fn job_of(inputs: &[&SegmentMeta]) -> Option<MergeJob> {
    let first = inputs.first()?;
    let level = inputs.iter().map(|input| input.level).max()?;
    if inputs.len() == 1 && level > 0 {
        return None;
    }
    Some(MergeJob {
        tenant: first.tenant.clone(),
        signal: first.signal,
        level: level + 1,
        inputs: inputs.iter().map(|input| input.id).collect(),
        rows: total_rows(inputs),
        since: inputs.iter().map(|input| input.created_at).min()?,
    })
}

impl MergeJob {
    /// To write a segment again as it is, but for what is deleted of it.
    pub(super) fn rewriting(segment: &SegmentMeta) -> MergeJob {
        MergeJob {
            tenant: segment.tenant.clone(),
            signal: segment.signal,
            level: segment.level,
            inputs: vec![segment.id],
            rows: segment.rows,
            since: segment.created_at,
        }
    }
}

fn total_rows(segments: &[&SegmentMeta]) -> u64 {
    segments.iter().fold(0, |sum, segment| sum.saturating_add(segment.rows))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
