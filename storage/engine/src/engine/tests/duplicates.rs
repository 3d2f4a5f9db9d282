//! A request that is sent again is stored once.

use super::*;

pub(super) fn again(append: &Append) -> Append {
    Append {
        tenant: append.tenant.clone(),
        received_at: append.received_at,
        encoding: append.encoding,
        body: append.body.clone(),
        records: append.records.clone(),
        request_hash: append.request_hash,
    }
}

#[tokio::test]
async fn a_request_sent_again_is_stored_once() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let request = logs(0..3);
    store(&storage, again(&request)).await;
    assert_eq!(storage.append(request).await.expect("known"), Appended::Duplicate);
    assert_eq!(numbers(&storage).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_request_sent_many_times_at_once_is_stored_once() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let request = logs(0..3);
    let attempts = (0..50).map(|_| storage.append(again(&request)));
    let answers = futures::future::join_all(attempts).await;
    let stored = answers.iter().filter(|answer| matches!(answer, Ok(Appended::Stored))).count();
    let duplicates = answers.iter().filter(|answer| matches!(answer, Ok(Appended::Duplicate))).count();
    assert_eq!((stored, duplicates), (1, 49));
    assert_eq!(numbers(&storage).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_request_is_known_after_a_restart_from_the_journal_or_from_the_catalog() {
    let setting = Setting::new();
    let (flushed, unflushed) = (logs(0..3), logs(3..5));
    let storage = setting.open().await;
    store(&storage, again(&flushed)).await;
    storage.flush().await.expect("flushes");
    store(&storage, again(&unflushed)).await;
    drop(storage);
    // The journal file of the flushed request is gone after the second start.
    for _ in 0..2 {
        let storage = setting.open().await;
        assert_eq!(storage.append(again(&flushed)).await.expect("known"), Appended::Duplicate);
        assert_eq!(storage.append(again(&unflushed)).await.expect("known"), Appended::Duplicate);
        assert_eq!(numbers(&storage).await, [0, 1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn another_tenant_may_send_the_same_request() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let request = logs(0..3);
    let other = TenantId::new("other").expect("legal");
    store(&storage, again(&request)).await;
    store(&storage, Append { tenant: other.clone(), ..request }).await;
    assert_eq!(numbers_of(&storage.snapshot(&other, Signal::Logs)).await, [0, 1, 2]);
}
