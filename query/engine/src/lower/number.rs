//! Comparing literals with columns of numbers.

use tracewell_storage::{Comparison, Scalar};

/// The number that a literal is; words such as `inf` are none.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    text.parse::<f64>().ok().filter(|number| is_number && number.is_finite())
}

/// The integer that a literal is, also when it is written as `5.0` or `1e3`.
pub(super) fn parse_int(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().or_else(|| {
        let number = parse_double(text)?;
        // Beyond 2^53 a fraction says nothing exact about integers.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// How an integer has to stand to which one so that it stands as asked to the number; none when no integer does.
pub(super) fn int_bound(comparison: Comparison, text: &str) -> Option<(Comparison, Scalar)> {
    if let Some(int) = parse_int(text) {
        return Some((comparison, Scalar::Int(int)));
    }
    const INT_END: f64 = 9_223_372_036_854_775_808.0;
    let number = parse_double(text)?;
    let (comparison, bound) = match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => (Comparison::Greater, number.floor()),
        Comparison::Less | Comparison::LessOrEqual => (Comparison::Less, number.ceil()),
        Comparison::Equal => return None,
    };
    match (comparison, bound) {
        (Comparison::Greater, bound) if bound >= INT_END => None,
        (Comparison::Greater, bound) if bound < -INT_END => Some((Comparison::GreaterOrEqual, Scalar::Int(i64::MIN))),
        (Comparison::Less, bound) if bound < -INT_END => None,
        (Comparison::Less, bound) if bound >= INT_END => Some((Comparison::LessOrEqual, Scalar::Int(i64::MAX))),
        (comparison, bound) => Some((comparison, Scalar::Int(bound as i64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_compare_with_fractions_by_the_next_integer() {
        assert_eq!(int_bound(Comparison::GreaterOrEqual, "5.5"), Some((Comparison::Greater, Scalar::Int(5))));
        assert_eq!(int_bound(Comparison::Less, "-5.5"), Some((Comparison::Less, Scalar::Int(-5))));
        assert_eq!(int_bound(Comparison::Less, "5.0"), Some((Comparison::Less, Scalar::Int(5))));
        assert_eq!(int_bound(Comparison::Equal, "5.5"), None);
        assert_eq!(int_bound(Comparison::Greater, "1e300"), None);
        assert_eq!(int_bound(Comparison::LessOrEqual, "1e300"), Some((Comparison::LessOrEqual, Scalar::Int(i64::MAX))));
    }

    #[test]
    fn words_are_no_numbers() {
        for text in ["inf", "NaN", "infinity", "", "-", "5ms", "1e999"] {
            assert_eq!(parse_double(text), None, "{text}");
        }
        assert_eq!(parse_int("1e3"), Some(1_000));
        assert_eq!(parse_int("9223372036854775807"), Some(i64::MAX));
    }
}
