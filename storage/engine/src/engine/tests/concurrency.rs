//! Appends, flushes, merges of chunks and readers at the same time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;

/// The number of writers, and of requests of each.
const WRITERS: u64 = 4;
const REQUESTS: u64 = 150;
const ROWS: u64 = 7;

/// Each writer appends its numbers in order; whatever it was told is stored, a later snapshot shows once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_snapshot_misses_or_doubles_a_row_while_everything_moves() {
    let mut setting = Setting::new();
    setting.config.flush_bytes = 60_000;
    let storage = setting.open().await;
    let acknowledged: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let done = Arc::new(AtomicBool::new(false));

    let mut readers = Vec::new();
    for _ in 0..2 {
        let (storage, acknowledged, done) = (storage.clone(), Arc::clone(&acknowledged), Arc::clone(&done));
        readers.push(tokio::spawn(async move {
            let mut rounds = 0;
            while !done.load(Ordering::Acquire) || rounds == 0 {
                let at_least: Vec<u64> = acknowledged.iter().map(|count| count.load(Ordering::Acquire)).collect();
                check(&numbers(&storage).await, &at_least);
                rounds += 1;
            }
        }));
    }
    let flushing = {
        let (storage, done) = (storage.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::Acquire) {
                for _ in 0..5 {
                    storage.flush().await.expect("flushes");
                }
                storage.compact_now().await.expect("merges");
            }
        })
    };
    let writers = (0..WRITERS).map(|writer| {
        let (storage, acknowledged) = (storage.clone(), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            for request in 0..REQUESTS {
                let first = (writer * REQUESTS + request) * ROWS;
                store(&storage, logs(first..first + ROWS)).await;
                acknowledged[writer as usize].store(request + 1, Ordering::Release);
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("writes");
    }
    done.store(true, Ordering::Release);
    flushing.await.expect("flushes");
    for reader in readers {
        reader.await.expect("reads");
    }
    assert_eq!(numbers(&storage).await, (0..WRITERS * REQUESTS * ROWS).collect::<Vec<_>>());
    drop(storage);
    let storage = setting.open().await;
    assert_eq!(numbers(&storage).await, (0..WRITERS * REQUESTS * ROWS).collect::<Vec<_>>());
}

/// `numbers` are each there once, those acknowledged before all of them, and of each request all or none.
fn check(numbers: &[u64], at_least: &[u64]) {
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a row is there twice");
    for (writer, acknowledged) in (0..).zip(at_least) {
        let first = writer * REQUESTS * ROWS;
        let seen: Vec<u64> =
            numbers.iter().copied().filter(|number| (first..first + REQUESTS * ROWS).contains(number)).collect();
        assert!(seen.len() as u64 >= acknowledged * ROWS, "writer {writer} misses rows");
        assert!((seen.len() as u64).is_multiple_of(ROWS), "half a request is visible");
        assert_eq!(seen, (first..first + seen.len() as u64).collect::<Vec<_>>(), "rows are visible in order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn small_requests_are_merged_into_few_chunks() {
    let setting = Setting::new();
    let storage = setting.open().await;
    let appends = (0..2000).map(|number| storage.append(logs(number..number + 1)));
    assert!(futures::future::join_all(appends).await.iter().all(Result::is_ok));
    let chunks = || storage.snapshot(&tenant(), Signal::Logs).sources().len();
    until("merging", || chunks() < 40).await;
    assert_eq!(numbers(&storage).await, (0..2000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_share_an_fsync() {
    let setting = Setting::new();
    let disk = FaultyDisk::default();
    let storage = setting.open_on(&disk).await;
    store(&storage, logs(0..1)).await;
    let before = disk.syncs();
    let appends = (1..1001).map(|number| storage.append(logs(number..number + 1)));
    assert!(futures::future::join_all(appends).await.iter().all(Result::is_ok));
    assert!(disk.syncs() - before < 300, "{} syncs", disk.syncs() - before);
}
