//! Judging log records as they arrive, for the live tail.

use std::sync::Arc;

use tracewell_model::Logs;
use tracewell_storage::Predicate;

use crate::QueryError;

/// A query ready to judge batches in memory.
#[derive(Clone, Debug)]
pub struct Matcher {
    predicate: Predicate,
}

impl Matcher {
    pub(crate) fn new(predicate: Predicate) -> Matcher {
        Matcher { predicate }
    }

    /// The records of the batch that meet the query, in their order.
    pub async fn matches(&self, _logs: &Arc<Logs>) -> Result<Logs, QueryError> {
        let _ = &self.predicate;
        Err(QueryError::internal("being built"))
    }
}
