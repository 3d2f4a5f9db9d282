//! How the value of a setting is written.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A type of settings: from text and back.
pub trait SettingValue: Sized {
    /// Reads `text`; the error says what is expected.
    fn read(text: &str) -> Result<Self, String>;
    /// Writes it so that [`SettingValue::read`] gives the same.
    fn write(&self) -> String;
}

impl SettingValue for SocketAddr {
    fn read(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:4317 or [::1]:4317".to_owned())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl SettingValue for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(PathBuf::from(text)) }
    }
    fn write(&self) -> String {
        self.display().to_string()
    }
}

impl SettingValue for bool {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("expected true or false".to_owned()),
        }
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

macro_rules! whole_number {
    ($($type:ty),*) => {$(
        impl SettingValue for $type {
            fn read(text: &str) -> Result<Self, String> {
                text.replace('_', "").parse().map_err(|_| "expected a whole number".to_owned())
            }
            fn write(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole_number!(u32, usize);

/// Texts separated by commas.
impl SettingValue for Vec<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }
    fn write(&self) -> String {
        self.join(",")
    }
}

/// `500ms`, `30s`, `5m`, `1h`, `14d`.
impl SettingValue for Duration {
    fn read(text: &str) -> Result<Self, String> {
        let expected = || "expected a duration such as 500ms, 30s, 5m, 1h or 14d".to_owned();
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
        let number: u64 = text[..digits].parse().map_err(|_| expected())?;
        let millis = match &text[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(expected()),
        };
        number.checked_mul(millis).map(Duration::from_millis).ok_or_else(expected)
    }
    fn write(&self) -> String {
        let millis = self.as_millis();
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if millis >= size && millis.is_multiple_of(size) {
                return format!("{}{unit}", millis / size);
            }
        }
        format!("{millis}ms")
    }
}

/// A number of bytes: `512MiB`, `4GiB`, `1000000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(pub u64);

impl std::fmt::Display for ByteCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.write())
    }
}

const BYTE_UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl SettingValue for ByteCount {
    fn read(text: &str) -> Result<Self, String> {
        let expected = || "expected a number of bytes such as 64MiB, 8GiB or 1000000".to_owned();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let number: u64 = text[..digits].parse().map_err(|_| expected())?;
        let unit = text[digits..].trim();
        let size = match unit {
            "" | "B" => 1,
            _ => BYTE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?.1,
        };
        number.checked_mul(size).map(ByteCount).ok_or_else(expected)
    }
    fn write(&self) -> String {
        for (unit, size) in BYTE_UNITS {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return format!("{}{unit}", self.0 / size);
            }
        }
        self.0.to_string()
    }
}

/// A value or `none`.
impl<T: SettingValue> SettingValue for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(None);
        }
        T::read(text).map(Some).map_err(|expected| format!("{expected}, or none"))
    }
    fn write(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_what_they_write() {
        for text in ["500ms", "30s", "5m", "1h", "14d", "90s"] {
            assert_eq!(Duration::read(text).expect("a duration").write(), text);
        }
        for text in ["1023", "64MiB", "3GiB", "1KiB"] {
            assert_eq!(ByteCount::read(text).expect("a size").write(), text);
        }
        for text in ["", "s", "5", "5 parsecs", "99999999999999999999s"] {
            assert!(Duration::read(text).is_err(), "{text}");
        }
        assert!(ByteCount::read("1MB").is_err());
    }
}
