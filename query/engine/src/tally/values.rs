//! How often each value of a column occurs.

use std::borrow::Cow;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::error::Result;
use hashbrown::HashMap;

use super::{Tally, counts, damaged};

/// What an entry takes beside its text.
const ENTRY_BYTES: usize = 32;

/// The values of a column as text, and how often each occurs. Texts come dictionary coded; numbers are written plainly,
/// bytes in hexadecimal.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueCounts {
    counts: HashMap<Box<str>, u64>,
    text_bytes: usize,
}

impl ValueCounts {
    /// Counts in occurrences of a value.
    pub(crate) fn add(&mut self, value: &str, count: u64) {
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

/// Counts in the values of these rows, all of which have one.
fn add_rows(groups: &mut [ValueCounts], values: &ArrayRef, rows: &[usize], of: &[usize]) -> Result<()> {
    let unknown = || damaged(ValueCounts::NAME);
    match values.data_type() {
        DataType::Dictionary(_, _) => {
            let coded = values.as_dictionary_opt::<Int32Type>().ok_or_else(unknown)?;
            let texts = coded.values().as_string_opt::<i32>().ok_or_else(unknown)?;
            let keys = coded.keys().values();
            add_grouped(groups, rows.iter().map(|&row| (of[row], keys[row])), |key| texts.value(key as usize).into());
        }
        DataType::Int32 => {
            let numbers = values.as_primitive::<Int32Type>().values();
            add_grouped(groups, rows.iter().map(|&row| (of[row], numbers[row])), |number| number.to_string().into());
        }
        DataType::Int64 => {
            let numbers = values.as_primitive::<Int64Type>().values();
            add_grouped(groups, rows.iter().map(|&row| (of[row], numbers[row])), |number| number.to_string().into());
        }
        DataType::FixedSizeBinary(_) => {
            let ids = values.as_fixed_size_binary();
            add_grouped(groups, rows.iter().map(|&row| (of[row], ids.value(row))), |id| hex::encode(id).into());
        }
        _ => return Err(unknown()),
    }
    Ok(())
}

/// Counts in values that are made into text only once each.
fn add_grouped<'a, K: Copy + Eq + Hash>(
    groups: &mut [ValueCounts],
    rows: impl Iterator<Item = (usize, K)>,
    text: impl Fn(K) -> Cow<'a, str>,
) {
    let mut sums: HashMap<(usize, K), u64> = HashMap::new();
    let mut run: Option<((usize, K), u64)> = None;
    for row in rows {
        // Equal values often follow each other.
        match &mut run {
            Some((of, count)) if *of == row => *count += 1,
            _ => {
                if let Some((of, count)) = run.replace((row, 1)) {
                    *sums.entry(of).or_default() += count;
                }
            }
        }
    }
    if let Some((of, count)) = run {
        *sums.entry(of).or_default() += count;
    }
    sums.into_iter().for_each(|((group, key), count)| groups[group].add(&text(key), count));
}

impl Tally for ValueCounts {
    const NAME: &'static str = "value_counts";

    fn new(_exact_max: usize) -> Self {
        ValueCounts::default()
    }

    fn update(groups: &mut [Self], values: &[ArrayRef], of: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let mut open: Vec<usize> = (0..of.len()).filter(|&row| counts(row, filter)).collect();
        for column in values {
            let nulls = column.logical_nulls();
            let (has, has_not): (Vec<usize>, Vec<usize>) = match nulls {
                None => (std::mem::take(&mut open), Vec::new()),
                Some(nulls) => open.iter().partition(|&&row| nulls.is_valid(row)),
            };
            add_rows(groups, column, &has, of)?;
            open = has_not;
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
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, FixedSizeBinaryArray, Int32Array, StringArray};

    use super::*;

    fn gathered(columns: &[ArrayRef]) -> ValueCounts {
        let mut groups = [ValueCounts::default()];
        let rows = columns[0].len();
        ValueCounts::update(&mut groups, columns, &vec![0; rows], None).expect("a type that counts");
        let [counts] = groups;
        counts
    }

    fn coded(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>())
    }

    #[test]
    fn values_are_ranked_by_frequency_then_text() {
        let counts = gathered(&[coded(&[Some("b"), Some("a"), None, Some("c"), Some("c")])]);
        assert_eq!(counts.ranked(), [("c".into(), 2), ("a".into(), 1), ("b".into(), 1)]);
    }

    #[test]
    fn the_first_column_that_has_a_value_counts() {
        let counts = gathered(&[coded(&[None, Some("a"), None]), coded(&[Some("b"), Some("x"), None])]);
        assert_eq!(counts.ranked(), [("a".into(), 1), ("b".into(), 1)]);
    }

    #[test]
    fn entries_of_a_dictionary_may_repeat_and_be_null() {
        let texts = Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), Some("unused")]));
        let keys = Int32Array::from(vec![Some(0), Some(1), Some(2), None]);
        let counts = gathered(&[Arc::new(DictionaryArray::new(keys, texts))]);
        assert_eq!(counts.ranked(), [("a".into(), 2)]);
    }

    #[test]
    fn numbers_and_ids_are_written_as_text() {
        assert_eq!(gathered(&[Arc::new(Int32Array::from(vec![-5, -5]))]).ranked(), [("-5".into(), 2)]);
        let id = FixedSizeBinaryArray::try_from_iter([[0u8, 255u8]].iter()).expect("an id");
        assert_eq!(gathered(&[Arc::new(id)]).ranked(), [("00ff".into(), 1)]);
    }

    #[test]
    fn merged_counts_add_up() {
        let mut left = gathered(&[coded(&[Some("a"), Some("b")])]);
        left.merge(&gathered(&[coded(&[Some("b"), Some("")])]).encode()).expect("a tally");
        assert_eq!(left.ranked(), [("b".into(), 2), ("".into(), 1), ("a".into(), 1)]);
    }
}
