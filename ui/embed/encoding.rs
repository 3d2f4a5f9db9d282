//! The choice of a content encoding.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// How the bytes of an answer are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

impl Encoding {
    /// The smallest variant that the client names with a weight above zero (RFC 9110, section 12.5.3).
    pub(crate) fn negotiate(headers: &HeaderMap) -> Self {
        let accepted = |wanted: &str| {
            headers
                .get_all(ACCEPT_ENCODING)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|item| names(item, wanted))
        };
        if accepted("br") {
            Self::Brotli
        } else if accepted("gzip") {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// The value of `Content-Encoding`, if there is to be one.
    pub(crate) fn token(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }
}

/// Whether one item of `Accept-Encoding`, such as `gzip;q=0.5`, allows the coding.
fn names(item: &str, wanted: &str) -> bool {
    let mut parts = item.split(';').map(str::trim);
    let named = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case(wanted));
    let refused = parts
        .filter_map(|parameter| parameter.split_once('='))
        .any(|(key, weight)| key.trim().eq_ignore_ascii_case("q") && weight.trim().parse::<f32>() == Ok(0.0));
    named && !refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &'static str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, http::HeaderValue::from_static(accept));
        Encoding::negotiate(&headers)
    }

    #[test]
    fn brotli_is_preferred_when_both_are_accepted() {
        assert_eq!(negotiate("gzip, deflate, br, zstd"), Encoding::Brotli);
        assert_eq!(negotiate("gzip, deflate"), Encoding::Gzip);
    }

    #[test]
    fn a_weight_of_zero_refuses_a_coding() {
        assert_eq!(negotiate("br;q=0, gzip;q=0.5"), Encoding::Gzip);
        assert_eq!(negotiate("br; q=0.0, gzip; Q=0"), Encoding::Identity);
    }

    #[test]
    fn nothing_is_compressed_for_a_client_that_does_not_ask() {
        assert_eq!(Encoding::negotiate(&HeaderMap::new()), Encoding::Identity);
        assert_eq!(negotiate("identity"), Encoding::Identity);
    }
}
