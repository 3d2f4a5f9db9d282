//! Whatever is written comes back as it was.

use proptest::prelude::*;
use tracewell_model::{Records, Signal};

use super::samples::{canonical, logs, spans};
use super::{local, options, remote, run, segment, segment_of_groups};
use crate::segment::{ColumnPlan, FieldCatalogue, OnDamage, Segment, SegmentWriter, SortKeys};

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

async fn read_back(records: &Records, full_text_index: bool) -> Records {
    let store = remote();
    let row_group_rows = 1 + records.len() * 2 / 3;
    let segment = segment_of_groups(&store, records, full_text_index, row_group_rows).await;
    assert_eq!(segment.meta().rows, records.len() as u64);
    segment.read_rows(0..records.len() as u32).await.expect("reads")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn spans_of_any_shape_come_back(seed: u64, rows in 1usize..120, shared: bool) {
        let records = Records::Spans(spans(seed, rows, shared));
        let read = run(read_back(&records, false));
        prop_assert_eq!(sorted(canonical(&read)), sorted(canonical(&records)));
    }

    #[test]
    fn log_records_of_any_shape_come_back(seed: u64, rows in 1usize..120, shared: bool) {
        let records = Records::Logs(logs(seed, rows, shared));
        let read = run(read_back(&records, true));
        prop_assert_eq!(sorted(canonical(&read)), sorted(canonical(&records)));
    }

    #[test]
    fn chosen_rows_come_in_the_order_asked_for(seed: u64, picks in prop::collection::vec(0u32..80, 0..30)) {
        let records = Records::Spans(spans(seed, 80, false));
        run(async {
            let (_directory, store) = local();
            let segment = segment(&store, &records, false).await;
            let all = canonical(&segment.read_rows(0..80).await.expect("reads"));
            let some = Records::Spans(segment.rows_spans(&picks).await.expect("reads"));
            let expected: Vec<_> = picks.iter().map(|&row| all[row as usize].clone()).collect();
            assert_eq!(canonical(&some), expected);
        });
    }
}

#[test]
fn spans_are_clustered_by_trace_and_logs_run_with_time() {
    run(async {
        let store = remote();
        let written = segment(&store, &Records::Spans(spans(5, 300, false)), false).await;
        let keys = written.sort_keys().await.expect("reads");
        let SortKeys::Spans { trace_id, start } = keys else { panic!("spans") };
        let traces: Vec<_> = trace_id.chunk_by(|a, b| a == b).map(|run| run[0]).collect();
        let distinct: std::collections::HashSet<_> = traces.iter().collect();
        assert_eq!(distinct.len(), traces.len(), "a trace stands together");
        let first_of = |trace| trace_id.iter().position(|id| *id == trace).map(|row| start[row]);
        assert!(traces.iter().map(|trace| first_of(*trace)).is_sorted(), "traces run with their first start");
        let records = Records::Logs(logs(5, 300, false));
        let segment = segment_of_groups(&store, &records, false, 128).await;
        let SortKeys::Logs(times) = segment.sort_keys().await.expect("reads") else { panic!("log records") };
        let groups: Vec<&[u64]> = times.chunks(128).collect();
        assert!(groups.windows(2).all(|pair| pair[0].iter().max() <= pair[1].iter().min()), "row groups run with time");
    });
}

#[test]
fn the_rows_of_a_trace_are_found_by_its_id() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let records = super::samples::records(signal, 3, 200);
            let store = remote();
            let segment = segment_of_groups(&store, &records, false, 64).await;
            let all = segment.read_rows(0..200).await.expect("reads");
            let ids = match &all {
                Records::Spans(spans) => &spans.trace_id,
                Records::Logs(logs) => &logs.trace_id,
            };
            for trace in ids.iter().copied().filter(|id| id.is_some()) {
                let expected: Vec<u32> = (0..200).filter(|&row| ids[row as usize] == trace).collect();
                assert_eq!(segment.trace_rows(trace, &OnDamage::Fail).await.expect("reads"), expected);
            }
            let unknown = "4bf92f3577b34da6a3ce929d0e0e4736".parse().expect("an id");
            assert!(segment.trace_rows(unknown, &OnDamage::Fail).await.expect("reads").is_empty());
        }
    });
}

#[test]
fn a_segment_written_row_group_by_row_group_is_read_as_one() {
    run(async {
        let (_directory, store) = local();
        let parts: Vec<Records> = (0..3).map(|part| Records::Logs(logs(part, 50, false))).collect();
        let mut catalogue = FieldCatalogue::new();
        parts.iter().for_each(|part| catalogue.merge(&FieldCatalogue::of_records(part)));
        let tenant = tracewell_model::TenantId::default_tenant();
        let plan = ColumnPlan::new(Signal::Logs, &catalogue);
        let mut writer = SegmentWriter::new(&store, ulid::Ulid::new(), &tenant, plan, options(true)).expect("starts");
        for part in &parts {
            writer.push(part.clone(), (0..part.len() as u32).collect()).await.expect("encodes");
        }
        let segment = Segment::open(&store, writer.finish().await.expect("writes"));
        let read = segment.read_rows(0..150).await.expect("reads");
        let expected = parts.iter().flat_map(canonical).collect();
        assert_eq!(sorted(canonical(&read)), sorted(expected));
        assert_eq!(segment.field_catalogue().await.expect("reads"), catalogue);
    });
}
