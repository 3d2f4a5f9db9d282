//! The policy on made-up metadata: single decisions, and days of load simulated.

use super::*;

const ROWS_MAX: u64 = 1_000_000;
const MIDNIGHT: UnixNanos = UnixNanos(19_000 * 86_400 * 1_000_000_000);

fn seconds(seconds: u64) -> UnixNanos {
    MIDNIGHT.saturating_add(seconds * 1_000_000_000)
}

/// A segment flushed so many seconds after midnight.
fn segment(number: u64, level: u8, flushed: u64, rows: u64) -> SegmentMeta {
    SegmentMeta {
        id: Ulid::from_parts(number, 0),
        tenant: TenantId::default_tenant(),
        signal: Signal::Logs,
        level,
        time_min: seconds(flushed).saturating_sub(30_000_000_000),
        time_max: seconds(flushed),
        rows,
        bytes: rows * 20,
        format_version: 1,
        created_at: seconds(flushed),
        objects: Vec::new(),
    }
}

fn policy() -> Policy {
    Policy::new(ROWS_MAX as usize, None)
}

fn due(segments: &[SegmentMeta], now: UnixNanos) -> Vec<MergeJob> {
    plan(segments, |_| policy(), now, Urgency::WhenWorthIt)
}

fn inputs(jobs: &[MergeJob]) -> Vec<Vec<u64>> {
    jobs.iter().map(|job| job.inputs.iter().map(Ulid::timestamp_ms).collect()).collect()
}

#[test]
fn fresh_rows_are_indexed_within_a_minute_or_five_when_they_are_few() {
    let many = [segment(1, 0, 100, 5000)];
    assert!(due(&many, seconds(159)).is_empty());
    assert_eq!(inputs(&due(&many, seconds(160))), [[1]]);
    let few = [segment(1, 0, 100, 5)];
    assert!(due(&few, seconds(399)).is_empty());
    assert_eq!(inputs(&due(&few, seconds(400))), [[1]]);
}

#[test]
fn a_burst_of_flushes_does_not_wait() {
    let burst: Vec<_> = (0..16).map(|number| segment(number, 0, 100, 5)).collect();
    assert!(due(&burst[1..], seconds(100)).is_empty());
    assert_eq!(inputs(&due(&burst, seconds(100))), [(0..16).collect::<Vec<_>>()]);
    let large = [segment(1, 0, 100, ROWS_MAX / 2), segment(2, 0, 101, ROWS_MAX / 2)];
    assert_eq!(inputs(&due(&large, seconds(101))), [[1, 2]]);
}

#[test]
fn eight_of_a_level_become_one_of_the_next() {
    let rung: Vec<_> = (0..8).map(|number| segment(number, 2, 100 + number, 5)).collect();
    assert!(due(&rung[1..], seconds(3000)).is_empty());
    let jobs = due(&rung, seconds(3000));
    assert_eq!((inputs(&jobs), jobs[0].level, jobs[0].rows), (vec![(0..8).collect()], 3, 40));
    let top: Vec<_> = (0..8).map(|number| segment(number, LADDER_TOP, 100 + number, 5)).collect();
    assert!(due(&top, seconds(3000)).is_empty(), "the last level is for the closed window");
}

#[test]
fn a_closed_window_is_merged_whole() {
    let window = [segment(1, 3, 10, 9), segment(2, 1, 20, 9), segment(3, 0, 30, 9), segment(4, 4, 40, 9)];
    let closed = 86_400 + 600;
    assert_eq!(inputs(&due(&window, seconds(closed - 1))), [[3]], "open still: only the index is due");
    let jobs = due(&window, seconds(closed));
    assert_eq!((inputs(&jobs), jobs[0].level), (vec![vec![1, 2, 3]], 4));
    assert!(due(&window[..1], seconds(closed)).is_empty(), "nothing to merge it with");
}

#[test]
fn on_demand_every_window_counts_as_closed() {
    let segments = [segment(1, 0, 10, 9), segment(2, 1, 20, 9), segment(3, 0, 90_000, 9)];
    assert!(due(&segments[..2], seconds(30)).is_empty());
    let jobs = plan(&segments, |_| policy(), seconds(90_000), Urgency::Now);
    assert_eq!(inputs(&jobs), [vec![3], vec![1, 2]]);
}

