//! Syntax tree to predicate: what a query says about the records of a signal.

mod attribute;
mod number;
mod text;

use tracewell_language::{Field, Node, NodeKind, Operator, Pattern, Query, Test, Text, Value, parse_duration};
use tracewell_model::{Signal, SpanId, TraceId};
use tracewell_storage::{Column, Comparison, Predicate, Scalar};

use crate::QueryError;
use crate::field::{Meaning, meaning};
use crate::names::{KIND_NAMES, STATUS_NAMES, kind_number, severity_numbers, status_number};

/// The condition that a query states about records of a signal.
///
/// Conditions have two values: what compares with a missing value does not hold, so its negation does.
pub fn lower(query: &Query, signal: Signal) -> Result<Predicate, QueryError> {
    let Some(root) = &query.root else { return Ok(Predicate::always()) };
    check_regexes(root, &mut 0)?;
    node(root, signal)
}

/// The most regular expressions of a query: each may take as much memory as [`text`] allows one.
const REGEXES_MAX: usize = 32;

fn check_regexes(condition: &Node, count: &mut usize) -> Result<(), QueryError> {
    match &condition.kind {
        NodeKind::And(parts) | NodeKind::Or(parts) => parts.iter().try_for_each(|part| check_regexes(part, count)),
        NodeKind::Not(part) => check_regexes(part, count),
        NodeKind::Text(Text::Regex(_)) if *count == REGEXES_MAX => {
            let message = format!("the query has more than {REGEXES_MAX} regular expressions");
            Err(QueryError::invalid_at(condition.span.start, message))
        }
        NodeKind::Text(Text::Regex(_)) => {
            *count += 1;
            Ok(())
        }
        NodeKind::Text(Text::Pattern(_)) | NodeKind::Field(..) => Ok(()),
    }
}

fn node(condition: &Node, signal: Signal) -> Result<Predicate, QueryError> {
    let nodes = |parts: &[Node]| parts.iter().map(|part| node(part, signal)).collect::<Result<Vec<_>, _>>();
    Ok(match &condition.kind {
        NodeKind::And(parts) => Predicate::And(nodes(parts)?),
        NodeKind::Or(parts) => Predicate::Or(nodes(parts)?),
        NodeKind::Not(part) => not(node(part, signal)?),
        NodeKind::Text(pattern) => text::full_text(pattern, condition.span)?,
        NodeKind::Field(field, test) => field_test(field, test, signal)?,
    })
}

fn field_test(field: &Field, test: &Test, signal: Signal) -> Result<Predicate, QueryError> {
    match meaning(field, signal) {
        Meaning::Text(column) => text_column(column, test),
        Meaning::TraceId => id(field, Column::TraceId, test, |text| {
            text.parse::<TraceId>().map(|id| id.0.to_vec()).map_err(|error| error.to_string())
        }),
        Meaning::SpanId(column) => id(field, column, test, |text| {
            text.parse::<SpanId>().map(|id| id.0.to_vec()).map_err(|error| error.to_string())
        }),
        Meaning::Duration => duration(field, test),
        Meaning::Kind => enumeration(field, Column::Kind, test, kind_number, KIND_NAMES),
        Meaning::Status => enumeration(field, Column::StatusCode, test, status_number, STATUS_NAMES),
        Meaning::Severity => severity(test),
        Meaning::Attribute { scopes, key } => attribute::attribute(field, &scopes, &key, test),
    }
}

/// The empty text is a missing one: it compares with nothing, and is all that equals the empty text.
fn text_column(column: Column, test: &Test) -> Result<Predicate, QueryError> {
    let is_there = compare(column.clone(), Comparison::Greater, Scalar::String(String::new()));
    match test {
        Test::Exists => Ok(is_there),
        Test::Is(value) if value.content.as_literal() == Some("") => Ok(not(is_there)),
        Test::Is(value) => text::whole_value(column, &value.content, value.span),
        Test::Compare(operator, value) => {
            let ordered = compare(column, ordering(*operator), Scalar::String(value.content.clone()));
            Ok(Predicate::And(vec![is_there, ordered]))
        }
    }
}

