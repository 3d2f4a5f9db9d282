//! The commands beside `serve`: those that talk to a running server, and those that work on a data directory.

pub mod backup;
pub mod compact;
mod data_dir;
pub mod delete;
pub mod export;
pub mod import;
pub mod inspect;
mod listing;
pub mod logs;
pub mod search;
pub mod send;
pub mod trace;
pub mod verify;

/// Nanoseconds as people write durations: three digits and a unit.
pub fn duration(nanos: u64) -> String {
    let (value, unit) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => (nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => (nanos as f64 / 1e6, "ms"),
        _ => (nanos as f64 / 1e9, "s"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

/// A number of bytes for people: three digits and a unit.
pub fn bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for larger in units {
        if value < 1_024.0 {
            break;
        }
        (value, unit) = (value / 1_024.0, larger);
    }
    let decimals = if unit == "B" || value >= 100.0 { 0 } else { 1 + usize::from(value < 10.0) };
    format!("{value:.decimals$} {unit}")
}

/// Unix nanoseconds as local-free UTC text with milliseconds.
pub fn time(nanos: u64) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(timestamp) => timestamp.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string(),
        Err(_) => nanos.to_string(),
    }
}

/// Text from telemetry, safe for a terminal: control characters are shown, not obeyed.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let shown: Vec<String> = [0, 999, 1_500, 12_340, 598_000_000, 1_240_000_000].map(duration).into();
        assert_eq!(shown, ["0 ns", "999 ns", "1.50 µs", "12.3 µs", "598 ms", "1.24 s"]);
    }

    #[test]
    fn sizes_have_three_digits() {
        let shown: Vec<String> = [0, 1_023, 1_024, 15_000, 1 << 20, 300 << 30].map(bytes).into();
        assert_eq!(shown, ["0 B", "1023 B", "1.00 KiB", "14.6 KiB", "1.00 MiB", "300 GiB"]);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb"), "a\u{fffd}[31mb");
    }
}
