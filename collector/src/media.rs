//! The media types of OTLP/HTTP and the compressions that we take, read from headers.

use http::header::{self, HeaderMap, HeaderValue};
use tracewell_otlp::{ContentEncoding, UnsupportedEncoding};

use crate::refusal::{Refusal, RefusalKind};

/// In which form a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Binary protobuf.
    Protobuf,
    /// The JSON mapping of protobuf, as OTLP restricts it.
    Json,
}

impl Format {
    /// The media type, exactly as exporters compare it.
    pub fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Protobuf => "application/x-protobuf",
            Format::Json => "application/json",
        })
    }

    /// The format that `Content-Type` names. Case and parameters do not matter.
    pub fn of_request(headers: &HeaderMap) -> Result<Format, Refusal> {
        let given = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let essence = given.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/x-protobuf") {
            Ok(Format::Protobuf)
        } else if essence.eq_ignore_ascii_case(b"application/json") {
            Ok(Format::Json)
        } else {
            let message = format!(
                "content-type {:?} is not known: use application/x-protobuf or application/json",
                String::from_utf8_lossy(given)
            );
            Err(Refusal::new(RefusalKind::UnknownMediaType, message).field("content-type"))
        }
    }
}

/// What we take, for `Accept-Encoding` and `grpc-accept-encoding`.
pub const ACCEPTED_ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip,zstd,deflate");

/// The compression that the header `name` states; none when it is absent.
pub fn encoding(headers: &HeaderMap, name: &'static str) -> Result<ContentEncoding, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(ContentEncoding::Identity) };
    let refused = |text: String| Refusal::new(RefusalKind::UnknownEncoding, format!("{name}: {text}")).field(name);
    if values.next().is_some() {
        return Err(refused("is there twice; compress once".to_owned()));
    }
    String::from_utf8_lossy(value.as_bytes()).parse().map_err(|error: UnsupportedEncoding| refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn media_types_are_parsed_not_compared() {
        let of = |value| Format::of_request(&with("content-type", value)).ok();
        assert_eq!(of("application/x-protobuf"), Some(Format::Protobuf));
        assert_eq!(of("Application/JSON ; charset=utf-8"), Some(Format::Json));
        for other in ["text/plain", "application/jsonl", "application/protobuf", ""] {
            assert_eq!(of(other), None, "{other}");
        }
        assert!(Format::of_request(&HeaderMap::new()).is_err());
    }

    #[test]
    fn encodings_are_known_in_any_case_and_only_one() {
        let of = |value| encoding(&with("content-encoding", value), "content-encoding").ok();
        assert_eq!(of("GZip"), Some(ContentEncoding::Gzip));
        assert_eq!(of("identity"), Some(ContentEncoding::Identity));
        assert_eq!(of("gzip, gzip"), None);
        assert_eq!(of("br"), None);
    }
}
