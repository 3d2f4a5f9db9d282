//! What every question states: whose data, of which time, which records, and how long it may take.

use std::time::Duration;

use tracewell_language::Query;
use tracewell_model::{TenantId, TimeRange};

use crate::QueryError;

/// Which records a question is about.
#[derive(Clone, Debug)]
pub struct QueryScope {
    /// Whose records.
    pub tenant: TenantId,
    /// Of which time: spans by their start, log records by their timestamp.
    pub time: TimeRange,
    /// Which of them.
    pub query: Query,
    /// How long the answer may take; the engine's default when none is given, and never more than that.
    pub deadline: Option<Duration>,
    /// How long a list is looked for before what was found is given; four fifths of the deadline when none is given.
    pub search_time: Option<Duration>,
}

impl QueryScope {
    /// All records of a tenant in a time range.
    pub fn everything(tenant: TenantId, time: TimeRange) -> QueryScope {
        QueryScope { tenant, time, query: Query::everything(), deadline: None, search_time: None }
    }

    /// The same for the records that meet `query`.
    pub fn matching(self, query: Query) -> QueryScope {
        QueryScope { query, ..self }
    }
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// The most items, from 1 to [`Page::LIMIT_MAX`].
    pub limit: usize,
    /// The `next_cursor` of the page before, of a question that was the same in all else; `None` for the first page.
    pub cursor: Option<String>,
}

impl Page {
    /// The most items of a page.
    pub const LIMIT_MAX: usize = 1_000;

    /// The first page.
    pub fn first(limit: usize) -> Page {
        Page { limit, cursor: None }
    }

    /// The limit, if it is within its bounds.
    pub(crate) fn checked_limit(&self) -> Result<usize, QueryError> {
        match self.limit {
            1..=Page::LIMIT_MAX => Ok(self.limit),
            limit => Err(QueryError::invalid(format!("limit is {limit}: expected 1 to {}", Page::LIMIT_MAX))),
        }
    }

    /// The page that begins where another ended.
    pub fn after(limit: usize, cursor: impl Into<String>) -> Page {
        Page { limit, cursor: Some(cursor.into()) }
    }
}
