//! Replaying the journal.

use super::*;

#[tokio::test]
async fn a_large_journal_is_replayed_within_the_live_budget() {
    let mut setting = Setting::new();
    let storage = setting.open().await;
    for request in 0..100 {
        store(&storage, logs(request * 1000..request * 1000 + 1000)).await;
    }
    let unbounded: u64 = storage.stats().tables.iter().map(|table| table.live_bytes).sum();
    drop(storage);
    setting.config.live_bytes_max = 2 << 20;
    assert!(unbounded > 4 * setting.config.live_bytes_max as u64, "{unbounded}");
    let storage = setting.open().await;
    let bounded = storage.inner.shared.budget.used();
    assert!(bounded <= setting.config.live_bytes_max as u64 + (1 << 20), "{bounded}");
    assert!(segment_count(&storage) > 0, "flushed while replaying");
    assert_eq!(numbers(&storage).await, (0..100_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_replayed_request_gives_the_same_rows() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let trace = TraceId([3; 16]);
    store(&storage, spans(trace, 0..40)).await;
    let before = storage.snapshot(&tenant(), Signal::Traces).trace(trace).await.expect("reads");
    drop(storage);
    let storage = setting.open().await;
    let after = storage.snapshot(&tenant(), Signal::Traces).trace(trace).await.expect("reads");
    assert_eq!(encode_traces(&before), encode_traces(&after));
}

#[tokio::test]
async fn a_compressed_request_is_replayed() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let mut request = logs(0..100);
    request.body = zstd::encode_all(request.body.as_ref(), 1).expect("compresses").into();
    request.encoding = ContentEncoding::Zstd;
    store(&storage, request).await;
    drop(storage);
    assert_eq!(numbers(&setting.open().await).await, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_request_that_cannot_be_decoded_any_more_is_named_and_the_others_are_replayed() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..3)).await;
    let mut broken = logs(3..5);
    broken.body = Bytes::from_static(b"\xff\xff\xff");
    store(&storage, broken).await;
    store(&storage, logs(5..7)).await;
    drop(storage);
    let storage = setting.open().await;
    assert_eq!(numbers(&storage).await, [0, 1, 2, 5, 6]);
    assert_eq!(storage.stats().damaged.len(), 1);
}

#[tokio::test]
async fn restarts_leave_no_files_behind() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..3)).await;
    drop(storage);
    for restart in 0..5 {
        let storage = setting.open().await;
        store(&storage, logs(restart + 3..restart + 4)).await;
        storage.close().await.expect("closes");
    }
    assert!(setting.journal_files() <= 1, "{} files", setting.journal_files());
}
