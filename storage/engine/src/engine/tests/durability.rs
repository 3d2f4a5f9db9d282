//! What is acknowledged is visible at once and stays, once, whatever is moved and restarted.

use super::*;

#[tokio::test]
async fn what_is_acknowledged_is_visible_at_once() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..3)).await;
    assert_eq!(numbers(&storage).await, [0, 1, 2]);
    assert_eq!(storage.tenants(), [tenant()]);
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_the_process_dies() {
    let setting = Setting::new();
    let storage = setting.open().await;
    for request in 0..20 {
        store(&storage, logs(request * 10..request * 10 + 10)).await;
        if request == 10 {
            storage.flush().await.expect("flushes");
        }
    }
    // Without closing.
    drop(storage);
    let storage = setting.open().await;
    assert_eq!(numbers(&storage).await, (0..200).collect::<Vec<_>>());
    assert_eq!(live_rows(&storage), 90, "only what was not flushed is replayed");
}

#[tokio::test]
async fn a_flush_moves_rows_into_segments_and_frees_the_journal() {
    let setting = Setting::new();
    let storage = setting.open().await;
    for request in 0..30 {
        store(&storage, logs(request * 2000..request * 2000 + 2000)).await;
    }
    assert!(setting.journal_files() > 2);
    storage.flush().await.expect("flushes");
    assert_eq!((live_rows(&storage), segment_count(&storage)), (0, 1));
    assert_eq!(setting.journal_files(), 1, "only the file that is being written is left");
    assert_eq!(numbers(&storage).await, (0..60_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_snapshot_shows_the_same_rows_after_a_flush() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..5)).await;
    let before = storage.snapshot(&tenant(), Signal::Logs);
    storage.flush().await.expect("flushes");
    store(&storage, logs(5..9)).await;
    assert_eq!(numbers_of(&before).await, [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&storage).await, (0..9).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_come_back_in_the_order_they_are_asked_for() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..50)).await;
    storage.flush().await.expect("flushes");
    store(&storage, logs(50..100)).await;
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    let mut asked = addresses(&snapshot);
    asked.reverse();
    asked.swap(3, 70);
    asked.push(asked[0]);
    let whole = snapshot.logs(&asked).await.expect("reads");
    for (place, address) in asked.iter().enumerate() {
        let alone = snapshot.logs(&[*address]).await.expect("reads");
        assert_eq!(whole.body.get(place), alone.body.get(0));
    }
}

#[tokio::test]
async fn a_trace_is_whole_wherever_its_spans_are_and_resends_are_shown_once() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let (trace, other) = (TraceId([7; 16]), TraceId([8; 16]));
    store(&storage, spans(trace, 0..10)).await;
    store(&storage, spans(other, 0..4)).await;
    storage.flush().await.expect("flushes");
    // The same spans in another request: not recognised as a resend of the request.
    store(&storage, spans(trace, 5..15)).await;
    let snapshot = storage.snapshot(&tenant(), Signal::Traces);
    assert_eq!(snapshot.trace(trace).await.expect("reads").len(), 15);
    assert!(snapshot.has_trace(other).await.expect("reads"));
    assert!(!snapshot.has_trace(TraceId([9; 16])).await.expect("reads"));
}

