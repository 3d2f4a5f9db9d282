//! Trace and span ids (W3C Trace Context: 16 and 8 bytes, not all zero; written as lower-case hex).

use std::fmt;
use std::str::FromStr;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {noun}: expected {digits} hexadecimal digits, not all zero")]
pub struct InvalidId {
    text: String,
    noun: &'static str,
    digits: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        #[repr(transparent)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The all-zero id, which stands for "none".
            pub const NONE: $name = $name([0; $bytes]);

            /// The id in `bytes`, if there are as many as it takes and one is not zero.
            pub fn from_slice(bytes: &[u8]) -> Option<$name> {
                let id = $name(bytes.try_into().ok()?);
                id.is_some().then_some(id)
            }

            /// Whether this is an id, not [`Self::NONE`].
            pub fn is_some(&self) -> bool {
                self.0 != [0; $bytes]
            }

            /// Whether this is [`Self::NONE`].
            pub fn is_none(&self) -> bool {
                !self.is_some()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $bytes];
                hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
                f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = || InvalidId { text: text.chars().take(80).collect(), noun: $noun, digits: 2 * $bytes };
                let mut bytes = [0; $bytes];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| invalid())?;
                $name::from_slice(&bytes).ok_or_else(invalid)
            }
        }
    };
}

id!(
    /// The id of a trace.
    TraceId, 16, "trace id"
);
id!(
    /// The id of a span within its trace.
    SpanId, 8, "span id"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_and_read_as_hex_of_any_case() {
        let id: TraceId = "4BF92F3577B34DA6A3CE929D0E0E4736".parse().expect("a trace id");
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn what_is_no_id_is_named_in_the_error() {
        for text in ["", "4bf9", "00000000000000000000000000000000", "zz"] {
            let error = text.parse::<TraceId>().expect_err("no trace id");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
