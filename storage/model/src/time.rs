//! Points in time and ranges of them, in nanoseconds since the Unix epoch as OTLP counts them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01T00:00:00Z. Senders choose it: only checked or saturating arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// The system's clock; 0 if it stands before 1970.
    pub fn now() -> UnixNanos {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixNanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// This many nanoseconds earlier, at the least 0.
    pub fn saturating_sub(self, nanos: u64) -> UnixNanos {
        UnixNanos(self.0.saturating_sub(nanos))
    }

    /// This many nanoseconds later, at the most `u64::MAX`.
    pub fn saturating_add(self, nanos: u64) -> UnixNanos {
        UnixNanos(self.0.saturating_add(nanos))
    }
}

/// From `start` (inclusive) to `end` (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// The first nanosecond inside.
    pub start: UnixNanos,
    /// The first nanosecond after.
    pub end: UnixNanos,
}

impl TimeRange {
    /// All of time.
    pub const ALL: TimeRange = TimeRange { start: UnixNanos(0), end: UnixNanos(u64::MAX) };

    /// Whether `time` is inside.
    pub fn contains(&self, time: UnixNanos) -> bool {
        self.start <= time && self.ends_after(time)
    }

    /// Whether a nanosecond from `first` to `last` (both inclusive) is inside.
    pub fn overlaps(&self, first: UnixNanos, last: UnixNanos) -> bool {
        self.ends_after(first) && self.start <= last
    }

    /// An end at the very last nanosecond is none: that nanosecond is inside, too.
    fn ends_after(&self, time: UnixNanos) -> bool {
        time < self.end || self.end == UnixNanos(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_time_has_its_last_nanosecond_and_other_ranges_end_before_their_end() {
        let last = UnixNanos(u64::MAX);
        assert!(TimeRange::ALL.contains(last) && TimeRange::ALL.overlaps(last, last));
        let range = TimeRange { start: UnixNanos(5), end: UnixNanos(7) };
        assert!(range.contains(UnixNanos(5)) && range.contains(UnixNanos(6)) && !range.contains(UnixNanos(7)));
        assert!(range.overlaps(UnixNanos(0), UnixNanos(5)) && !range.overlaps(UnixNanos(7), last));
    }
}
