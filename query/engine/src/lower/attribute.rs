//! Tests of attributes, which may have several types and stand in several places.

use tracewell_language::{Field, Operator, Test, looks_like_duration};
use tracewell_storage::{AttributeScope, AttributeType, Column, Comparison, Predicate, Scalar};

use super::number::{int_bound, parse_double, parse_int};
use super::{compare, ordering, text};
use crate::QueryError;

/// The attribute passes the test in one of the places, as one of its types.
pub(super) fn attribute(
    field: &Field,
    scopes: &[AttributeScope],
    key: &str,
    test: &Test,
) -> Result<Predicate, QueryError> {
    let mut alternatives = Vec::new();
    for &scope in scopes {
        let column = |of| Column::Attribute { scope, key: key.to_owned(), of };
        match test {
            Test::Exists => alternatives.push(Predicate::HasAttribute { scope, key: key.to_owned() }),
            Test::Is(value) => match value.content.as_literal() {
                Some(literal) => equal(literal, &column, &mut alternatives),
                // Wildcards look at the value as it is shown.
                None => {
                    let shown = column(AttributeType::Display);
                    alternatives.push(text::whole_value(shown, &value.content, value.span)?);
                }
            },
            Test::Compare(operator, value) => {
                if looks_like_duration(&value.content) {
                    let message = format!(
                        "{:?} is a duration, which only the field duration is compared with: expected a number for {field}",
                        value.content
                    );
                    return Err(QueryError::invalid_at(value.span.start, message));
                }
                ordered(*operator, &value.content, &column, &mut alternatives);
            }
        }
    }
    Ok(Predicate::Or(alternatives))
}

fn equal(literal: &str, column: &impl Fn(AttributeType) -> Column, alternatives: &mut Vec<Predicate>) {
    let mut push = |of, value| alternatives.push(compare(column(of), Comparison::Equal, value));
    push(AttributeType::String, Scalar::String(literal.to_owned()));
    if let Some(int) = parse_int(literal) {
        push(AttributeType::Int, Scalar::Int(int));
    }
    if let Some(double) = parse_double(literal) {
        push(AttributeType::Double, Scalar::Double(double));
    }
    if let Ok(flag) = literal.parse::<bool>() {
        push(AttributeType::Bool, Scalar::Bool(flag));
    }
    // Arrays and lists are compared by the JSON that is shown of them.
    if literal.starts_with(['[', '{']) {
        push(AttributeType::Display, Scalar::String(literal.to_owned()));
    }
}

fn ordered(
    operator: Operator,
    literal: &str,
    column: &impl Fn(AttributeType) -> Column,
    alternatives: &mut Vec<Predicate>,
) {
    let comparison = ordering(operator);
    let Some(double) = parse_double(literal) else {
        let text = Scalar::String(literal.to_owned());
        alternatives.push(compare(column(AttributeType::String), comparison, text));
        return;
    };
    if let Some((comparison, int)) = int_bound(comparison, literal) {
        alternatives.push(compare(column(AttributeType::Int), comparison, int));
    }
    alternatives.push(compare(column(AttributeType::Double), comparison, Scalar::Double(double)));
}
