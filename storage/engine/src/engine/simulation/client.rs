//! Clients of the storage: they send, send again what was not acknowledged, ask, and do what operators do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tracewell_model::{Records, Signal, TenantId};

use super::chance::Chance;
use super::executor;
use super::machine::Machine;
use super::oracle::{Admits, Oracle, RequestNumber};
use super::plan::Plan;
use super::question::Question;
use super::records::{REQUEST_NUMBERS, request, rows_of};
use super::store::SimulatedStore;
use crate::engine::Storage;
use crate::world::World;
use crate::{RowAddress, Snapshot, StorageError, StorageErrorKind};

const SECOND: Duration = Duration::from_secs(1);
const HOUR_NANOS: i128 = 3_600_000_000_000;

/// What clients share.
#[derive(Clone)]
pub(super) struct Client {
    pub storage: Storage,
    pub machine: Machine,
    pub store: SimulatedStore,
    pub oracle: Arc<Mutex<Oracle>>,
    pub plan: Arc<Plan>,
}

impl Client {
    /// Does its actions, one after the other; what went wrong.
    pub(super) async fn live(self, mut chance: Chance) -> Result<(), String> {
        for _ in 0..self.plan.actions {
            self.act(&mut chance).await?;
            self.check_bounds()?;
            let pause = match chance.within(0..12) {
                0 => chance.heavy_tailed(600_000),
                1..5 => chance.heavy_tailed(2_000),
                _ => 0,
            };
            executor::sleep(Duration::from_millis(pause)).await;
        }
        Ok(())
    }

    async fn act(&self, chance: &mut Chance) -> Result<(), String> {
        match chance.within(0..26) {
            0..11 => self.send_new(chance).await,
            11 | 12 => self.send_again(chance).await,
            13..17 => self.ask_something(chance).await?,
            17 | 18 => self.hold_a_snapshot(chance).await?,
            // They may fail in bad weather: then nothing is lost, which is checked elsewhere.
            19 | 20 => drop(self.storage.flush().await),
            21 => drop(self.storage.compact_now().await),
            22 if self.plan.fills_disk => {
                self.machine.set_disk_full(true);
                executor::sleep(Duration::from_millis(chance.heavy_tailed(8_000))).await;
                self.machine.set_disk_full(false);
            }
            23 if self.plan.moves_clock => self.move_clock(chance),
            24 => self.machine.set_weather(self.plan.weather),
            25 => self.machine.set_weather(Default::default()),
            _ => {}
        }
        Ok(())
    }

    /// Sends some requests at once.
    async fn send_new(&self, chance: &mut Chance) {
        let numbers: Vec<RequestNumber> = (0..chance.heavy_tailed(6)).map(|_| self.new_request(chance)).collect();
        self.send(&numbers).await;
    }

    fn new_request(&self, chance: &mut Chance) -> RequestNumber {
        let tenant = self.plan.tenants[chance.within(0..self.plan.tenants.len() as u64) as usize].clone();
        let signal = chance.one(&[Signal::Traces, Signal::Logs]);
        let rows = chance.heavy_tailed(self.plan.rows_max);
        self.oracle.lock().add(tenant, signal, rows)
    }

    async fn send_again(&self, chance: &mut Chance) {
        let unanswered = self.oracle.lock().unanswered();
        let again: Vec<RequestNumber> = unanswered.into_iter().filter(|_| chance.happens(0.5)).collect();
        self.send(&again).await;
    }

    /// Sends these requests at once, and takes note of the answers.
    pub(super) async fn send(&self, numbers: &[RequestNumber]) {
        let sending = numbers.iter().map(|&number| async move {
            let now = self.machine.now();
            let sent = self.oracle.lock().sending(number, now);
            let append = request(&sent.tenant, sent.signal, &sent.numbers, now);
            let answer = self.storage.append(append).await;
            self.machine.note(if answer.is_ok() { "acknowledged" } else { "refused" }, &number.to_string());
            if answer.is_ok() {
                self.oracle.lock().acknowledged(number);
            }
        });
        futures::future::join_all(sending).await;
    }

    fn move_clock(&self, chance: &mut Chance) {
        let hours = match chance.within(0..4) {
            0 => chance.within(1..100_000) as i128,
            _ => chance.within(1..30) as i128,
        };
        let by = if chance.happens(0.5) { hours * HOUR_NANOS } else { -hours * HOUR_NANOS };
        self.oracle.lock().clock_shows(self.machine.now());
        self.machine.move_clock(by);
        self.oracle.lock().clock_shows(self.machine.now());
    }

    fn table(&self, chance: &mut Chance) -> (TenantId, Signal) {
        let tenant = self.plan.tenants[chance.within(0..self.plan.tenants.len() as u64) as usize].clone();
        (tenant, chance.one(&[Signal::Traces, Signal::Logs]))
    }

    fn question(&self, chance: &mut Chance) -> Question {
        let requests = self.oracle.lock().sent.len() as u64;
        let request = chance.within(0..requests.max(1));
        let number = request * REQUEST_NUMBERS + chance.heavy_tailed(self.plan.rows_max) - 1;
        Question::draw(chance, number)
    }

    pub(super) async fn ask_something(&self, chance: &mut Chance) -> Result<(), String> {
        let (tenant, signal) = self.table(chance);
        let question = self.question(chance);
        self.ask(&tenant, signal, &question).await
    }

