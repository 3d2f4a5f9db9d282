//! Time cut into parts of equal width.

use arrow::datatypes::DataType;
use datafusion::prelude::{Expr, cast, col, lit};
use tracewell_model::{TimeRange, UnixNanos};

use crate::QueryError;

/// The most parts of a range.
const BUCKETS_MAX: usize = 1_000;

/// Parts of equal width, the last of which may reach beyond the range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    /// Where the first begins.
    pub start: UnixNanos,
    /// The width of each.
    pub width: u64,
    /// How many.
    pub count: usize,
}

impl Buckets {
    /// `count` parts that cover `time`.
    pub(crate) fn new(time: TimeRange, count: usize) -> Result<Buckets, QueryError> {
        if count == 0 || count > BUCKETS_MAX {
            return Err(QueryError::invalid(format!("buckets is {count}: expected 1 to {BUCKETS_MAX}")));
        }
        let width = time.end.0.saturating_sub(time.start.0).div_ceil(count as u64).max(1);
        Ok(Buckets { start: time.start, width, count })
    }

    /// The number of the part that the column `time` lies in; see [`Buckets::place`].
    pub(crate) fn of_time(&self) -> Expr {
        let signed = |number: u64| lit(i64::try_from(number).unwrap_or(i64::MAX));
        (cast(col("time"), DataType::Int64) - signed(self.start.0)) / signed(self.width)
    }

    /// The place in a list of the parts for a number from [`Buckets::of_time`].
    pub(crate) fn place(&self, number: i64) -> usize {
        usize::try_from(number).unwrap_or_default().min(self.count - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_range() {
        let time = TimeRange { start: UnixNanos(10), end: UnixNanos(21) };
        let buckets = Buckets::new(time, 5).expect("a legal number");
        assert_eq!((buckets.width, buckets.place(3), buckets.place(9)), (3, 3, 4));
        assert_eq!(Buckets::new(TimeRange::ALL, 1).expect("a legal number").width, u64::MAX);
        assert!(Buckets::new(time, 0).is_err() && Buckets::new(time, 1_001).is_err());
    }
}
