//! How durations are spread: what percentiles and heat maps need, whichever way durations were counted.

use tracewell_storage::{duration_class, duration_of_class};

use crate::tally::{Durations, Tally};

/// Durations that were counted.
pub(crate) trait Spread {
    /// None.
    fn none() -> Self;
    /// Counts in those of another.
    fn add_all(&mut self, other: &Self);
    /// Their number.
    fn total(&self) -> u64;
    /// The least durations that the given shares (ascending) of all do not exceed; none of no durations.
    fn percentiles<const N: usize>(&self, shares: [f64; N]) -> [Option<u64>; N];
    /// How many lie below the first bound, from each bound to the next, and from the last on. Bounds have at most six
    /// significant bits and ascend.
    fn between(&self, bounds: &[u64]) -> Vec<u64>;
    /// The least and the greatest, near enough.
    fn ends(&self) -> Option<(u64, u64)>;
}

/// The spans of a part of time, or of an operation.
pub(crate) struct Part<D> {
    /// Those with the status error.
    pub errors: u64,
    /// The durations of all of them.
    pub durations: D,
}

impl<D: Spread> Default for Part<D> {
    fn default() -> Self {
        Part { errors: 0, durations: D::none() }
    }
}

impl Spread for Durations {
    fn none() -> Self {
        Durations::new(usize::MAX)
    }

    fn add_all(&mut self, other: &Self) {
        self.add(other);
    }

    fn total(&self) -> u64 {
        self.count()
    }

    fn percentiles<const N: usize>(&self, shares: [f64; N]) -> [Option<u64>; N] {
        self.quantiles(shares)
    }

    fn between(&self, bounds: &[u64]) -> Vec<u64> {
        self.counts_between(bounds)
    }

    fn ends(&self) -> Option<(u64, u64)> {
        self.extremes()
    }
}

/// Durations by class, as rollups have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Classes {
    first: u16,
    /// From the class `first` on.
    counts: Vec<u64>,
}

impl Classes {
    /// Counts in durations of a class.
    pub(crate) fn push(&mut self, class: u16, count: u64) {
        if self.counts.is_empty() {
            self.first = class;
        }
        if class < self.first {
            let more = usize::from(self.first - class);
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = class;
        }
        let place = usize::from(class - self.first);
        if place >= self.counts.len() {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += count;
    }

    /// Counts in durations that were read of rows.
    pub(crate) fn push_rows(&mut self, rows: &Durations) {
        rows.each(|duration, count| self.push(duration_class(duration), count));
    }

    /// Every class that has durations, ascending.
    fn each(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(|(place, count)| (duration_of_class(self.first + place as u16), *count))
    }
}

impl Spread for Classes {
    fn none() -> Self {
        Classes::default()
    }

    fn add_all(&mut self, other: &Self) {
        for (place, count) in other.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            self.push(other.first + place as u16, *count);
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn percentiles<const N: usize>(&self, shares: [f64; N]) -> [Option<u64>; N] {
        let total = self.total();
        shares.map(|share| {
            let rank = ((share * total as f64).ceil() as u64).clamp(1, total.max(1));
            let mut passed = 0;
            let found = self.each().find(|(_, count)| {
                passed += count;
                passed >= rank
            });
            found.map(|(duration, _)| duration)
        })
    }

    fn between(&self, bounds: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len() + 1];
        for (duration, count) in self.each() {
            counts[bounds.partition_point(|bound| *bound <= duration)] += count;
        }
        counts
    }

    fn ends(&self) -> Option<(u64, u64)> {
        Some((self.each().next()?.0, self.each().next_back()?.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_of_classes_are_near_those_of_durations(
            durations in prop::collection::vec(0u64..1 << 40, 0..300), at in 0usize..300
        ) {
            let (left, right) = durations.split_at(at.min(durations.len()));
            let (mut all, mut exact) = (Classes::none(), Durations::new(usize::MAX));
            let mut more = Classes::none();
            left.iter().for_each(|duration| all.push(duration_class(*duration), 1));
            right.iter().for_each(|duration| more.push(duration_class(*duration), 1));
            all.add_all(&more);
            durations.iter().for_each(|duration| exact.push(*duration));
            prop_assert_eq!(all.total(), exact.total());
            for (found, exact) in all.percentiles([0.5, 0.95]).into_iter().zip(exact.percentiles([0.5, 0.95])) {
                let near = |(found, exact): (u64, u64)| found.abs_diff(exact) as f64 <= exact as f64 / 64.0;
                prop_assert!(found.zip(exact).map_or(found == exact, near), "{found:?} for {exact:?}");
            }
            let bounds = [256u64, 304 << 10, 360 << 20, 432 << 29];
            prop_assert_eq!(all.between(&bounds), exact.between(&bounds));
            let mut counted = Classes::none();
            counted.push_rows(&exact);
            prop_assert_eq!(counted.between(&bounds), all.between(&bounds));
        }
    }
}
