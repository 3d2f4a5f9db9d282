//! Running seeds: a fixed set of them as a test, or as many as one likes (`cargo xtask simulate`).

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::catalog::SimulatedCatalog;
use super::chance::Chance;
use super::history::{Report, run};
use super::keep_panics;
use super::machine::Machine;
use crate::catalog::contract::{self, Database};

/// Run by `cargo test`, to see that the simulation works at all.
const SEEDS_OF_TESTS: u64 = 12;

/// `TRACEWELL_SIMULATION_SEED` replays one seed and shows what happened; `TRACEWELL_SIMULATION_FIRST`, `_SEEDS` and
/// `_SECONDS` say with which seed to begin, how many to run, and for how long.
#[test]
fn histories_of_faults_keep_all_promises() {
    keep_panics();
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let first = number("FIRST").unwrap_or(0);
    let end = first.saturating_add(number("SEEDS").unwrap_or(SEEDS_OF_TESTS));
    let seconds = number("SECONDS").map_or(Duration::MAX, Duration::from_secs);
    let failed = run_all(first..end, seconds);
    assert!(failed.is_empty(), "{} seeds failed", failed.len());
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(format!("TRACEWELL_SIMULATION_{name}")).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} {text:?}: {error}")))
}

fn replay(seed: u64) {
    let Report { failure, operations, faults, requests, shown, .. } = run(seed, true);
    shown.iter().for_each(|line| println!("{line}"));
    println!("seed {seed}: {operations} operations, {faults} faults, {requests} requests");
    assert_eq!(failure, None);
}

/// Runs seeds on all cores; those that failed.
fn run_all(seeds: Range<u64>, at_most: Duration) -> Vec<u64> {
    let began = Instant::now();
    let (next, done) = (AtomicU64::new(seeds.start), AtomicU64::new(0));
    let (operations, faults, requests) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failed = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || began.elapsed() >= at_most {
                return;
            }
            let report = run(seed, false);
            done.fetch_add(1, Ordering::Relaxed);
            operations.fetch_add(report.operations, Ordering::Relaxed);
            faults.fetch_add(report.faults, Ordering::Relaxed);
            requests.fetch_add(report.requests, Ordering::Relaxed);
            if let Some(failure) = report.failure {
                println!("seed {seed}: {failure}\n  to replay it: cargo xtask simulate --seed {seed}");
                failed.lock().push(seed);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    println!(
        "{} seeds from {} on in {:.0} s: {} operations, {} faults, {} requests, {} seeds failed",
        done.into_inner(),
        seeds.start,
        began.elapsed().as_secs_f64(),
        operations.into_inner(),
        faults.into_inner(),
        requests.into_inner(),
        failed.lock().len()
    );
    failed.into_inner()
}

#[test]
fn a_seed_is_one_history() {
    keep_panics();
    for seed in 0..6 {
        let (first, second) = (run(seed, false), run(seed, false));
        assert_eq!((first.history, first.operations), (second.history, second.operations), "seed {seed}");
    }
}

/// The catalog of the simulation: what is committed outlives its handle.
struct Model(SimulatedCatalog);

impl Database for Model {
    type Catalog = SimulatedCatalog;

    async fn open(&self) -> SimulatedCatalog {
        self.0.clone()
    }
}

contract::suite! { Model(SimulatedCatalog::new(&Machine::new(Chance::new(0), false))) }
