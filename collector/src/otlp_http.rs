//! OTLP/HTTP: paths, methods, headers and answers (opentelemetry-proto `docs/specification.md`, "OTLP/HTTP").

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use tracewell_model::Signal;

use crate::body::Framing;
use crate::cors::AllowedOrigins;
use crate::decode::Syntax;
use crate::media::{self, ACCEPTED_ENCODINGS, Format};
use crate::metrics::Protocol;
use crate::receiver::{Export, tenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::reply::Reply;
use crate::service::{Peer, Service};

/// How long the rest of a refused body is read, so that the client comes to reading the answer.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
/// The most bytes of it that are read.
const DRAIN_BYTES_MAX: usize = 256 << 20;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Export(Signal),
    /// Export of a signal that is not stored.
    NotStored(&'static str),
    Unknown,
}

impl Route {
    /// Repeated and trailing slashes do not matter, and the prefix may be there or not.
    fn of_path(path: &str, prefix: &str) -> Route {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(16).collect();
        let prefix: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        if !prefix.is_empty() && parts.starts_with(&prefix) {
            parts.drain(..prefix.len());
        }
        match parts.as_slice() {
            ["v1", "traces"] => Route::Export(Signal::Traces),
            ["v1", "logs"] => Route::Export(Signal::Logs),
            ["v1", "metrics"] => Route::NotStored("metrics"),
            ["v1development" | "v1", "profiles"] => Route::NotStored("profiles"),
            _ => Route::Unknown,
        }
    }
}

/// Answers a request of OTLP/HTTP.
pub(crate) async fn handle<B>(service: &Service, peer: &Peer, request: Request<B>) -> Response<Reply>
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: std::fmt::Display,
{
    let (parts, mut body) = request.into_parts();
    let mut response = match answer(service, peer, &parts, &mut body).await {
        Ok(response) => response,
        Err(refusal) => {
            service.log_refusal(&refusal, peer, parts.uri.path());
            let format = Format::of_request(&parts.headers).unwrap_or(Format::Json);
            let mut response = failure(&refusal, format);
            if parts.version < Version::HTTP_2 && !body.is_end_stream() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                let waits = parts.headers.contains_key(header::EXPECT);
                if !waits && refusal.kind != RefusalKind::BodyTooSlow {
                    drain(body);
                }
            }
            response
        }
    };
    if let Some(origin) = parts.headers.get(header::ORIGIN) {
        service.origins().permit_reading(origin, response.headers_mut());
    }
    response
}

async fn answer<B>(service: &Service, peer: &Peer, parts: &Parts, body: &mut B) -> Result<Response<Reply>, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let signal = match Route::of_path(parts.uri.path(), service.path_prefix()) {
        Route::Export(signal) => signal,
        Route::NotStored(_) if is_preflight(parts) => return preflight(service, &parts.headers),
        Route::NotStored(signal) => return Err(service.not_stored(signal, peer)),
        Route::Unknown => return Err(no_such_path(parts)),
    };
    if is_preflight(parts) {
        return preflight(service, &parts.headers);
    }
    if parts.method != Method::POST {
        let message = format!("{} is not allowed at {}: exports are sent by POST", parts.method, parts.uri.path());
        return Err(Refusal::new(RefusalKind::MethodNotAllowed, message));
    }
    check_origin(service, &parts.headers)?;
    let format = Format::of_request(&parts.headers)?;
    let (protocol, syntax) = match format {
        Format::Protobuf => (Protocol::OtlpHttpProtobuf, Syntax::OtlpProtobuf),
        Format::Json => (Protocol::OtlpHttpJson, Syntax::OtlpJson),
    };
    let export = Export {
        signal,
        protocol,
        syntax,
        tenant: tenant(&parts.headers)?,
        encoding: media::encoding(&parts.headers, "content-encoding")?,
        framing: Framing::Plain,
        expected: body.size_hint().exact(),
        deadline: None,
    };
    let accepted = service.receiver().receive(export, body).await?;
    let message = match format {
        Format::Protobuf => accepted.to_protobuf(),
        Format::Json => accepted.to_json(signal).into_bytes(),
    };
    Ok(with_format(Response::new(Reply::new(message)), format))
}

fn no_such_path(parts: &Parts) -> Refusal {
    let path: String = parts.uri.path().chars().take(200).collect();
    let message = format!(
        "nothing is at {} {path}: traces go to POST /v1/traces and logs to POST /v1/logs; when an endpoint is set for \
         one signal, it has to end in that path",
        parts.method
    );
    Refusal::new(RefusalKind::NoSuchPath, message)
}

fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Browsers name the origin of the page with every export. That of a page which let its own name lead here (DNS rebinding)
/// comes without a preflight, so preflights alone would not keep it away.
fn check_origin(service: &Service, headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(header::ORIGIN) {
        Some(origin) if !service.origins().allows(origin) => {
            let message = format!("the origin {origin:?} may not export: add it to cors_allowed_origins if it should");
            Err(Refusal::new(RefusalKind::OriginNotAllowed, message).field("origin"))
        }
        _ => Ok(()),
    }
}

fn preflight(service: &Service, headers: &HeaderMap) -> Result<Response<Reply>, Refusal> {
    check_origin(service, headers)?;
    let mut response = Response::new(Reply::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    AllowedOrigins::preflight(headers, response.headers_mut());
    Ok(response)
}

fn with_format(mut response: Response<Reply>, format: Format) -> Response<Reply> {
    response.headers_mut().insert(header::CONTENT_TYPE, format.media_type());
    response
}

/// The answer to a refused request.
pub(crate) fn failure(refusal: &Refusal, format: Format) -> Response<Reply> {
    let (_, status, hint) = refusal.kind.answer();
    let message = match format {
        Format::Protobuf => refusal.to_protobuf(),
        Format::Json => refusal.to_json().into_bytes(),
    };
    let mut response = with_format(Response::new(Reply::new(message)), format);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(hint) = hint {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(hint.as_secs().max(1)));
    }
    match refusal.kind {
        RefusalKind::MethodNotAllowed => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        RefusalKind::UnknownEncoding => {
            headers.insert(header::ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
        }
        _ => {}
    }
    response
}

/// Reads on for a while and forgets what comes: a connection that is closed with unread data is reset, and then the
/// client may never see the answer.
fn drain<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        let read_on = async {
            let mut left = DRAIN_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(bytes) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME_MAX, read_on).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_a_prefix_do_not_matter() {
        for path in ["/v1/traces", "/v1/traces/", "//v1/traces", "/otlp/v1/traces", "/otlp/v1/traces/"] {
            assert_eq!(Route::of_path(path, "otlp"), Route::Export(Signal::Traces), "{path}");
        }
        for path in ["/", "", "/v1", "/v1/traces/x", "/V1/traces", "/other/v1/traces"] {
            assert_eq!(Route::of_path(path, "otlp"), Route::Unknown, "{path}");
        }
        assert_eq!(Route::of_path("/v1/metrics", ""), Route::NotStored("metrics"));
    }
}
