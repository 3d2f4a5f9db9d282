//! Columns that stand on the resource or the instrumentation scope: made once for each scope, then looked up by row.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, StringArray, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use tracewell_model::{Attributes, Scope, ScopeTable};

use super::attributes::{keys_array, values_array};
use super::view::null_array;
use crate::{AttributeScope, Column, StorageError, StorageErrorKind};

/// Whether the column stands on the resource or the instrumentation scope.
pub(super) fn is_scope_column(column: &Column) -> bool {
    match column {
        Column::ServiceName | Column::ScopeName | Column::ScopeVersion => true,
        Column::Attribute { scope, .. } | Column::AttributeKeys(scope) => is_scope(*scope),
        _ => false,
    }
}

/// Whether such attributes stand on the resource or the instrumentation scope.
pub(super) fn is_scope(scope: AttributeScope) -> bool {
    matches!(scope, AttributeScope::Resource | AttributeScope::Scope)
}

/// The column's value of each scope.
pub(super) fn scope_array(scopes: &ScopeTable, column: &Column) -> ArrayRef {
    let strings = |of: fn(&Scope) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(scopes.iter().map(|scope| of(scope))))
    };
    match column {
        Column::ServiceName => strings(Scope::service_name),
        Column::ScopeName => strings(|scope| &scope.name),
        Column::ScopeVersion => strings(|scope| &scope.version),
        Column::Attribute { scope: place, key, of } => {
            values_array(scopes.iter().map(|scope| attribute(scope, *place, key)), *of)
        }
        Column::AttributeKeys(place) => Arc::new(scope_keys(scopes, *place)),
        _ => null_array(column, scopes.len()),
    }
}

fn attribute<'a>(scope: &'a Scope, place: AttributeScope, key: &str) -> Option<tracewell_model::Value<'a>> {
    match place {
        AttributeScope::Resource => scope.resource_attribute(key),
        AttributeScope::Scope => scope.scope_attribute(key),
        _ => None,
    }
}

fn attributes(scope: &Scope, place: AttributeScope) -> &Attributes {
    match place {
        AttributeScope::Scope => &scope.scope_attributes,
        _ => &scope.resource_attributes,
    }
}

fn scope_keys(scopes: &ScopeTable, place: AttributeScope) -> ListArray {
    let mut all = Attributes::default();
    for scope in scopes.iter() {
        let attributes = attributes(scope, place);
        if !attributes.is_empty() {
            for (key, value) in attributes.row(0) {
                all.push(key, value);
            }
        }
        all.end_row();
    }
    keys_array(&all, (0..all.len()).map(|row| row..row + 1))
}

/// Which scopes have an attribute of this key.
pub(super) fn scope_presence(scopes: &ScopeTable, place: AttributeScope, key: &str) -> BooleanBuffer {
    scopes.iter().map(|scope| attribute(scope, place, key).is_some()).collect()
}

/// The values of the rows, given those of the scopes.
pub(super) fn look_up(of_scopes: &dyn Array, scope_ids: &UInt32Array) -> Result<ArrayRef, StorageError> {
    take(of_scopes, scope_ids, None).map_err(|error| {
        StorageError::new(StorageErrorKind::Corrupt, format!("a row refers to a scope that is not there: {error}"))
    })
}
