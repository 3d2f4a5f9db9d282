//! The machine that the simulated storage runs on: its clock, its weather (which faults happen how often), the count
//! of everything done to its devices, and the moment when its power is cut.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tracewell_model::UnixNanos;
use ulid::Ulid;

use super::chance::{Chance, mix};
use super::executor;
use crate::world::{Pool, World};

/// So many operations are kept to be shown.
const SHOWN_MAX: usize = 4_000;

/// How often faults happen: probabilities of an operation to fail in this way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    pub journal_write: f64,
    pub journal_sync: f64,
    pub journal_read: f64,
    /// Making, listing, renaming, removing and cutting files, and syncing the directory.
    pub journal_files: f64,
    pub store_put: f64,
    pub store_get: f64,
    pub store_other: f64,
    pub catalog_commit: f64,
    pub catalog_read: f64,
}

/// What is to become of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It succeeds.
    Done,
    /// It fails.
    Fails,
    /// The power is cut when it is done, before anybody is told.
    DoneThenCut,
}

struct State {
    chance: Chance,
    weather: Weather,
    operations: u64,
    /// The operation at which the power is cut.
    cut_at: Option<u64>,
    /// Nothing works any more until the next start.
    is_off: bool,
    disk_full: bool,
    clock_offset: i128,
    elapsed: Duration,
    faults: u64,
    history: u64,
    shown: Option<VecDeque<String>>,
}

/// The machine. Clones share it.
#[derive(Clone)]
pub(super) struct Machine(Arc<Mutex<State>>);

/// When the first start is.
const BEGINNING: i128 = 1_700_000_000_000_000_000;

static INSTANT_ZERO: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);

impl Machine {
    /// `shows`: keep the last operations to show them.
    pub(super) fn new(chance: Chance, shows: bool) -> Machine {
        let state = State {
            chance,
            weather: Weather::default(),
            operations: 0,
            cut_at: None,
            is_off: false,
            disk_full: false,
            clock_offset: BEGINNING,
            elapsed: Duration::ZERO,
            faults: 0,
            history: 0,
            shown: shows.then(VecDeque::new),
        };
        Machine(Arc::new(Mutex::new(state)))
    }

    /// An operation on a device. Does not return when the power is cut before it.
    pub(super) fn operation(&self, kind: &'static str, probability: impl FnOnce(&Weather) -> f64, what: &str) -> Fate {
        let fate = {
            let mut state = self.0.lock();
            if state.is_off {
                // Somebody caught the unwinding; or a destructor, which must not unwind, tidies up.
                drop(state);
                return if std::thread::panicking() { Fate::Fails } else { executor::cut_power() };
            }
            state.operations += 1;
            let fails = probability(&state.weather);
            let is_last = state.cut_at.is_some_and(|at| state.operations >= at);
            let fate = match is_last {
                true if state.chance.happens(0.5) => None,
                true => Some(Fate::DoneThenCut),
                false if fails > 0.0 && state.chance.happens(fails) => Some(Fate::Fails),
                false => Some(Fate::Done),
            };
            state.faults += u64::from(fate == Some(Fate::Fails));
            state.note(kind, what, fate);
            state.is_off = is_last;
            fate
        };
        // In the middle of it and before it are the same for what was not synced: see the devices.
        fate.unwrap_or_else(|| executor::cut_power())
    }

    /// Ends an operation.
    pub(super) fn after(&self, fate: Fate) {
        if fate == Fate::DoneThenCut {
            executor::cut_power();
        }
    }

    /// Writes into the history.
    pub(super) fn note(&self, kind: &'static str, what: &str) {
        self.0.lock().note(kind, what, None);
    }

    pub(super) fn chance<T>(&self, draw: impl FnOnce(&mut Chance) -> T) -> T {
        draw(&mut self.0.lock().chance)
    }

    pub(super) fn set_weather(&self, weather: Weather) {
        self.0.lock().weather = weather;
    }

    pub(super) fn weather(&self) -> Weather {
        self.0.lock().weather
    }

    /// Cuts the power at the operation `after` from now; none: never.
    pub(super) fn cut_power_after(&self, after: Option<u64>) {
        let mut state = self.0.lock();
        state.cut_at = after.map(|after| state.operations + after);
    }

