//! What every catalog has to do, whatever its database: one suite, run once per implementation.

use tracewell_model::{Signal, TenantId, UnixNanos};
use ulid::Ulid;

use super::{Catalog, CatalogError, CatalogState, Change, ObjectMeta, SegmentMeta};

const SECOND: u64 = 1_000_000_000;
/// Some moment of 2023.
pub(crate) const NOW: UnixNanos = UnixNanos(1_700_000_000 * SECOND);

/// An empty database that can be opened again and again.
pub(crate) trait Database: Send + Sync {
    type Catalog: Catalog;

    async fn open(&self) -> Self::Catalog;
}

pub(crate) fn segment(number: u64) -> SegmentMeta {
    let id = Ulid::from_parts(1_700_000_000_000 + number, u128::from(number));
    let object = |kind: &str, bytes| ObjectMeta { path: format!("{id}.{kind}"), bytes, checksum: u64::MAX - number };
    SegmentMeta {
        id,
        tenant: TenantId::default_tenant(),
        signal: Signal::Traces,
        level: 0,
        time_min: UnixNanos(0),
        time_max: UnixNanos(u64::MAX - number),
        rows: 1000 + number,
        bytes: 150,
        format_version: 1,
        created_at: NOW,
        objects: vec![object("parquet", 100), object("index", 50)],
    }
}

pub(crate) fn adding(segments: &[SegmentMeta]) -> Change {
    Change { add: segments.to_vec(), at: NOW, ..Change::default() }
}

fn removing(segments: &[&SegmentMeta], at: UnixNanos) -> Change {
    Change { remove: segments.iter().map(|segment| segment.id).collect(), at, ..Change::default() }
}

async fn load(catalog: &impl Catalog) -> CatalogState {
    catalog.load(UnixNanos(0)).await.expect("loads")
}

async fn commit(catalog: &impl Catalog, change: &Change) {
    catalog.commit(change).await.expect("commits");
}

async fn conflicts(catalog: &impl Catalog, change: &Change) {
    let before = load(catalog).await;
    let error = catalog.commit(change).await.expect_err("does not fit");
    assert!(matches!(error, CatalogError::Conflict(_)), "{error}");
    assert_eq!(load(catalog).await, before, "a refused change leaves no trace");
}

pub(crate) async fn a_new_catalog_is_empty(database: impl Database) {
    let catalog = database.open().await;
    assert_eq!(load(&catalog).await, CatalogState::default());
    assert!(catalog.dead_segments(UnixNanos(u64::MAX)).await.expect("lists").is_empty());
    assert!(catalog.object_paths().await.expect("lists").is_empty());
}

pub(crate) async fn what_was_committed_is_loaded_after_a_crash(database: impl Database) {
    let change = Change {
        add: vec![segment(1), SegmentMeta { signal: Signal::Logs, level: 3, objects: Vec::new(), ..segment(2) }],
        watermarks: vec![(TenantId::default_tenant(), Signal::Logs, 77)],
        request_hashes: vec![(TenantId::default_tenant(), Signal::Logs, u128::MAX - 5, NOW)],
        ..adding(&[])
    };
    let catalog = database.open().await;
    commit(&catalog, &change).await;
    // Leaked, so that nothing is flushed or closed in an orderly way.
    std::mem::forget(catalog);
    let state = load(&database.open().await).await;
    assert_eq!(state.segments, change.add);
    assert_eq!(state.watermarks, change.watermarks);
    assert_eq!(state.request_hashes, change.request_hashes);
}

pub(crate) async fn a_merge_swaps_segments_in_one_step(database: impl Database) {
    let catalog = database.open().await;
    commit(&catalog, &adding(&[segment(1), segment(2), segment(3)])).await;
    let merged = SegmentMeta { level: 1, ..segment(4) };
    let change = Change { add: vec![merged.clone()], ..removing(&[&segment(1), &segment(3)], NOW) };
    commit(&catalog, &change).await;
    assert_eq!(load(&catalog).await.segments, [segment(2), merged]);
}

pub(crate) async fn removing_what_is_not_visible_fails_as_a_whole(database: impl Database) {
    let catalog = database.open().await;
    commit(&catalog, &adding(&[segment(1), segment(2)])).await;
    commit(&catalog, &removing(&[&segment(2)], NOW)).await;
    let unknown = Change { add: vec![segment(4)], ..removing(&[&segment(1), &segment(3)], NOW) };
    conflicts(&catalog, &unknown).await;
    let dead = Change {
        add: vec![segment(4)],
        watermarks: vec![(TenantId::default_tenant(), Signal::Traces, 9)],
        ..removing(&[&segment(1), &segment(2)], NOW)
    };
    conflicts(&catalog, &dead).await;
    conflicts(&catalog, &removing(&[&segment(1), &segment(1)], NOW)).await;
}

pub(crate) async fn an_id_or_a_path_is_used_once(database: impl Database) {
    let catalog = database.open().await;
    commit(&catalog, &adding(&[segment(1)])).await;
    conflicts(&catalog, &adding(&[segment(2), segment(1)])).await;
    let same_path = SegmentMeta { objects: segment(1).objects, ..segment(3) };
    conflicts(&catalog, &adding(&[same_path])).await;
    commit(&catalog, &removing(&[&segment(1)], NOW)).await;
    conflicts(&catalog, &adding(&[segment(1)])).await;
}

