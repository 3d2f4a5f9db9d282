//! What a predicate asks of a single value, and trying it on arrays.

use std::collections::HashSet;

use arrow::array::{
    Array, ArrowPrimitiveType, AsArray, BooleanArray, FixedSizeBinaryArray, Float64Array, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};

use super::texts::texts_that_match;
use crate::text::TextMatcher;
use crate::{Comparison, Scalar, StorageError, StorageErrorKind};

/// What is asked of a value. A missing value never meets it.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// It stands so to the scalar.
    Compare(Comparison, Scalar),
    /// It is one of these.
    In(Vec<Scalar>),
    /// It is a text that matches.
    Matches(TextMatcher),
    /// It is there.
    Present,
}

impl Comparison {
    /// Whether it holds between two values in this order; values without an order never compare.
    fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        }
    }
}

impl Test {
    /// Which of the values meet the test.
    pub(crate) fn of_array(&self, values: &dyn Array) -> Result<BooleanBuffer, StorageError> {
        let met = match (self, values.data_type()) {
            (Test::Present, _) => BooleanBuffer::new_set(values.len()),
            (_, DataType::Null) => BooleanBuffer::new_unset(values.len()),
            (_, DataType::Dictionary(_, _)) => return self.of_dictionary(values),
            (_, DataType::Utf8) => self.of_strings(values.as_string())?,
            (_, DataType::Int32) => self.of_numbers::<Int32Type>(values.as_primitive(), i64::from)?,
            (_, DataType::Int64) => self.of_numbers::<Int64Type>(values.as_primitive(), |value| value)?,
            (_, DataType::Timestamp(_, _)) => {
                self.of_numbers::<TimestampNanosecondType>(values.as_primitive(), |value| value)?
            }
            (_, DataType::UInt64) => self.of_numbers::<UInt64Type>(values.as_primitive(), i128::from)?,
            (_, DataType::Float64) => self.of_doubles(values.as_primitive())?,
            (_, DataType::Boolean) => self.of_flags(values.as_boolean())?,
            (_, DataType::FixedSizeBinary(_)) => self.of_binaries(values.as_fixed_size_binary())?,
            (_, other) => return Err(self.misfit(other)),
        };
        Ok(without_nulls(met, values.logical_nulls().as_ref()))
    }

    /// Tries each entry of the dictionary once.
    fn of_dictionary(&self, values: &dyn Array) -> Result<BooleanBuffer, StorageError> {
        let Some(dictionary) = values.as_dictionary_opt::<Int32Type>() else {
            return Err(self.misfit(values.data_type()));
        };
        let met = self.of_array(dictionary.values().as_ref())?;
        let keys = dictionary.keys();
        if met.count_set_bits() == 0 {
            return Ok(BooleanBuffer::new_unset(keys.len()));
        }
        let entries = keys.values();
        // Null keys may point anywhere.
        let found = BooleanBuffer::collect_bool(keys.len(), |row| {
            usize::try_from(entries[row]).is_ok_and(|entry| entry < met.len() && met.value(entry))
        });
        Ok(without_nulls(found, keys.nulls()))
    }

    fn of_strings(&self, values: &StringArray) -> Result<BooleanBuffer, StorageError> {
        let all =
            |test: &dyn Fn(&str) -> bool| BooleanBuffer::collect_bool(values.len(), |row| test(values.value(row)));
        Ok(match self {
            Test::Compare(comparison, Scalar::String(right)) => {
                all(&|left| comparison.holds(left.as_bytes(), right.as_bytes()))
            }
            Test::In(scalars) => {
                let wanted: HashSet<&str> = self.scalars(scalars, |scalar| match scalar {
                    Scalar::String(text) => Some(text.as_str()),
                    _ => None,
                })?;
                all(&|left| wanted.contains(left))
            }
            Test::Matches(matcher) => texts_that_match(matcher, values),
            _ => return Err(self.misfit(&DataType::Utf8)),
        })
    }

    fn of_numbers<T: WideNumber>(
        &self,
        values: &PrimitiveArray<T>,
        widen: impl Fn(T::Native) -> T::Wide,
    ) -> Result<BooleanBuffer, StorageError> {
        let numbers = values.values();
        Ok(match self {
            Test::Compare(comparison, Scalar::Int(right)) => {
                let right = T::Wide::from(*right);
                BooleanBuffer::collect_bool(numbers.len(), |row| comparison.holds(&widen(numbers[row]), &right))
            }
            Test::In(scalars) => {
                let wanted: HashSet<T::Wide> = self.scalars(scalars, |scalar| match scalar {
                    Scalar::Int(number) => Some(T::Wide::from(*number)),
                    _ => None,
                })?;
                BooleanBuffer::collect_bool(numbers.len(), |row| wanted.contains(&widen(numbers[row])))
            }
            _ => return Err(self.misfit(values.data_type())),
        })
    }

    fn of_doubles(&self, values: &Float64Array) -> Result<BooleanBuffer, StorageError> {
        let numbers = values.values();
        let all = |test: &dyn Fn(f64) -> bool| BooleanBuffer::collect_bool(numbers.len(), |row| test(numbers[row]));
        Ok(match self {
            Test::Compare(comparison, Scalar::Double(right)) => all(&|left| comparison.holds(&left, right)),
            Test::In(scalars) => {
                let wanted: Vec<f64> = self.scalars(scalars, |scalar| match scalar {
                    Scalar::Double(number) => Some(*number),
                    _ => None,
                })?;
                all(&|left| wanted.contains(&left))
            }
            _ => return Err(self.misfit(&DataType::Float64)),
        })
    }