#[test]
fn tenants_signals_and_days_are_kept_apart() {
    let other = TenantId::new("other").expect("legal");
    let segments = [
        segment(1, 0, 10, 5000),
        SegmentMeta { tenant: other, ..segment(2, 0, 10, 5000) },
        SegmentMeta { signal: Signal::Traces, ..segment(3, 0, 10, 5000) },
        segment(4, 0, 86_400, 5000),
    ];
    let jobs = plan(&segments, |_| policy(), seconds(90_000), Urgency::Now);
    assert_eq!(jobs.len(), 4);
    for job in jobs {
        let input = segments.iter().find(|segment| segment.id == job.inputs[0]).expect("known");
        assert_eq!((job.inputs.len(), &job.tenant, job.signal), (1, &input.tenant, input.signal));
    }
}

#[test]
fn no_merge_exceeds_the_bounds() {
    let by_rows: Vec<_> = (0..10).map(|number| segment(number, 0, number, 300_000)).collect();
    assert_eq!(inputs(&due(&by_rows, seconds(10))), [vec![0, 1, 2], vec![3, 4, 5], vec![6, 7, 8], vec![9]]);
    let half = SEGMENT_BYTES_MAX / 2;
    let by_bytes: Vec<_> = (0..16).map(|n| SegmentMeta { bytes: half, ..segment(n, 0, n, 9) }).collect();
    assert!(due(&by_bytes, seconds(20)).iter().all(|job| job.inputs.len() == 2));
    let huge = [SegmentMeta { rows: u64::MAX, bytes: u64::MAX, ..segment(1, 0, 1, 0) }, segment(2, 0, 2, 9)];
    assert_eq!(inputs(&due(&huge, seconds(3))), [[1], [2]], "alone, for its index");
    let many: Vec<_> = (0..1000).map(|number| segment(number, 0, number, 1)).collect();
    assert!(due(&many, seconds(1000)).iter().all(|job| job.inputs.len() <= INPUTS_MAX));
}

#[test]
fn segments_of_half_the_limit_are_settled_once_indexed() {
    let half = ROWS_MAX / 2 + 1;
    let settled: Vec<_> = (0..20).map(|number| segment(number, 1, number, half)).collect();
    assert!(plan(&settled, |_| policy(), seconds(200_000), Urgency::Now).is_empty());
}