pub(crate) async fn watermarks_never_go_back(database: impl Database) {
    let catalog = database.open().await;
    let other = TenantId::new("other").expect("legal");
    let raising = |tenant: &TenantId, position| Change {
        watermarks: vec![(tenant.clone(), Signal::Traces, position)],
        ..adding(&[])
    };
    commit(&catalog, &raising(&TenantId::default_tenant(), 5)).await;
    commit(&catalog, &raising(&TenantId::default_tenant(), 8)).await;
    commit(&catalog, &raising(&TenantId::default_tenant(), 8)).await;
    commit(&catalog, &raising(&other, 3)).await;
    conflicts(&catalog, &raising(&TenantId::default_tenant(), 7)).await;
    let expected = [(TenantId::default_tenant(), Signal::Traces, 8), (other, Signal::Traces, 3)];
    assert_eq!(load(&catalog).await.watermarks, expected);
}

pub(crate) async fn dead_segments_are_listed_until_forgotten(database: impl Database) {
    let catalog = database.open().await;
    commit(&catalog, &adding(&[segment(1), segment(2), segment(3)])).await;
    commit(&catalog, &removing(&[&segment(2)], NOW)).await;
    commit(&catalog, &removing(&[&segment(1)], NOW.saturating_add(SECOND))).await;
    let dead = async |before| catalog.dead_segments(before).await.expect("lists");
    assert_eq!(dead(NOW).await, []);
    assert_eq!(dead(NOW.saturating_add(SECOND)).await, [segment(2)]);
    assert_eq!(dead(UnixNanos(u64::MAX)).await, [segment(2), segment(1)]);
    catalog.forget(&[segment(2).id, segment(3).id, segment(9).id]).await.expect("forgets");
    assert_eq!(dead(UnixNanos(u64::MAX)).await, [segment(1)]);
    assert_eq!(load(&catalog).await.segments, [segment(3)], "a visible segment cannot be forgotten");
    let paths = catalog.object_paths().await.expect("lists");
    let expected = [segment(1), segment(3)].into_iter().flat_map(|segment| segment.objects);
    assert_eq!(paths, expected.map(|object| object.path).collect());
}

pub(crate) async fn request_hashes_are_kept_for_ten_minutes(database: impl Database) {
    let catalog = database.open().await;
    let minute = 60 * SECOND;
    let hashes = |hashes: &[(u128, UnixNanos)], at: UnixNanos| Change {
        request_hashes: hashes
            .iter()
            .map(|&(hash, received_at)| (TenantId::default_tenant(), Signal::Logs, hash, received_at))
            .collect(),
        at,
        ..Change::default()
    };
    let kept = async |since| {
        let state = catalog.load(since).await.expect("loads");
        state.request_hashes.into_iter().map(|(_, _, hash, at)| (hash, at)).collect::<Vec<_>>()
    };
    let (first, later) = (NOW, NOW.saturating_add(minute));
    commit(&catalog, &hashes(&[(1, first), (2 << 64, first), (3, later)], NOW)).await;
    assert_eq!(kept(UnixNanos(0)).await, [(1, first), (2 << 64, first), (3, later)]);
    assert_eq!(kept(later).await, [(3, later)]);
    // Seen again: the later sighting counts.
    commit(&catalog, &hashes(&[(1, later), (1, first)], NOW)).await;
    commit(&catalog, &hashes(&[], NOW.saturating_add(10 * minute))).await;
    assert_eq!(kept(UnixNanos(0)).await.len(), 3, "ten minutes old, not older");
    commit(&catalog, &hashes(&[], NOW.saturating_add(10 * minute + 1))).await;
    assert_eq!(kept(UnixNanos(0)).await, [(1, later), (3, later)]);
}

pub(crate) async fn a_change_with_very_many_hashes_is_one_transaction(database: impl Database) {
    let catalog = database.open().await;
    let hash = |number: u128| (TenantId::default_tenant(), Signal::Traces, number, NOW);
    let change = Change { request_hashes: (0..20_011).map(hash).collect(), ..adding(&[segment(1)]) };
    commit(&catalog, &change).await;
    assert_eq!(load(&catalog).await.request_hashes.len(), 20_011);
}

pub(crate) async fn commits_at_the_same_time_remove_a_segment_once(database: impl Database) {
    let catalog = database.open().await;
    commit(&catalog, &adding(&[segment(0)])).await;
    let merges = (1..9).map(|number| Change { add: vec![segment(number)], ..removing(&[&segment(0)], NOW) });
    let results = futures::future::join_all(merges.map(async |change| catalog.commit(&change).await)).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(load(&catalog).await.segments.len(), 1);
}

/// The tests of the suite, run on what `$database` makes.
macro_rules! suite {
    ($database:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                crate::catalog::contract::$name($database).await;
            }
        )*
    };
    ($database:expr) => {
        crate::catalog::contract::suite! { $database;
            a_new_catalog_is_empty
            what_was_committed_is_loaded_after_a_crash
            a_merge_swaps_segments_in_one_step
            removing_what_is_not_visible_fails_as_a_whole
            an_id_or_a_path_is_used_once
            watermarks_never_go_back
            dead_segments_are_listed_until_forgotten
            request_hashes_are_kept_for_ten_minutes
            a_change_with_very_many_hashes_is_one_transaction
            commits_at_the_same_time_remove_a_segment_once
        }
    };
}

pub(crate) use suite;
