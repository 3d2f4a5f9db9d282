//! Deleting on request: at once for every read, for good, and of nothing else.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::durability::objects;
use super::*;
use crate::{AttributeScope, AttributeType, DeleteRequest, DeleteTarget, Deletion, Scalar, TextPattern, verify};

/// Log records with these numbers.
fn numbered(numbers: &[u64]) -> Predicate {
    let column = Column::Attribute { scope: AttributeScope::Record, key: "number".to_owned(), of: AttributeType::Int };
    Predicate::In { column, values: numbers.iter().map(|number| Scalar::Int(*number as i64)).collect() }
}

fn of_trace(trace: TraceId) -> Predicate {
    let value = Scalar::Binary(trace.0.to_vec());
    Predicate::Compare { column: Column::TraceId, comparison: crate::Comparison::Equal, value }
}

fn request(tenant: TenantId, parts: Vec<(Signal, Predicate)>) -> DeleteRequest {
    let parts = parts.into_iter().map(|(signal, predicate)| (signal, TimeRange::ALL, predicate)).collect();
    DeleteRequest { tenant, target: DeleteTarget::Matching(parts), description: "on request".to_owned() }
}

async fn delete_logs(storage: &Storage, predicate: Predicate) -> Deletion {
    storage.delete(request(tenant(), vec![(Signal::Logs, predicate)])).await.expect("deletes")
}

/// The numbers of the log records that a scan shows.
async fn shown(storage: &Storage) -> Vec<u64> {
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    let found = matching(&snapshot, Predicate::always()).await;
    numbers_at(&snapshot, &found).await
}

async fn completed(storage: &Storage, id: &str) -> Deletion {
    for _ in 0..2_000 {
        let all = storage.deletions().await.expect("lists");
        let found = all.into_iter().find(|deletion| deletion.id == id).expect("is recorded");
        if found.completed_at.is_some() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the deletion is never completed");
}

#[tokio::test]
async fn deleted_rows_are_gone_at_once_wherever_they_are_and_stay_gone() {
    let setting = Setting::new();
    let storage = setting.open().await;
    // In a merged segment, in fresh ones and in the live tier.
    store(&storage, logs(0..30)).await;
    storage.flush().await.expect("flushes");
    storage.compact_now().await.expect("merges");
    store(&storage, logs(30..60)).await;
    storage.flush().await.expect("flushes");
    store(&storage, logs(60..90)).await;
    let gone = [3, 33, 63, 1_000];
    let deletion = delete_logs(&storage, numbered(&gone)).await;
    let left: Vec<u64> = (0..90).filter(|number| !gone.contains(number)).collect();
    assert_eq!(shown(&storage).await, left, "at once");
    // Rows that come later are none of its business.
    store(&storage, logs(1_000..1_001)).await;
    let left: Vec<u64> = left.into_iter().chain([1_000]).collect();
    assert_eq!(shown(&storage).await, left);
    drop(storage);
    let storage = setting.open().await;
    assert_eq!(shown(&storage).await, left, "after a crash");
    storage.compact_now().await.expect("writes again");
    let done = completed(&storage, &deletion.id).await;
    assert_eq!((done.rows, done.pending_segments, done.description.as_str()), (3, 0, "on request"));
    assert_eq!(numbers(&storage).await, left, "every row that is there is shown");
    let text = Predicate::Text(TextPattern::Phrase(vec!["33".to_owned()]));
    assert!(matching(&storage.snapshot(&tenant(), Signal::Logs), text).await.is_empty(), "not in the text index");
    storage.close().await.expect("closes");
    assert_eq!(verify(setting.data_dir()).await.expect("verifies").problems, []);
}

#[tokio::test]
async fn a_trace_goes_as_a_whole_and_alone() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let (gone, kept) = (TraceId([1; 16]), TraceId([2; 16]));
    for first in [0, 50] {
        store(&storage, spans(gone, first..first + 50)).await;
        store(&storage, spans(kept, first..first + 50)).await;
        storage.flush().await.expect("flushes");
    }
    let parts = vec![(Signal::Traces, of_trace(gone)), (Signal::Logs, of_trace(gone))];
    let deletion = storage.delete(request(tenant(), parts)).await.expect("deletes");
    for _ in 0..2 {
        let snapshot = storage.snapshot(&tenant(), Signal::Traces);
        assert!(!snapshot.has_trace(gone).await.expect("reads"));
        assert_eq!(snapshot.trace(gone).await.expect("reads").len(), 0);
        assert_eq!(snapshot.trace(kept).await.expect("reads").len(), 100);
        storage.compact_now().await.expect("writes again");
    }
    assert_eq!(completed(&storage, &deletion.id).await.rows, 100);
}

#[tokio::test]
async fn a_segment_of_which_all_is_deleted_goes_as_a_whole_and_so_does_the_journal_file() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..5)).await;
    let deletion = delete_logs(&storage, Predicate::always()).await;
    assert_eq!(completed(&storage, &deletion.id).await.rows, 5);
    assert_eq!((shown(&storage).await, segment_count(&storage)), (Vec::new(), 0));
    until("the journal's file is removed", || setting.journal_files() == 0).await;
}

