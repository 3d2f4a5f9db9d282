//! Durations for percentiles and heat maps: as they are while they are few, then counted in narrow classes.
//!
//! Classes have bounds of nine significant bits: 256 classes between a power of two and the next. What is said of a
//! duration in a class is off by at most 1/512 of it.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::Int64Type;
use datafusion::error::Result;

use super::{Tally, counts, damaged};

const CLASS_BITS: u32 = 8;

/// The durations of some spans, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Durations {
    exact_max: usize,
    exact: Vec<u64>,
    /// Empty while the durations are kept as they are.
    classes: BTreeMap<u32, u64>,
}

impl Durations {
    /// Counts a duration in.
    pub(crate) fn push(&mut self, duration: u64) {
        if !self.classes.is_empty() {
            *self.classes.entry(class_of(duration)).or_default() += 1;
            return;
        }
        self.exact.push(duration);
        if self.exact.len() > self.exact_max {
            for duration in std::mem::take(&mut self.exact) {
                *self.classes.entry(class_of(duration)).or_default() += 1;
            }
        }
    }

    /// Counts in those of another tally.
    pub(crate) fn add(&mut self, other: &Durations) {
        if !other.classes.is_empty() && self.classes.is_empty() {
            for duration in std::mem::take(&mut self.exact) {
                *self.classes.entry(class_of(duration)).or_default() += 1;
            }
        }
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
        other.exact.iter().for_each(|duration| self.push(*duration));
    }

    /// Calls `each` with every duration, or the middle of every class, and how many there are.
    pub(crate) fn each(&self, mut each: impl FnMut(u64, u64)) {
        self.exact.iter().for_each(|duration| each(*duration, 1));
        self.classes.iter().for_each(|(class, count)| each(middle_of(*class), *count));
    }

    /// The number of durations.
    pub(crate) fn count(&self) -> u64 {
        self.exact.len() as u64 + self.classes.values().sum::<u64>()
    }

    /// Whether every duration is known as it is.
    pub(crate) fn is_exact(&self) -> bool {
        self.classes.is_empty()
    }

    /// The least durations that the given shares (from 0 to 1, ascending) of all do not exceed; none of no durations.
    pub(crate) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Option<u64>; N] {
        let count = self.count();
        if count == 0 {
            return [None; N];
        }
        let rank = |share: f64| ((share * count as f64).ceil() as u64).clamp(1, count);
        if self.is_exact() {
            let mut sorted = self.exact.clone();
            sorted.sort_unstable();
            return shares.map(|share| Some(sorted[rank(share) as usize - 1]));
        }
        shares.map(|share| {
            let mut passed = 0;
            let class = self.classes.iter().find(|(_, count)| {
                passed += **count;
                passed >= rank(share)
            });
            class.map(|(class, _)| middle_of(*class))
        })
    }

    /// How many durations lie below the first bound, from each bound to the next, and from the last on. Exact for
    /// bounds of at most nine significant bits, in ascending order.
    pub(crate) fn counts_between(&self, bounds: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len() + 1];
        let place = |duration: u64| bounds.partition_point(|bound| *bound <= duration);
        for duration in &self.exact {
            counts[place(*duration)] += 1;
        }
        for (class, count) in &self.classes {
            counts[place(start_of(*class))] += count;
        }
        counts
    }

    /// The least and the greatest duration, of those in classes the start of the class.
    pub(crate) fn extremes(&self) -> Option<(u64, u64)> {
        let starts = self.classes.first_key_value().into_iter().chain(self.classes.last_key_value());
        let all = self.exact.iter().copied().chain(starts.map(|(class, _)| start_of(*class)));
        all.fold(None, |extremes: Option<(u64, u64)>, duration| match extremes {
            Some((least, greatest)) => Some((least.min(duration), greatest.max(duration))),
            None => Some((duration, duration)),
        })
    }
}

impl Tally for Durations {
    const NAME: &'static str = "durations";

    fn new(exact_max: usize) -> Self {
        Durations { exact_max, exact: Vec::new(), classes: BTreeMap::new() }
    }

