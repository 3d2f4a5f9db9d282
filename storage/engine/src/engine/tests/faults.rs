//! A disk that is full or broken: nothing acknowledged is lost, reading goes on, and appending comes back by itself.

use super::*;
use crate::journal::faulty::Kept;

#[tokio::test]
async fn a_full_disk_refuses_keeps_answering_and_recovers_by_itself() {
    let setting = Setting::new();
    let disk = FaultyDisk::default();
    let storage = setting.open_on(&disk).await;
    store(&storage, logs(0..10)).await;
    disk.set_capacity(Some(0));
    until("a refusal", || storage.stats().degraded.is_some()).await;
    let error = storage.append(logs(10..20)).await.expect_err("is full");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(numbers(&storage).await, (0..10).collect::<Vec<_>>());
    disk.set_capacity(None);
    until("the recovery", || storage.stats().degraded.is_none()).await;
    store(&storage, logs(10..20)).await;
    assert_eq!(numbers(&storage).await, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_journal_file_that_finds_no_space_refuses_and_recovers_by_itself() {
    let mut setting = Setting::new();
    setting.config.disk_reserve_bytes = 0;
    setting.config.journal_file_bytes = 300 << 10;
    let disk = FaultyDisk::default();
    let storage = setting.open_on(&disk).await;
    store(&storage, logs(0..4000)).await;
    disk.set_capacity(Some(300 << 10));
    let error = storage.append(logs(4000..8000)).await.expect_err("no space for the next file");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert!(error.to_string().contains("full"), "{error}");
    disk.set_capacity(None);
    until("the recovery", || storage.stats().degraded.is_none()).await;
    store(&storage, logs(4000..8000)).await;
    assert_eq!(numbers(&storage).await, (0..8000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failed_fsync_is_never_acknowledged_and_a_retry_is_stored_once() {
    let setting = Setting::new();
    let disk = FaultyDisk::default();
    let storage = setting.open_on(&disk).await;
    store(&storage, logs(0..5)).await;
    disk.fail_syncs(1);
    let error = storage.append(logs(5..7)).await.expect_err("not durable");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert_eq!(numbers(&storage).await, [0, 1, 2, 3, 4], "what is not durable is not visible");
    until("the recovery", || storage.stats().degraded.is_none()).await;
    store(&storage, logs(5..7)).await;
    drop(storage);
    for kept in [Kept::Nothing, Kept::Everything, Kept::EverySecondSector] {
        let storage = setting.open_on(&disk.crashed(kept)).await;
        assert_eq!(numbers(&storage).await, (0..7).collect::<Vec<_>>(), "{kept:?}");
        assert_eq!(storage.stats().damaged, [""; 0], "{kept:?}");
    }
}

#[tokio::test]
async fn what_only_the_memory_of_the_system_held_is_durable_after_a_restart() {
    let setting = Setting::new();
    let disk = FaultyDisk::default();
    let storage = setting.open_on(&disk).await;
    store(&storage, logs(0..5)).await;
    disk.fail_syncs(1);
    assert!(storage.append(logs(5..7)).await.is_err());
    // The process dies, the system does not: the unsynced frame is read again and shown.
    drop(storage);
    let disk = disk.crashed(Kept::Everything);
    let before = disk.syncs();
    let storage = setting.open_on(&disk).await;
    let shown = numbers(&storage).await;
    assert!(disk.syncs() > before, "what is shown was synced first");
    drop(storage);
    let storage = setting.open_on(&disk.crashed(Kept::Nothing)).await;
    assert_eq!(numbers(&storage).await, shown);
}

#[tokio::test]
async fn rows_that_cannot_be_flushed_stay_visible_and_are_flushed_later() {
    let mut setting = Setting::new();
    setting.config.flush_interval = Duration::from_millis(50);
    let segments = setting.data_dir().join("segments");
    std::fs::create_dir_all(setting.data_dir()).expect("makes");
    let storage = setting.open().await;
    // A file where the directory of the segments should be.
    std::fs::write(&segments, "in the way").expect("writes");
    store(&storage, logs(0..5)).await;
    until("a failed flush", || storage.stats().degraded.is_some()).await;
    assert_eq!(numbers(&storage).await, [0, 1, 2, 3, 4]);
    store(&storage, logs(5..6)).await;
    std::fs::remove_file(&segments).expect("removes");
    until("the flush", || live_rows(&storage) == 0).await;
    assert_eq!(numbers(&storage).await, [0, 1, 2, 3, 4, 5]);
    until("good health", || storage.stats().degraded.is_none()).await;
}

#[tokio::test]
async fn appends_are_refused_while_the_live_tier_is_over_its_budget() {
    let mut setting = Setting::new();
    setting.config.live_bytes_max = 200_000;
    setting.config.flush_bytes = usize::MAX;
    std::fs::create_dir_all(setting.data_dir()).expect("makes");
    let segments = setting.data_dir().join("segments");
    let storage = setting.open().await;
    std::fs::write(&segments, "in the way").expect("writes");
    store(&storage, logs(0..5000)).await;
    let error = storage.append(logs(5000..5001)).await.expect_err("no room");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    assert!(error.to_string().contains("live_bytes_max"), "{error}");
    std::fs::remove_file(&segments).expect("removes");
    until("room", || live_rows(&storage) == 0).await;
    store(&storage, logs(5000..5001)).await;
    assert_eq!(numbers(&storage).await, (0..5001).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_that_no_segment_can_be_made_of_are_set_aside_and_hold_nothing_up() {
    let mut setting = Setting::new();
    let storage = setting.open().await;
    let bad = TenantId::new("bad").expect("legal");
    storage.inner.shared.unwritable.lock().push(bad.clone());
    store(&storage, logs_of(&bad, 0..5)).await;
    store(&storage, logs(5..9)).await;
    for _ in 0..4 {
        // Fails some times before it gives up.
        let _ = storage.flush().await;
    }
    assert_eq!((live_rows(&storage), segment_count(&storage)), (0, 1));
    assert!(storage.stats().damaged[0].contains("set aside"));
    let directory = setting.data_dir().join("set-aside");
    let file = std::fs::read_dir(directory).expect("lists").next().expect("a file").expect("lists");
    let content = std::fs::read(file.path()).expect("reads");
    let messages: Vec<&[u8]> = tracewell_otlp::delimited(&content).collect::<Result<_, _>>().expect("messages");
    let set_aside = decode_logs(messages[0], UnixNanos(1)).expect("valid").records;
    assert_eq!((messages.len(), set_aside.len()), (1, 5));
    drop(storage);
    setting.config.tenants_max = 1;
    let storage = setting.open().await;
    assert_eq!(live_rows(&storage), 0, "the journal has let go of them");
    assert_eq!(numbers(&storage).await, [5, 6, 7, 8]);
}
