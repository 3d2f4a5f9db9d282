//! The columns that a scan can be asked for: the logical table of spans and that of logs.
//!
//! How a column is held (in the live tier, as a typed Parquet column of its own, in the residual attributes, or
//! once per scope) is the storage's affair: a scan yields it as the Arrow type that [`arrow_type`] names.

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// Where an attribute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeScope {
    /// On the resource.
    Resource,
    /// On the instrumentation scope.
    Scope,
    /// On the span or the log record itself.
    Record,
    /// On an event of a span. A row has a list of these: predicates hold when one of them does.
    Event,
    /// On a link of a span. A row has a list of these: predicates hold when one of them does.
    Link,
}

/// The type of the values that an attribute column holds; rows whose value has another type are null in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// Text, as `Utf8`.
    String,
    /// Integers, as `Int64`.
    Int,
    /// Floats, as `Float64`.
    Double,
    /// As `Boolean`.
    Bool,
    /// Any value as text for people, as `Utf8`: scalars written plainly, bytes in base64, arrays and lists as JSON.
    Display,
}

/// A column of the logical table. Columns of one signal asked of the other are null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Column {
    /// Start of a span, timestamp of a log record: `Timestamp(Nanosecond, "UTC")`. Values above `i64::MAX` saturate.
    Time,
    /// `FixedSizeBinary(16)`; null in a log record of no trace.
    TraceId,
    /// `FixedSizeBinary(8)`; null in a log record of no span.
    SpanId,
    /// `FixedSizeBinary(8)`; null for a root span.
    ParentSpanId,
    /// Of a span in nanoseconds, never negative: `Int64`.
    Duration,
    /// Of a span: `Utf8`.
    Name,
    /// `SpanKind` of a span: `Int32`.
    Kind,
    /// Of a span: `Int32`.
    StatusCode,
    /// Of a span: `Utf8`.
    StatusMessage,
    /// Of a span: `Utf8`.
    TraceState,
    /// Of a log record: `Int32`.
    SeverityNumber,
    /// Of a log record: `Utf8`.
    SeverityText,
    /// Of a log record as text: `Utf8`. Text bodies as they are, others as [`AttributeType::Display`] has them.
    Body,
    /// Of a log record: `Utf8`.
    EventName,
    /// Number of events of a span: `Int32`.
    EventCount,
    /// Number of links of a span: `Int32`.
    LinkCount,
    /// The resource attribute `service.name`, `""` when missing: `Utf8`.
    ServiceName,
    /// Name of the instrumentation scope: `Utf8`.
    ScopeName,
    /// Version of the instrumentation scope: `Utf8`.
    ScopeVersion,
    /// Where the row is, for [`crate::Snapshot::spans`] and [`crate::Snapshot::logs`]: `UInt64`, see
    /// [`crate::RowAddress`].
    Address,
    /// An attribute.
    Attribute {
        /// Where it stands. In a projection, [`AttributeScope::Event`] and [`AttributeScope::Link`] yield the value
        /// of the first event or link that has it.
        scope: AttributeScope,
        /// Its key.
        key: String,
        /// Values of which type.
        of: AttributeType,
    },
    /// The keys of the attributes of the row at this place, each once: `List<Utf8>`. For the field catalogue.
    AttributeKeys(AttributeScope),
    /// A `Utf8` column as `Dictionary(Int32, Utf8)`, for projections only: what is stored or held once is not copied
    /// for each row. The dictionary may have a text more than once, texts of no row, and nulls.
    Coded(Box<Column>),
}

/// The Arrow type of a column.
pub fn arrow_type(column: &Column) -> DataType {
    match column {
        Column::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        Column::TraceId => DataType::FixedSizeBinary(16),
        Column::SpanId | Column::ParentSpanId => DataType::FixedSizeBinary(8),
        Column::Duration => DataType::Int64,
        Column::Kind | Column::StatusCode | Column::SeverityNumber | Column::EventCount | Column::LinkCount => {
            DataType::Int32
        }
        Column::Name
        | Column::StatusMessage
        | Column::TraceState
        | Column::SeverityText
        | Column::Body
        | Column::EventName
        | Column::ServiceName
        | Column::ScopeName
        | Column::ScopeVersion => DataType::Utf8,
        Column::Address => DataType::UInt64,
        Column::Attribute { of, .. } => match of {
            AttributeType::String | AttributeType::Display => DataType::Utf8,
            AttributeType::Int => DataType::Int64,
            AttributeType::Double => DataType::Float64,
            AttributeType::Bool => DataType::Boolean,
        },
        Column::AttributeKeys(_) => DataType::new_list(DataType::Utf8, true),
        Column::Coded(texts) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(arrow_type(texts))),
    }
}
