//! Fields, their values and their most frequent values.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Exactness, Statistics};

/// The most frequent values of fields.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facets {
    /// In the order asked for.
    pub facets: Vec<Facet>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// The most frequent values of a field among the matching records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Facet {
    /// As asked for.
    pub field: String,
    /// Most frequent first, then by value.
    pub values: Vec<ValueCount>,
    /// Records with any other value.
    pub other_count: u64,
    /// Records without the field.
    pub missing_count: u64,
}

/// A value and how often it is there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueCount {
    /// As text.
    pub value: String,
    /// Records with it.
    pub count: u64,
}

/// The fields that records have.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fields {
    /// Intrinsic fields first, then by name.
    pub fields: Vec<Field>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}

/// A field of records.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// As it is written in a search.
    #[schema(example = "span.http.route")]
    pub name: String,
    /// Where it stands.
    pub scope: FieldScope,
    /// Its key there.
    #[schema(example = "http.route")]
    pub key: String,
    /// The types of its values: `string`, `int`, `double`, `bool`, `other`.
    pub types: Vec<String>,
    /// Records with it.
    pub count: u64,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
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
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldValues {
    /// Most frequent first, then by value.
    pub values: Vec<ValueCount>,
    /// Whether this is all of it.
    pub exactness: Exactness,
    /// What it cost.
    pub statistics: Statistics,
}
