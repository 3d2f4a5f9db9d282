//! A run: lives of the storage, one after the other on the same devices, and what has to hold in the end.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::catalog::SimulatedCatalog;
use super::chance::Chance;
use super::client::Client;
use super::disk::SimulatedDisk;
use super::executor::{self, Ended, Executor};
use super::machine::{Machine, Weather};
use super::oracle::Oracle;
use super::plan::Plan;
use super::store::SimulatedStore;
use crate::StorageError;
use crate::engine::open::{Devices, open_on};
use crate::engine::{Storage, lock::DirectoryLock};
use crate::world::World;

/// So often opening may fail while faults are injected.
const FAILED_OPENS_MAX: u32 = 20;
/// In good weather everything works again within this time.
const RECOVERY_MAX: Duration = Duration::from_secs(120);
const HOUR_NANOS: i128 = 3_600_000_000_000;

/// How a run went.
#[derive(Debug)]
pub(super) struct Report {
    /// What went wrong, if something did.
    pub failure: Option<String>,
    /// The same in two runs only when everything happened in the same way.
    pub history: u64,
    pub operations: u64,
    pub faults: u64,
    pub requests: u64,
    /// The last operations, when they are to be shown.
    pub shown: Vec<String>,
}

/// Runs a seed.
pub(super) fn run(seed: u64, shows: bool) -> Report {
    let mut chance = Chance::new(seed);
    let machine = Machine::new(chance.fork(), shows);
    let plan = Arc::new(Plan::draw(&mut chance));
    let oracle = Arc::new(Mutex::new(Oracle::new(plan.config.retention.clone())));
    let mut run = Run {
        disk: SimulatedDisk::new(&machine),
        store: SimulatedStore::new(&machine),
        catalog: SimulatedCatalog::new(&machine),
        machine: machine.clone(),
        oracle: Arc::clone(&oracle),
        plan,
        chance,
    };
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.live()));
    let failure = failure.unwrap_or_else(|_| Err(format!("panic: {}", super::last_panic()))).err();
    let requests = oracle.lock().sent.len() as u64;
    Report {
        failure,
        history: machine.history(),
        operations: machine.operations(),
        faults: machine.faults(),
        requests,
        shown: machine.shown(),
    }
}

struct Run {
    machine: Machine,
    disk: SimulatedDisk,
    store: SimulatedStore,
    catalog: SimulatedCatalog,
    oracle: Arc<Mutex<Oracle>>,
    plan: Arc<Plan>,
    chance: Chance,
}

impl Run {
    fn live(&mut self) -> Result<(), String> {
        for _ in 0..self.plan.starts {
            let cut = self.plan.cuts_power && self.chance.happens(0.8);
            let life = self.life();
            let cut_after = cut.then(|| self.chance.heavy_tailed(600));
            let ended = self.start(cut_after, move || life.live())?;
            self.restart(ended.is_none())?;
        }
        self.machine.set_weather(Weather::default());
        self.machine.set_disk_full(false);
        let life = self.life();
        self.start(None, move || life.end_well())?;
        self.restart(false)?;
        // So that nothing is too young to be an orphan.
        let now = self.machine.now();
        self.oracle.lock().clock_shows(now);
        let latest = self.oracle.lock().latest_clock().max(now.0);
        self.machine.move_clock(i128::from(latest - now.0) + HOUR_NANOS);
        let life = self.life();
        self.start(None, move || life.leave_nothing_behind()).map(drop)
    }

    fn life(&mut self) -> Life {
        Life {
            machine: self.machine.clone(),
            disk: self.disk.clone(),
            store: self.store.clone(),
            catalog: self.catalog.clone(),
            oracle: Arc::clone(&self.oracle),
            plan: Arc::clone(&self.plan),
            chance: self.chance.fork(),
        }
    }

