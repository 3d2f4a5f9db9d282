//! Making the batches of a scan.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{Field, Schema, SchemaRef};

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
