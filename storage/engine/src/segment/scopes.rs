//! `scopes.parquet`: the distinct resources and instrumentation scopes of a segment, one row each.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, MapBuilder, MapFieldNames, RecordBatch, StringArray, StringBuilder, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tracewell_model::{Attributes, ScopeTable};

use super::shred_attributes::impossible;
use crate::StorageError;
use crate::scan::display;

fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let entries = Field::new(
        "key_value",
        DataType::Struct(vec![text("key"), Field::new("value", DataType::Utf8, true)].into()),
        false,
    );
    let map = |name: &str| Field::new(name, DataType::Map(Arc::new(entries.clone()), false), false);
    let binary = |name: &str| Field::new(name, DataType::Binary, false);
    Arc::new(Schema::new(vec![
        Field::new("scope_id", DataType::UInt32, false),
        text("service_name"),
        map("resource_attributes"),
        text("resource_schema_url"),
        text("scope_name"),
        text("scope_version"),
        map("scope_attributes"),
        text("scope_schema_url"),
        binary("resource"),
        binary("scope"),
    ]))
}

/// The file's bytes.
pub(crate) fn encode(scopes: &ScopeTable) -> Result<Vec<u8>, StorageError> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(0..scopes.len() as u32)),
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| scope.service_name()))),
        map(scopes.iter().map(|scope| &scope.resource_attributes))?,
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| &scope.resource_schema_url))),
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| &scope.name))),
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| &scope.version))),
        map(scopes.iter().map(|scope| &scope.scope_attributes))?,
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| &scope.scope_schema_url))),
        Arc::new(BinaryArray::from_iter_values(scopes.iter().map(|scope| &scope.resource))),
        Arc::new(BinaryArray::from_iter_values(scopes.iter().map(|scope| &scope.scope))),
    ];
    let batch = RecordBatch::try_new(schema(), columns).map_err(impossible)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(super::CREATED_BY.to_owned())
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| {
        let mut writer = ArrowWriter::try_new_with_options(bytes, schema(), options)?;
        writer.write(&batch)?;
        writer.close()
    };
    write(&mut bytes).map_err(super::unwritten)?;
    Ok(bytes)
}

/// Attributes as text for people; of a duplicate key the last.
fn map<'a>(attributes: impl Iterator<Item = &'a Attributes>) -> Result<ArrayRef, StorageError> {
    let names = MapFieldNames { entry: "key_value".to_owned(), key: "key".to_owned(), value: "value".to_owned() };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for attributes in attributes {
        if !attributes.is_empty() {
            let entries: std::collections::BTreeMap<&str, _> = attributes.row(0).collect();
            for (key, value) in entries {
                builder.keys().append_value(key);
                builder.values().append_option(display(value));
            }
        }
        builder.append(true).map_err(impossible)?;
    }
    Ok(Arc::new(builder.finish()))
}

/// The scopes in a file whose bytes are verified. Errors say what is wrong with them.
pub(crate) fn decode(bytes: Bytes) -> Result<ScopeTable, String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
    let mut table = ScopeTable::default();
    for batch in reader.map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("no column {name:?}"));
        let text = |name: &str| {
            let column = column(name)?.as_string_opt::<i32>();
            column.cloned().ok_or_else(|| format!("column {name:?} has another type"))
        };
        let binary = |name: &str| {
            let column = column(name)?.as_binary_opt::<i32>();
            column.cloned().ok_or_else(|| format!("column {name:?} has another type"))
        };
        let (resources, scopes) = (binary("resource")?, binary("scope")?);
        let (resource_urls, scope_urls) = (text("resource_schema_url")?, text("scope_schema_url")?);
        for row in 0..batch.num_rows() {
            let scope = tracewell_otlp::scope_from_wire(
                resources.value(row),
                resource_urls.value(row),
                scopes.value(row),
                scope_urls.value(row),
            );
            let number = table.intern(&Arc::new(scope.map_err(|error| error.to_string())?));
            if number as usize + 1 != table.len() {
                return Err(format!("scope {row} occurs twice"));
            }
        }
    }
    Ok(table)
}
