//! What a scan keeps.
//!
//! Predicates have two values: a comparison with a missing value is false, so its negation is true. They are exact:
//! pruning by statistics and by the text index never changes an answer.

use serde::{Deserialize, Serialize};

use crate::column::{AttributeScope, Column};
use crate::text::TextPattern;

/// How a column's value stands to a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// The same.
    Equal,
    /// Less.
    Less,
    /// Less or the same.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or the same.
    GreaterOrEqual,
}

/// A constant, of the type of the column it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scalar {
    /// For `Utf8` columns; compared by bytes.
    String(String),
    /// For `Int32`, `Int64` and `UInt64` columns, and for [`Column::Time`] in Unix nanoseconds.
    Int(i64),
    /// For `Float64` columns.
    Double(#[serde(with = "double_bits")] f64),
    /// For `Boolean` columns.
    Bool(bool),
    /// For `FixedSizeBinary` columns.
    Binary(Vec<u8>),
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// Every one holds; `And(vec![])` is true.
    And(Vec<Predicate>),
    /// One holds; `Or(vec![])` is false.
    Or(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The column has a value that stands so to the scalar.
    Compare {
        /// The left side.
        column: Column,
        /// The relation.
        comparison: Comparison,
        /// The right side.
        value: Scalar,
    },
    /// The column's value is one of these.
    In {
        /// The left side.
        column: Column,
        /// All of the column's type.
        values: Vec<Scalar>,
    },
    /// The column's text matches.
    Matches {
        /// A `Utf8` column.
        column: Column,
        /// What it has to contain.
        pattern: TextPattern,
    },
    /// The record's full text matches: of a log record its body; of a span its name, its status message, the names of
    /// its events and those of their `exception.*` attributes that are text (each taken by itself).
    Text(TextPattern),
    /// There is an attribute of this key, of whatever type.
    HasAttribute {
        /// Where.
        scope: AttributeScope,
        /// Its key.
        key: String,
    },
}

impl Predicate {
    /// The predicate that every row meets.
    pub fn always() -> Predicate {
        Predicate::And(Vec::new())
    }
}

/// A float as its bits: JSON has neither NaN nor infinity, and digits may be lost.
mod double_bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}
