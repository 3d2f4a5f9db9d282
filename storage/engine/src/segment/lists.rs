//! Lists of attributes without columns of their own, as they are read.

use arrow::array::{
    Array, AsArray, BinaryArray, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, StringArray,
    StructArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use tracewell_model::Value;

use super::any_value::decode;
use crate::{StorageError, StorageErrorKind};

/// Lists of attributes. Of the fields of their values only some may have been read.
pub(super) struct Lists<'a> {
    list: &'a ListArray,
    keys: &'a StringArray,
    string: Option<&'a StringArray>,
    int: Option<&'a Int64Array>,
    double: Option<&'a Float64Array>,
    bool: Option<&'a BooleanArray>,
    other: Option<&'a BinaryArray>,
}

impl<'a> Lists<'a> {
    /// The lists in a column.
    pub(super) fn new(list: &'a ListArray) -> Result<Lists<'a>, StorageError> {
        let items = Items(list.values().as_struct());
        let optional = |name: &str| items.0.column_by_name(name);
        Ok(Lists {
            list,
            keys: strings(items.get("key")?)?,
            string: optional("string").and_then(|column| column.as_string_opt()),
            int: optional("int").and_then(|column| column.as_primitive_opt::<Int64Type>()),
            double: optional("double").and_then(|column| column.as_primitive_opt::<Float64Type>()),
            bool: optional("bool").and_then(|column| column.as_boolean_opt()),
            other: optional("other").and_then(|column| column.as_binary_opt()),
        })
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.list.len()
    }

    /// The places of the attributes of a row.
    pub(super) fn entries(&self, row: usize) -> std::ops::Range<usize> {
        self.list.value_offsets()[row] as usize..self.list.value_offsets()[row + 1] as usize
    }

    /// The key of the attribute at a place.
    pub(super) fn key(&self, entry: usize) -> &'a str {
        self.keys.value(entry)
    }

    /// The attributes with this key. None when there is none at all.
    pub(super) fn with_key(&self, key: &str) -> Option<BooleanBuffer> {
        let found = BooleanBuffer::collect_bool(self.keys.len(), |entry| self.keys.value(entry) == key);
        (found.count_set_bits() > 0).then_some(found)
    }

    /// The value of the attribute at a place; absent when it is of a type that was not read.
    pub(super) fn value(&self, entry: usize) -> Value<'a> {
        if let Some(values) = self.string.filter(|values| values.is_valid(entry)) {
            Value::String(values.value(entry))
        } else if let Some(values) = self.int.filter(|values| values.is_valid(entry)) {
            Value::Int(values.value(entry))
        } else if let Some(values) = self.double.filter(|values| values.is_valid(entry)) {
            Value::Double(values.value(entry))
        } else if let Some(values) = self.bool.filter(|values| values.is_valid(entry)) {
            Value::Bool(values.value(entry))
        } else if let Some(values) = self.other.filter(|values| values.is_valid(entry)) {
            decode(values.value(entry))
        } else {
            Value::Absent
        }
    }
}

/// Fields of list items by name.
pub(super) struct Items<'a>(pub(super) &'a StructArray);

impl<'a> Items<'a> {
    /// The field of this name.
    pub(super) fn get(&self, name: &str) -> Result<&'a dyn Array, StorageError> {
        self.0.column_by_name(name).map(|column| column.as_ref()).ok_or_else(|| damaged(&format!("no field {name:?}")))
    }
}

/// A text column that is not dictionary coded.
pub(super) fn strings(array: &dyn Array) -> Result<&StringArray, StorageError> {
    array.as_string_opt::<i32>().ok_or_else(|| damaged("a text column of another type"))
}

/// A text column that may be dictionary coded.
pub(super) enum Texts<'a> {
    Plain(&'a StringArray),
    Coded(&'a Int32Array, &'a StringArray),
}

impl<'a> Texts<'a> {
    /// The texts in a column.
    pub(super) fn new(array: &'a dyn Array) -> Result<Texts<'a>, StorageError> {
        match array.as_dictionary_opt::<Int32Type>() {
            Some(coded) => Ok(Texts::Coded(coded.keys(), strings(coded.values().as_ref())?)),
            None => Ok(Texts::Plain(strings(array)?)),
        }
    }

    /// The text at `row`, which is not null.
    pub(super) fn get(&self, row: usize) -> &'a str {
        match self {
            Texts::Plain(texts) => texts.value(row),
            Texts::Coded(codes, texts) => texts.value(codes.value(row) as usize),
        }
    }
}

/// An error that says that a segment has what it should not.
pub(super) fn damaged(what: &str) -> StorageError {
    StorageError::new(StorageErrorKind::Corrupt, format!("a segment has {what}"))
}
