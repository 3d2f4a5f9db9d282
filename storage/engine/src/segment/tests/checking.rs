//! What verifying says of segments that can be read in full.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tracewell_model::{Records, Signal, Spans};
use xxhash_rust::xxh3::xxh3_64;

use super::{remote, run, samples, segment_of_groups};
use crate::VerifyReport;
use crate::catalog::ObjectMeta;
use crate::maintenance::check_segments;
use crate::rollup::{MemoryRollup, RollupBuilder, differences};
use crate::segment::Segment;
use crate::segment::index::{IndexWriter, Section};
use crate::world::blocking;

/// The same segment, but with the rollup of other records, whose checksums are right.
async fn with_rollup_of(store: &Arc<dyn ObjectStore>, sound: &Arc<Segment>, others: &Records) -> Arc<Segment> {
    let opening = Arc::clone(sound);
    let head = blocking(move || Ok(opening.opened()?.head.clone())).await.expect("opens");
    let mut meta = sound.meta().clone();
    let path = Path::from(meta.objects[2].path.as_str());
    let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
    let sections = bytes.slice(head.body_start as usize..);
    let rollup = RollupBuilder::of_records(others).expect("a rollup");
    let mut index = IndexWriter::default();
    for (section, _) in head.sections() {
        let range = head.section(section).expect("there");
        let bytes = match section {
            Section::RollupHead => rollup.head.clone(),
            Section::RollupBody => rollup.body.clone(),
            _ => sections.slice(range.start as usize..range.end as usize),
        };
        index.section(section, &bytes);
    }
    let index = index.finish(&head.row_groups, &head.rows, head.scopes);
    let path = Path::from(format!("{path}-with-other-rollup"));
    meta.objects[2] = ObjectMeta { path: path.to_string(), bytes: index.len() as u64, checksum: xxh3_64(&index) };
    store.put(&path, index.into()).await.expect("writes");
    Segment::open(store, meta)
}

async fn problems(segment: &Arc<Segment>) -> Vec<String> {
    let mut report = VerifyReport::default();
    check_segments(&[Arc::clone(segment)], &mut report).await.expect("checks");
    report.problems.into_iter().map(|problem| format!("{}: {}", problem.subject, problem.reason)).collect()
}

#[test]
fn a_rollup_that_does_not_agree_with_the_rows_is_named_with_its_segment() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let store = remote();
            let records = samples::records(signal, 5, 600);
            let sound = segment_of_groups(&store, &records, true, 100).await;
            assert_eq!(problems(&sound).await, [""; 0], "{signal}");
            assert_eq!(problems(&with_rollup_of(&store, &sound, &records).await).await, [""; 0], "{signal}");
            let other = match records {
                Records::Spans(mut spans) => {
                    spans.kind[300] = 1_234;
                    Records::Spans(spans)
                }
                Records::Logs(mut logs) => {
                    logs.severity_number[300] = 1_234;
                    Records::Logs(logs)
                }
            };
            let wrong = with_rollup_of(&store, &sound, &other).await;
            let problems = problems(&wrong).await;
            let id = wrong.meta().id.to_string();
            assert!(problems.iter().any(|problem| problem.contains("under other keys")), "{problems:?}");
            let is_named = |problem: &String| problem.contains(&id) && problem.contains("its rollup");
            assert!(problems.iter().all(is_named), "{problems:?}");
        }
    });
}

fn rollup(spans: &Spans) -> MemoryRollup {
    RollupBuilder::of_records(&Records::Spans(spans.clone())).and_then(MemoryRollup::new).expect("a rollup")
}

#[test]
fn every_kind_of_difference_of_a_rollup_is_told() {
    let Records::Spans(spans) = samples::records(Signal::Traces, 4, 300) else { panic!("spans") };
    let sound = rollup(&spans);
    let told = |change: &dyn Fn(&mut Spans)| {
        let mut others = spans.clone();
        change(&mut others);
        let stored = rollup(&others);
        let found = differences(Signal::Traces, &|request| stored.part(request), &|request| sound.part(request));
        found.expect("compares").join("; ")
    };
    assert_eq!(told(&|_| {}), "");
    let row = (0..spans.len()).find(|&row| spans.start[row] < 1 << 62 && spans.duration(row) < 1_000_000_000);
    let row = row.expect("an ordinary span");
    let kind = told(&|spans| spans.kind[row] = 1_234);
    assert!(kind.contains("under other keys"), "{kind}");
    let duration = told(&|spans| spans.end[row] = spans.start[row] + 90_000_000_000);
    assert!(duration.contains("of the minute") && duration.contains("of the hour"), "{duration}");
    let time = told(&|spans| {
        spans.start[row] += 600_000_000_000;
        spans.end[row] += 600_000_000_000;
    });
    assert!(time.contains(" spans in the minute from "), "{time}");
    let present = told(&|spans| spans.status_code[row] = i32::from(spans.status_code[row] == 0));
    assert!(present.contains("rows have StatusCode"), "{present}");
}
