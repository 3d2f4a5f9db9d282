//! The contract suite on SQLite, and what concerns SQLite alone.

use super::*;
use crate::catalog::contract::{self, Database, NOW, adding, segment};

struct File(tempfile::TempDir);

impl File {
    fn new() -> File {
        File(tempfile::tempdir().expect("directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("catalog.sqlite")
    }
}

impl Database for File {
    type Catalog = SqliteCatalog;

    async fn open(&self) -> SqliteCatalog {
        SqliteCatalog::open(&self.path()).await.expect("opens")
    }
}

contract::suite! { File::new() }

#[tokio::test]
async fn a_torn_write_ahead_log_leaves_whole_changes() {
    let file = File::new();
    let catalog = file.open().await;
    for number in 0..6 {
        catalog.commit(&adding(&[segment(number), segment(100 + number)])).await.expect("commits");
    }
    let wal_path = |path: &Path| path.with_extension("sqlite-wal");
    let main = std::fs::read(file.path()).expect("main file");
    let wal = std::fs::read(wal_path(&file.path())).expect("write-ahead log");
    let mut seen = HashSet::new();
    for kept in (0..=wal.len()).rev().step_by(1 + wal.len() / 40) {
        let torn = File::new();
        std::fs::write(torn.path(), &main).expect("writes");
        std::fs::write(wal_path(&torn.path()), &wal[..kept]).expect("writes");
        let state = torn.open().await.load(UnixNanos(0)).await.expect("loads");
        let commits = state.segments.len() / 2;
        let mut expected: Vec<_> = (0..commits as u64).flat_map(|n| [segment(n), segment(100 + n)]).collect();
        expected.sort_by_key(|segment| segment.id);
        assert_eq!(state.segments, expected, "{kept} of {} bytes", wal.len());
        seen.insert(commits);
    }
    assert!(seen.contains(&6) && seen.len() > 3, "{seen:?}");
}

#[tokio::test]
async fn a_change_that_is_abandoned_half_way_leaves_nothing() {
    let file = File::new();
    let catalog = file.open().await;
    let mut transaction = catalog.pool.begin_with(BEGIN_WRITE).await.expect("begins");
    add(&mut transaction, &segment(1)).await.expect("adds");
    drop(transaction);
    catalog.commit(&adding(&[segment(2)])).await.expect("commits");
    assert_eq!(catalog.load(UnixNanos(0)).await.expect("loads").segments, [segment(2)]);
}

#[tokio::test]
async fn a_commit_that_a_recovery_would_find_is_overwritten_before_the_next_load() {
    let file = File::new();
    let catalog = file.open().await;
    catalog.commit(&adding(&[segment(1)])).await.expect("commits");
    let wal = file.path().with_extension("sqlite-wal");
    let before = std::fs::metadata(&wal).expect("is there").len();
    catalog.load(NOW).await.expect("loads");
    assert_eq!(std::fs::metadata(&wal).expect("is there").len(), before);
    catalog.unsettled.store(true, Ordering::Release);
    assert_eq!(catalog.load(NOW).await.expect("loads").segments, [segment(1)]);
    assert!(std::fs::metadata(&wal).expect("is there").len() > before, "a frame was written");
    assert!(!catalog.unsettled.load(Ordering::Acquire));
}

#[tokio::test]
async fn commits_are_synced_to_the_disk() {
    let catalog = File::new().open().await;
    let pragma = async |statement: &'static str| -> String {
        let row = sqlx::query(statement).fetch_one(&catalog.pool).await.expect("answers");
        row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string())).expect("a value")
    };
    assert_eq!(pragma("PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma("PRAGMA synchronous").await, "2");
    assert_eq!(pragma("PRAGMA foreign_keys").await, "1");
}

#[tokio::test]
async fn a_catalog_of_a_later_version_is_refused() {
    let file = File::new();
    let catalog = file.open().await;
    sqlx::query("INSERT INTO schema_version VALUES (999, 0)").execute(&catalog.pool).await.expect("writes");
    catalog.close().await;
    let error = SqliteCatalog::open(&file.path()).await.expect_err("too new");
    assert!(matches!(error, CatalogError::TooNew { found: 999, .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_corrupt() {
    let file = File::new();
    std::fs::write(file.path(), "not a database, and long enough to hold a header ".repeat(100)).expect("writes");
    let error = SqliteCatalog::open(&file.path()).await.expect_err("no database");
    assert_eq!(crate::StorageError::from(error).kind(), crate::StorageErrorKind::Corrupt);
}

#[tokio::test]
async fn a_row_that_no_version_writes_is_called_corrupt() {
    let catalog = File::new().open().await;
    catalog.commit(&adding(&[segment(1)])).await.expect("commits");
    for damage in ["level = 300", "tenant = '../x'", "signal = 'metrics'", "id = 'x'", "created_at = -5"] {
        let statement = sqlx::AssertSqlSafe(format!("UPDATE segment SET {damage}"));
        let mut transaction = catalog.pool.begin().await.expect("begins");
        sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut *transaction).await.expect("sets");
        sqlx::query(statement).execute(&mut *transaction).await.expect("writes");
        let rows = sqlx::query(sql::SELECT_VISIBLE).fetch_all(&mut *transaction).await.expect("reads");
        let error = read_segments(&rows, &[]).expect_err(damage);
        assert!(matches!(error, CatalogError::Corrupt(_)), "{damage}: {error}");
    }
}

#[tokio::test]
async fn a_second_process_can_read_while_this_one_writes() {
    let file = File::new();
    let (writer, reader) = (file.open().await, file.open().await);
    let mut transaction = writer.pool.begin_with(BEGIN_WRITE).await.expect("begins");
    add(&mut transaction, &segment(1)).await.expect("adds");
    assert!(reader.load(NOW).await.expect("loads").segments.is_empty());
    transaction.commit().await.expect("commits");
    assert_eq!(reader.load(NOW).await.expect("loads").segments, [segment(1)]);
}
