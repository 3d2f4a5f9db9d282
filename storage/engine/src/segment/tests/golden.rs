//! Segments that earlier versions wrote stay readable. `tests/golden/v1` holds one of each signal as version 1 of the
//! format has them, with all their records as text; `v1-words-by-row` as it was before wordings, `v1-without-rollup` before rollups.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tracewell_model::{Records, Signal, TenantId, TimeRange, UnixNanos};
use ulid::Ulid;

use super::samples::{canonical, records};
use super::{local, run, segment};
use crate::catalog::{ObjectMeta, SegmentMeta};
use crate::rollup::{MemoryRollup, RollupBuilder};
use crate::scan::RowCount;
use crate::segment::{OnDamage, Segment};
use crate::{Column, Predicate, RollupRequest, RollupTable, ScanRequest, Share, TextPattern};

const OBJECTS: [&str; 3] = ["rows.parquet", "scopes.parquet", "index"];
const ROWS: usize = 40;

/// What the present version writes, and what earlier ones wrote.
const KINDS: [&str; 5] = ["v1", "v1-without-trigrams", "v1-with-filters", "v1-words-by-row", "v1-without-rollup"];

fn directory(kind: &str, signal: Signal) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind).join(signal.as_str())
}

fn open(kind: &str, signal: Signal) -> Arc<Segment> {
    let directory = directory(kind, signal);
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(&directory).expect("golden files"));
    let objects = OBJECTS.map(|name| {
        let bytes = std::fs::read(directory.join(name)).expect("a golden file");
        let checksum = xxhash_rust::xxh3::xxh3_64(&bytes);
        ObjectMeta { path: name.to_owned(), bytes: bytes.len() as u64, checksum }
    });
    let meta = SegmentMeta {
        id: Ulid::nil(),
        tenant: TenantId::default_tenant(),
        signal,
        level: 1,
        time_min: UnixNanos(0),
        time_max: UnixNanos(u64::MAX),
        rows: ROWS as u64,
        bytes: 0,
        format_version: 1,
        created_at: UnixNanos(0),
        objects: objects.to_vec(),
    };
    Segment::open(&store, meta)
}

fn text_of(records: &Records) -> String {
    canonical(records).join("\n") + "\n"
}

#[test]
fn segments_of_version_1_are_read_in_full() {
    run(async {
        for (kind, signal) in KINDS.into_iter().flat_map(|kind| [(kind, Signal::Traces), (kind, Signal::Logs)]) {
            let segment = open(kind, signal);
            let expected = std::fs::read_to_string(directory(kind, signal).join("records.txt")).expect("a golden file");
            let read = segment.read_rows(0..ROWS as u32).await.expect("reads");
            assert_eq!(text_of(&read), expected);
            let chunk = Arc::new(read);
            let tokens = |tokens: &[&str]| tokens.iter().map(|token| (*token).to_owned()).collect();
            let patterns = [
                TextPattern::Phrase(tokens(&["connection", "refused"])),
                TextPattern::Phrase(tokens(&["300ms"])),
                TextPattern::Phrase(tokens(&["301ms"])),
                TextPattern::Prefix(tokens(&["after", "300"])),
            ];
            for (number, pattern) in patterns.into_iter().enumerate() {
                let predicate = Predicate::Text(pattern);
                let request = ScanRequest { columns: vec![Column::Address], time: TimeRange::ALL, predicate };
                let looked_at = RowCount::default();
                let batches: Vec<_> = segment
                    .scan(0, Share::WHOLE, &request, &OnDamage::Fail, &looked_at)
                    .try_collect()
                    .await
                    .expect("scans");
                let found: usize = batches.iter().map(|batch| batch.num_rows()).sum();
                let live = crate::scan::scan_live(Arc::clone(&chunk), 0, &request, &looked_at);
                let live: Vec<_> = live.try_collect().await.expect("scans");
                assert_eq!(found, live.iter().map(|batch| batch.num_rows()).sum::<usize>());
                assert_eq!(found > 0, number != 2, "{kind} {signal}: {:?}", request.predicate);
            }
        }
    });
}

#[test]
fn segments_of_version_1_are_counted_whether_they_have_a_rollup_or_not() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let table = if signal == Signal::Traces { RollupTable::Spans } else { RollupTable::Logs };
            let all = || RollupRequest::minutes(table, 0..u32::MAX);
            let mut counted = Vec::new();
            for kind in KINDS {
                let segment = open(kind, signal);
                let part = segment.rollup(all(), &OnDamage::Fail).await.expect("a rollup");
                let mut cells = BTreeMap::new();
                let visited = part.visit(|cell| {
                    let key = format!("{:?} {:?}", part.span_keys().get(cell.key), part.log_keys().get(cell.key));
                    cells.insert((cell.minute, key), (cell.count, cell.durations.to_vec()));
                });
                visited.expect("undamaged");
                assert_eq!(cells.values().map(|(count, _)| count).sum::<u64>(), ROWS as u64, "{kind} {signal}");
                let records = segment.read_rows(0..ROWS as u32).await.expect("reads");
                let made = RollupBuilder::of_records(&records).and_then(MemoryRollup::new).expect("a rollup");
                let present: Vec<_> = part.present(signal).map(|(_, count)| count).collect();
                let expected = made.part(&all()).expect("a part");
                assert_eq!(present, expected.present(signal).map(|(_, count)| count).collect::<Vec<_>>());
                counted.push(cells);
            }
            assert!(counted.iter().all(|counts| *counts == counted[0]));
        }
    });
}

#[test]
fn rollups_of_version_1_agree_with_their_rows() {
    run(async {
        for (kind, signal) in KINDS.into_iter().flat_map(|kind| [(kind, Signal::Traces), (kind, Signal::Logs)]) {
            let mut findings = open(kind, signal).check().await.expect("checks");
            // Nothing else: the catalog of this test knows no times.
            findings.retain(|finding| finding.contains("rollup"));
            assert_eq!(findings, [""; 0], "{kind} {signal}");
        }
    });
}

/// Writes the golden files of the present version. Run by hand when the version of the format changes.
#[test]
#[ignore = "writes files into the source tree"]
fn write_golden_files() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let (root, store) = local();
            let segment = segment(&store, &records(signal, 1, ROWS), true).await;
            std::fs::create_dir_all(directory(KINDS[0], signal)).expect("a directory");
            for (object, name) in segment.meta().objects.iter().zip(OBJECTS) {
                std::fs::copy(root.path().join(&object.path), directory(KINDS[0], signal).join(name)).expect("copies");
            }
            let read = segment.read_rows(0..ROWS as u32).await.expect("reads");
            std::fs::write(directory(KINDS[0], signal).join("records.txt"), text_of(&read)).expect("writes");
        }
    });
}
