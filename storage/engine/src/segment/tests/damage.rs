//! Damaged objects are noticed and named.

use object_store::ObjectStoreExt;
use object_store::path::Path;
use tracewell_model::{Signal, TimeRange};

use super::{remote, run, samples, segment};
use crate::segment::Segment;
use crate::{Predicate, ScanRequest, StorageError, StorageErrorKind};

async fn read_everything(segment: &std::sync::Arc<Segment>) -> Result<(), StorageError> {
    use futures::TryStreamExt;
    let text = crate::TextPattern::Phrase(vec!["connection".to_owned()]);
    let request = ScanRequest { columns: Vec::new(), time: TimeRange::ALL, predicate: Predicate::Text(text) };
    let scan = segment.scan(0, &request);
    scan.try_for_each(|_| async { Ok(()) }).await?;
    let rows = segment.meta().rows as u32;
    segment.read_rows(0..rows).await?;
    for number in 1..=20 {
        let mut id = [0; 16];
        id[15] = number;
        segment.trace_rows(tracewell_model::TraceId(id)).await?;
    }
    Ok(())
}

#[test]
fn any_flipped_bit_is_an_error_that_names_the_object_or_changes_nothing() {
    run(async {
        for signal in [Signal::Traces, Signal::Logs] {
            let store = remote();
            let sound = segment(&store, &samples::records(signal, 9, 150), true).await;
            read_everything(&sound).await.expect("sound");
            for object in &sound.meta().objects {
                let path = Path::from(object.path.as_str());
                let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
                let mut noticed = 0;
                let steps = 40;
                for step in 0..steps {
                    let mut damaged = bytes.to_vec();
                    let at = (bytes.len() - 1) * step / (steps - 1);
                    damaged[at] ^= 1 << (step % 8);
                    store.put(&path, damaged.into()).await.expect("writes");
                    let segment = Segment::open(&store, sound.meta().clone());
                    if let Err(error) = read_everything(&segment).await {
                        assert_eq!(error.kind(), StorageErrorKind::Corrupt, "{error}");
                        assert!(error.to_string().contains(&object.path), "{error}");
                        noticed += 1;
                    }
                }
                assert!(noticed > steps / 2, "{noticed} of {steps} noticed in {}", object.path);
                store.put(&path, bytes.into()).await.expect("writes");
            }
        }
    });
}

#[test]
fn a_lost_or_shortened_object_is_named() {
    run(async {
        let store = remote();
        let sound = segment(&store, &samples::records(Signal::Logs, 2, 100), false).await;
        for object in &sound.meta().objects {
            let path = Path::from(object.path.as_str());
            let bytes = store.get(&path).await.expect("there").bytes().await.expect("reads");
            store.put(&path, bytes.slice(..bytes.len() - 1).into()).await.expect("writes");
            let error = read_everything(&Segment::open(&store, sound.meta().clone())).await.expect_err("damaged");
            assert!(error.to_string().contains(&object.path), "{error}");
            store.delete(&path).await.expect("deletes");
            let error = read_everything(&Segment::open(&store, sound.meta().clone())).await.expect_err("lost");
            assert!(error.to_string().contains(&object.path), "{error}");
            store.put(&path, bytes.into()).await.expect("writes");
        }
    });
}
