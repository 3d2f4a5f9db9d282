//! Telling resent requests: the hashes of those stored of late.

use std::collections::VecDeque;

use hashbrown::HashSet;
use tracewell_model::{Signal, TenantId, UnixNanos};

use crate::catalog::REQUEST_HASH_AGE_MAX;

/// At most this many requests are remembered: some 50 MiB.
const REMEMBERED_MAX: usize = 500_000;

/// What makes a request the same as another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct RequestKey {
    pub tenant: TenantId,
    pub signal: Signal,
    pub hash: u128,
}

/// The requests stored in the last ten minutes, the oldest forgotten first.
#[derive(Default)]
pub(super) struct Duplicates {
    known: HashSet<RequestKey>,
    by_age: VecDeque<(UnixNanos, RequestKey)>,
}

impl Duplicates {
    /// Whether the request is remembered.
    pub(super) fn contains(&self, key: &RequestKey) -> bool {
        self.known.contains(key)
    }

    /// Remembers a request that was received at `at`.
    pub(super) fn insert(&mut self, key: RequestKey, at: UnixNanos) {
        if self.known.insert(key.clone()) {
            self.by_age.push_back((at, key));
        }
        if self.by_age.len() > REMEMBERED_MAX {
            self.forget_first();
        }
    }

    /// Forgets what is too old. A clock that went back makes it remember for longer.
    pub(super) fn forget_old(&mut self, now: UnixNanos) {
        let since = now.saturating_sub(REQUEST_HASH_AGE_MAX.as_nanos() as u64);
        while self.by_age.front().is_some_and(|(at, _)| *at < since) {
            self.forget_first();
        }
    }

    /// Forgets the requests of a tenant.
    pub(super) fn forget_tenant(&mut self, tenant: &TenantId) {
        self.known.retain(|key| key.tenant != *tenant);
        self.by_age.retain(|(_, key)| key.tenant != *tenant);
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.by_age.pop_front() {
            self.known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(hash: u128) -> RequestKey {
        RequestKey { tenant: TenantId::default_tenant(), signal: Signal::Logs, hash }
    }

    #[test]
    fn requests_are_remembered_for_ten_minutes() {
        let mut duplicates = Duplicates::default();
        let minute = 60_000_000_000;
        duplicates.insert(key(1), UnixNanos(minute));
        duplicates.insert(key(2), UnixNanos(2 * minute));
        duplicates.forget_old(UnixNanos(11 * minute));
        assert!(duplicates.contains(&key(1)));
        duplicates.forget_old(UnixNanos(11 * minute + 1));
        assert!(!duplicates.contains(&key(1)));
        assert!(duplicates.contains(&key(2)));
        assert!(!duplicates.contains(&RequestKey { signal: Signal::Traces, ..key(2) }));
    }

    #[test]
    fn their_number_is_bounded() {
        let mut duplicates = Duplicates::default();
        for hash in 0..=REMEMBERED_MAX as u128 {
            duplicates.insert(key(hash), UnixNanos(0));
        }
        assert!(!duplicates.contains(&key(0)));
        assert!(duplicates.contains(&key(REMEMBERED_MAX as u128)));
        assert_eq!(duplicates.known.len(), REMEMBERED_MAX);
    }
}