    /// Asks, and judges the answer.
    pub(super) async fn ask(&self, tenant: &TenantId, signal: Signal, question: &Question) -> Result<(), String> {
        let at_least = self.oracle.lock().answered();
        let snapshot = self.storage.snapshot(tenant, signal);
        self.ask_of(&snapshot, (tenant, signal), question, &at_least).await.map(drop)
    }

    /// Asks of a snapshot, and judges the answer. None when the storage said that it could not answer, for a reason.
    async fn ask_of(
        &self,
        snapshot: &Snapshot,
        (tenant, signal): (&TenantId, Signal),
        question: &Question,
        at_least: &BTreeSet<RequestNumber>,
    ) -> Result<Option<Vec<u64>>, String> {
        let faults = self.machine.faults();
        match question.ask(snapshot, signal).await {
            Ok(found) => {
                let mut oracle = self.oracle.lock();
                oracle.clock_shows(self.machine.now());
                let gaps = snapshot.gaps();
                if !gaps.is_empty() && !self.is_damaged(tenant, signal) {
                    return Err(format!("I6: an answer leaves out what is not damaged: {gaps:?}"));
                }
                let admits =
                    Admits { damage: !self.storage.stats().damaged.is_empty(), is_incomplete: !gaps.is_empty() };
                oracle.judge((tenant, signal), question, &found, at_least, admits)?;
                Ok(gaps.is_empty().then_some(found))
            }
            Err(error) => self.excuse(tenant, signal, error, faults).map(|()| None),
        }
    }

    fn is_damaged(&self, tenant: &TenantId, signal: Signal) -> bool {
        self.store.is_damaged(&format!("segments/{tenant}/{signal}/"))
    }

    /// Whether there is a reason for the error of a question.
    fn excuse(&self, tenant: &TenantId, signal: Signal, error: StorageError, faults: u64) -> Result<(), String> {
        let has_reason = self.machine.faults() > faults
            || self.is_damaged(tenant, signal) && error.kind() == StorageErrorKind::Corrupt;
        if has_reason { Ok(()) } else { Err(format!("I6: a question fails without a fault: {error}")) }
    }

    /// A snapshot shows the same, however long it is held.
    async fn hold_a_snapshot(&self, chance: &mut Chance) -> Result<(), String> {
        let (tenant, signal) = self.table(chance);
        let at_least = self.oracle.lock().answered();
        let snapshot = self.storage.snapshot(&tenant, signal);
        let before = self.ask_of(&snapshot, (&tenant, signal), &Question::All, &at_least).await?;
        executor::sleep(SECOND * chance.heavy_tailed(900) as u32).await;
        let faults = self.machine.faults();
        let after = match Question::All.ask(&snapshot, signal).await {
            Ok(after) => after,
            Err(error) => return self.excuse(&tenant, signal, error, faults),
        };
        match before {
            Some(before) if before != after && snapshot.gaps().is_empty() => {
                Err(format!("I6: a snapshot showed {} records and later {}", before.len(), after.len()))
            }
            _ => Ok(()),
        }
    }

    /// Reads everything there is, whole.
    pub(super) async fn check_everything(&self) -> Result<(), String> {
        for tenant in &self.plan.tenants {
            for signal in [Signal::Traces, Signal::Logs] {
                self.ask(tenant, signal, &Question::All).await?;
                let snapshot = self.storage.snapshot(tenant, signal);
                let faults = self.machine.faults();
                match whole(&snapshot, signal).await {
                    Ok(records) => Oracle::judge_rows(&rows_of(&records))?,
                    Err(error) => self.excuse(tenant, signal, error, faults)?,
                }
            }
        }
        Ok(())
    }

    /// I5: memory and journal within their bounds.
    fn check_bounds(&self) -> Result<(), String> {
        let shared = &self.storage.inner.shared;
        let config = &self.plan.config;
        let largest = self.plan.rows_max * 4_000;
        // What clients send at once gets in together; flushes on demand and of themselves work at the same time.
        let flushing = config.flush_bytes.min(config.live_bytes_max / 4) as u64 + largest;
        let live_max = config.live_bytes_max as u64 + self.plan.clients * (6 * largest + 2 * flushing) + 2 * flushing;
        let used = shared.budget.used();
        if used > live_max {
            return Err(format!("I5: the live tier takes {used} bytes, more than {live_max}"));
        }
        let files_max = config.journal_bytes_max.saturating_add(self.plan.clients * 6 * largest);
        match shared.files.bytes() {
            bytes if bytes > files_max => Err(format!("I5: the journal takes {bytes} bytes, more than {files_max}")),
            _ => Ok(()),
        }
    }
}

async fn whole(snapshot: &Snapshot, signal: Signal) -> Result<Records, StorageError> {
    let sources = snapshot.sources().iter().enumerate();
    let addresses: Vec<RowAddress> = sources
        .flat_map(|(source, held)| (0..held.row_count()).map(move |row| RowAddress::new(source as u32, row as u32)))
        .collect();
    Ok(match signal {
        Signal::Traces => Records::Spans(snapshot.spans(&addresses).await?),
        Signal::Logs => Records::Logs(snapshot.logs(&addresses).await?),
    })
}
