//! The query engine: what the APIs and the command line talk to.

use std::sync::Arc;
use std::time::Duration;

use tracewell_language::Query;
use tracewell_model::Signal;
use tracewell_storage::Storage;

use crate::{Matcher, QueryError, lower};

/// The bounds of queries. Every field is one setting of the product's configuration.
#[derive(Clone, Debug)]
pub struct QueryConfig {
    /// How long an answer may take.
    pub deadline: Duration,
    /// The memory that sorting and grouping of all running queries may take together, in bytes.
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
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) storage: Storage,
    pub(crate) config: QueryConfig,
}

impl QueryEngine {
    /// An engine over `storage`.
    pub fn new(storage: Storage, config: QueryConfig) -> QueryEngine {
        QueryEngine { inner: Arc::new(Inner { storage, config }) }
    }

    /// The storage that it asks.
    pub fn storage(&self) -> &Storage {
        &self.inner.storage
    }

    /// The query ready to judge batches in memory.
    pub fn matcher(&self, query: &Query, signal: Signal) -> Result<Matcher, QueryError> {
        Ok(Matcher::new(lower(query, signal)?))
    }
}
