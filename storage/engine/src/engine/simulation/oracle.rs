//! What was sent and what senders were told: the judge of every answer.
//!
//! The invariants, as DESIGN has them: what is acknowledged is there exactly once (I1); what is visible was sent, by this
//! tenant (I2); what is not acknowledged is there at most as a whole (I3); an answer is right or says that it is not (I6).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use tracewell_model::{Signal, TenantId, UnixNanos};

use super::question::Question;
use super::records::{REQUEST_NUMBERS, Row, row};
use crate::Retention;
use crate::catalog::REQUEST_HASH_AGE_MAX;

/// A request, by its place among all.
pub(super) type RequestNumber = u64;

/// What is known of a request.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub tenant: TenantId,
    pub signal: Signal,
    pub numbers: Range<u64>,
    pub acknowledged: bool,
    /// The earliest time that it bore.
    received_at: u64,
    /// What the clock has shown since: the earliest and the latest.
    clock: (u64, u64),
    /// It was sent again when the first time may have been forgotten.
    may_be_doubled: bool,
    /// Damage of the journal has taken it; that was said.
    lost: bool,
}

/// What the storage says of damage.
#[derive(Clone, Copy)]
pub(super) struct Admits {
    /// Something of it is damaged.
    pub damage: bool,
    /// The answer lacks records for that.
    pub is_incomplete: bool,
}

/// The judge.
pub(super) struct Oracle {
    pub sent: BTreeMap<RequestNumber, Sent>,
    retention: Retention,
    /// So many requests may be missing, when the storage says that something is damaged.
    losses_max: u64,
}

impl Oracle {
    pub(super) fn new(retention: Retention) -> Oracle {
        Oracle { sent: BTreeMap::new(), retention, losses_max: 0 }
    }

    /// A new request of so many records.
    pub(super) fn add(&mut self, tenant: TenantId, signal: Signal, rows: u64) -> RequestNumber {
        let number = self.sent.len() as u64;
        let first = number * REQUEST_NUMBERS;
        let sent = Sent {
            tenant,
            signal,
            numbers: first..first + rows,
            acknowledged: false,
            received_at: u64::MAX,
            clock: (u64::MAX, 0),
            may_be_doubled: false,
            lost: false,
        };
        self.sent.insert(number, sent);
        number
    }

    /// It is being sent, for the first time or again.
    pub(super) fn sending(&mut self, number: RequestNumber, now: UnixNanos) -> Sent {
        self.clock_shows(now);
        let sent = self.sent.get_mut(&number).expect("is known");
        sent.clock = (sent.clock.0.min(now.0), sent.clock.1.max(now.0));
        sent.received_at = sent.received_at.min(now.0);
        sent.may_be_doubled |= sent.clock.1 - sent.clock.0 >= REQUEST_HASH_AGE_MAX.as_nanos() as u64;
        sent.clone()
    }

    pub(super) fn acknowledged(&mut self, number: RequestNumber) {
        if let Some(sent) = self.sent.get_mut(&number) {
            sent.acknowledged = true;
        }
    }

    /// To be told often, and before and after each jump of the clock.
    pub(super) fn clock_shows(&mut self, now: UnixNanos) {
        for sent in self.sent.values_mut().filter(|sent| sent.received_at != u64::MAX) {
            sent.clock = (sent.clock.0.min(now.0), sent.clock.1.max(now.0));
        }
    }

    /// The latest that the clock has shown.
    pub(super) fn latest_clock(&self) -> u64 {
        self.sent.values().map(|sent| sent.clock.1).max().unwrap_or(0)
    }

    /// The journal was damaged so that up to `requests` are lost.
    pub(super) fn allow_losses(&mut self, requests: u64) {
        self.losses_max = self.losses_max.saturating_add(requests);
    }

    /// The requests that nobody was answered for.
    pub(super) fn unanswered(&self) -> Vec<RequestNumber> {
        self.sent.iter().filter(|(_, sent)| !sent.acknowledged).map(|(number, _)| *number).collect()
    }

    pub(super) fn answered(&self) -> BTreeSet<RequestNumber> {
        self.sent.iter().filter(|(_, sent)| sent.acknowledged).map(|(number, _)| *number).collect()
    }

    /// Judges the numbers that are the answer to a question about a table. `at_least`: what was acknowledged before
    /// the question. `admits`: what the storage says of damage.
    pub(super) fn judge(
        &mut self,
        (tenant, signal): (&TenantId, Signal),
        question: &Question,
        found: &[u64],
        at_least: &BTreeSet<RequestNumber>,
        admits: Admits,
    ) -> Result<(), String> {
        let mut by_request: BTreeMap<RequestNumber, Vec<u64>> = BTreeMap::new();
        for number in found {
            by_request.entry(number / REQUEST_NUMBERS).or_default().push(*number);
        }
        for (request, numbers) in &by_request {
            let Some(sent) = self.sent.get(request) else {
                return Err(format!("I2: record {} was never sent", numbers[0]));
            };
            if let Some(number) = numbers.iter().find(|number| !sent.numbers.contains(number)) {
                return Err(format!("I2: record {number} was never sent"));
            }
            if sent.tenant != *tenant || sent.signal != signal {
                let whose = format!("{} of {}", sent.signal, sent.tenant);
                return Err(format!("I2: request {request}, {whose}, is among {signal} of {tenant}"));
            }
        }
        let age_max = self.age_max(signal);
        for (request, sent) in self.sent.iter_mut() {
            if sent.tenant != *tenant || sent.signal != signal {
                continue;
            }
            let expected: Vec<u64> = sent.numbers.clone().filter(|number| question.holds(&row(*number))).collect();
            let found = by_request.get(request).map(Vec::as_slice).unwrap_or_default();
            if found == expected && !expected.is_empty() {
                continue;
            }
            let twice: Vec<u64> = expected.iter().flat_map(|number| [*number, *number]).collect();
            if found == twice && !expected.is_empty() {
                match sent.may_be_doubled {
                    true => continue,
                    false => return Err(format!("I1: request {request} is there twice ({question:?})")),
                }
            }
            if admits.is_incomplete && found.iter().all(|number| expected.contains(number)) {
                continue;
            }
            if !found.is_empty() {
                let part = format!("{} of {} records", found.len(), expected.len());
                return Err(format!("I3: request {request} is there in part: {part} ({question:?})"));
            }
            let has_expired = sent.clock.1 > sent.received_at.saturating_add(age_max);
            if expected.is_empty() || has_expired || sent.lost || !at_least.contains(request) {
                continue;
            }
            if self.losses_max == 0 || !admits.damage {
                let who = if sent.acknowledged { "acknowledged" } else { "seen" };
                return Err(format!("I1: request {request}, {who} before, is missing ({question:?})"));
            }
            self.losses_max -= 1;
            sent.lost = true;
        }
        Ok(())
    }

    /// Judges whole records.
    pub(super) fn judge_rows(rows: &[Row]) -> Result<(), String> {
        match rows.iter().find(|found| **found != row(found.number)) {
            Some(found) => Err(format!("I2: record {} came back as {found:?}", found.number)),
            None => Ok(()),
        }
    }

    fn age_max(&self, signal: Signal) -> u64 {
        let age_max = match signal {
            Signal::Traces => self.retention.traces_age_max,
            Signal::Logs => self.retention.logs_age_max,
        };
        age_max.map_or(u64::MAX, |age: Duration| age.as_nanos() as u64)
    }
}