    fn update(groups: &mut [Self], values: &[ArrayRef], of: &[usize], filter: Option<&BooleanArray>) -> Result<()> {
        let [values] = values else { return Err(damaged(Self::NAME)) };
        let durations = values.as_primitive_opt::<Int64Type>().ok_or_else(|| damaged(Self::NAME))?;
        for (row, &group) in of.iter().enumerate() {
            if durations.is_valid(row) && counts(row, filter) {
                groups[group].push(durations.value(row).max(0) as u64);
            }
        }
        Ok(())
    }

    fn merge(&mut self, bytes: &[u8]) -> Result<()> {
        let mut other = Durations::new(usize::MAX);
        let (kind, body) = bytes.split_first().ok_or_else(|| damaged(Self::NAME))?;
        let numbers = body.chunks_exact(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        match kind {
            0 => other.exact = numbers.collect(),
            _ => {
                let numbers: Vec<u64> = numbers.collect();
                other.classes = numbers.chunks_exact(2).map(|pair| (pair[0] as u32, pair[1])).collect();
            }
        }
        self.add(&other);
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(!self.is_exact())];
        self.exact.iter().for_each(|duration| bytes.extend(duration.to_le_bytes()));
        for (class, count) in &self.classes {
            bytes.extend(u64::from(*class).to_le_bytes());
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    fn heap_bytes(&self) -> usize {
        self.exact.capacity() * 8 + self.classes.len() * 24
    }
}

fn class_of(duration: u64) -> u32 {
    let bits = 64 - duration.leading_zeros();
    let shift = bits.saturating_sub(CLASS_BITS + 1);
    (shift << CLASS_BITS) + (duration >> shift) as u32
}

/// The least duration of the class.
fn start_of(class: u32) -> u64 {
    let shift = shift_of(class);
    u64::from(class - (shift << CLASS_BITS)) << shift
}

fn middle_of(class: u32) -> u64 {
    start_of(class) + (1u64 << shift_of(class)) / 2
}

fn shift_of(class: u32) -> u32 {
    (class >> CLASS_BITS).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gathered(exact_max: usize, durations: &[u64]) -> Durations {
        let mut tally = Durations::new(exact_max);
        durations.iter().for_each(|duration| tally.push(*duration));
        tally
    }

    #[test]
    fn percentiles_of_few_durations_are_among_them() {
        let tally = gathered(100, &(1..=100).rev().collect::<Vec<_>>());
        assert_eq!(tally.quantiles([0.5, 0.95, 0.99, 1.0]), [Some(50), Some(95), Some(99), Some(100)]);
        assert_eq!(gathered(100, &[7]).quantiles([0.5, 0.99]), [Some(7), Some(7)]);
        assert_eq!(gathered(100, &[]).quantiles([0.5]), [None]);
    }

    proptest! {
        #[test]
        fn a_duration_lies_in_its_class(duration: u64) {
            let class = class_of(duration);
            prop_assert!(start_of(class) <= duration);
            prop_assert!(class_of(start_of(class)) == class);
            let error = middle_of(class).abs_diff(duration);
            prop_assert!(error as f64 <= duration as f64 / 512.0 + 1.0);
        }

        #[test]
        fn classes_are_in_the_order_of_durations(a: u64, b: u64) {
            prop_assert_eq!(a.min(b), if class_of(a) <= class_of(b) && a.min(b) == a { a } else { b });
        }

        #[test]
        fn the_same_is_gathered_in_parts_as_at_once(
            durations in prop::collection::vec(0u64..1_000_000, 0..200), at in 0usize..200, exact_max in 0usize..250
        ) {
            let (left, right) = durations.split_at(at.min(durations.len()));
            let mut merged = Durations::decode(exact_max, &gathered(exact_max, left).encode()).expect("a tally");
            merged.merge(&gathered(exact_max, right).encode()).expect("a tally");
            let whole = gathered(exact_max, &durations);
            prop_assert_eq!(merged.count(), durations.len() as u64);
            prop_assert_eq!(merged.is_exact(), durations.len() <= exact_max);
            prop_assert_eq!(merged.quantiles([0.5, 0.95]), whole.quantiles([0.5, 0.95]));
            let bounds = [256, 304, 512, 1024 * 360];
            prop_assert_eq!(merged.counts_between(&bounds), gathered(1_000, &durations).counts_between(&bounds));
        }
    }
}
