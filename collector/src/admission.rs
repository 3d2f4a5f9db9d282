//! The budget of bytes that requests in progress share.
//!
//! A request reserves memory before it takes it: step by step while its body arrives (so that nobody holds more than
//! they have sent), then for decompressing and decoding. A request that finds the budget spent waits a moment, which
//! absorbs bursts, and is then refused with a code that makes the client send it again.
//!
//! Requests that are read already come first: they give back all they hold when they are done, while one that still
//! arrives holds its memory for as long as its client likes. Among each kind, whoever waits longest is next, so that large
//! requests are not overtaken for ever by small ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::refusal::{Refusal, RefusalKind};

/// What a request needs memory for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// To read its body.
    Reading,
    /// To decompress, decode and store a body that is there.
    Working,
}

/// The bytes that all requests in progress may take together.
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
    wait_max: Duration,
}

#[derive(Debug)]
struct Shared {
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    working: VecDeque<Waiter>,
    reading: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    bytes: usize,
    ready: oneshot::Sender<Share>,
}

/// Bytes that are taken; they go back when dropped.
#[derive(Debug)]
struct Share {
    shared: Arc<Shared>,
    bytes: usize,
}

/// The share of one request; it goes back to the budget when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    held: Share,
}

impl Budget {
    /// A budget of `bytes`, for which a request waits at most `wait_max`.
    pub fn new(bytes: usize, wait_max: Duration) -> Budget {
        let state = Mutex::new(State { free: bytes, working: VecDeque::new(), reading: VecDeque::new() });
        Budget { shared: Arc::new(Shared { bytes, state }), wait_max }
    }

    /// A share of nothing yet.
    pub fn reserve(&self) -> Reservation {
        Reservation { budget: self.clone(), held: self.shared.share(0) }
    }

    /// The bytes in use.
    pub fn used(&self) -> usize {
        self.shared.bytes - self.shared.state.lock().free
    }
}

impl Shared {
    fn share(self: &Arc<Self>, bytes: usize) -> Share {
        Share { shared: Arc::clone(self), bytes }
    }

    /// Takes `bytes` now, or lines up for them.
    fn take(self: &Arc<Self>, bytes: usize, phase: Phase) -> Result<Share, oneshot::Receiver<Share>> {
        let mut state = self.state.lock();
        let is_next = state.working.is_empty() && (phase == Phase::Working || state.reading.is_empty());
        if is_next && bytes <= state.free {
            state.free -= bytes;
            return Ok(self.share(bytes));
        }
        let (ready, granted) = oneshot::channel();
        let line = match phase {
            Phase::Working => &mut state.working,
            Phase::Reading => &mut state.reading,
        };
        line.push_back(Waiter { bytes, ready });
        Err(granted)
    }

    /// Gives back `bytes`, and gives what is free to those who wait.
    fn give_back(self: &Arc<Self>, bytes: usize) {
        let mut granted = Vec::new();
        {
            let mut state = self.state.lock();
            let State { free, working, reading } = &mut *state;
            *free += bytes;
            for line in [working, reading] {
                // Those who have given up are in nobody's way.
                while line.front().is_some_and(|waiter| waiter.ready.is_closed() || waiter.bytes <= *free) {
                    if let Some(waiter) = line.pop_front()
                        && !waiter.ready.is_closed()
                    {
                        *free -= waiter.bytes;
                        granted.push(waiter);
                    }
                }
                if !line.is_empty() {
                    break;
                }
            }
        }
        // Without the lock: the share of someone who has just given up comes back at once.
        for Waiter { bytes, ready } in granted {
            let _ = ready.send(self.share(bytes));
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.shared.give_back(self.bytes);
        }
    }
}

impl Reservation {
    /// Makes the share at least `bytes`. One request may always have the whole budget, however much it needs, or it
    /// could never be served.
    pub async fn cover(&mut self, bytes: usize, phase: Phase) -> Result<(), Refusal> {
        let wanted = bytes.min(self.budget.shared.bytes);
        let Some(more) = wanted.checked_sub(self.held.bytes).filter(|&more| more > 0) else { return Ok(()) };
        let mut share = match self.budget.shared.take(more, phase) {
            Ok(share) => share,
            Err(granted) => self.wait(granted).await?,
        };
        self.held.bytes += std::mem::take(&mut share.bytes);
        Ok(())
    }