    /// Runs a life of the storage; none when the power was cut.
    fn start<F>(&mut self, cut_after: Option<u64>, life: impl FnOnce() -> F) -> Result<Option<()>, String>
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.machine.start(self.machine.elapsed());
        self.machine.cut_power_after(cut_after);
        let executor = Executor::new(self.chance.fork(), self.machine.elapsed());
        let ended = executor.run(life());
        self.machine.start(executor.elapsed());
        match ended {
            Ended::Finished(result) => result.map(Some),
            Ended::PowerCut => Ok(None),
        }
    }

    /// What happens to the devices between two lives.
    fn restart(&mut self, was_cut: bool) -> Result<(), String> {
        let lost_power = self.chance.happens(if was_cut { 0.7 } else { 0.4 });
        self.machine.note(if lost_power { "power lost" } else { "killed" }, "");
        self.disk.restart(&mut self.chance, lost_power);
        self.catalog.restart(&mut self.chance);
        if self.plan.damages_journal
            && self.chance.happens(0.5)
            && let Some(place) = self.disk.damage(&mut self.chance)
        {
            self.machine.note("damage", &place);
            // A sector may hold several small frames.
            self.oracle.lock().allow_losses(if place.contains("sector") { 12 } else { 1 });
        }
        if self.plan.damages_objects && self.chance.happens(0.5) {
            let (store, mut chance) = (self.store.clone(), self.chance.fork());
            if let Some(path) = futures::executor::block_on(store.damage(&mut chance)) {
                self.machine.note("damage", path.as_ref());
            }
        }
        Ok(())
    }
}

/// One life of the storage.
struct Life {
    machine: Machine,
    disk: SimulatedDisk,
    store: SimulatedStore,
    catalog: SimulatedCatalog,
    oracle: Arc<Mutex<Oracle>>,
    plan: Arc<Plan>,
    chance: Chance,
}

impl Life {
    async fn live(mut self) -> Result<(), String> {
        if self.chance.happens(0.7) {
            self.machine.set_weather(self.plan.weather);
        }
        let client = self.open().await?;
        client.check_everything().await?;
        let mut clients = Vec::new();
        for _ in 0..self.plan.clients {
            let (done, result) = oneshot::channel();
            let (client, chance) = (client.clone(), self.chance.fork());
            executor::current().spawn(0, Box::pin(async move { drop(done.send(client.live(chance).await)) }));
            clients.push(result);
        }
        for result in clients {
            result.await.map_err(|_| "a client was dropped".to_owned())??;
        }
        self.machine.set_disk_full(false);
        client.check_everything().await?;
        if self.chance.happens(0.4) {
            self.machine.set_weather(Weather::default());
            client.storage.flush().await.map_err(|error| format!("I4: flushing fails in good weather: {error}"))?;
            executor::sleep(Duration::from_secs(3)).await;
            check_memory(&client)?;
        }
        if self.chance.happens(0.4) {
            client.storage.close().await.map_err(|error| format!("closing fails: {error}"))?;
        }
        Ok(())
    }

    /// In good weather everything is taken, kept and found.
    async fn end_well(self) -> Result<(), String> {
        let client = self.open().await?;
        client.check_everything().await?;
        let since = executor::current().elapsed();
        loop {
            let unanswered = self.oracle.lock().unanswered();
            if unanswered.is_empty() {
                break;
            }
            client.send(&unanswered).await;
            executor::sleep(Duration::from_millis(500)).await;
            if executor::current().elapsed() > since + RECOVERY_MAX {
                let why = client.storage.stats().degraded;
                return Err(format!("I4: appends are still refused in good weather: {why:?}"));
            }
        }
        client.check_everything().await?;
        let failed = |what: &str, error: StorageError| format!("I4: {what} fails in good weather: {error}");
        client.storage.flush().await.map_err(|error| failed("flushing", error))?;
        client.check_everything().await?;
        client.storage.compact_now().await.map_err(|error| failed("compaction", error))?;
        client.check_everything().await?;
        executor::sleep(Duration::from_secs(3)).await;
        self.check_rest(&client)?;
        self.ask_much(&client).await?;
        client.storage.close().await.map_err(|error| failed("closing", error))
    }

