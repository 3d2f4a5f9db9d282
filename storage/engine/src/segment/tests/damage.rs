//! Damaged objects are noticed and named, and what is not damaged is served.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tracewell_model::{Records, Signal, TimeRange};

use super::{remote, run, samples, segment, segment_of_groups};
use crate::scan::RowCount;
use crate::segment::{Gaps, OnDamage, Segment};
use crate::{Column, Predicate, ScanRequest, Share, StorageError, StorageErrorKind};

async fn read_everything(segment: &std::sync::Arc<Segment>) -> Result<(), StorageError> {
    let text = crate::TextPattern::Phrase(vec!["connection".to_owned()]);
    let request = ScanRequest { columns: Vec::new(), time: TimeRange::ALL, predicate: Predicate::Text(text) };
    let scan = segment.scan(0, Share::WHOLE, &request, &OnDamage::Fail, &RowCount::default());
    scan.try_for_each(|_| async { Ok(()) }).await?;
    let rows = segment.meta().rows as u32;
    segment.read_rows(0..rows).await?;
    for number in 1..=20 {
        let mut id = [0; 16];
        id[15] = number;
        segment.trace_rows(tracewell_model::TraceId(id), &OnDamage::Fail).await?;
    }
    Ok(())
}

#[test]
fn any_flipped_bit_is_an_error_that_names_the_object_or_changes_nothing() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let store = remote();
            let sound = segment(&store, &samples::records(signal, 9, 150), true).await;
            read_everything(&sound).await.expect("sound");
            for object in &sound.meta().objects {
                let path = Path::from(object.path.as_str());
                let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
                let mut noticed = 0;
                let steps = 40;
                for step in 0..steps {
                    let mut damaged = bytes.to_vec();
                    let at = (bytes.len() - 1) * step / (steps - 1);
                    damaged[at] ^= 1 << (step % 8);
                    store.put(&path, damaged.into()).await.expect("writes");
                    let segment = Segment::open(&store, sound.meta().clone());
                    if let Err(error) = read_everything(&segment).await {
                        assert_eq!(error.kind(), StorageErrorKind::Corrupt, "{error}");
                        assert!(error.to_string().contains(&object.path), "{error}");
                        noticed += 1;
                    } else if let [part, ..] = segment.damaged_parts().as_slice() {
                        // Of an index that the answers do not depend on.
                        assert!(object.path.ends_with("/index") && part.contains(&object.path), "{part}");
                        noticed += 1;
                    }
                }
                assert!(noticed > steps / 2, "{noticed} of {steps} noticed in {}", object.path);
                store.put(&path, bytes.into()).await.expect("writes");
            }
        }
    });
}

#[test]
fn a_lost_or_shortened_object_is_named() {
    run(async {
        let store = remote();
        let sound = segment(&store, &samples::records(Signal::Logs, 2, 100), false).await;
        for object in &sound.meta().objects {
            let path = Path::from(object.path.as_str());
            let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
            store.put(&path, bytes.slice(..bytes.len() - 1).into()).await.expect("writes");
            let error = read_everything(&Segment::open(&store, sound.meta().clone())).await.expect_err("damaged");
            assert!(error.to_string().contains(&object.path), "{error}");
            store.delete(&path).await.expect("deletes");
            let error = read_everything(&Segment::open(&store, sound.meta().clone())).await.expect_err("lost");
            assert!(error.to_string().contains(&object.path), "{error}");
            store.put(&path, bytes.into()).await.expect("writes");
        }
    });
}

/// The rows of a segment that can still be read, as a query reads them, and what it says is missing.
async fn rows_left(segment: &Arc<Segment>, predicate: Predicate) -> (Vec<String>, Vec<String>) {
    loop {
        let gaps = Gaps::default();
        let request =
            ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate: predicate.clone() };
        let batches: Vec<RecordBatch> = segment
            .scan(0, Share::WHOLE, &request, &OnDamage::LeaveOut(gaps.clone()), &RowCount::default())
            .try_collect()
            .await
            .expect("leaves out what is damaged");
        let addresses = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values());
        let rows: Vec<u32> = addresses.map(|address| *address as u32).collect();
        if rows.is_empty() {
            return (Vec::new(), gaps.named());
        }
        // A row that was found and cannot be read whole is not found again.
        match segment.read_records(rows).await {
            Ok(records) => return (samples::canonical(&records), gaps.named()),
            Err(error) => assert_eq!(error.kind(), StorageErrorKind::Corrupt, "{error}"),
        }
    }
}