    /// Starts again at the time `elapsed`.
    pub(super) fn start(&self, elapsed: Duration) {
        let mut state = self.0.lock();
        state.is_off = false;
        state.cut_at = None;
        state.elapsed = elapsed;
    }

    pub(super) fn elapsed(&self) -> Duration {
        if executor::is_running() { executor::current().elapsed() } else { self.0.lock().elapsed }
    }

    pub(super) fn is_disk_full(&self) -> bool {
        self.0.lock().disk_full
    }

    pub(super) fn set_disk_full(&self, full: bool) {
        self.0.lock().disk_full = full;
        self.note(if full { "disk full" } else { "disk has space" }, "");
    }

    /// Sets the time of day forward or backward.
    pub(super) fn move_clock(&self, by: i128) {
        self.0.lock().clock_offset += by;
        self.note("clock jumps", &format!("{} s", by / 1_000_000_000));
    }

    /// The number of faults that were injected so far.
    pub(super) fn faults(&self) -> u64 {
        self.0.lock().faults
    }

    /// Counts a fault that the machine did not choose itself.
    pub(super) fn add_fault(&self) {
        self.0.lock().faults += 1;
    }

    /// The number of operations so far.
    pub(super) fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// A number that two runs have in common only when everything happened in the same way.
    pub(super) fn history(&self) -> u64 {
        self.0.lock().history
    }

    /// The last operations.
    pub(super) fn shown(&self) -> Vec<String> {
        self.0.lock().shown.iter().flatten().cloned().collect()
    }
}

impl State {
    fn note(&mut self, kind: &'static str, what: &str, fate: Option<Fate>) {
        let elapsed = if executor::is_running() { executor::current().elapsed() } else { self.elapsed };
        let bytes = kind.bytes().chain(what.bytes());
        let event = bytes.fold(elapsed.as_nanos() as u64, |hash, byte| mix(hash ^ u64::from(byte)));
        self.history = mix(self.history ^ event ^ fate.map_or(3, |fate| fate as u64));
        if let Some(shown) = &mut self.shown {
            let fate = match fate {
                Some(Fate::Fails) => " FAILS",
                Some(Fate::DoneThenCut) => " done, POWER CUT",
                Some(Fate::Done) | None => "",
            };
            shown.push_back(format!("{:>9} {elapsed:>12.6?} {kind} {what}{fate}", self.operations));
            if shown.len() > SHOWN_MAX {
                shown.pop_front();
            }
        }
    }
}

impl World for Machine {
    fn now(&self) -> UnixNanos {
        let elapsed = self.elapsed().as_nanos() as i128;
        UnixNanos((self.0.lock().clock_offset + elapsed).clamp(0, i128::from(u64::MAX)) as u64)
    }

    fn instant(&self) -> Instant {
        *INSTANT_ZERO + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        executor::sleep(duration).boxed()
    }

    fn id(&self) -> Ulid {
        let random = self.chance(|chance| u128::from(chance.next()) << 64 | u128::from(chance.next()));
        Ulid::from_parts(self.now().0 / 1_000_000, random)
    }

    fn thread(&self, _: &str, work: BoxFuture<'static, ()>) -> std::io::Result<()> {
        executor::current().spawn(0, work);
        Ok(())
    }

    fn pool(&self, _: &str, _: usize) -> std::io::Result<Box<dyn Pool>> {
        Ok(Box::new(SimulatedPool { number: executor::current().new_pool(), is_closed: AtomicBool::new(false) }))
    }
}

struct SimulatedPool {
    number: u64,
    is_closed: AtomicBool,
}

impl Pool for SimulatedPool {
    fn spawn(&self, work: BoxFuture<'static, ()>) {
        if executor::is_running() && !self.is_closed.load(Ordering::Relaxed) {
            executor::current().spawn(self.number, work);
        }
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, ()> {
        self.is_closed.store(true, Ordering::Relaxed);
        if executor::is_running() {
            executor::current().cancel(self.number);
        }
        futures::future::ready(()).boxed()
    }
}

impl Drop for SimulatedPool {
    fn drop(&mut self) {
        if executor::is_running() {
            executor::current().cancel(self.number);
        }
    }
}
