//! Aggregate functions of our own: what they gather is written into bytes, which merge and are read after the plan ran.

mod durations;
mod function;
mod values;

pub(crate) use durations::Durations;
pub(crate) use function::tally;
pub(crate) use values::ValueCounts;

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::error::Result;

/// Something that gathers the values of a column.
pub(crate) trait Tally: Clone + Send + Sync + std::fmt::Debug + 'static {
    /// The name of the aggregate function.
    const NAME: &'static str;

    /// Of no values. `exact_max` is how many values may be kept as they are.
    fn new(exact_max: usize) -> Self;

    /// Counts each row's value, that of the first column that has one, in to the tally of its group. Missing values are
    /// not counted, nor are those that the filter does not let through.
    fn update(groups: &mut [Self], values: &[ArrayRef], of: &[usize], filter: Option<&BooleanArray>) -> Result<()>;

    /// Counts in what another tally gathered and wrote.
    fn merge(&mut self, bytes: &[u8]) -> Result<()>;

    /// What was gathered, as bytes.
    fn encode(&self) -> Vec<u8>;

    /// The heap bytes held.
    fn heap_bytes(&self) -> usize;

    /// The tally that the bytes state.
    fn decode(exact_max: usize, bytes: &[u8]) -> Result<Self> {
        let mut tally = Self::new(exact_max);
        tally.merge(bytes)?;
        Ok(tally)
    }
}

/// Whether the filter lets this row through.
fn counts(row: usize, filter: Option<&BooleanArray>) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn damaged(name: &str) -> datafusion::error::DataFusionError {
    datafusion::error::DataFusionError::Internal(format!("the state of {name} cannot be read"))
}
