//! Views: the logical table of some rows of a source, whatever way the source holds them.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, TimestampNanosecondArray, UInt32Array, UInt64Array, new_null_array};
use arrow::buffer::{BooleanBuffer, OffsetBuffer};
use tracewell_model::ScopeTable;

use crate::{AttributeType, Column, StorageError, arrow_type};

/// The lists within a row that have attributes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Nested {
    /// The events of a span.
    Events,
    /// The links of a span.
    Links,
}

/// Values of a run of rows: one of each row, or a list of them.
pub(crate) struct Cells {
    /// Where the values of each row start and end; none when each row has one.
    pub offsets: Option<OffsetBuffer<i32>>,
    /// The values. Text may be dictionary coded.
    pub values: ArrayRef,
}

impl Cells {
    /// One value of each row.
    pub(crate) fn flat(values: ArrayRef) -> Cells {
        Cells { offsets: None, values }
    }
}

/// The logical table of a run of rows. Text columns may come dictionary coded (`Dictionary(Int32, Utf8)`).
pub(crate) trait View {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// The scopes that the rows refer to.
    fn scopes(&self) -> &ScopeTable;

    /// The number of each row's scope.
    fn scope_ids(&self) -> Result<UInt32Array, StorageError>;

    /// Where each row is within the snapshot.
    fn addresses(&self) -> UInt64Array;

    /// A column of the record itself: everything but addresses, keys and what stands on resource, scope, events and
    /// links.
    fn column(&self, column: &Column) -> Result<ArrayRef, StorageError>;

    /// The values of an attribute of the events or links of each row.
    fn nested(&self, nested: Nested, key: &str, of: AttributeType) -> Result<Cells, StorageError>;

    /// Whether the row's record has an attribute of this key.
    fn has_attribute(&self, key: &str) -> Result<BooleanBuffer, StorageError>;

    /// Whether an event or a link of the row has an attribute of this key.
    fn nested_has_attribute(&self, nested: Nested, key: &str) -> Result<BooleanBuffer, StorageError>;

    /// The distinct keys of the row's attributes: `List<Utf8>`.
    fn attribute_keys(&self) -> Result<ListArray, StorageError>;

    /// The distinct keys of the attributes of the row's events or links: `List<Utf8>`.
    fn nested_attribute_keys(&self, nested: Nested) -> Result<ListArray, StorageError>;

    /// The texts that [`crate::Predicate::Text`] looks into.
    fn texts(&self) -> Result<Vec<Cells>, StorageError>;
}

/// Nothing, as often as there are rows, in the type of `column`.
pub(crate) fn null_array(column: &Column, rows: usize) -> ArrayRef {
    new_null_array(&arrow_type(column), rows)
}

/// Times as [`Column::Time`] has them.
pub(crate) fn saturated_times(times: impl IntoIterator<Item = u64>) -> ArrayRef {
    let times = times.into_iter().map(|time| i64::try_from(time).unwrap_or(i64::MAX));
    Arc::new(TimestampNanosecondArray::from_iter_values(times).with_timezone("UTC"))
}
