//! Numbers as text: exact integers, also where they are written with a fraction or an exponent.

/// The integer that `text` stands for, if it is a JSON number without a fractional part (`12`, `1.2e1`, `120e-1`) of
/// at most 64 bits and a sign. Leading zeros are accepted.
pub(super) fn integer(text: &str) -> Option<i128> {
    /// More digits than 64 bits have.
    const DIGITS_MAX: i64 = 20;
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = || whole.bytes().chain(fraction.bytes()).skip_while(|&byte| byte == b'0');
    let mut count = digits().count() as i64;
    if count == 0 {
        return Some(0);
    }
    // The value is the digits times ten to this power; zeros at the end of the digits may go into it.
    let mut power = exponent.checked_sub(fraction.len() as i64)?;
    if power < 0 {
        let zeros =
            if fraction.is_empty() { whole.bytes().rev().take_while(|&byte| byte == b'0').count() as i64 } else { 0 };
        if zeros < -power {
            return None;
        }
        count += power;
        power = 0;
    }
    if count.checked_add(power)? > DIGITS_MAX {
        return None;
    }
    let magnitude = digits().take(count as usize).fold(0i128, |value, byte| value * 10 + i128::from(byte - b'0'));
    let magnitude = magnitude * 10i128.pow(power as u32);
    Some(if negative { -magnitude } else { magnitude })
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // An exponent beyond this stands for nothing that could be an integer, unless the digits are all zero.
    let magnitude = digits.parse().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// The finite float that `text` stands for, if it is a JSON number in range.
pub(super) fn float(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !is_number || text.starts_with('+') {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_in_every_notation() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("0e999999999999999999999", 0),
            ("12", 12),
            ("-12", -12),
            ("007", 7),
            ("1.0", 1),
            ("1.5e1", 15),
            ("1E+3", 1000),
            ("1200e-2", 12),
            ("100", 100),
            ("18446744073709551615", u64::MAX.into()),
            ("-9223372036854775808", i64::MIN.into()),
            ("1.8446744073709551615e19", u64::MAX.into()),
            ("1661145496154630544", 1_661_145_496_154_630_544),
        ] {
            assert_eq!(integer(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_integer_is_refused() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "1.",
            ".5",
            "1.5",
            "15e-1",
            "1e",
            "1e+",
            "1e99",
            "1e-1",
            "NaN",
            "0x10",
            "1_000",
            "123456789012345678901",
            "1e999999999999999999999",
            "--1",
            "1.2.3",
        ] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn floats_out_of_range_are_refused() {
        assert_eq!(float("1e400"), None);
        assert_eq!(float("inf"), None);
        assert_eq!(float("1e-400"), Some(0.0));
        assert_eq!(float("-2.5e3"), Some(-2500.0));
    }
}
