//! A query's share of the memory that all queries have together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation};

use crate::{QueryError, QueryErrorKind};

/// What one query may take of a pool that it shares with others.
#[derive(Debug)]
pub(crate) struct QueryShare {
    shared: Arc<GreedyMemoryPool>,
    bytes_max: usize,
    used: AtomicUsize,
}

impl QueryShare {
    /// At most `bytes_max` of `shared`.
    pub(crate) fn new(shared: Arc<GreedyMemoryPool>, bytes_max: usize) -> QueryShare {
        QueryShare { shared, bytes_max, used: AtomicUsize::new(0) }
    }
}

impl MemoryPool for QueryShare {
    fn name(&self) -> &str {
        "query share"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
        self.shared.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
        self.shared.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let grown = |used: usize| used.checked_add(additional).filter(|used| *used <= self.bytes_max);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).is_err() {
            let message = format!(
                "the query needs more than the {} MiB that one query may take: narrow the time range or the query",
                self.bytes_max >> 20
            );
            return Err(external(QueryErrorKind::Memory, message));
        }
        self.shared.try_grow(reservation, additional).map_err(|_| {
            self.used.fetch_sub(additional, Ordering::Relaxed);
            external(QueryErrorKind::Unavailable, "other queries take the memory: try again in a moment".to_owned())
        })
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes_max)
    }
}

impl fmt::Display for QueryShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.reserved(), self.bytes_max)
    }
}

fn external(kind: QueryErrorKind, message: String) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::new(kind, message)))
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    #[test]
    fn a_query_that_takes_too_much_fails_and_others_go_on() {
        let shared = Arc::new(GreedyMemoryPool::new(100));
        let share = |bytes_max| -> Arc<dyn MemoryPool> { Arc::new(QueryShare::new(Arc::clone(&shared), bytes_max)) };
        let (one, other) = (share(60), share(60));
        let mine = MemoryConsumer::new("mine").register(&one);
        let error = mine.try_grow(61).map_err(QueryError::from).expect_err("too much");
        assert_eq!(error.kind(), QueryErrorKind::Memory);
        mine.try_grow(60).expect("its share");
        let others = MemoryConsumer::new("others").register(&other);
        let error = others.try_grow(50).map_err(QueryError::from).expect_err("nothing left");
        assert_eq!(error.kind(), QueryErrorKind::Unavailable);
        drop(mine);
        others.try_grow(50).expect("free again");
        assert_eq!(other.reserved(), 50);
    }
}
