//! OTLP/gRPC: unary calls on HTTP/2, framed here.
//!
//! tonic's server answers messages that are too large with OUT_OF_RANGE, which OTLP clients take as a request to send
//! the same again; and it decompresses before anyone can reserve memory. Unary calls are a prefix of five bytes and a
//! few trailers, so they are made here.

pub(crate) mod frame;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use tracewell_model::Signal;

use crate::answer::Accepted;
use crate::body::Framing;
use crate::decode::Syntax;
use crate::media::{self, ACCEPTED_ENCODINGS};
use crate::metrics::Protocol;
use crate::receiver::{Export, tenant};
use crate::refusal::{GrpcCode, Refusal, RefusalKind};
use crate::reply::Reply;
use crate::service::{Peer, Service};

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// What stands at the path of a call.
enum Procedure {
    Export(Signal),
    /// Export of a signal that is not stored.
    NotStored(&'static str),
    /// The standard health check, for orchestrators.
    Health,
    Unknown,
}

impl Procedure {
    fn of_path(path: &str) -> Procedure {
        match path {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Procedure::Export(Signal::Traces),
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Procedure::Export(Signal::Logs),
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Procedure::NotStored("metrics"),
            "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export" => {
                Procedure::NotStored("profiles")
            }
            "/grpc.health.v1.Health/Check" => Procedure::Health,
            _ => Procedure::Unknown,
        }
    }
}

/// Whether the request is a gRPC call.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    headers.get(http::header::CONTENT_TYPE).is_some_and(|value| {
        let value = value.as_bytes();
        value.len() >= 16 && value[..16].eq_ignore_ascii_case(b"application/grpc")
    })
}

/// Answers a gRPC call.
pub(crate) async fn handle<B>(service: &Service, peer: &Peer, request: Request<B>) -> Response<Reply>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (parts, mut body) = request.into_parts();
    match answer(service, peer, &parts, &mut body).await {
        Ok(message) => success(&message),
        Err(refusal) => {
            service.log_refusal(&refusal, peer, parts.uri.path());
            failure(&refusal)
        }
    }
}

async fn answer<B>(service: &Service, peer: &Peer, parts: &Parts, body: &mut B) -> Result<Vec<u8>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if parts.version != Version::HTTP_2 {
        return Err(Refusal::malformed("gRPC needs HTTP/2: this is HTTP/1.1").field("content-type"));
    }
    if parts.method != Method::POST {
        return Err(Refusal::new(RefusalKind::MethodNotAllowed, format!("{} is no gRPC call: use POST", parts.method)));
    }
    let path = parts.uri.path();
    let signal = match Procedure::of_path(path) {
        Procedure::Export(signal) => signal,
        Procedure::NotStored(signal) => return Err(service.not_stored(signal, peer)),
        // HealthCheckResponse { status: SERVING }
        Procedure::Health => return Ok(vec![0x08, 0x01]),
        Procedure::Unknown => {
            let message = format!("{path} is not served here: traces and logs are, by OTLP");
            return Err(Refusal::new(RefusalKind::NoSuchProcedure, message));
        }
    };
    check_codec(&parts.headers)?;
    let export = Export {
        signal,
        protocol: Protocol::OtlpGrpc,
        syntax: Syntax::OtlpProtobuf,
        tenant: tenant(&parts.headers)?,
        encoding: media::encoding(&parts.headers, "grpc-encoding")?,
        framing: Framing::Grpc,
        expected: None,
        deadline: deadline(&parts.headers)?,
    };
    let accepted = service.receiver().receive(export, body).await;
    accepted.map(|accepted: Accepted| accepted.to_protobuf())
}

/// `application/grpc` and `application/grpc+proto` are protobuf; nothing else is taken.
fn check_codec(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(http::header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = given.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
    if matches!(essence.as_slice(), b"application/grpc" | b"application/grpc+proto") {
        return Ok(());
    }
    let message = format!("content-type {:?} is not known: use application/grpc", String::from_utf8_lossy(given));
    Err(Refusal::new(RefusalKind::UnknownMediaType, message))
}

/// `grpc-timeout`: at most eight digits and a unit.
fn deadline(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parse = |text: &str| {
        let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let amount: u64 = digits.parse().ok()?;
        Some(match unit {
            "H" => Duration::from_secs(amount * 3600),
            "M" => Duration::from_secs(amount * 60),
            "S" => Duration::from_secs(amount),
            "m" => Duration::from_millis(amount),
            "u" => Duration::from_micros(amount),
            "n" => Duration::from_nanos(amount),
            _ => return None,
        })
    };
    match value.to_str().ok().and_then(parse) {
        Some(deadline) => Ok(Some(deadline)),
        None => {
            Err(Refusal::malformed(format!("{value:?} is no timeout: expected for instance 10S")).field("grpc-timeout"))
        }
    }
}

fn success(message: &[u8]) -> Response<Reply> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let mut response = Response::new(Reply::with_trailers(frame::frame(message), trailers));
    response.headers_mut().insert(http::header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

/// An answer of headers only, as gRPC wants it for errors.
pub(crate) fn failure(refusal: &Refusal) -> Response<Reply> {
    let (code, _, _) = refusal.kind.answer();
    let mut response = Response::new(Reply::default());
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert("grpc-status", HeaderValue::from(code as i32));
    if let Ok(message) = HeaderValue::from_str(&percent_encode(&refusal.message)) {
        headers.insert("grpc-message", message);
    }
    let mut binary = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_str(&STANDARD_NO_PAD.encode(value)) {
            headers.insert(name, value);
        }
    };
    binary("grpc-status-details-bin", &refusal.to_protobuf());
    if let Some(retry_info) = refusal.retry_info() {
        // Python looks for it only here.
        binary("google.rpc.retryinfo-bin", &retry_info);
    } else if code == GrpcCode::ResourceExhausted {
        // Tells gRPC libraries that retry by themselves not to.
        headers.insert("grpc-retry-pushback-ms", HeaderValue::from_static("-1"));
    }
    if refusal.kind == RefusalKind::UnknownEncoding {
        headers.insert("grpc-accept-encoding", ACCEPTED_ENCODINGS);
    }
    response
}

/// `grpc-message`: anything but printable ASCII is percent-encoded, and so is the percent sign.
fn percent_encode(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_timeout(value: &str) -> Result<Option<Duration>, Refusal> {
        let value = HeaderValue::from_str(value).expect("a header value");
        deadline(&HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), value)]))
    }

    #[test]
    fn timeouts_are_read_in_every_unit() {
        for (text, nanos) in [("1H", 3_600_000_000_000), ("2M", 120_000_000_000), ("3S", 3_000_000_000)] {
            assert_eq!(with_timeout(text).expect(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for (text, nanos) in [("4m", 4_000_000), ("5u", 5000), ("99999999n", 99_999_999)] {
            assert_eq!(with_timeout(text).expect(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
        for text in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S"] {
            assert!(with_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(percent_encode("100% ü\n"), "100%25 %C3%BC%0A");
    }
}
