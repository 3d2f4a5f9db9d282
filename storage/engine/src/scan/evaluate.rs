//! Evaluating predicates on views: the only evaluator there is.

use arrow::array::ArrayRef;
use arrow::buffer::{BooleanBuffer, OffsetBuffer};

use super::prepare::{Leaf, Node, Target};
use super::view::{Cells, Nested, View};
use crate::{AttributeScope, Column, StorageError, StorageErrorKind};

/// Which rows of the view meet the predicate.
pub(crate) fn evaluate(node: &Node, view: &dyn View) -> Result<BooleanBuffer, StorageError> {
    Ok(match node {
        Node::Constant(true) => BooleanBuffer::new_set(view.rows()),
        Node::Constant(false) => BooleanBuffer::new_unset(view.rows()),
        Node::Scopes(met) => {
            let scope_ids = view.scope_ids()?;
            let ids = scope_ids.values();
            BooleanBuffer::collect_bool(ids.len(), |row| {
                let id = ids[row] as usize;
                id < met.len() && met.value(id)
            })
        }
        Node::And(parts) => {
            let mut all = BooleanBuffer::new_set(view.rows());
            for part in parts {
                all = &all & &evaluate(part, view)?;
                if all.count_set_bits() == 0 {
                    break;
                }
            }
            all
        }
        Node::Or(parts) => {
            let mut any = BooleanBuffer::new_unset(view.rows());
            for part in parts {
                any = &any | &evaluate(part, view)?;
                if any.count_set_bits() == any.len() {
                    break;
                }
            }
            any
        }
        Node::Not(part) => !&evaluate(part, view)?,
        Node::Leaf(leaf) => evaluate_leaf(leaf, view)?,
    })
}

fn evaluate_leaf(leaf: &Leaf, view: &dyn View) -> Result<BooleanBuffer, StorageError> {
    match &leaf.target {
        Target::Column(column) => {
            let cells = cells(column, view)?;
            let met = leaf.test.of_array(cells.values.as_ref())?;
            Ok(rows_of(met, cells.offsets.as_ref()))
        }
        Target::Attribute(AttributeScope::Record, key) => view.has_attribute(key),
        Target::Attribute(scope, key) => match nested(*scope) {
            Some(nested) => view.nested_has_attribute(nested, key),
            None => Err(unprepared()),
        },
        Target::Text => {
            let mut any = BooleanBuffer::new_unset(view.rows());
            for cells in view.texts()? {
                let met = leaf.test.of_array(cells.values.as_ref())?;
                any = &any | &rows_of(met, cells.offsets.as_ref());
            }
            Ok(any)
        }
    }
}

fn cells(column: &Column, view: &dyn View) -> Result<Cells, StorageError> {
    let values: ArrayRef = match column {
        Column::Attribute { scope, key, of } => match (nested(*scope), scope) {
            (Some(nested), _) => return view.nested(nested, key, *of),
            (None, AttributeScope::Record) => view.column(column)?,
            _ => return Err(unprepared()),
        },
        Column::Address => std::sync::Arc::new(view.addresses()),
        column => view.column(column)?,
    };
    Ok(Cells::flat(values))
}

/// The list in which attributes at this place stand.
pub(crate) fn nested(scope: AttributeScope) -> Option<Nested> {
    match scope {
        AttributeScope::Event => Some(Nested::Events),
        AttributeScope::Link => Some(Nested::Links),
        AttributeScope::Resource | AttributeScope::Scope | AttributeScope::Record => None,
    }
}

/// A row of a list column meets a test when one of its values does.
fn rows_of(met: BooleanBuffer, offsets: Option<&OffsetBuffer<i32>>) -> BooleanBuffer {
    let Some(offsets) = offsets else {
        return met;
    };
    let rows = offsets.len() - 1;
    if met.count_set_bits() == 0 {
        return BooleanBuffer::new_unset(rows);
    }
    BooleanBuffer::collect_bool(rows, |row| {
        (offsets[row] as usize..offsets[row + 1] as usize).any(|value| met.value(value))
    })
}

fn unprepared() -> StorageError {
    StorageError::new(StorageErrorKind::Internal, "a predicate about resources or scopes was not prepared")
}
