//! A [`Tally`] as an aggregate function of DataFusion.

use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, Expr, GroupsAccumulator, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::{Tally, damaged};

/// The tally of the rows' values, the first of `values` that is there, as bytes for [`Tally::decode`].
pub(crate) fn tally<T: Tally>(exact_max: usize, values: Vec<Expr>) -> Expr {
    let signature = Signature::any(values.len(), Volatility::Immutable);
    let function: Function<T> = Function { exact_max, signature, of: PhantomData };
    AggregateUDF::from(function).call(values)
}

#[derive(Debug)]
struct Function<T> {
    exact_max: usize,
    signature: Signature,
    of: PhantomData<fn() -> T>,
}

impl<T> PartialEq for Function<T> {
    fn eq(&self, other: &Self) -> bool {
        self.exact_max == other.exact_max && self.signature == other.signature
    }
}

impl<T> Eq for Function<T> {}

impl<T> Hash for Function<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.exact_max.hash(state);
    }
}

impl<T: Tally> AggregateUDFImpl for Function<T> {
    fn name(&self) -> &str {
        T::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(arguments.name, DataType::Binary, true))])
    }

    fn accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One { tally: T::new(self.exact_max) }))
    }

    fn groups_accumulator_supported(&self, _arguments: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { exact_max: self.exact_max, tallies: Vec::<T>::new() }))
    }
}

/// The tally of all rows.
#[derive(Debug)]
struct One<T> {
    tally: T,
}

impl<T: Tally> Accumulator for One<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        T::update(std::slice::from_mut(&mut self.tally), values, &vec![0; rows], None)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Binary(Some(self.tally.encode())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.tally.heap_bytes()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states_of::<T>(states)?.iter().flatten().try_for_each(|bytes| self.tally.merge(bytes))
    }
}

/// A tally for each group of rows.
struct Groups<T> {
    exact_max: usize,
    tallies: Vec<T>,
}

impl<T: Tally> GroupsAccumulator for Groups<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        groups_total: usize,
    ) -> Result<()> {
        self.tallies.resize(groups_total, T::new(self.exact_max));
        T::update(&mut self.tallies, values, groups, filter)
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let tallies = emit.take_needed(&mut self.tallies);
        Ok(Arc::new(BinaryArray::from_iter_values(tallies.iter().map(T::encode))))
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], groups_total: usize) -> Result<()> {
        self.tallies.resize(groups_total, T::new(self.exact_max));
        let states = states_of::<T>(states)?;
        for (row, &group) in groups.iter().enumerate() {
            if states.is_valid(row) {
                self.tallies[group].merge(states.value(row))?;
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |values| values.len());
        let mut tallies = vec![T::new(self.exact_max); rows];
        let groups: Vec<usize> = (0..rows).collect();
        T::update(&mut tallies, values, &groups, filter)?;
        Ok(vec![Arc::new(BinaryArray::from_iter_values(tallies.iter().map(T::encode)))])
    }

    fn size(&self) -> usize {
        self.tallies.capacity() * size_of::<T>() + self.tallies.iter().map(T::heap_bytes).sum::<usize>()
    }
}

fn states_of<T: Tally>(states: &[ArrayRef]) -> Result<&BinaryArray> {
    states.first().and_then(|states| states.as_binary_opt::<i32>()).ok_or_else(|| damaged(T::NAME))
}
