//! Verifying, and serving what is left of a damaged store.

use std::path::PathBuf;

use super::durability::objects;
use super::*;
use crate::{VerifyReport, inspect, inspect_segment, verify};

/// A closed store with a merged segment, a fresh one and a request in the journal.
async fn stored() -> Setting {
    let setting = Setting::new();
    let storage = setting.open().await;
    for first in 0..4 {
        store(&storage, logs(first * 50..first * 50 + 50)).await;
        store(&storage, spans(TraceId([first as u8 + 1; 16]), 0..40)).await;
        storage.flush().await.expect("flushes");
    }
    storage.compact_now().await.expect("merges");
    store(&storage, logs(1_000..1_100)).await;
    storage.flush().await.expect("flushes");
    store(&storage, logs(2_000..2_010)).await;
    crashed(storage).await;
    setting
}

/// Ends it without closing, so that the journal keeps its requests.
async fn crashed(storage: Storage) {
    drop(storage);
    // Until the background work has ended and the lock is free.
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn verified(setting: &Setting) -> VerifyReport {
    for _ in 0..1_000 {
        match verify(setting.data_dir()).await {
            Err(error) if error.kind() == StorageErrorKind::Unavailable => {}
            report => return report.expect("verifies"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the directory stays locked");
}

fn live_objects(setting: &Setting, inspected: &crate::Inspection) -> Vec<PathBuf> {
    let is_live = |path: &PathBuf| inspected.segments.iter().any(|s| path.to_string_lossy().contains(&s.id));
    objects(setting.data_dir()).into_iter().filter(is_live).collect()
}

#[tokio::test]
async fn a_sound_store_verifies_and_shows_where_its_bytes_are() {
    let setting = stored().await;
    let report = verified(&setting).await;
    assert_eq!((report.problems.as_slice(), report.rows), ([].as_slice(), 200 + 160 + 100), "{report:?}");
    assert!(report.journal_requests >= 1, "{report:?}");
    let inspection = inspect(setting.data_dir()).await.expect("inspects");
    assert_eq!(inspection.segments.len() as u64, report.segments);
    for segment in &inspection.segments {
        let detail = inspect_segment(setting.data_dir(), &segment.id).await.expect("inspects");
        let columns: u64 = detail.columns.iter().map(|column| column.bytes).sum();
        assert!(columns > 0 && columns < segment.bytes, "{detail:?}");
        let has_words = detail.sections.iter().any(|section| section.name.contains("words"));
        assert_eq!(has_words, segment.level > 0, "{detail:?}");
    }
    let error = inspect_segment(setting.data_dir(), "01ARZ3NDEKTSV4RRFFQ69G5FAV").await.expect_err("unknown");
    assert!(error.to_string().contains("no visible segment"), "{error}");
}

#[tokio::test]
async fn verifying_names_every_damaged_or_missing_object() {
    let setting = stored().await;
    let inspection = inspect(setting.data_dir()).await.expect("inspects");
    for object in live_objects(&setting, &inspection) {
        let bytes = std::fs::read(&object).expect("reads");
        let name = object.file_name().expect("a name").to_string_lossy().into_owned();
        for step in 0..6 {
            let mut damaged = bytes.clone();
            damaged[(bytes.len() - 1) * step / 5] ^= 4;
            std::fs::write(&object, damaged).expect("writes");
            let report = verified(&setting).await;
            let named = report.problems.iter().any(|problem| problem.reason.contains(&name));
            assert!(named, "{}: {report:?}", object.display());
        }
        std::fs::remove_file(&object).expect("removes");
        let report = verified(&setting).await;
        assert!(report.problems.iter().any(|problem| problem.reason.contains("it is missing")), "{report:?}");
        std::fs::write(&object, bytes).expect("writes");
    }
    assert_eq!(verified(&setting).await.problems, []);
}

#[tokio::test]
async fn verifying_notes_orphans_and_names_damage_of_the_journal() {
    let setting = stored().await;
    let orphan = setting.data_dir().join("segments/default/logs/01ARZ3NDEKTSV4RRFFQ69G5FAV");
    std::fs::create_dir_all(&orphan).expect("makes");
    std::fs::write(orphan.join("index"), "left").expect("writes");
    let report = verified(&setting).await;
    assert!(report.problems.is_empty() && report.notes.len() == 1, "{report:?}");
    assert!(report.notes[0].contains("belongs to no segment"), "{report:?}");
    // The first frame of the oldest file: later ones say that it was durable.
    let journal = std::fs::read_dir(setting.data_dir().join("journal")).expect("lists");
    let file = journal.map(|entry| entry.expect("lists").path()).min().expect("a file");
    let mut bytes = std::fs::read(&file).expect("reads");
    bytes[64 + 80] ^= 1;
    std::fs::write(&file, bytes).expect("writes");
    let report = verified(&setting).await;
    assert_eq!(report.problems.len(), 1, "{report:?}");
    assert!(report.problems[0].reason.contains("damaged at byte 64"), "{report:?}");
}

#[tokio::test]
async fn a_store_that_is_open_is_not_verified_from_outside_but_verifies_itself() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..10)).await;
    storage.flush().await.expect("flushes");
    let error = verify(setting.data_dir()).await.expect_err("in use");
    assert!(error.to_string().contains("used by another process"), "{error}");
    let report = storage.verify().await.expect("verifies");
    assert_eq!((report.segments, report.rows, report.problems.len()), (1, 10, 0));
    let error = verify(setting.directory.path()).await.expect_err("no store");
    assert!(error.to_string().contains("is it a data directory"), "{error}");
}

#[tokio::test]
async fn damage_is_served_around_and_neither_merged_nor_tried_for_ever() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..100)).await;
    storage.flush().await.expect("flushes");
    let damaged = objects(setting.data_dir());
    for number in 1..4 {
        store(&storage, logs(number * 100..number * 100 + 100)).await;
        storage.flush().await.expect("flushes");
    }
    let rows = damaged.iter().find(|path| path.ends_with("rows.parquet")).expect("rows");
    let mut bytes = std::fs::read(rows).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(rows, &bytes).expect("writes");
    for _ in 0..2 {
        storage.compact_now().await.expect("goes on without it");
        assert_eq!(segment_count(&storage), 2, "the damaged one and the merged one");
        let snapshot = storage.snapshot(&tenant(), Signal::Logs);
        assert_eq!(snapshot.sources().iter().map(|source| source.row_count()).sum::<u64>(), 400, "none is dropped");
        let found = matching(&snapshot, Predicate::always()).await;
        let found: Vec<RowAddress> =
            found.into_iter().filter(|address| snapshot.sources()[address.source()].row_count() == 300).collect();
        assert_eq!(numbers_at(&snapshot, &found).await, (100..400).collect::<Vec<_>>());
        let named = storage.stats().damaged;
        assert!(named.iter().any(|what| what.contains("rows.parquet")), "{named:?}");
        assert!(named.iter().any(|what| what.contains("cannot be merged")), "{named:?}");
    }
    assert_eq!(storage.stats().compaction.failures, 1, "it is tried once");
    let snapshot = storage.snapshot(&tenant(), Signal::Logs);
    let found = matching(&snapshot, Predicate::always()).await;
    let found = match snapshot.logs(&found).await {
        Ok(_) => found,
        // Now it is known that those rows cannot be read whole.
        Err(_) => matching(&snapshot, Predicate::always()).await,
    };
    assert_eq!(numbers_at(&snapshot, &found).await, (100..400).collect::<Vec<_>>());
    assert!(!snapshot.gaps().is_empty());
    // Repaired from a backup, it counts again after a restart.
    bytes[middle] ^= 1;
    std::fs::write(rows, bytes).expect("writes");
    storage.close().await.expect("closes");
    let storage = setting.open().await;
    storage.compact_now().await.expect("merges");
    assert_eq!(numbers(&storage).await, (0..400).collect::<Vec<_>>());
    assert_eq!(storage.stats().damaged, [""; 0]);
}
