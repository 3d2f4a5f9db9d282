//! Why appends are refused at the moment, and what was found damaged.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

/// At most this many damaged things are named.
const DAMAGED_MAX: usize = 1_000;

/// The state of health. Reading it costs next to nothing while all is well.
#[derive(Default)]
pub(super) struct Health {
    is_refusing: AtomicBool,
    reasons: Mutex<Reasons>,
    damaged: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Reasons {
    closing: bool,
    disk: Option<String>,
    journal: Option<String>,
    /// Does not refuse appends by itself: the budgets do, when it lasts.
    flush: Option<String>,
}

impl Health {
    /// Why appends are refused, if they are.
    pub(super) fn refusal(&self) -> Option<String> {
        if !self.is_refusing.load(Ordering::Acquire) {
            return None;
        }
        let reasons = self.reasons.lock();
        if reasons.closing {
            return Some("the storage is closing".into());
        }
        reasons.journal.clone().or_else(|| reasons.disk.clone())
    }

    /// Anything that is wrong at the moment.
    pub(super) fn degraded(&self) -> Option<String> {
        self.refusal().or_else(|| self.reasons.lock().flush.clone())
    }

    /// Whether the journal could not be written when it was last tried.
    pub(super) fn is_journal_failing(&self) -> bool {
        self.is_refusing.load(Ordering::Acquire) && self.reasons.lock().journal.is_some()
    }

    /// From now on no append is taken.
    pub(super) fn close(&self) {
        self.change(|reasons| reasons.closing = true);
    }

    /// What is wrong with the space on the disk.
    pub(super) fn set_disk(&self, reason: Option<String>) {
        self.change(|reasons| note("disk space", &mut reasons.disk, reason));
    }

    /// What is wrong with writing the journal.
    pub(super) fn set_journal(&self, reason: Option<String>) {
        self.change(|reasons| note("journal", &mut reasons.journal, reason));
    }

    /// What is wrong with flushing.
    pub(super) fn set_flush(&self, reason: Option<String>) {
        self.change(|reasons| note("flush", &mut reasons.flush, reason));
    }

    /// Takes note of something damaged.
    pub(super) fn add_damaged(&self, what: String) {
        let mut damaged = self.damaged.lock();
        if damaged.len() < DAMAGED_MAX && !damaged.contains(&what) {
            damaged.push(what);
        }
    }

    /// What was found damaged.
    pub(super) fn damaged(&self) -> Vec<String> {
        self.damaged.lock().clone()
    }

    fn change(&self, change: impl FnOnce(&mut Reasons)) {
        let mut reasons = self.reasons.lock();
        change(&mut reasons);
        let is_refusing = reasons.closing || reasons.disk.is_some() || reasons.journal.is_some();
        self.is_refusing.store(is_refusing, Ordering::Release);
    }
}

/// Logs only when something begins to be wrong, becomes another thing, or ends.
fn note(what: &str, held: &mut Option<String>, reason: Option<String>) {
    match (&*held, &reason) {
        (None, None) => {}
        (Some(_), None) => tracing::info!("{what}: works again"),
        (Some(before), Some(now)) if before == now => {}
        (_, Some(now)) => tracing::error!("{what}: {now}"),
    }
    *held = reason;
}
