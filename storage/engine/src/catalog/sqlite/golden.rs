//! Catalogs that earlier versions wrote are brought up to date with all that is in them. `tests/golden/catalog-schema-1`
//! holds one as it was before deletions.

use sqlx::Connection;

use super::*;
use crate::catalog::contract::{NOW, segment};
use crate::deletion::NewDeletion;
use tracewell_model::{Signal, TenantId};

const MIGRATED_AT: i64 = 1_690_000_000_000_000_000;
const HASH: u128 = 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef;
const POSITION: u64 = 4_711;

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/catalog-schema-1/catalog.sqlite")
}

/// A copy, which may be written to.
fn copy() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("catalog.sqlite");
    std::fs::copy(golden(), &path).expect("a golden file");
    (directory, path)
}

/// Two segments that are visible, of two tables; one that was removed.
fn segments() -> [SegmentMeta; 3] {
    let tenant = TenantId::new("team-a").expect("a tenant");
    [segment(1), SegmentMeta { tenant, signal: Signal::Logs, level: 3, ..segment(2) }, segment(3)]
}

#[tokio::test]
async fn everything_in_a_catalog_of_schema_1_is_there_after_the_migration() {
    let (_directory, path) = copy();
    let [traces, logs, removed] = segments();
    let catalog = SqliteCatalog::open(&path).await.expect("opens");
    let state = catalog.load(UnixNanos(0)).await.expect("loads");
    assert_eq!(state.segments, [traces.clone(), logs.clone()]);
    assert_eq!(state.watermarks, [(logs.tenant.clone(), Signal::Logs, POSITION)]);
    assert_eq!(state.request_hashes, [(logs.tenant.clone(), Signal::Logs, HASH, NOW)]);
    assert_eq!(state.deletions, []);
    assert_eq!(catalog.deletions(10).await.expect("lists"), []);
    let dead = catalog.dead_segments(UnixNanos(u64::MAX)).await.expect("lists");
    assert_eq!(dead, std::slice::from_ref(&removed));
    let paths = [&traces, &logs, &removed].into_iter().flat_map(|segment| &segment.objects);
    let paths: HashSet<String> = paths.map(|object| object.path.clone()).collect();
    assert_eq!(catalog.object_paths().await.expect("lists"), paths);
    assert_eq!(catalog.integrity().await.expect("checks"), [""; 0]);
    let steps = sqlx::query("SELECT version, applied_at FROM schema_version ORDER BY version");
    let steps: Vec<(i64, i64)> =
        steps.fetch_all(&catalog.pool).await.expect("reads").iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(steps[0], (1, MIGRATED_AT));
    let versions: Vec<i64> = steps.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=sql::MIGRATIONS.len() as i64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_catalog_of_schema_1_takes_what_came_later_and_is_migrated_once() {
    let (_directory, path) = copy();
    let [traces, logs, _] = segments();
    let catalog = SqliteCatalog::open(&path).await.expect("opens");
    let deletion = NewDeletion {
        id: Ulid::from_parts(9, 9),
        tenant: traces.tenant.clone(),
        description: "all".to_owned(),
        parts: Vec::new(),
        segments: vec![traces.id],
        rows: 0,
    };
    let change = Change { deletion: Some(deletion), at: NOW, ..Change::default() };
    catalog.commit(&change).await.expect("commits");
    catalog.close().await;
    let catalog = SqliteCatalog::open(&path).await.expect("opens again");
    let state = catalog.load(NOW).await.expect("loads");
    assert_eq!(state.deletions.len(), 1);
    assert_eq!(state.deletions[0].segments, [traces.id]);
    assert_eq!(state.segments, [traces, logs]);
}

#[tokio::test]
async fn a_catalog_of_schema_1_is_not_migrated_by_who_only_reads() {
    let (_directory, path) = copy();
    let error = SqliteCatalog::open_to_read(&path).await.expect_err("too old");
    assert!(matches!(error, CatalogError::TooOld { found: 1, .. }), "{error}");
}

/// Writes the golden file with the SQL of schema 1. Run by hand, once.
#[tokio::test]
#[ignore = "writes files into the source tree"]
async fn write_golden_file() {
    let path = golden();
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("makes");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true);
    let mut connection = SqliteConnection::connect_with(&options).await.expect("opens");
    for statement in [sql::CREATE_SCHEMA_VERSION].iter().chain(sql::MIGRATIONS[0]) {
        sqlx::query(*statement).execute(&mut connection).await.expect("makes");
    }
    let version = sqlx::query(sql::INSERT_SCHEMA_VERSION).bind(1i64).bind(MIGRATED_AT);
    version.execute(&mut connection).await.expect("writes");
    let segments = segments();
    for segment in &segments {
        add(&mut connection, segment).await.expect("adds");
    }
    let [_, logs, removed] = &segments;
    let remove = sqlx::query(sql::REMOVE_SEGMENT).bind(removed.id.to_string()).bind(sql::clock(NOW));
    remove.execute(&mut connection).await.expect("removes");
    let watermark = sqlx::query(sql::RAISE_WATERMARK).bind(logs.tenant.as_str()).bind(logs.signal.as_str());
    watermark.bind(sql::bits(POSITION)).execute(&mut connection).await.expect("writes");
    let hash =
        "INSERT INTO request_hash (tenant, signal, hash_high, hash_low, received_at) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(hash)
        .bind(logs.tenant.as_str())
        .bind(logs.signal.as_str())
        .bind(sql::bits((HASH >> 64) as u64))
        .bind(sql::bits(HASH as u64))
        .bind(sql::clock(NOW))
        .execute(&mut connection)
        .await
        .expect("writes");
    connection.close().await.expect("closes");
}
