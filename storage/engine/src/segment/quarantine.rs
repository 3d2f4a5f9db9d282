//! Damage: what of a segment cannot be read, and what a reader does when it comes upon such a part.
//!
//! Every segment remembers what was found damaged in it ([`Quarantine`]). A query leaves the rows out that it cannot
//! judge or show and learns that it did ([`Gaps`]); whoever rewrites rows must not, and fails ([`OnDamage::Fail`]).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::reader::Segment;
use crate::{StorageError, StorageErrorKind};

/// At most this many damaged parts are named, of a segment and of an answer.
const NAMED_MAX: usize = 100;

/// What was found damaged in a segment since it was opened. Costs next to nothing while there is nothing.
#[derive(Default)]
pub(crate) struct Quarantine {
    any: AtomicBool,
    found: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    parts: Vec<String>,
    /// Row groups whose rows cannot be read whole.
    torn_groups: BTreeSet<usize>,
}

impl Quarantine {
    /// Takes note of a damaged part; false when it is known.
    pub(crate) fn note(&self, part: &str) -> bool {
        let mut found = self.found.lock();
        let is_new = found.parts.len() < NAMED_MAX && !found.parts.iter().any(|known| known == part);
        if is_new {
            found.parts.push(part.to_owned());
        }
        self.any.store(true, Ordering::Release);
        is_new
    }

    /// Takes note of a row group whose rows cannot be read whole.
    pub(super) fn tear(&self, group: usize) {
        self.found.lock().torn_groups.insert(group);
        self.any.store(true, Ordering::Release);
    }

    /// Whether rows of the row group can be read whole, as far as is known.
    pub(super) fn is_torn(&self, group: usize) -> bool {
        self.any.load(Ordering::Acquire) && self.found.lock().torn_groups.contains(&group)
    }

    /// What was found, in the order of finding it.
    pub(crate) fn parts(&self) -> Vec<String> {
        match self.any.load(Ordering::Acquire) {
            true => self.found.lock().parts.clone(),
            false => Vec::new(),
        }
    }
}

/// What the readers of a snapshot left out because it is damaged. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Gaps(Arc<Mutex<BTreeSet<String>>>);

impl Gaps {
    fn add(&self, what: String) {
        let mut gaps = self.0.lock();
        if gaps.len() < NAMED_MAX {
            gaps.insert(what);
        }
    }

    /// What was left out, by name, in order.
    pub(crate) fn named(&self) -> Vec<String> {
        self.0.lock().iter().cloned().collect()
    }
}

/// What a reader does with rows that it cannot read.
#[derive(Clone)]
pub(crate) enum OnDamage {
    /// It fails: every row counts.
    Fail,
    /// It leaves them out and says so.
    LeaveOut(Gaps),
}

impl OnDamage {
    /// Goes on without what `error` is about, if that is allowed: some rows of `segment`, named by `what`.
    pub(crate) fn leave_out(&self, segment: &Segment, what: &str, error: StorageError) -> Result<(), StorageError> {
        if error.kind() != StorageErrorKind::Corrupt {
            return Err(error);
        }
        segment.note_damage(&error.to_string());
        match self {
            OnDamage::Fail => Err(error),
            OnDamage::LeaveOut(gaps) => {
                gaps.add(format!("{what} of segment {}: {error}", segment.meta().id));
                Ok(())
            }
        }
    }
}

impl Segment {
    /// Takes note of a damaged part, for the figures.
    pub(crate) fn note_damage(&self, part: &str) {
        if self.quarantine().note(part) {
            let meta = self.meta();
            tracing::error!(segment = %meta.id, tenant = %meta.tenant, signal = %meta.signal, "{part}");
        }
    }

    /// What was found damaged in it, by name.
    pub(crate) fn damaged_parts(&self) -> Vec<String> {
        let meta = self.meta();
        let about = |part| format!("segment {} of {} of tenant {}: {part}", meta.id, meta.signal, meta.tenant);
        self.quarantine().parts().into_iter().map(about).collect()
    }
}
