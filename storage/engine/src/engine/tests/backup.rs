//! Backups of a store that is written to, and what comes back from them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::{BackupObjects, backup, restore, verify};

/// Restores the backup in `from` and opens it.
async fn restored(setting: &Setting, from: &Path, name: &str) -> Storage {
    let target = setting.directory.path().join(name);
    restore(from, &target).await.expect("restores");
    assert_eq!(verify(&target).await.expect("verifies").problems, []);
    let config = StorageConfig { data_dir: target, ..setting.config.clone() };
    Storage::open(config).await.expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_under_load_has_everything_that_was_acknowledged_before_it_began() {
    let mut setting = Setting::new();
    setting.config.flush_interval = Duration::from_millis(30);
    setting.config.compaction_interval = Duration::from_millis(40);
    setting.config.deletion_grace = Duration::ZERO;
    setting.config.journal_file_bytes = 16 << 10;
    let storage = setting.open().await;
    let acknowledged = Arc::new(AtomicU64::new(0));
    let (writer, counted) = (storage.clone(), Arc::clone(&acknowledged));
    let writing = tokio::spawn(async move {
        for number in 0.. {
            if writer.append(logs(number * 7..number * 7 + 7)).await.is_err() {
                break;
            }
            counted.store(number * 7 + 7, Ordering::SeqCst);
        }
    });
    for (round, objects) in
        [BackupObjects::Copied, BackupObjects::Linked, BackupObjects::Copied].into_iter().enumerate()
    {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let before = acknowledged.load(Ordering::SeqCst);
        let into = setting.directory.path().join(format!("backup-{round}"));
        backup(setting.data_dir(), &into, objects).await.expect("backs up");
        assert_eq!(verify(&into).await.expect("verifies").problems, []);
        let copy = restored(&setting, &into, &format!("restored-{round}")).await;
        let found = numbers(&copy).await;
        assert!(found.len() as u64 >= before, "{} of {before} records are there", found.len());
        assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>(), "each once, requests whole");
        assert_eq!(found.len() % 7, 0, "a request is whole");
        // It goes on as a store of its own.
        store(&copy, logs_of(&TenantId::new("later").expect("legal"), 0..3)).await;
        copy.close().await.expect("closes");
    }
    storage.close().await.expect("closes");
    writing.await.expect("ends");
    assert!(acknowledged.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn only_a_whole_backup_is_restored_and_nothing_is_overwritten() {
    let setting = Setting::new();
    let storage = setting.open().await;
    store(&storage, logs(0..10)).await;
    storage.flush().await.expect("flushes");
    let into = setting.directory.path().join("backup");
    backup(setting.data_dir(), &into, BackupObjects::Copied).await.expect("backs up");
    let error = backup(setting.data_dir(), &into, BackupObjects::Copied).await.expect_err("not empty");
    assert!(error.to_string().contains("is not empty"), "{error}");
    let error = restore(&into, setting.data_dir()).await.expect_err("not empty");
    assert!(error.to_string().contains("is not empty"), "{error}");
    std::fs::remove_file(into.join("backup.json")).expect("removes");
    let error = restore(&into, &setting.directory.path().join("new")).await.expect_err("not whole");
    assert!(error.to_string().contains("not a whole one"), "{error}");
    let nothing = setting.directory.path().join("nothing");
    let error =
        backup(&nothing, &setting.directory.path().join("b"), BackupObjects::Copied).await.expect_err("no store");
    assert!(error.to_string().contains("is it a data directory"), "{error}");
}
