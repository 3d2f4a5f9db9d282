//! The budget of bytes that requests in progress share.
//!
//! A request reserves memory before it takes it: step by step while its body arrives (so that nobody holds more than
//! they have sent), then for decompressing and decoding. A request that finds the budget spent waits a moment, which
//! absorbs bursts, and is then refused with a code that makes the client send it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::{Refusal, RefusalKind};

/// Reservations are counted in units of this many bytes.
const UNIT: usize = 1024;

/// The bytes that all requests in progress may take together.
#[derive(Clone, Debug)]
pub struct Budget {
    semaphore: Arc<Semaphore>,
    units: usize,
    wait_max: Duration,
    waiting: Arc<AtomicUsize>,
}

/// The share of one request; it goes back to the budget when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    permit: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// A budget of `bytes`, for which a request waits at most `wait_max`.
    pub fn new(bytes: usize, wait_max: Duration) -> Budget {
        let units = (bytes / UNIT).clamp(1, u32::MAX as usize);
        Budget { semaphore: Arc::new(Semaphore::new(units)), units, wait_max, waiting: Arc::default() }
    }

    /// A share of nothing yet.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), permit: None }
    }

    /// The bytes in use.
    pub fn used(&self) -> usize {
        (self.units - self.semaphore.available_permits().min(self.units)) * UNIT
    }
}

impl Reservation {
    /// Makes the share at least `bytes`. One request may always have the whole budget, however much it needs, or it
    /// could never be served.
    pub async fn cover(&mut self, bytes: usize) -> Result<(), Refusal> {
        let wanted = bytes.div_ceil(UNIT).min(self.budget.units);
        let held = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if wanted <= held {
            return Ok(());
        }
        let more = u32::try_from(wanted - held).unwrap_or(u32::MAX);
        let permit = match Arc::clone(&self.budget.semaphore).try_acquire_many_owned(more) {
            Ok(permit) => permit,
            Err(_) => self.wait(more).await?,
        };
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        Ok(())
    }

    async fn wait(&self, units: u32) -> Result<OwnedSemaphorePermit, Refusal> {
        let Budget { semaphore, wait_max, waiting, .. } = &self.budget;
        waiting.fetch_add(1, Ordering::Relaxed);
        let result = tokio::time::timeout(*wait_max, Arc::clone(semaphore).acquire_many_owned(units)).await;
        waiting.fetch_sub(1, Ordering::Relaxed);
        match result {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::new(
                RefusalKind::Overloaded,
                format!(
                    "the server is busy: {} bytes of requests in progress are the most it takes (inflight_bytes_max); \
                     send the request again",
                    self.budget.units * UNIT
                ),
            )),
        }
    }

    /// Gives back all but `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let kept = bytes.div_ceil(UNIT);
        if let Some(permit) = &mut self.permit
            && permit.num_permits() > kept
        {
            drop(permit.split(permit.num_permits() - kept));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[tokio::test]
    async fn what_is_dropped_goes_back() {
        let budget = Budget::new(MIB, Duration::from_secs(2));
        let mut first = budget.reserve();
        first.cover(MIB / 2).await.expect("room");
        first.cover(MIB / 4).await.expect("already covered");
        assert_eq!(budget.used(), MIB / 2);
        first.shrink(MIB / 4);
        assert_eq!(budget.used(), MIB / 4);
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_and_is_then_refused_as_retryable() {
        let budget = Budget::new(MIB, Duration::from_secs(2));
        let mut first = budget.reserve();
        first.cover(MIB).await.expect("room");
        let before = tokio::time::Instant::now();
        let refusal = budget.reserve().cover(1).await.expect_err("full");
        assert_eq!(refusal.kind, RefusalKind::Overloaded);
        assert_eq!(before.elapsed().as_secs(), 2);
        drop(first);
        budget.reserve().cover(1).await.expect("room again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_larger_than_the_budget_gets_all_of_it() {
        let budget = Budget::new(MIB, Duration::from_secs(2));
        let mut large = budget.reserve();
        large.cover(10 * MIB).await.expect("alone");
        assert_eq!(budget.used(), MIB);
    }
}
