//! The most frequent values of fields among the records that meet a query.

use serde::Serialize;
use tracewell_model::Signal;

use crate::field_column::{FieldColumn, value_counts};
use crate::tally::ValueCounts;
use crate::{Answer, Exactness, QueryEngine, QueryError, QueryScope, lower};

/// The most fields of one question.
const FIELDS_MAX: usize = 50;

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
    /// [`default_facets`]) among the records that meet the query. A record with several values of a field, as events
    /// may have, counts with the first.
    pub async fn facets(
        &self,
        scope: &QueryScope,
        signal: Signal,
        fields: &[String],
        limit: usize,
    ) -> Result<Answer<Facets>, QueryError> {
        let predicate = lower(&scope.query, signal)?;
        let defaults = || default_facets(signal).iter().map(|field| (*field).to_owned()).collect();
        let fields = if fields.is_empty() { defaults() } else { fields.to_vec() };
        let columns = fields.iter().map(|field| FieldColumn::new(field, signal)).collect::<Result<Vec<_>, _>>()?;
        if columns.len() > FIELDS_MAX {
            let message = format!("{} fields are too many: at most {FIELDS_MAX} at a time", columns.len());
            return Err(QueryError::invalid(message));
        }
        self.run(scope.deadline, |session| async move {
            let view = session.view(&scope.tenant, signal);
            let (counts, total) = value_counts(&session, &view, scope.time, predicate, &columns).await?;
            let facet = |(field, counts)| facet(field, counts, total, limit);
            Ok((Facets { facets: fields.into_iter().zip(counts).map(facet).collect() }, Exactness::Exact))
        })
        .await
    }
}

fn facet(field: String, counts: ValueCounts, total: u64, limit: usize) -> Facet {
    let ranked = counts.ranked();
    let counted: u64 = ranked.iter().map(|(_, count)| count).sum();
    let values: Vec<FacetValue> =
        ranked.into_iter().take(limit).map(|(value, count)| FacetValue { value, count }).collect();
    let shown: u64 = values.iter().map(|value| value.count).sum();
    Facet { field, values, other_count: counted - shown, missing_count: total - counted }
}
