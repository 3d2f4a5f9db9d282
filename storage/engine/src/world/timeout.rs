//! Giving up after a while.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::{Either, select};

use super::World;

/// What `work` gives, if it does within `max`.
pub(crate) async fn timeout<F: Future>(world: &dyn World, max: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    // What is ready at once needs no timer.
    if let Poll::Ready(output) = futures::poll!(work.as_mut()) {
        return Some(output);
    }
    match select(work, world.sleep(max)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}
