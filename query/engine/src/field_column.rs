//! A field as a column of values for people.

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::prelude::{Expr, col, lit};
use tracewell_model::{Signal, TimeRange};
use tracewell_storage::{AttributeType, Column, Predicate, arrow_type};

use crate::QueryError;
use crate::field::{Meaning, meaning};
use crate::names::{kind_name, severity_name, status_name};
use crate::session::{Session, View, collect};
use crate::tally::{Tally, ValueCounts, tally};

/// Where the values of a field are read, and how they are shown.
pub(crate) struct FieldColumn {
    meaning: Meaning,
    /// The first that has a value counts.
    columns: Vec<Column>,
}

impl FieldColumn {
    /// The field with this name, as in the search language.
    pub(crate) fn new(name: &str, signal: Signal) -> Result<FieldColumn, QueryError> {
        let field = tracewell_language::parse_field(name)
            .map_err(|error| QueryError::invalid(format!("{name:?} is not a field: {error}")))?;
        let meaning = meaning(&field, signal);
        let columns = match &meaning {
            Meaning::Text(column) | Meaning::SpanId(column) => vec![column.clone()],
            Meaning::TraceId => vec![Column::TraceId],
            Meaning::Duration => vec![Column::Duration],
            Meaning::Kind => vec![Column::Kind],
            Meaning::Status => vec![Column::StatusCode],
            Meaning::Severity => vec![Column::SeverityNumber],
            Meaning::Attribute { scopes, key } => scopes
                .iter()
                .map(|&scope| Column::Attribute { scope, key: key.clone(), of: AttributeType::Display })
                .collect(),
        };
        Ok(FieldColumn { meaning, columns })
    }

    /// Where its values are read.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Counted values of a column by their names in the search language.
    pub(crate) fn named(&self, counts: ValueCounts) -> ValueCounts {
        counts.renamed(|value| self.shown(value))
    }

    /// Where its values are read.
    pub(crate) fn into_columns(self) -> Vec<Column> {
        self.columns
    }

    /// The value of a column as the search language names it; none where it stands for a missing one.
    fn shown(&self, value: &str) -> Option<String> {
        let number = || value.parse::<i32>().unwrap_or_default();
        match &self.meaning {
            Meaning::Text(_) if value.is_empty() => None,
            Meaning::Kind => Some(kind_name(number())),
            Meaning::Status => Some(status_name(number())),
            Meaning::Severity => Some(severity_name(number())),
            Meaning::Duration => Some(format!("{value}ns")),
            _ => Some(value.to_owned()),
        }
    }
}

/// How often each value of each field occurs among the rows that meet the predicate, and the number of those rows.
pub(crate) async fn value_counts(
    session: &Session,
    view: &View,
    time: TimeRange,
    predicate: Predicate,
    fields: &[FieldColumn],
) -> Result<(Vec<ValueCounts>, u64), QueryError> {
    let name = |field: usize, column: usize| format!("f{field}_{column}");
    let columns: Vec<(String, Column)> = fields
        .iter()
        .enumerate()
        .flat_map(|(number, field)| {
            field.columns.iter().enumerate().map(move |(place, column)| (name(number, place), counted(column)))
        })
        .collect();
    let columns: Vec<(&str, Column)> = columns.iter().map(|(name, column)| (name.as_str(), column.clone())).collect();
    let values = |number: usize| -> Vec<Expr> {
        (0..fields[number].columns.len()).map(|place| col(name(number, place))).collect()
    };
    let mut counted = vec![count(lit(1)).alias("total")];
    counted.extend((0..fields.len()).map(|field| tally::<ValueCounts>(0, values(field)).alias(format!("f{field}"))));
    let batches = collect(session.scan(view, &columns, time, predicate)?.aggregate(Vec::new(), counted)?).await?;
    let Some(row) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Err(QueryError::internal("counting values gave no row"));
    };
    let total = row.column(0).as_primitive::<Int64Type>().value(0) as u64;
    let mut counts = Vec::with_capacity(fields.len());
    for (number, field) in fields.iter().enumerate() {
        let counted = ValueCounts::decode(0, row.column(number + 1).as_binary::<i32>().value(0))?;
        counts.push(field.named(counted));
    }
    Ok((counts, total))
}

/// The column in the form in which its values are counted soonest.
fn counted(column: &Column) -> Column {
    match arrow_type(column) {
        DataType::Utf8 => Column::Coded(Box::new(column.clone())),
        _ => column.clone(),
    }
}