    async fn ask_much(mut self, client: &Client) -> Result<(), String> {
        for _ in 0..12 {
            client.ask_something(&mut self.chance).await?;
        }
        Ok(())
    }

    /// When nothing is to be done, nothing is held.
    fn check_rest(&self, client: &Client) -> Result<(), String> {
        let stats = client.storage.stats();
        check_memory(client)?;
        if let Some(reason) = stats.degraded {
            return Err(format!("I4: still degraded in good weather: {reason}"));
        }
        let set_aside = stats.damaged.iter().filter(|damage| damage.contains("journal file")).count();
        let files = self.disk.files();
        if files > set_aside + 1 {
            return Err(format!("{files} journal files are left though everything is flushed: {:?}", stats.damaged));
        }
        self.check_damage(client)
    }

    /// Nothing is said to be damaged that is not.
    fn check_damage(&self, client: &Client) -> Result<(), String> {
        let damaged = client.storage.stats().damaged;
        let has_reason = self.plan.damages_journal || self.store.has_damage() || self.plan.weather.journal_read > 0.0;
        if damaged.is_empty() || has_reason {
            return Ok(());
        }
        Err(format!("something is said to be damaged that is not: {damaged:?}"))
    }

    /// No object is left that nobody knows.
    async fn leave_nothing_behind(self) -> Result<(), String> {
        let client = self.open().await?;
        client.check_everything().await?;
        // Until what is dead is gone, whatever the grace.
        executor::sleep(self.plan.config.deletion_grace + Duration::from_secs(60)).await;
        client.check_everything().await?;
        let (visible, dead) = self.catalog.paths();
        let known = |path: &str| visible.contains(path) || dead.contains(path);
        let left: Vec<String> = self.store.paths().iter().map(ToString::to_string).collect();
        if let Some(path) = visible.iter().find(|path| !left.contains(path)) {
            return Err(format!("I1: object {path} of a visible segment is gone"));
        }
        match left.iter().find(|path| !known(path)) {
            // With an empty catalog nothing is deleted: it may be the catalog that was lost.
            Some(path) if !visible.is_empty() => Err(format!("object {path} is left behind")),
            _ => Ok(()),
        }
    }

    /// Opens the storage as a supervisor would: again and again, with the faults growing fewer.
    async fn open(&self) -> Result<Client, String> {
        for attempt in 0..=FAILED_OPENS_MAX {
            if attempt == FAILED_OPENS_MAX {
                self.machine.set_weather(Weather::default());
            }
            let faults = self.machine.faults();
            let devices = Devices {
                world: Arc::new(self.machine.clone()),
                disk: Arc::new(self.disk.clone()),
                store: Arc::new(self.store.clone()),
                catalog: Arc::new(self.catalog.clone()),
                lock: DirectoryLock::none(),
            };
            let opened = open_on(self.plan.config.clone(), devices).await;
            if self.machine.weather().journal_read > 0.0 && self.machine.faults() > faults {
                // A part of the journal that cannot be read is given up, and that is said.
                self.oracle.lock().allow_losses(1_000_000);
            }
            match opened {
                Ok(inner) => {
                    let client = Client {
                        storage: Storage { inner },
                        machine: self.machine.clone(),
                        store: self.store.clone(),
                        oracle: Arc::clone(&self.oracle),
                        plan: Arc::clone(&self.plan),
                    };
                    self.check_damage(&client)?;
                    return Ok(client);
                }
                Err(error) if self.machine.faults() == faults => {
                    return Err(format!("I4: opening fails without a fault: {error}"));
                }
                Err(_) => executor::sleep(Duration::from_secs(1)).await,
            }
        }
        Err("I4: opening fails again and again".to_owned())
    }
}

/// I5: an empty live tier takes no memory.
fn check_memory(client: &Client) -> Result<(), String> {
    match client.storage.inner.shared.budget.used() {
        0 => Ok(()),
        used => Err(format!("I5: {used} bytes are counted for an empty live tier")),
    }
}
