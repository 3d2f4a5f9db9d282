//! Making the batches of a scan.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use tracewell_model::Signal;

use super::evaluate::nested;
use super::prepare::is_column_of;
use super::scopes::{is_scope_column, look_up, scope_array};
use super::view::{Cells, View, null_array};
use crate::{AttributeScope, Column, StorageError, StorageErrorKind, arrow_type};

/// The schema of the batches.
fn schema(columns: &[Column]) -> SchemaRef {
    let field = |(number, column)| Field::new(format!("c{number}"), arrow_type(column), true);
    Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// All rows of the view with these columns.
pub(crate) fn project(view: &dyn View, signal: Signal, columns: &[Column]) -> Result<RecordBatch, StorageError> {
    let arrays = columns.iter().map(|column| {
        let array = array(view, signal, column)?;
        let wanted = arrow_type(column);
        if *array.data_type() == wanted { Ok(array) } else { cast(&array, &wanted).map_err(internal) }
    });
    let arrays = arrays.collect::<Result<Vec<_>, StorageError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(view.rows()));
    RecordBatch::try_new_with_options(schema(columns), arrays, &options).map_err(internal)
}

fn array(view: &dyn View, signal: Signal, column: &Column) -> Result<ArrayRef, StorageError> {
    if let Column::Coded(texts) = column {
        return coded(view, signal, texts);
    }
    if is_scope_column(column) {
        return look_up(scope_array(view.scopes(), column).as_ref(), &view.scope_ids()?);
    }
    if !is_column_of(column, signal) {
        return Ok(null_array(column, view.rows()));
    }
    match column {
        Column::Address => Ok(Arc::new(view.addresses())),
        Column::Attribute { scope, key, of } => match nested(*scope) {
            Some(nested) => first_values(&view.nested(nested, key, *of)?),
            None => view.column(column),
        },
        Column::AttributeKeys(AttributeScope::Record) => Ok(Arc::new(view.attribute_keys()?)),
        Column::AttributeKeys(scope) => match nested(*scope) {
            Some(nested) => Ok(Arc::new(view.nested_attribute_keys(nested)?)),
            None => Ok(null_array(column, view.rows())),
        },
        column => view.column(column),
    }
}

/// A text column by a dictionary: that of the scopes, the one it is stored with, or its rows themselves.
fn coded(view: &dyn View, signal: Signal, texts: &Column) -> Result<ArrayRef, StorageError> {
    if is_scope_column(texts) {
        let scopes = view.scope_ids()?;
        let keys = Int32Array::from_iter_values(scopes.values().iter().map(|&scope| scope as i32));
        let texts = DictionaryArray::try_new(keys, scope_array(view.scopes(), texts)).map_err(internal)?;
        return Ok(Arc::new(texts));
    }
    let texts = array(view, signal, texts)?;
    if let DataType::Dictionary(_, _) = texts.data_type() {
        return Ok(texts);
    }
    let keys = Int32Array::new((0..texts.len() as i32).collect(), texts.logical_nulls());
    Ok(Arc::new(DictionaryArray::try_new(keys, texts).map_err(internal)?))
}

/// Of each row the first value that is there.
fn first_values(cells: &Cells) -> Result<ArrayRef, StorageError> {
    let Some(offsets) = &cells.offsets else {
        return Ok(Arc::clone(&cells.values));
    };
    let nulls = cells.values.logical_nulls();
    let is_there = |value: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*value));
    let first = offsets.windows(2).map(|row| (row[0] as usize..row[1] as usize).find(is_there).map(|at| at as u64));
    take(cells.values.as_ref(), &UInt64Array::from_iter(first), None).map_err(internal)
}

fn internal(error: arrow::error::ArrowError) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, format!("cannot make a batch: {error}"))
}
