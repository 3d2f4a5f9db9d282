//! Which segments have expired: metadata in, ids out.
//!
//! Age counts from the time of receipt ([`SegmentMeta::created_at`]), not from the times in the records: what was
//! acknowledged is kept for as long as the setting says, also when old data is loaded, and a record from the future
//! does not stay for ever. A merged segment goes when its youngest record does.

use std::collections::BTreeMap;
use std::time::Duration;

use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

use crate::Retention;
use crate::bugs::{Bug, planted};
use crate::catalog::SegmentMeta;

/// The segments that are beyond the limits, each tenant and signal by itself, the oldest first.
pub(super) fn expired<'a>(
    segments: impl IntoIterator<Item = &'a SegmentMeta>,
    retention: &Retention,
    now: UnixNanos,
) -> Vec<Ulid> {
    let mut tables: BTreeMap<(&TenantId, Signal), Vec<&SegmentMeta>> = BTreeMap::new();
    for segment in segments {
        tables.entry((&segment.tenant, segment.signal)).or_default().push(segment);
    }
    let mut expired = Vec::new();
    for ((_, signal), mut segments) in tables {
        segments.sort_by_key(|segment| (segment.created_at, segment.time_max, segment.id));
        let (age_max, bytes_max) = limits_of(retention, signal);
        let gone = too_old(&segments, age_max, now).max(too_many(&segments, bytes_max));
        expired.extend(segments[..gone].iter().map(|segment| segment.id));
    }
    expired
}

fn limits_of(retention: &Retention, signal: Signal) -> (Option<Duration>, Option<u64>) {
    match signal {
        Signal::Traces => (retention.traces_age_max, retention.traces_bytes_max),
        Signal::Logs => (retention.logs_age_max, retention.logs_bytes_max),
    }
}

/// How many of `segments`, the oldest first, are older than `age_max`.
fn too_old(segments: &[&SegmentMeta], age_max: Option<Duration>, now: UnixNanos) -> usize {
    let Some(age_max) = age_max else { return 0 };
    let oldest_kept = now.saturating_sub(u64::try_from(age_max.as_nanos()).unwrap_or(u64::MAX));
    if planted(Bug::RetentionBySendersClock) {
        return segments.iter().take_while(|segment| segment.time_max < oldest_kept).count();
    }
    segments.partition_point(|segment| segment.created_at < oldest_kept)
}

/// How many of `segments`, the oldest first, have to go for the rest to fit into `bytes_max`.
fn too_many(segments: &[&SegmentMeta], bytes_max: Option<u64>) -> usize {
    let Some(bytes_max) = bytes_max else { return 0 };
    let mut bytes = 0_u64;
    let kept = segments.iter().rev().take_while(|segment| {
        bytes = bytes.saturating_add(segment.bytes);
        bytes <= bytes_max
    });
    segments.len() - kept.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;
    const NOW: UnixNanos = UnixNanos(500_000 * HOUR);

    fn segment(number: u64, signal: Signal, hours_old: u64, bytes: u64) -> SegmentMeta {
        let created_at = NOW.saturating_sub(hours_old * HOUR);
        SegmentMeta {
            id: Ulid::from_parts(number, 0),
            tenant: TenantId::default_tenant(),
            signal,
            level: 1,
            time_min: created_at,
            time_max: created_at,
            rows: 1,
            bytes,
            format_version: 1,
            created_at,
            objects: Vec::new(),
        }
    }

    fn gone(segments: &[SegmentMeta], retention: Retention) -> Vec<u64> {
        expired(segments, &retention, NOW).iter().map(Ulid::timestamp_ms).collect()
    }

    fn logs(number: u64, hours_old: u64, bytes: u64) -> SegmentMeta {
        segment(number, Signal::Logs, hours_old, bytes)
    }

    fn hours(hours: u64) -> Option<Duration> {
        Some(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn without_limits_nothing_expires() {
        assert!(gone(&[logs(1, 400_000, u64::MAX), logs(2, 0, u64::MAX)], Retention::default()).is_empty());
    }

    #[test]
    fn segments_beyond_the_age_go() {
        let segments = [logs(1, 3, 1), logs(2, 5, 1), logs(3, 4, 1), segment(4, Signal::Traces, 9, 1)];
        assert_eq!(gone(&segments, Retention { logs_age_max: hours(4), ..Retention::default() }), [2]);
        assert_eq!(gone(&segments, Retention { traces_age_max: hours(4), ..Retention::default() }), [4]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_bytes() {
        let segments = [logs(1, 1, 10), logs(2, 3, 10), logs(3, 2, 10), segment(4, Signal::Traces, 9, 1000)];
        let at_most = |bytes| Retention { logs_bytes_max: Some(bytes), ..Retention::default() };
        assert!(gone(&segments, at_most(30)).is_empty());
        assert_eq!(gone(&segments, at_most(29)), [2]);
        assert_eq!(gone(&segments, at_most(19)), [2, 3]);
        assert_eq!(gone(&segments, at_most(0)), [2, 3, 1]);
    }

    #[test]
    fn what_is_kept_has_no_gaps() {
        let segments = [logs(1, 3, 1), logs(2, 2, 1000), logs(3, 1, 1)];
        let at_most = Retention { logs_bytes_max: Some(500), ..Retention::default() };
        assert_eq!(gone(&segments, at_most), [1, 2], "the oldest goes too, though it would fit");
    }

    #[test]
    fn tenants_do_not_take_from_each_other() {
        let other = TenantId::new("other").expect("legal");
        let segments = [logs(1, 2, 10), SegmentMeta { tenant: other, ..logs(2, 1, 10) }];
        assert!(gone(&segments, Retention { logs_bytes_max: Some(10), ..Retention::default() }).is_empty());
    }

    #[test]
    fn old_records_are_kept_from_their_receipt_and_records_of_the_future_not_for_ever() {
        let loaded = SegmentMeta { time_min: UnixNanos(0), time_max: UnixNanos(0), ..logs(1, 1, 1) };
        let future = SegmentMeta { time_max: UnixNanos(u64::MAX), ..logs(2, 5, 1) };
        assert_eq!(gone(&[loaded, future], Retention { logs_age_max: hours(4), ..Retention::default() }), [2]);
    }
}