/// The same object with one bit flipped at `step` of `steps` places.
fn flipped(bytes: &[u8], step: usize, steps: usize) -> Vec<u8> {
    let mut damaged = bytes.to_vec();
    damaged[(bytes.len() - 1) * step / (steps - 1)] ^= 1 << (step % 8);
    damaged
}

#[test]
fn around_damage_every_other_row_is_served_and_the_gap_is_named() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let store = remote();
            let text = Predicate::Text(crate::TextPattern::Phrase(vec!["connection".to_owned()]));
            let sound = segment_of_groups(&store, &samples::records(signal, 5, 600), true, 100).await;
            for predicate in [Predicate::always(), text] {
                let (all, gaps) = rows_left(&sound, predicate.clone()).await;
                assert!(!all.is_empty() && gaps.is_empty());
                let known: BTreeSet<&String> = all.iter().collect();
                for object in &sound.meta().objects {
                    let path = Path::from(object.path.as_str());
                    let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
                    let mut served = 0;
                    for step in 0..12 {
                        store.put(&path, flipped(&bytes, step, 12).into()).await.expect("writes");
                        let damaged = Segment::open(&store, sound.meta().clone());
                        let (left, gaps) = rows_left(&damaged, predicate.clone()).await;
                        assert!(left.iter().all(|row| known.contains(row)), "a row was changed");
                        assert!(left.len() == all.len() || !gaps.is_empty(), "{} of {}", left.len(), all.len());
                        let named = |gap: &String| gap.contains(&damaged.meta().id.to_string());
                        assert!(gaps.iter().all(named), "{gaps:?}");
                        if gaps.is_empty() && object.path.ends_with("index") {
                            assert_eq!(left, all, "an index is dispensable");
                        }
                        served += left.len();
                    }
                    store.put(&path, bytes.into()).await.expect("writes");
                    let expected = if object.path.ends_with("scopes.parquet") { 0 } else { 3 * all.len() };
                    assert!(served >= expected, "{served} rows of {} served in 12 tries", all.len());
                }
            }
        }
    });
}

#[test]
fn what_is_left_of_a_trace_is_served() {
    run(async {
        let store = remote();
        let records = samples::records(Signal::Traces, 5, 800);
        let sound = segment_of_groups(&store, &records, true, 100).await;
        let Records::Spans(spans) = &records else { panic!("spans") };
        let trace = spans.trace_id[7];
        let whole = |spans| samples::canonical(&Records::Spans(spans));
        let all = whole(sound.trace_spans(trace, &OnDamage::Fail).await.expect("sound").expect("there"));
        let path = Path::from(sound.meta().objects[0].path.as_str());
        let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
        let mut lost = 0;
        for step in 0..40 {
            store.put(&path, flipped(&bytes, step, 40).into()).await.expect("writes");
            let (damaged, gaps) = (Segment::open(&store, sound.meta().clone()), Gaps::default());
            let left = damaged.trace_spans(trace, &OnDamage::LeaveOut(gaps.clone())).await.expect("reads");
            let left = left.map(whole).unwrap_or_default();
            assert!(left.iter().all(|span| all.contains(span)), "a span was changed");
            assert!(left.len() == all.len() || !gaps.named().is_empty(), "{} of {}", left.len(), all.len());
            lost += usize::from(left.len() < all.len());
        }
        assert!(lost > 0, "no damage met the trace");
    });
}

#[test]
fn the_damaged_column_is_named() {
    run(async {
        let store = remote();
        let sound = segment(&store, &samples::records(Signal::Logs, 3, 2_000), false).await;
        let path = Path::from(sound.meta().objects[0].path.as_str());
        let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
        store.put(&path, flipped(&bytes, 1, 12).into()).await.expect("writes");
        let damaged = Segment::open(&store, sound.meta().clone());
        let (left, gaps) = rows_left(&damaged, Predicate::always()).await;
        assert!(left.is_empty() && gaps.len() == 1, "{gaps:?}");
        let parts = damaged.damaged_parts();
        assert!(parts[0].contains("(column \"") && parts[0].contains("of row group 0"), "{parts:?}");
    });
}
