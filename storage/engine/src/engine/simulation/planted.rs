//! Whether the simulation finds bugs: each planted one has to be caught within [`SEEDS_MAX`] seeds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use parking_lot::Mutex;

use super::history::run;
use super::keep_panics;
use crate::bugs::{Bug, plant};

/// So many seeds are tried for a bug.
const SEEDS_MAX: u64 = 1_000;

const BUGS: [Bug; 23] = [
    Bug::SkippedSync,
    Bug::SkippedDirectorySync,
    Bug::RetriedSync,
    Bug::EarlyAcknowledgement,
    Bug::FullDiskAcknowledged,
    Bug::LostTailOfGroup,
    Bug::IgnoredChecksum,
    Bug::DoubleReplay,
    Bug::VoidFramesRead,
    Bug::EarlyTruncation,
    Bug::EarlyDeletion,
    Bug::WatermarkBeforeSegment,
    Bug::SwapInTwoSteps,
    Bug::LostTailOfFlush,
    Bug::WrongTenant,
    Bug::RetentionBySendersClock,
    Bug::MergeDropsRow,
    Bug::MergeKeepsInput,
    Bug::FailedCommitForgotten,
    Bug::ForgottenHashes,
    Bug::LeakedBudget,
    Bug::WrongPruning,
    Bug::IgnoredBlockChecksum,
];

/// `TRACEWELL_SIMULATION_BUG` names one of them.
#[test]
#[ignore = "takes minutes: cargo xtask test runs it"]
fn every_planted_bug_is_found() {
    keep_panics();
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    let only = std::env::var("TRACEWELL_SIMULATION_BUG").ok();
    let work = || {
        while let Some(bug) = BUGS.get(next.fetch_add(1, Ordering::Relaxed)) {
            if only.as_ref().is_none_or(|name| *name == format!("{bug:?}")) && !is_found(*bug) {
                missed.lock().push(*bug);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let missed = missed.into_inner();
    assert!(missed.is_empty(), "not found within {SEEDS_MAX} seeds: {missed:?}");
}

fn is_found(bug: Bug) -> bool {
    let found = (0..SEEDS_MAX).find_map(|seed| {
        plant(Some(bug));
        let failure = run(seed, false).failure;
        plant(None);
        // Without the bug the seed has to pass: else it is another one that was found.
        failure.filter(|_| run(seed, false).failure.is_none()).map(|failure| (seed, failure))
    });
    match &found {
        Some((seed, failure)) => println!("| {bug:?} | {seed} | {failure} |"),
        None => println!("| {bug:?} | none | |"),
    }
    found.is_some()
}