    fn of_flags(&self, values: &BooleanArray) -> Result<BooleanBuffer, StorageError> {
        let flags = values.values();
        let all = |test: &dyn Fn(bool) -> bool| BooleanBuffer::collect_bool(flags.len(), |row| test(flags.value(row)));
        Ok(match self {
            Test::Compare(comparison, Scalar::Bool(right)) => all(&|left| comparison.holds(&left, right)),
            Test::In(scalars) => {
                let wanted: Vec<bool> = self.scalars(scalars, |scalar| match scalar {
                    Scalar::Bool(flag) => Some(*flag),
                    _ => None,
                })?;
                all(&|left| wanted.contains(&left))
            }
            _ => return Err(self.misfit(&DataType::Boolean)),
        })
    }

    fn of_binaries(&self, values: &FixedSizeBinaryArray) -> Result<BooleanBuffer, StorageError> {
        let all =
            |test: &dyn Fn(&[u8]) -> bool| BooleanBuffer::collect_bool(values.len(), |row| test(values.value(row)));
        Ok(match self {
            Test::Compare(comparison, Scalar::Binary(right)) => all(&|left| comparison.holds(left, right.as_slice())),
            Test::In(scalars) => {
                let wanted: HashSet<&[u8]> = self.scalars(scalars, |scalar| match scalar {
                    Scalar::Binary(bytes) => Some(bytes.as_slice()),
                    _ => None,
                })?;
                all(&|left| wanted.contains(left))
            }
            _ => return Err(self.misfit(values.data_type())),
        })
    }

    fn scalars<'a, T, C: FromIterator<T>>(
        &self,
        scalars: &'a [Scalar],
        pick: impl Fn(&'a Scalar) -> Option<T>,
    ) -> Result<C, StorageError> {
        scalars.iter().map(|scalar| pick(scalar).ok_or_else(|| misfit_scalar(scalar))).collect()
    }

    fn misfit(&self, column: &DataType) -> StorageError {
        let what = match self {
            Test::Compare(_, scalar) => return misfit_with(scalar, column),
            Test::In(_) => "a list of values",
            Test::Matches(_) => "a text pattern",
            Test::Present => "presence",
        };
        StorageError::new(StorageErrorKind::Invalid, format!("{what} cannot be tested on a column of type {column}"))
    }
}

fn misfit_scalar(scalar: &Scalar) -> StorageError {
    StorageError::new(StorageErrorKind::Invalid, format!("{scalar:?} is not of the type of its column"))
}

fn misfit_with(scalar: &Scalar, column: &DataType) -> StorageError {
    let message = format!("{scalar:?} cannot be compared with a column of type {column}");
    StorageError::new(StorageErrorKind::Invalid, message)
}

fn without_nulls(met: BooleanBuffer, nulls: Option<&NullBuffer>) -> BooleanBuffer {
    match nulls {
        Some(nulls) => &met & nulls.inner(),
        None => met,
    }
}

/// A number type and one that holds its values as well as those of scalars.
trait WideNumber: ArrowPrimitiveType {
    type Wide: PartialOrd + Eq + std::hash::Hash + From<i64>;
}

impl WideNumber for Int32Type {
    type Wide = i64;
}

impl WideNumber for Int64Type {
    type Wide = i64;
}

impl WideNumber for TimestampNanosecondType {
    type Wide = i64;
}

impl WideNumber for UInt64Type {
    type Wide = i128;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int32Array, UInt64Array};

    use super::*;

    fn met(test: &Test, values: &dyn Array) -> Vec<bool> {
        test.of_array(values).expect("types fit").iter().collect()
    }

    #[test]
    fn missing_values_meet_nothing() {
        let values = StringArray::from(vec![Some("a"), None, Some("")]);
        let less = Test::Compare(Comparison::Less, Scalar::String("b".into()));
        assert_eq!(met(&less, &values), [true, false, true]);
        assert_eq!(met(&Test::Present, &values), [true, false, true]);
    }

    #[test]
    fn dictionaries_are_judged_by_their_entries() {
        let keys = Int32Array::from(vec![Some(1), Some(0), None, Some(1)]);
        let values = Arc::new(StringArray::from(vec!["x", "y"]));
        let values = DictionaryArray::new(keys, values);
        assert_eq!(met(&Test::In(vec![Scalar::String("y".into())]), &values), [true, false, false, true]);
    }

    #[test]
    fn large_unsigned_numbers_compare_with_scalars() {
        let values = UInt64Array::from(vec![u64::MAX, 3]);
        assert_eq!(met(&Test::Compare(Comparison::Greater, Scalar::Int(3)), &values), [true, false]);
    }

    #[test]
    fn a_scalar_of_another_type_is_an_error() {
        let values = StringArray::from(vec!["1"]);
        let error = Test::Compare(Comparison::Equal, Scalar::Int(1)).of_array(&values).expect_err("no number");
        assert_eq!(error.kind(), StorageErrorKind::Invalid);
    }
}
