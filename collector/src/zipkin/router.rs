//! `POST /zipkin/api/v2/spans`, for the product's HTTP port.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::routing::post;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;
use tracewell_model::Signal;

use crate::body::Framing;
use crate::decode::Syntax;
use crate::media::{self, Format};
use crate::metrics::Protocol;
use crate::otlp_http;
use crate::receiver::{Export, tenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::reply::Reply;
use crate::service::{Peer, Service};

/// The route of Zipkin's collector API.
pub(crate) fn zipkin_router(service: Arc<Service>) -> Router {
    Router::new().route("/zipkin/api/v2/spans", post(receive).fallback(wrong_method)).with_state(service)
}

async fn wrong_method(request: Request) -> Response<axum::body::Body> {
    let message = format!("{} is not allowed here: spans are sent by POST", request.method());
    respond(otlp_http::failure(&Refusal::new(RefusalKind::MethodNotAllowed, message), Format::Json))
}

async fn receive(State(service): State<Arc<Service>>, request: Request) -> Response<axum::body::Body> {
    let peer = Peer {
        address: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip()),
    };
    let (parts, mut body) = request.into_parts();
    match accept(&service, &parts.headers, &mut body).await {
        Ok(()) => {
            let mut response = Response::new(Reply::default());
            *response.status_mut() = StatusCode::ACCEPTED;
            respond(response)
        }
        Err(refusal) => {
            service.log_refusal(&refusal, &peer, parts.uri.path());
            respond(otlp_http::failure(&refusal, Format::Json))
        }
    }
}

async fn accept(service: &Service, headers: &HeaderMap, body: &mut axum::body::Body) -> Result<(), Refusal> {
    // Zipkin's own libraries do not always say that they send JSON; what is none is refused for what it is.
    if headers.contains_key(http::header::CONTENT_TYPE) && Format::of_request(headers)? != Format::Json {
        let message = "Zipkin spans in protobuf are not taken: send JSON of version 2 as application/json";
        return Err(Refusal::new(RefusalKind::UnknownMediaType, message).field("content-type"));
    }
    let export = Export {
        signal: Signal::Traces,
        protocol: Protocol::Zipkin,
        syntax: Syntax::ZipkinJson,
        tenant: tenant(headers)?,
        encoding: media::encoding(headers, "content-encoding")?,
        framing: Framing::Plain,
        expected: body.size_hint().exact(),
        deadline: None,
    };
    service.receiver().receive(export, body).await.map(|_| ())
}

fn respond(response: Response<Reply>) -> Response<axum::body::Body> {
    response.map(axum::body::Body::new)
}
