//! The most frequent values of fields among the records that meet a query.

use serde::Serialize;
use tracewell_model::Signal;

use crate::{Answer, QueryEngine, QueryError, QueryScope};

/// The facets of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// One for each field asked for, in that order.
    pub facets: Vec<Facet>,
}

/// The values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facet {
    /// The field, as in the search language.
    pub field: String,
    /// Its most frequent values; of equally frequent ones the lesser first.
    pub values: Vec<FacetValue>,
    /// The number of records with another value.
    pub other_count: u64,
    /// The number of records without the field.
    pub missing_count: u64,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FacetValue {
    /// The value as text.
    pub value: String,
    /// The number of records that have it.
    pub count: u64,
}

/// The fields whose facets are shown when none are asked for.
pub fn default_facets(signal: Signal) -> &'static [&'static str] {
    match signal {
        Signal::Traces => &["service", "name", "kind", "status", "http.route", "http.response.status_code"],
        Signal::Logs => &["service", "severity", "scope.name", "event_name", "exception.type"],
    }
}

impl QueryEngine {
    /// The `limit` most frequent values of each of `fields` (names as in the search language; when there are none,
    /// [`default_facets`]) among the records that meet the query.
    pub async fn facets(
        &self,
        _scope: &QueryScope,
        _signal: Signal,
        _fields: &[String],
        _limit: usize,
    ) -> Result<Answer<Facets>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