    async fn wait(&self, granted: oneshot::Receiver<Share>) -> Result<Share, Refusal> {
        let waiting = Waiting { granted, shared: &self.budget.shared };
        match waiting.at_most(self.budget.wait_max).await {
            Some(share) => Ok(share),
            None => Err(Refusal::new(
                RefusalKind::Overloaded,
                format!(
                    "the server is busy: requests in progress take the {} bytes that they may (inflight_bytes_max); \
                     send the request again",
                    self.budget.shared.bytes
                ),
            )),
        }
    }

    /// Gives back all but `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        if let Some(surplus) = self.held.bytes.checked_sub(bytes).filter(|&surplus| surplus > 0) {
            self.held.bytes = bytes;
            self.held.shared.give_back(surplus);
        }
    }
}

/// Someone who waits. When they give up, those behind them are looked at again.
struct Waiting<'a> {
    granted: oneshot::Receiver<Share>,
    shared: &'a Arc<Shared>,
}

impl Waiting<'_> {
    async fn at_most(mut self, time: Duration) -> Option<Share> {
        tokio::time::timeout(time, &mut self.granted).await.ok()?.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.granted.close();
        // What was granted in this very moment.
        drop(self.granted.try_recv());
        self.shared.give_back(0);
    }
}

#[cfg(test)]
mod tests {
    use super::Phase::{Reading, Working};
    use super::*;

    const WAIT: Duration = Duration::from_secs(2);

    async fn holding(budget: &Budget, bytes: usize) -> Reservation {
        let mut reservation = budget.reserve();
        reservation.cover(bytes, Reading).await.expect("room");
        reservation
    }

    /// Someone who waits for `bytes`, on a task of their own.
    async fn waiting(
        budget: &Budget,
        bytes: usize,
        phase: Phase,
    ) -> tokio::task::JoinHandle<Result<Reservation, Refusal>> {
        let mut reservation = budget.reserve();
        let task = tokio::spawn(async move { reservation.cover(bytes, phase).await.map(|()| reservation) });
        tokio::task::yield_now().await;
        task
    }

    #[tokio::test]
    async fn what_is_dropped_goes_back() {
        let budget = Budget::new(1000, WAIT);
        let mut first = holding(&budget, 500).await;
        first.cover(250, Reading).await.expect("already covered");
        assert_eq!(budget.used(), 500);
        first.shrink(250);
        assert_eq!(budget.used(), 250);
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_and_is_then_refused_as_retryable() {
        let budget = Budget::new(1000, WAIT);
        let first = holding(&budget, 1000).await;
        let before = tokio::time::Instant::now();
        let refusal = budget.reserve().cover(1, Working).await.expect_err("full");
        assert_eq!(refusal.kind, RefusalKind::Overloaded);
        assert_eq!(before.elapsed(), WAIT);
        drop(first);
        budget.reserve().cover(1, Reading).await.expect("room again");
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_larger_than_the_budget_gets_all_of_it() {
        let budget = Budget::new(1000, WAIT);
        let large = holding(&budget, 10_000).await;
        assert_eq!(budget.used(), 1000);
        drop(large);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_read_its_body_comes_before_who_reads() {
        let budget = Budget::new(1000, WAIT);
        let large = holding(&budget, 900).await;
        let reads = waiting(&budget, 500, Reading).await;
        let works = waiting(&budget, 100, Working).await;
        assert!(works.await.expect("a task").is_ok(), "at once, though another waits for longer");
        drop(large);
        assert!(reads.await.expect("a task").is_ok());
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_request_is_not_overtaken_by_small_ones() {
        let budget = Budget::new(1000, WAIT);
        let holder = holding(&budget, 600).await;
        let large = waiting(&budget, 800, Reading).await;
        let small = waiting(&budget, 10, Reading).await;
        assert!(!small.is_finished());
        drop(holder);
        let large = large.await.expect("a task").expect("its share");
        assert!(small.await.expect("a task").is_ok());
        drop(large);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_is_in_nobodys_way_and_keeps_nothing() {
        let budget = Budget::new(1000, WAIT);
        let holder = holding(&budget, 600).await;
        let large = waiting(&budget, 800, Reading).await;
        let small = waiting(&budget, 10, Reading).await;
        large.abort();
        assert!(small.await.expect("a task").is_ok());
        let late = waiting(&budget, 800, Reading).await;
        drop(holder);
        late.abort();
        let _ = late.await;
        assert_eq!(budget.used(), 0);
    }
}
