//! Histories of appends, flushes, faults and crashes: acknowledged requests are there exactly once, others at most once.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::journal::faulty::Kept;

#[derive(Clone, Debug)]
enum Step {
    /// Appends requests of this many rows, all at once.
    Append(Vec<u64>),
    /// Sends everything again that was not acknowledged, as senders do.
    Resend,
    Flush,
    Compact,
    FailSync,
    FailWrite,
    Crash(Kept),
}

fn step() -> impl Strategy<Value = Step> {
    let kept = prop_oneof![
        Just(Kept::Nothing),
        Just(Kept::Everything),
        (0..3000_usize).prop_map(Kept::Prefix),
        Just(Kept::EverySecondSector),
    ];
    prop_oneof![
        6 => prop::collection::vec(1..20_u64, 1..4).prop_map(Step::Append),
        2 => Just(Step::Resend),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::FailSync),
        1 => Just(Step::FailWrite),
        3 => kept.prop_map(Step::Crash),
    ]
}

/// What senders know.
#[derive(Default)]
struct Senders {
    next: u64,
    acknowledged: BTreeSet<u64>,
    /// Requests without an acknowledgement: bodies and their numbers.
    pending: Vec<(Append, std::ops::Range<u64>)>,
}

impl Senders {
    fn make(&mut self, rows: &[u64]) {
        for rows in rows {
            let numbers = self.next..self.next + rows;
            self.next = numbers.end;
            self.pending.push((logs(numbers.clone()), numbers));
        }
    }

    async fn send(&mut self, storage: &Storage) {
        let sending = self.pending.iter().map(|(append, _)| storage.append(duplicates::again(append)));
        let answers = futures::future::join_all(sending).await;
        let mut answers = answers.into_iter();
        self.pending.retain(|(_, numbers)| match answers.next() {
            Some(Ok(_)) => {
                self.acknowledged.extend(numbers.clone());
                false
            }
            _ => true,
        });
    }

    fn check(&self, found: &[u64]) {
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "a row is there twice: {found:?}");
        let found: BTreeSet<u64> = found.iter().copied().collect();
        assert!(found.is_superset(&self.acknowledged), "an acknowledged row is lost");
        for (_, numbers) in &self.pending {
            let there = numbers.clone().filter(|number| found.contains(number)).count() as u64;
            assert!(there == 0 || there == numbers.end - numbers.start, "half a request is there");
        }
        assert!(found.iter().all(|number| *number < self.next), "a row was invented");
    }
}

async fn live_through(steps: Vec<Step>) {
    let mut setting = Setting::new();
    setting.config.journal_file_bytes = 8 << 10;
    let mut disk = FaultyDisk::default();
    let mut storage = setting.open_on(&disk).await;
    let mut senders = Senders::default();
    for step in steps.into_iter().chain([Step::Crash(Kept::Nothing), Step::Resend]) {
        match step {
            Step::Append(rows) => {
                senders.make(&rows);
                senders.send(&storage).await;
            }
            Step::Resend => senders.send(&storage).await,
            Step::Flush => storage.flush().await.expect("flushes"),
            Step::Compact => storage.compact_now().await.expect("merges"),
            Step::FailSync => disk.fail_syncs(1),
            Step::FailWrite => disk.fail_writes(1),
            Step::Crash(kept) => {
                drop(storage);
                disk = disk.crashed(kept);
                storage = setting.open_on(&disk).await;
                assert_eq!(storage.stats().damaged, [""; 0]);
            }
        }
        senders.check(&numbers(&storage).await);
    }
    until("health", || storage.stats().degraded.is_none()).await;
    senders.send(&storage).await;
    assert_eq!(numbers(&storage).await, (0..senders.next).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_history_loses_doubles_tears_or_invents_a_request(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("starts").block_on(live_through(steps));
    }
}
