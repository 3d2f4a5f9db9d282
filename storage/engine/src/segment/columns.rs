//! The columns of `rows.parquet`: their names, types and encodings, and which attributes have one of their own.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;
use tracewell_model::Signal;

use super::catalogue::FieldCatalogue;
use crate::{AttributeScope, AttributeType, StorageError, StorageErrorKind};

/// The rows of a row group (the last of a segment has fewer).
pub(crate) const ROW_GROUP_ROWS: usize = 131_072;

/// The most attributes with a column of their own in a segment.
const DENSE_COLUMNS_MAX: usize = 900;

/// An attribute has a column of its own when more than one row in this many has it.
const DENSE_ONE_IN: u64 = 100;

/// The key in the metadata of `rows.parquet` that says how many values each attribute column has.
pub(crate) const ATTRIBUTE_VALUES: &str = "tracewell.attribute_values";

/// The rows of a data page at the most, so that reading a trace decompresses little.
pub(crate) const PAGE_ROWS: usize = 8_192;

/// A page that has as many bytes as this, before compression, ends: those of long texts have fewer rows.
const PAGE_BYTES: usize = 64 << 10;

/// After how many rows it is seen to.
const PAGE_STEP_ROWS: usize = 1_024;

/// Values that need a longer dictionary are stored one by one: reading one of them takes reading the dictionary.
const DICTIONARY_BYTES: usize = 64 << 10;

pub(crate) const SCOPE_ID: &str = "scope_id";
pub(crate) const TRACE_ID: &str = "trace_id";
pub(crate) const SPAN_ID: &str = "span_id";
pub(crate) const PARENT_DISTANCE: &str = "parent_distance";
pub(crate) const PARENT_SPAN_ID: &str = "parent_span_id";
pub(crate) const START_TIME: &str = "start_time";
pub(crate) const DURATION: &str = "duration";
pub(crate) const NAME: &str = "name";
pub(crate) const KIND: &str = "kind";
pub(crate) const STATUS_CODE: &str = "status_code";
pub(crate) const STATUS_MESSAGE: &str = "status_message";
pub(crate) const TRACE_STATE: &str = "trace_state";
pub(crate) const FLAGS: &str = "flags";
pub(crate) const DROPPED_ATTRIBUTES: &str = "dropped_attributes_count";
pub(crate) const DROPPED_EVENTS: &str = "dropped_events_count";
pub(crate) const DROPPED_LINKS: &str = "dropped_links_count";
pub(crate) const ATTRIBUTES: &str = "attributes";
pub(crate) const EVENTS: &str = "events";
pub(crate) const LINKS: &str = "links";
pub(crate) const TIME: &str = "time";
pub(crate) const TIME_UNIX_NANO: &str = "time_unix_nano";
pub(crate) const OBSERVED_DELTA: &str = "observed_delta";
pub(crate) const SEVERITY_NUMBER: &str = "severity_number";
pub(crate) const SEVERITY_TEXT: &str = "severity_text";
pub(crate) const BODY: &str = "body";
pub(crate) const BODY_VALUE: &str = "body_value";
pub(crate) const EVENT_NAME: &str = "event_name";

/// The types that can have columns of their own, in the order in which columns of one key stand.
pub(crate) const DENSE_TYPES: [AttributeType; 4] =
    [AttributeType::String, AttributeType::Int, AttributeType::Double, AttributeType::Bool];

/// An attribute with a column of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DenseColumn {
    /// The attribute's key.
    pub key: String,
    /// The type of the values that stand there.
    pub of: AttributeType,
}

impl DenseColumn {
    /// The name of the column: prefix, key with each `#` doubled, and for all but strings `#` and the type.
    pub(crate) fn name(&self, signal: Signal) -> String {
        let suffix = match self.of {
            AttributeType::Int => "#int",
            AttributeType::Double => "#double",
            AttributeType::Bool => "#bool",
            AttributeType::String | AttributeType::Display => "",
        };
        format!("{}{}{suffix}", prefix(signal), self.key.replace('#', "##"))
    }

    /// The attribute of a column name, if it is one.
    pub(crate) fn parse(name: &str, signal: Signal) -> Option<DenseColumn> {
        let mut rest = name.strip_prefix(prefix(signal))?;
        let mut key = String::new();
        let of = loop {
            let Some(at) = rest.find('#') else {
                key.push_str(rest);
                break AttributeType::String;
            };
            key.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            match rest {
                "int" => break AttributeType::Int,
                "double" => break AttributeType::Double,
                "bool" => break AttributeType::Bool,
                _ => rest = rest.strip_prefix('#')?,
            }
            key.push('#');
        };
        Some(DenseColumn { key, of })
    }

    fn data_type(&self) -> DataType {
        crate::arrow_type(&crate::Column::Attribute { scope: AttributeScope::Record, key: String::new(), of: self.of })
    }
}

