//! How often each value of a column occurs.

use std::fmt::Write;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::error::Result;
use hashbrown::HashMap;

use super::{Tally, counts, damaged};

/// What an entry takes beside its text.
const ENTRY_BYTES: usize = 32;

/// The values of a column as text, and how often each occurs. Numbers are written plainly, bytes in hexadecimal; of
/// lists each item counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueCounts {
    counts: HashMap<Box<str>, u64>,
    text_bytes: usize,
}

impl ValueCounts {
    fn add(&mut self, value: &str, count: u64) {
        match self.counts.get_mut(value) {
            Some(sum) => *sum += count,
            None => {
                self.text_bytes += value.len();
                self.counts.insert(value.into(), count);
            }
        }
    }

    /// Every value, the most frequent first; of equally frequent ones the lesser first.
    pub(crate) fn ranked(self) -> Vec<(String, u64)> {
        let mut ranked: Vec<(String, u64)> =
            self.counts.into_iter().map(|(value, count)| (value.into_string(), count)).collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// The same with other texts. Values that become the same count together, those that get none do not count.
    pub(crate) fn renamed(self, name: impl Fn(&str) -> Option<String>) -> ValueCounts {
        let mut renamed = ValueCounts::default();
        for (value, count) in self.counts {
            if let Some(name) = name(&value) {
                renamed.add(&name, count);
            }
        }
        renamed
    }
}

impl Tally for ValueCounts {
    const NAME: &'static str = "value_counts";

    fn new(_exact_max: usize) -> Self {
        ValueCounts::default()
    }

    fn update(groups: &mut [Self], values: &dyn Array, of: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let mut text = String::new();
        let rows = of.iter().enumerate().filter(|(row, _)| counts(*row, values, filter));
        match values.data_type() {
            DataType::Utf8 => {
                let texts = values.as_string::<i32>();
                rows.for_each(|(row, &group)| groups[group].add(texts.value(row), 1));
            }
            DataType::Int32 | DataType::Int64 => {
                let (short, long) = (values.as_primitive_opt::<Int32Type>(), values.as_primitive_opt::<Int64Type>());
                for (row, &group) in rows {
                    let number = short.map(|array| i64::from(array.value(row)));
                    let number = number.or_else(|| long.map(|array| array.value(row))).unwrap_or_default();
                    text.clear();
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{number}");
                    groups[group].add(&text, 1);
                }
            }
            DataType::FixedSizeBinary(_) => {
                let bytes = values.as_fixed_size_binary();
                for (row, &group) in rows {
                    text.clear();
                    for byte in bytes.value(row) {
                        let _ = write!(text, "{byte:02x}");
                    }
                    groups[group].add(&text, 1);
                }
            }
            DataType::List(_) => {
                let lists = values.as_list::<i32>();
                let items = lists.values().as_string_opt::<i32>().ok_or_else(|| damaged(Self::NAME))?;
                for (row, &group) in rows {
                    let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
                    (start..end).filter(|item| items.is_valid(*item)).for_each(|item| {
                        groups[group].add(items.value(item), 1);
                    });
                }
            }
            _ => return Err(damaged(Self::NAME)),
        }
        Ok(())
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (len, after) = rest.split_first_chunk::<8>().ok_or_else(|| damaged(Self::NAME))?;
            let (count, after) = after.split_first_chunk::<8>().ok_or_else(|| damaged(Self::NAME))?;
            let text = after.split_at_checked(u64::from_le_bytes(*len) as usize);
            let (text, after) = text.ok_or_else(|| damaged(Self::NAME))?;
            self.add(std::str::from_utf8(text).map_err(|_| damaged(Self::NAME))?, u64::from_le_bytes(*count));
            rest = after;
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text_bytes + 16 * self.counts.len());
        for (value, count) in &self.counts {
            bytes.extend((value.len() as u64).to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.as_bytes());
        }
        bytes
    }

    fn heap_bytes(&self) -> usize {
        self.text_bytes + self.counts.capacity() * ENTRY_BYTES
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeBinaryArray, Int32Array, StringArray};

    use super::*;

    fn gathered(values: &dyn Array) -> ValueCounts {
        let mut groups = [ValueCounts::default()];
        ValueCounts::update(&mut groups, values, &vec![0; values.len()], None).expect("a type that counts");
        let [counts] = groups;
        counts
    }

    #[test]
    fn values_are_ranked_by_frequency_then_text() {
        let counts = gathered(&StringArray::from(vec![Some("b"), Some("a"), None, Some("c"), Some("c")]));
        let ranked: Vec<_> = counts.ranked();
        assert_eq!(ranked, [("c".into(), 2), ("a".into(), 1), ("b".into(), 1)]);
    }

    #[test]
    fn numbers_and_ids_are_written_as_text() {
        assert_eq!(gathered(&Int32Array::from(vec![-5])).ranked(), [("-5".into(), 1)]);
        let id = FixedSizeBinaryArray::try_from_iter([[0u8, 255u8]].iter()).expect("an id");
        assert_eq!(gathered(&id).ranked(), [("00ff".into(), 1)]);
    }

    #[test]
    fn merged_counts_add_up() {
        let mut left = gathered(&StringArray::from(vec!["a", "b"]));
        left.merge(&gathered(&StringArray::from(vec!["b", ""])).encode()).expect("a tally");
        assert_eq!(left.ranked(), [("b".into(), 2), ("".into(), 1), ("a".into(), 1)]);
    }
}