fn id(
    field: &Field,
    column: Column,
    test: &Test,
    parse: fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Predicate, QueryError> {
    match test {
        // Every id is greater than none at all.
        Test::Exists => Ok(compare(column, Comparison::GreaterOrEqual, Scalar::Binary(Vec::new()))),
        Test::Is(value) => {
            let bytes =
                parse(literal(field, value)?).map_err(|error| QueryError::invalid_at(value.span.start, error))?;
            Ok(compare(column, Comparison::Equal, Scalar::Binary(bytes)))
        }
        Test::Compare(_, value) => Err(no_order(field, value)),
    }
}

fn duration(field: &Field, test: &Test) -> Result<Predicate, QueryError> {
    let nanos = |text: &str, at: usize| match parse_duration(text) {
        Ok(nanos) => Ok(Scalar::Int(i64::try_from(nanos).unwrap_or(i64::MAX))),
        Err(error) => Err(QueryError::invalid_at(at, error.to_string())),
    };
    match test {
        Test::Exists => Ok(Predicate::always()),
        Test::Is(value) => {
            Ok(compare(Column::Duration, Comparison::Equal, nanos(literal(field, value)?, value.span.start)?))
        }
        Test::Compare(operator, value) => {
            Ok(compare(Column::Duration, ordering(*operator), nanos(&value.content, value.span.start)?))
        }
    }
}

fn enumeration(
    field: &Field,
    column: Column,
    test: &Test,
    number: fn(&str) -> Option<i64>,
    names: &str,
) -> Result<Predicate, QueryError> {
    match test {
        Test::Exists => Ok(not(compare(column, Comparison::Equal, Scalar::Int(0)))),
        Test::Is(value) => {
            let text = literal(field, value)?;
            let number = number(text).ok_or_else(|| {
                QueryError::invalid_at(value.span.start, format!("{text:?} is not a {field}: expected {names}"))
            })?;
            Ok(compare(column, Comparison::Equal, Scalar::Int(number)))
        }
        Test::Compare(_, value) => Err(no_order(field, value)),
    }
}

/// Severities compare by number; the unset one (0) is a missing value. A name is also compared with the sender's text,
/// whatever its case: there are senders that give no number.
fn severity(test: &Test) -> Result<Predicate, QueryError> {
    let number = |comparison, number| compare(Column::SeverityNumber, comparison, Scalar::Int(number));
    let is_set = || not(number(Comparison::Equal, 0));
    match test {
        Test::Exists => {
            let text = compare(Column::SeverityText, Comparison::Greater, Scalar::String(String::new()));
            Ok(Predicate::Or(vec![is_set(), text]))
        }
        Test::Is(value) => {
            let sent = text::whole_value_of_any_case(Column::SeverityText, &value.content, value.span)?;
            let Some(literal) = value.content.as_literal() else { return Ok(sent) };
            let numbers = match (severity_numbers(literal), literal.parse::<i32>()) {
                (Some((first, last)), _) => {
                    vec![number(Comparison::GreaterOrEqual, first), number(Comparison::LessOrEqual, last)]
                }
                (None, Ok(exact)) => vec![number(Comparison::Equal, exact.into())],
                (None, Err(_)) if literal.eq_ignore_ascii_case("unset") => vec![number(Comparison::Equal, 0)],
                (None, Err(_)) if literal.is_empty() => return Ok(sent),
                (None, Err(_)) => return Err(no_severity(value.span.start, literal)),
            };
            Ok(Predicate::Or(vec![Predicate::And(numbers), sent]))
        }
        Test::Compare(operator, value) => {
            let exact = value.content.parse::<i32>().ok().map(|number| (number.into(), number.into()));
            let (first, last) = severity_numbers(&value.content)
                .or(exact)
                .ok_or_else(|| no_severity(value.span.start, &value.content))?;
            let comparison = ordering(*operator);
            let bound = match comparison {
                Comparison::Greater | Comparison::LessOrEqual => last,
                _ => first,
            };
            Ok(Predicate::And(vec![is_set(), number(comparison, bound)]))
        }
    }
}

fn no_severity(position: usize, text: &str) -> QueryError {
    let expected =
        "expected trace, debug, info, warn, error, fatal, unset or a number; severity_text has the sender's words";
    QueryError::invalid_at(position, format!("{text:?} is not a severity: {expected}"))
}

/// The value without wildcards, which fields with a fixed set of values do not take.
fn literal<'a>(field: &Field, value: &'a Value<Pattern>) -> Result<&'a str, QueryError> {
    value.content.as_literal().ok_or_else(|| {
        QueryError::invalid_at(value.span.start, format!("{field} takes a whole value, without wildcards"))
    })
}

fn no_order(field: &Field, value: &Value<String>) -> QueryError {
    QueryError::invalid_at(value.span.start, format!("{field} has no order: compare it with : or !="))
}

fn ordering(operator: Operator) -> Comparison {
    match operator {
        Operator::Greater => Comparison::Greater,
        Operator::GreaterOrEqual => Comparison::GreaterOrEqual,
        Operator::Less => Comparison::Less,
        Operator::LessOrEqual => Comparison::LessOrEqual,
        // The parser makes other conditions of these.
        Operator::Equal | Operator::NotEqual => Comparison::Equal,
    }
}

fn compare(column: Column, comparison: Comparison, value: Scalar) -> Predicate {
    Predicate::Compare { column, comparison, value }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}