#[tokio::test]
async fn deleting_all_of_a_tenant_leaves_the_others_alone_and_forgets_its_requests() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let other = TenantId::new("other").expect("legal");
    store(&storage, logs(0..20)).await;
    store(&storage, spans(TraceId([1; 16]), 0..20)).await;
    storage.flush().await.expect("flushes");
    store(&storage, logs(20..30)).await;
    store(&storage, logs_of(&other, 0..7)).await;
    let everything =
        DeleteRequest { tenant: tenant(), target: DeleteTarget::Everything, description: "all of it".to_owned() };
    let deletion = storage.delete(everything).await.expect("deletes");
    assert_eq!((deletion.rows, deletion.completed_at.is_some()), (50, true));
    assert_eq!(shown(&storage).await, [0; 0]);
    let of_other = storage.snapshot(&other, Signal::Logs);
    assert_eq!(numbers_of(&of_other).await, (0..7).collect::<Vec<_>>());
    drop((of_other, storage));
    let storage = setting.open().await;
    assert_eq!(shown(&storage).await, [0; 0], "after a crash");
    // The same request again is a new one, not one that was stored.
    store(&storage, logs(0..20)).await;
    assert_eq!(shown(&storage).await, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_of_a_damaged_segment_are_not_shown_and_the_deletion_stays_open() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..2_000)).await;
    storage.flush().await.expect("flushes");
    let rows = objects(setting.data_dir()).into_iter().find(|path| path.ends_with("rows.parquet")).expect("rows");
    let mut bytes = std::fs::read(&rows).expect("reads");
    bytes[100] ^= 1;
    std::fs::write(&rows, bytes).expect("writes");
    let deletion = delete_logs(&storage, numbered(&[7])).await;
    storage.compact_now().await.expect("goes on");
    let all = storage.deletions().await.expect("lists");
    assert_eq!((all[0].id.as_str(), all[0].pending_segments, all[0].completed_at), (deletion.id.as_str(), 1, None));
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    assert!(matching(&snapshot, numbered(&[7])).await.is_empty());
}

#[tokio::test]
async fn a_condition_survives_the_catalog_as_it_is() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..10)).await;
    let regex = regex::Regex::new("^[0-4]$").expect("a regular expression");
    let double = Column::Attribute { scope: AttributeScope::Record, key: "x".to_owned(), of: AttributeType::Double };
    let odd =
        Predicate::Compare { column: double, comparison: crate::Comparison::Equal, value: Scalar::Double(f64::NAN) };
    let condition = Predicate::Or(vec![odd, Predicate::Text(TextPattern::Regex(regex))]);
    delete_logs(&storage, condition).await;
    drop(storage);
    let storage = setting.open().await;
    assert_eq!(shown(&storage).await, (5..10).collect::<Vec<_>>());
    let mut nested = Predicate::always();
    for _ in 0..200 {
        nested = Predicate::Not(Box::new(nested));
    }
    let error = storage.delete(request(tenant(), vec![(Signal::Logs, nested)])).await.expect_err("too deep");
    assert!(error.to_string().contains("too deeply nested"), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Flush,
    Compact,
    /// Deletes every so many-th of what is there, and of what may come.
    Delete(u64),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..30_u64).prop_map(Step::Append),
        2 => Just(Step::Flush),
        2 => Just(Step::Compact),
        3 => (2..9_u64).prop_map(Step::Delete),
        2 => Just(Step::Crash),
    ]
}

async fn live_through(steps: Vec<Step>) {
    let setting = Setting::new();
    let mut storage = setting.open().await;
    let (mut expected, mut next) = (BTreeSet::new(), 0);
    for step in steps.into_iter().chain([Step::Crash, Step::Compact]) {
        match step {
            Step::Append(rows) => {
                store(&storage, logs(next..next + rows)).await;
                expected.extend(next..next + rows);
                next += rows;
            }
            Step::Flush => storage.flush().await.expect("flushes"),
            Step::Compact => storage.compact_now().await.expect("merges"),
            Step::Delete(every) => {
                let gone: Vec<u64> = (0..next + 50).filter(|number| number.is_multiple_of(every)).collect();
                // Rows may be merged just now.
                let (_, merged) = tokio::join!(delete_logs(&storage, numbered(&gone)), storage.compact_now());
                merged.expect("merges");
                expected.retain(|number| !gone.contains(number));
            }
            Step::Crash => {
                drop(storage);
                storage = setting.open().await;
            }
        }
        assert_eq!(shown(&storage).await, expected.iter().copied().collect::<Vec<_>>());
    }
    for deletion in storage.deletions().await.expect("lists") {
        completed(&storage, &deletion.id).await;
    }
    assert_eq!(
        numbers(&storage).await,
        expected.iter().copied().collect::<Vec<_>>(),
        "nothing deleted is left in a file"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_history_brings_a_deleted_row_back_or_loses_another(steps in prop::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("starts").block_on(live_through(steps));
    }
}
