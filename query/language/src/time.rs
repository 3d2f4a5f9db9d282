//! Points in time as people and programs write them.

use jiff::Timestamp;
use tracewell_model::UnixNanos;

use crate::parse_duration;

/// Why a text is no point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a time: expected RFC 3339 (2024-05-01T12:00:00Z), Unix seconds, milliseconds, microseconds or \
     nanoseconds, now, or now-1h"
)]
pub struct InvalidTime {
    text: String,
}

/// The point in time that `text` names: `now`, `now-1h` or `now+5m` (units as in [`parse_duration`]), RFC 3339, or a
/// Unix time whose unit is told by its magnitude (below 10^11 seconds, below 10^14 milliseconds, below 10^17
/// microseconds, else nanoseconds; seconds may have a fraction).
pub fn parse_time(text: &str, now: UnixNanos) -> Result<UnixNanos, InvalidTime> {
    let text = text.trim();
    let time = if let Some(shift) = text.strip_prefix("now") {
        relative(shift, now)
    } else if text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        unix(text)
    } else {
        rfc3339(text)
    };
    time.ok_or_else(|| InvalidTime { text: text.chars().take(80).collect() })
}

fn relative(shift: &str, now: UnixNanos) -> Option<UnixNanos> {
    if shift.is_empty() {
        return Some(now);
    }
    let (sign, amount) = shift.split_at_checked(1)?;
    let nanos = parse_duration(amount).ok()?;
    match sign {
        "-" => Some(now.saturating_sub(nanos)),
        "+" | " " => Some(now.saturating_add(nanos)),
        _ => None,
    }
}

fn unix(text: &str) -> Option<UnixNanos> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: u64 = whole.parse().ok()?;
    let nanos = match number {
        0..100_000_000_000 => number.checked_mul(1_000_000_000)?,
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1_000_000)?,
        100_000_000_000_000..100_000_000_000_000_000 => number.checked_mul(1_000)?,
        _ => number,
    };
    if !text.contains('.') {
        return Some(UnixNanos(nanos));
    }
    if number >= 100_000_000_000 || fraction.is_empty() {
        return None;
    }
    let fraction = parse_duration(&format!("0.{fraction}s")).ok()?;
    nanos.checked_add(fraction).map(UnixNanos)
}

fn rfc3339(text: &str) -> Option<UnixNanos> {
    let timestamp: Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_nanosecond()).ok().map(UnixNanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

    #[test]
    fn the_unit_of_unix_times_is_told_by_magnitude() {
        for text in ["1700000000", "1700000000000", "1700000000000000", "1700000000000000000", "1700000000.0"] {
            assert_eq!(parse_time(text, UnixNanos(0)), Ok(NOW), "{text}");
        }
        assert_eq!(parse_time("1700000000.25", UnixNanos(0)), Ok(UnixNanos(1_700_000_000_250_000_000)));
        assert_eq!(parse_time("0", NOW), Ok(UnixNanos(0)));
    }

    #[test]
    fn relative_times_count_from_now() {
        assert_eq!(parse_time("now", NOW), Ok(NOW));
        assert_eq!(parse_time("now-1h", NOW), Ok(NOW.saturating_sub(3_600_000_000_000)));
        assert_eq!(parse_time("now-1h30m", NOW), Ok(NOW.saturating_sub(5_400_000_000_000)));
        assert_eq!(parse_time("now+5m", NOW), Ok(NOW.saturating_add(300_000_000_000)));
        assert_eq!(parse_time("now-9999w", UnixNanos(5)), Ok(UnixNanos(0)));
    }

    #[test]
    fn rfc_3339_is_read_with_offsets_and_fractions() {
        assert_eq!(parse_time("2023-11-14T22:13:20Z", UnixNanos(0)), Ok(NOW));
        assert_eq!(parse_time("2023-11-14T23:13:20.000+01:00", UnixNanos(0)), Ok(NOW));
        assert_eq!(parse_time("2023-11-14T22:13:20.000000001Z", UnixNanos(0)), Ok(UnixNanos(NOW.0 + 1)));
    }

    #[test]
    fn what_is_no_time_is_named_in_the_error() {
        for text in ["", "yesterday", "now-", "now-1", "now*2", "now-é", "1969-01-01T00:00:00Z", "1.5.2", "17e8", "-5"]
        {
            let error = parse_time(text, NOW).expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
        assert!(parse_time("99999999999999999999", NOW).is_err());
    }
}
