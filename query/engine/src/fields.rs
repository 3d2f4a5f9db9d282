//! Which fields records have, and which values those.

use serde::Serialize;
use tracewell_model::{Signal, TenantId, TimeRange};

use crate::{Answer, QueryEngine, QueryError};

/// The fields of a time range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fields {
    /// The intrinsic fields first, then attributes by frequency.
    pub fields: Vec<FieldSummary>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSummary {
    /// The name that finds exactly this field in the search language, such as `span.http.route`.
    pub name: String,
    /// Where it stands.
    pub scope: FieldScope,
    /// The attribute's key; of an intrinsic field its name.
    pub key: String,
    /// The types of its values: `string`, `int`, `double`, `bool`, `other`.
    pub types: Vec<&'static str>,
    /// The number of records that have it.
    pub count: u64,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldScope {
    /// A field of its own, no attribute.
    Intrinsic,
    /// An attribute of the span.
    Span,
    /// An attribute of the log record.
    Log,
    /// An attribute of the resource.
    Resource,
    /// An attribute of the instrumentation scope.
    Scope,
    /// An attribute of an event of the span.
    Event,
    /// An attribute of a link of the span.
    Link,
}

/// The values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldValues {
    /// The most frequent first.
    pub values: Vec<FieldValue>,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldValue {
    /// The value as text.
    pub value: String,
    /// The number of records that have it.
    pub count: u64,
}

impl QueryEngine {
    /// The fields that records of the signal and time range have.
    pub async fn fields(
        &self,
        _tenant: &TenantId,
        _signal: Signal,
        _time: TimeRange,
    ) -> Result<Answer<Fields>, QueryError> {
        Err(QueryError::internal("being built"))
    }

    /// The `limit` most frequent values that begin with `prefix` of a field (a name as in the search language).
    pub async fn field_values(
        &self,
        _tenant: &TenantId,
        _signal: Signal,
        _time: TimeRange,
        _field: &str,
        _prefix: &str,
        _limit: usize,
    ) -> Result<Answer<FieldValues>, QueryError> {
        Err(QueryError::internal("being built"))
    }
}