#[tokio::test]
async fn closing_flushes_and_refuses_what_comes_later() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..10)).await;
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    storage.close().await.expect("closes");
    let error = storage.append(logs(10..11)).await.expect_err("is closed");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(numbers_of(&snapshot).await, (0..10).collect::<Vec<_>>());
    // While the old handle is still held.
    let storage = setting.open().await;
    assert_eq!((live_rows(&storage), segment_count(&storage)), (0, 1));
    assert_eq!(numbers(&storage).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_is_flushed_by_itself_when_it_is_old_or_large() {
    let mut setting = Setting::new();
    setting.config.flush_interval = Duration::from_millis(200);
    let storage = setting.open().await;
    store(&storage, logs(0..1)).await;
    until("a flush by age", || segment_count(&storage) == 1).await;
    storage.close().await.expect("closes");
    setting.config.flush_interval = Duration::from_secs(3600);
    setting.config.flush_bytes = 100_000;
    let storage = setting.open().await;
    store(&storage, logs(1..2)).await;
    store(&storage, logs(2..5000)).await;
    until("a flush by size", || segment_count(&storage) == 2).await;
    assert_eq!(numbers(&storage).await, (0..5000).collect::<Vec<_>>());
}

#[tokio::test]
async fn tenants_are_kept_apart_and_their_number_is_bounded() {
    let mut setting = Setting::new();
    setting.config.tenants_max = 2;
    let storage = setting.open().await;
    let named = |name| TenantId::new(name).expect("legal");
    for (place, name) in ["a", "b"].into_iter().enumerate() {
        store(&storage, logs_of(&named(name), place as u64..place as u64 + 1)).await;
    }
    let error = storage.append(logs_of(&named("c"), 5..6)).await.expect_err("one too many");
    assert!(error.to_string().contains("tenants_max"), "{error}");
    assert_eq!(numbers_of(&storage.snapshot(&named("a"), Signal::Logs)).await, [0]);
    assert_eq!(numbers_of(&storage.snapshot(&named("b"), Signal::Logs)).await, [1]);
    assert!(storage.snapshot(&named("c"), Signal::Logs).sources().is_empty());
    drop(storage);
    // What is stored is opened although the bound is lower now.
    setting.config.tenants_max = 1;
    assert_eq!(setting.open().await.tenants(), [named("a"), named("b")]);
}

#[tokio::test]
async fn a_data_directory_is_opened_by_one_storage_at_a_time() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let error = Storage::open(setting.config.clone()).await.err().expect("is locked");
    assert!(error.to_string().contains("used by another process"), "{error}");
    drop(storage);
    setting.open().await;
    drop(setting.keep());
}

#[tokio::test]
async fn a_tail_shows_log_records_as_they_come() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..1)).await;
    let mut tail = storage.tail_logs(&tenant());
    store(&storage, logs_of(&TenantId::new("other").expect("legal"), 1..2)).await;
    store(&storage, logs(2..4)).await;
    let seen = tail.recv().await.expect("records");
    assert_eq!((seen.len(), seen.body.get(0)), (2, Value::Int(2)));
}

#[tokio::test]
async fn a_segment_whose_object_is_gone_is_named_and_the_others_are_served() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..5)).await;
    storage.flush().await.expect("flushes");
    let first: Vec<_> = objects(setting.data_dir());
    store(&storage, logs(5..9)).await;
    storage.close().await.expect("closes");
    std::fs::remove_file(&first[0]).expect("removes");
    let storage = setting.open().await;
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    assert_eq!(snapshot.gaps(), [""; 0], "nothing was read yet");
    let found = matching(&snapshot, Predicate::always()).await;
    assert_eq!(numbers_at(&snapshot, &found).await, [5, 6, 7, 8]);
    let gaps = snapshot.gaps();
    assert!(gaps.len() == 1 && gaps[0].contains("is missing"), "{gaps:?}");
    let damaged = storage.stats().damaged;
    assert!(damaged.len() == 1 && damaged[0].contains("is missing"), "{damaged:?}");
}

pub(super) fn objects(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.join("segments")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("lists") {
            let path = entry.expect("lists").path();
            if path.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    found
}

#[tokio::test]
async fn records_that_came_before_the_clock_was_set_back_are_as_young_as_they_are() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let received_at = UnixNanos::now().saturating_add(3_600_000_000_000);
    store(&storage, Append { received_at, ..logs(0..3) }).await;
    storage.flush().await.expect("flushes");
    let table = storage.inner.shared.tables.get(&tenant(), Signal::Logs).expect("is there");
    assert_eq!(table.view().segments[0].meta().created_at, received_at);
}