#[test]
fn times_in_the_records_do_not_open_windows() {
    let wild = |number: u64| SegmentMeta {
        time_min: UnixNanos(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        time_max: UnixNanos(u64::MAX),
        ..segment(number, 0, 100 + number, 5)
    };
    let segments: Vec<_> = (1..40).map(wild).collect();
    assert_eq!(plan(&segments, |_| policy(), seconds(200), Urgency::Now).len(), 1);
    let at_the_end = SegmentMeta { created_at: UnixNanos(u64::MAX), ..segment(1, 0, 0, 5) };
    assert_eq!(plan([&at_the_end], |_| policy(), seconds(200), Urgency::Now).len(), 1);
}

#[test]
fn windows_are_hours_when_records_are_kept_for_hours() {
    let segments = [segment(1, 1, 10, 9), segment(2, 1, 20, 9)];
    let hourly = |_| Policy::new(ROWS_MAX as usize, Some(Duration::from_secs(6 * 3600)));
    assert!(due(&segments, seconds(4200)).is_empty());
    assert_eq!(plan(&segments, hourly, seconds(4200), Urgency::WhenWorthIt).len(), 1);
    assert_eq!(Policy::new(1, Some(Duration::from_secs(14 * 86_400))).window, DAY);
}

/// Figures of a simulated run.
#[derive(Debug, Default)]
struct Run {
    rewrites_max: u64,
    rows_in: u64,
    rows_written: u64,
    visible_max: usize,
    fresh_age_max: u64,
    left: Vec<SegmentMeta>,
}

/// Flushes `rows(n)` rows every `every` seconds for `days` days and does all merges that are due at once. The
/// rewrites of the rows of a segment are counted in its format version.
fn simulate(days: u64, every: u64, rows: impl Fn(u64) -> u64, urgency: impl Fn(u64) -> Urgency) -> Run {
    let mut run = Run::default();
    let mut visible: Vec<SegmentMeta> = Vec::new();
    let mut next = 0;
    for flush in 0..(days * 86_400 + 1200) / every {
        let at = flush * every;
        if at < days * 86_400 {
            let fresh = SegmentMeta { format_version: 0, ..segment(next, 0, at, rows(flush)) };
            next += 1;
            run.rows_in += fresh.rows;
            visible.push(fresh);
        }
        loop {
            let jobs = plan(&visible, |_| policy(), seconds(at), urgency(flush));
            let Some(job) = jobs.first() else { break };
            let (inputs, others): (Vec<_>, Vec<_>) =
                visible.into_iter().partition(|segment| job.inputs.contains(&segment.id));
            assert!(inputs.len() == 1 || job.rows <= ROWS_MAX);
            let level_in = inputs.iter().map(|input| input.level).max().expect("an input");
            assert!(job.level > level_in && job.level <= LEVEL_MAX, "{job:?}");
            let rewrites = inputs.iter().map(|input| input.format_version).max().expect("an input") + 1;
            let flushed = inputs.iter().map(|input| input.created_at).max().expect("an input");
            let merged =
                SegmentMeta { format_version: rewrites, created_at: flushed, ..segment(next, job.level, 0, job.rows) };
            next += 1;
            run.rewrites_max = run.rewrites_max.max(u64::from(rewrites));
            run.rows_written += job.rows;
            visible = others;
            visible.push(merged);
        }
        run.visible_max = run.visible_max.max(visible.len());
        let fresh = visible.iter().filter(|segment| segment.level == 0).map(|segment| segment.created_at).min();
        let age = fresh.map_or(0, |oldest| seconds(at).0.saturating_sub(oldest.0) / 1_000_000_000);
        run.fresh_age_max = run.fresh_age_max.max(age);
    }
    run.left = visible;
    run
}

#[test]
fn a_trickle_ends_as_one_segment_a_day_with_few_open_at_any_time() {
    let run = simulate(3, 30, |_| 20, |_| Urgency::WhenWorthIt);
    assert_eq!(run.left.len(), 3, "{run:?}");
    assert!(run.rewrites_max <= u64::from(LEVEL_MAX), "{}", run.rewrites_max);
    assert!(run.visible_max < 60, "{}", run.visible_max);
    assert!(run.fresh_age_max < 300, "{}", run.fresh_age_max);
}

#[test]
fn a_steady_load_is_rewritten_at_most_three_times_in_the_mean() {
    // About 330 records a second.
    let run = simulate(2, 30, |flush| 8_000 + flush % 4000, |_| Urgency::WhenWorthIt);
    assert!(run.rows_written <= 3 * run.rows_in, "{} of {}", run.rows_written, run.rows_in);
    assert!(run.rewrites_max <= u64::from(LEVEL_MAX));
    assert!(run.fresh_age_max <= 60);
    let least = run.rows_in.div_ceil(ROWS_MAX) as usize;
    assert!(run.left.len() <= 2 * least + 2, "{} segments, at least {least}", run.left.len());
}

#[test]
fn a_heavy_load_is_rewritten_once() {
    // About 43,000 records a second.
    let run = simulate(1, 3, |_| 130_000, |_| Urgency::WhenWorthIt);
    assert!(run.rows_written <= run.rows_in + 2 * ROWS_MAX, "{} of {}", run.rows_written, run.rows_in);
}

#[test]
fn merging_on_demand_after_every_flush_keeps_the_bound() {
    let run = simulate(
        1,
        60,
        |flush| 1 + flush % 5000,
        |flush| {
            if flush.is_multiple_of(3) { Urgency::Now } else { Urgency::WhenWorthIt }
        },
    );
    assert!(run.rewrites_max <= u64::from(LEVEL_MAX), "{}", run.rewrites_max);
}
