//! Durations as people write them: `500ms`, `1.5s`, `1h30m`.

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration: expected a number with a unit (ns us ms s m h d w), such as 500ms or 1h30m")]
pub struct InvalidDuration {
    text: String,
}

const UNITS: [(&str, u64); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];

/// The nanoseconds of a duration: numbers with units, one after the other; `0` needs no unit. Fractions of a
/// nanosecond are cut off; what exceeds 64 bits is an error.
pub fn parse_duration(text: &str) -> Result<u64, InvalidDuration> {
    let invalid = || InvalidDuration { text: text.chars().take(80).collect() };
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut total = 0u64;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let (part, after) = part(rest).ok_or_else(invalid)?;
        total = total.checked_add(part).ok_or_else(invalid)?;
        rest = after;
    }
    Ok(total)
}

/// Whether the text is a duration with a unit.
pub fn looks_like_duration(text: &str) -> bool {
    text != "0" && parse_duration(text).is_ok()
}

/// The nanoseconds of the first number with its unit, and what follows them.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_end);
    let nanos = UNITS.iter().find(|(name, _)| *name == unit)?.1;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some((whole.checked_mul(nanos)?.checked_add(fraction_of(fraction, nanos))?, rest))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// `0.fraction` of a unit of that many nanoseconds.
fn fraction_of(fraction: &str, nanos: u64) -> u64 {
    // Eighteen digits are exact in 128 bits and finer than a nanosecond of any unit needs.
    let (mut sum, mut scale) = (0u128, 1u128);
    for digit in fraction.bytes().take(18) {
        sum = sum * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    (sum * u128::from(nanos) / scale) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_add_up() {
        for (text, nanos) in [
            ("0", 0),
            ("15ns", 15),
            ("1us", 1_000),
            ("1.5µs", 1_500),
            ("500ms", 500_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("2d", 172_800_000_000_000),
            ("0.0000000001s", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn what_has_no_unit_or_does_not_fit_is_refused() {
        for text in ["", "5", "ms", "5 ms", "5y", "-5s", "1e3s", "99999999999w", "18446744073709551616ns", "."] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