fn prefix(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "span.",
        Signal::Logs => "log.",
    }
}

/// Which attributes of a segment have columns of their own.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    /// What the rows are.
    pub signal: Signal,
    /// Ordered by key, then type.
    pub dense: Vec<DenseColumn>,
}

impl ColumnPlan {
    /// The plan for rows with these attributes: those that more than 1 % of the rows have, the most frequent first.
    pub(crate) fn new(signal: Signal, catalogue: &FieldCatalogue) -> ColumnPlan {
        let least = catalogue.rows / DENSE_ONE_IN;
        let mut found: Vec<(u64, DenseColumn)> = Vec::new();
        for (key, counts) in catalogue.fields(AttributeScope::Record) {
            for (of, &rows) in DENSE_TYPES.iter().zip(&counts.typed) {
                if rows > least {
                    found.push((rows, DenseColumn { key: key.to_owned(), of: *of }));
                }
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        found.truncate(DENSE_COLUMNS_MAX);
        let mut dense: Vec<DenseColumn> = found.into_iter().map(|(_, column)| column).collect();
        dense.sort();
        ColumnPlan { signal, dense }
    }

    /// The plan that a file with this schema was written by.
    pub(crate) fn of_schema(signal: Signal, schema: &Schema) -> ColumnPlan {
        let dense = schema.fields().iter().filter_map(|field| DenseColumn::parse(field.name(), signal)).collect();
        ColumnPlan { signal, dense }
    }

    /// The schema of `rows.parquet`.
    pub(crate) fn schema(&self) -> SchemaRef {
        let mut fields = match self.signal {
            Signal::Traces => span_fields(),
            Signal::Logs => log_fields(),
        };
        fields.extend(self.dense.iter().map(|column| Field::new(column.name(self.signal), column.data_type(), true)));
        fields.push(Field::new(ATTRIBUTES, attributes_type(), false));
        if self.signal == Signal::Traces {
            fields.push(Field::new(EVENTS, list_of(event_fields()), false));
            fields.push(Field::new(LINKS, list_of(link_fields()), false));
        }
        Arc::new(Schema::new(fields))
    }

    /// How the columns are written.
    pub(crate) fn properties(&self, level: u8) -> Result<WriterProperties, StorageError> {
        let zstd = ZstdLevel::try_new(if level == 0 { 1 } else { 3 }).map_err(|error| {
            StorageError::new(StorageErrorKind::Internal, format!("zstd level of segments: {error}"))
        })?;
        let builder = WriterProperties::builder()
            .set_compression(Compression::ZSTD(zstd))
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_data_page_size_limit(PAGE_BYTES)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_write_batch_size(PAGE_STEP_ROWS)
            .set_max_row_group_row_count(None)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_created_by(super::CREATED_BY.to_owned());
        // Bounds of texts leave hardly a row group out, and finding them compares every text twice.
        let schema = self.schema();
        let numbers = schema.fields().iter().filter(|field| {
            let of = field.data_type();
            of.is_numeric() || matches!(of, DataType::Timestamp(..) | DataType::Boolean)
        });
        let builder = numbers.fold(builder, |builder, field| {
            builder.set_column_statistics_enabled(path(field.name()), EnabledStatistics::Chunk)
        });
        Ok(match self.signal {
            Signal::Traces => span_encodings(builder),
            Signal::Logs => log_encodings(builder),
        }
        .build())
    }
}

fn span_encodings(builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    let builder = [START_TIME, DURATION, PARENT_DISTANCE].into_iter().fold(builder, delta);
    let builder = [SPAN_ID, PARENT_SPAN_ID].into_iter().fold(builder, random);
    // A trace's spans stand together: compression finds the repetition, and small traces cost no number a row.
    let in_links = |id: &str| ColumnPath::new([LINKS, "list", "element", id].map(str::to_owned).to_vec());
    [in_links(TRACE_ID), in_links(SPAN_ID)].into_iter().fold(plain(builder, path(TRACE_ID)), plain)
}

fn log_encodings(builder: WriterPropertiesBuilder) -> WriterPropertiesBuilder {
    let builder = [TIME, TIME_UNIX_NANO, OBSERVED_DELTA].into_iter().fold(builder, delta);
    // A trace's log records are scattered over its services, so compression does not find its id again. Only this
    // version codes ids by dictionary. (Spans stay with the first: it compresses which rows have an attribute.)
    let builder = builder
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_column_dictionary_page_size_limit(path(TRACE_ID), 16 * ROW_GROUP_ROWS)
        .set_column_encoding(path(TRACE_ID), Encoding::PLAIN);
    [path(BODY), path(SPAN_ID)].into_iter().fold(builder, plain)
}

fn plain(builder: WriterPropertiesBuilder, column: ColumnPath) -> WriterPropertiesBuilder {
    builder.set_column_dictionary_enabled(column.clone(), false).set_column_encoding(column, Encoding::PLAIN)
}

fn delta(builder: WriterPropertiesBuilder, column: &str) -> WriterPropertiesBuilder {
    builder
        .set_column_dictionary_enabled(path(column), false)
        .set_column_encoding(path(column), Encoding::DELTA_BINARY_PACKED)
}

fn random(builder: WriterPropertiesBuilder, column: &str) -> WriterPropertiesBuilder {
    plain(builder, path(column)).set_column_compression(path(column), Compression::UNCOMPRESSED)
}

fn path(column: &str) -> ColumnPath {
    ColumnPath::new(vec![column.to_owned()])
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn span_fields() -> Vec<Field> {
    vec![
        Field::new(SCOPE_ID, DataType::UInt32, false),
        Field::new(TRACE_ID, DataType::FixedSizeBinary(16), false),
        Field::new(SPAN_ID, DataType::FixedSizeBinary(8), false),
        Field::new(PARENT_DISTANCE, DataType::Int32, true),
        Field::new(PARENT_SPAN_ID, DataType::FixedSizeBinary(8), true),
        Field::new(START_TIME, timestamp(), false),
        Field::new(DURATION, DataType::Int64, false),
        Field::new(NAME, DataType::Utf8, false),
        Field::new(KIND, DataType::Int32, false),
        Field::new(STATUS_CODE, DataType::Int32, false),
        Field::new(STATUS_MESSAGE, DataType::Utf8, false),
        Field::new(TRACE_STATE, DataType::Utf8, false),
        Field::new(FLAGS, DataType::UInt32, false),
        Field::new(DROPPED_ATTRIBUTES, DataType::UInt32, false),
        Field::new(DROPPED_EVENTS, DataType::UInt32, false),
        Field::new(DROPPED_LINKS, DataType::UInt32, false),
    ]
}

fn log_fields() -> Vec<Field> {
    vec![
        Field::new(SCOPE_ID, DataType::UInt32, false),
        Field::new(TIME, timestamp(), false),
        Field::new(TIME_UNIX_NANO, timestamp(), true),
        Field::new(OBSERVED_DELTA, DataType::Int64, true),
        Field::new(TRACE_ID, DataType::FixedSizeBinary(16), true),
        Field::new(SPAN_ID, DataType::FixedSizeBinary(8), true),
        Field::new(SEVERITY_NUMBER, DataType::Int32, false),
        Field::new(SEVERITY_TEXT, DataType::Utf8, false),
        Field::new(BODY, DataType::Utf8, true),
        Field::new(BODY_VALUE, DataType::Binary, true),
        Field::new(EVENT_NAME, DataType::Utf8, false),
        Field::new(FLAGS, DataType::UInt32, false),
        Field::new(DROPPED_ATTRIBUTES, DataType::UInt32, false),
    ]
}

/// The fields of an attribute without a column of its own.
pub(crate) fn attribute_fields() -> Fields {
    Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("string", DataType::Utf8, true),
        Field::new("int", DataType::Int64, true),
        Field::new("double", DataType::Float64, true),
        Field::new("bool", DataType::Boolean, true),
        Field::new("other", DataType::Binary, true),
    ])
}

/// The fields of an event.
pub(crate) fn event_fields() -> Fields {
    Fields::from(vec![
        Field::new("time", timestamp(), false),
        Field::new("name", DataType::Utf8, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("attributes", attributes_type(), false),
    ])
}

/// The fields of a link.
pub(crate) fn link_fields() -> Fields {
    Fields::from(vec![
        Field::new("trace_id", DataType::FixedSizeBinary(16), true),
        Field::new("span_id", DataType::FixedSizeBinary(8), true),
        Field::new("trace_state", DataType::Utf8, false),
        Field::new("flags", DataType::UInt32, false),
        Field::new("dropped_attributes_count", DataType::UInt32, false),
        Field::new("attributes", attributes_type(), false),
    ])
}

/// The type of attributes without columns of their own.
pub(crate) fn attributes_type() -> DataType {
    list_of(attribute_fields())
}

/// The field of the items of a list.
pub(crate) fn item_field(fields: Fields) -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Struct(fields), false))
}

fn list_of(fields: Fields) -> DataType {
    DataType::List(item_field(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_attribute_columns_never_collide() {
        let keys = ["a", "a#int", "a#", "#", "##", "a##int", "#int", "", "int", "a#b"];
        let mut names = std::collections::HashSet::new();
        for key in keys {
            for of in DENSE_TYPES {
                let column = DenseColumn { key: key.to_owned(), of };
                let name = column.name(Signal::Logs);
                assert_eq!(DenseColumn::parse(&name, Signal::Logs), Some(column), "{name}");
                assert!(names.insert(name.clone()), "{name} twice");
            }
        }
    }
}
