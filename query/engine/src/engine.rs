//! The query engine: what the APIs and the command line talk to.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionConfig;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tracewell_language::Query;
use tracewell_model::Signal;
use tracewell_storage::Storage;

use crate::memory::QueryShare;
use crate::session::{Session, deadline_passed};
use crate::{Answer, Exactness, Matcher, QueryError, QueryErrorKind, lower};

/// The bounds of queries. Every field is one setting of the product's configuration.
#[derive(Clone, Debug)]
pub struct QueryConfig {
    /// How long an answer may take.
    pub deadline: Duration,
    /// The memory that sorting and grouping of all running queries may take together, in bytes; one query may take
    /// half of it.
    pub memory_bytes_max: usize,
    /// How many queries run at the same time; others wait their turn within their deadline.
    pub concurrency_max: usize,
}

impl Default for QueryConfig {
    fn default() -> Self {
        QueryConfig { deadline: Duration::from_secs(30), memory_bytes_max: 256 << 20, concurrency_max: 16 }
    }
}

/// Answers questions about what is stored. Clones share it.
#[derive(Clone)]
pub struct QueryEngine {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Storage,
    config: QueryConfig,
    state: Arc<SessionState>,
    memory: Arc<GreedyMemoryPool>,
    turns: Semaphore,
}

impl QueryEngine {
    /// An engine over `storage`.
    pub fn new(storage: Storage, config: QueryConfig) -> QueryEngine {
        let threads = available_parallelism().map_or(1, usize::from);
        let settings = SessionConfig::new().with_target_partitions(threads);
        let state = SessionStateBuilder::new().with_config(settings).with_default_features().build();
        let state = Arc::new(state);
        let memory = Arc::new(GreedyMemoryPool::new(config.memory_bytes_max));
        let turns = Semaphore::new(config.concurrency_max.max(1));
        QueryEngine { inner: Arc::new(Inner { storage, config, state, memory, turns }) }
    }

    /// The storage that it asks.
    pub fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// The query ready to judge batches in memory.
    pub fn matcher(&self, query: &Query, signal: Signal) -> Result<Matcher, QueryError> {
        Ok(Matcher::new(lower(query, signal)?))
    }

    /// Runs `work` within the bounds of a question.
    pub(crate) async fn run<T, F>(
        &self,
        deadline: Option<Duration>,
        work: impl FnOnce(Session) -> F,
    ) -> Result<Answer<T>, QueryError>
    where
        F: Future<Output = Result<(T, Exactness), QueryError>>,
    {
        self.run_search(deadline, None, work).await
    }

    /// The same for a list that is looked for piece by piece, for `search_time` at most.
    pub(crate) async fn run_search<T, F>(
        &self,
        deadline: Option<Duration>,
        search_time: Option<Duration>,
        work: impl FnOnce(Session) -> F,
    ) -> Result<Answer<T>, QueryError>
    where
        F: Future<Output = Result<(T, Exactness), QueryError>>,
    {
        let started = Instant::now();
        let allowed = deadline.unwrap_or(self.inner.config.deadline).min(self.inner.config.deadline);
        let end = started + allowed;
        let _turn = match timeout_at(end, self.inner.turns.acquire()).await {
            Ok(Ok(turn)) => turn,
            _ => {
                let message = "too many queries are running: try again in a moment";
                return Err(QueryError::new(QueryErrorKind::Unavailable, message));
            }
        };
        // What is found until then still has to be fetched.
        let search_time = search_time.unwrap_or(allowed.mul_f64(0.8)).min(allowed);
        let memory = QueryShare::new(Arc::clone(&self.inner.memory), self.inner.config.memory_bytes_max / 2);
        let enough = started + search_time;
        let session = Session::new(self.inner.storage.clone(), &self.inner.state, Arc::new(memory), enough);
        let found = timeout_at(end, work(session.clone())).await;
        let (value, exactness) = found.map_err(|_| deadline_passed(allowed.as_secs_f64()))??;
        let exactness = session.gaps().map_or(exactness.clone(), |gaps| exactness.lacking(gaps));
        Ok(Answer { value, exactness, statistics: session.statistics(started) })
    }
}
