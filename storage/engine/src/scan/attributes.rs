//! Attribute columns out of [`Attributes`].

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, ListBuilder, StringArray, StringBuilder,
};
use arrow::buffer::BooleanBuffer;
use tracewell_model::{Attributes, Value};

use super::display;
use crate::AttributeType;

/// The attribute's value of each of `rows`; null where it is missing or of another type.
pub(super) fn attribute_array(
    attributes: &Attributes,
    rows: impl Iterator<Item = usize>,
    key: &str,
    of: AttributeType,
) -> ArrayRef {
    let key = attributes.dictionary().find(key);
    let values = rows.map(|row| key.and_then(|key| attributes.get_numbered(row, key)));
    values_array(values, of)
}

/// The values as an array of their type; null where there is none or one of another type.
pub(crate) fn values_array<'a>(values: impl Iterator<Item = Option<Value<'a>>>, of: AttributeType) -> ArrayRef {
    match of {
        AttributeType::String => Arc::new(StringArray::from_iter(values.map(|value| match value {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }))),
        AttributeType::Int => Arc::new(Int64Array::from_iter(values.map(|value| match value {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }))),
        AttributeType::Double => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Some(Value::Double(number)) => Some(number),
            _ => None,
        }))),
        AttributeType::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Some(Value::Bool(flag)) => Some(flag),
            _ => None,
        }))),
        AttributeType::Display => Arc::new(StringArray::from_iter(values.map(|value| value.and_then(display)))),
    }
}

/// Whether each of `rows` has an attribute of this key.
pub(super) fn presence(attributes: &Attributes, rows: impl Iterator<Item = usize>, key: &str) -> BooleanBuffer {
    let key = attributes.dictionary().find(key);
    rows.map(|row| key.is_some_and(|key| attributes.keys()[attributes.entries(row)].contains(&key))).collect()
}

/// The distinct keys of each run of rows, as `List<Utf8>`.
pub(super) fn keys_array(attributes: &Attributes, runs: impl Iterator<Item = std::ops::Range<usize>>) -> ListArray {
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut seen_in = vec![0usize; attributes.dictionary().len()];
    for (number, run) in runs.enumerate() {
        for row in run {
            for &key in &attributes.keys()[attributes.entries(row)] {
                if std::mem::replace(&mut seen_in[key as usize], number + 1) != number + 1 {
                    lists.values().append_value(attributes.dictionary().name(key));
                }
            }
        }
        lists.append(true);
    }
    lists.finish()
}
