//! Which handler answers which path, and what surrounds all of them.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::endpoints::{self as at, Endpoint};
use crate::error::ApiError;
use crate::status::StatusSource;
use crate::{ApiState, deletions, export, fields, logs, maintenance, server, services, tail, traces};

/// Every path and who answers it.
fn routes() -> Vec<(&'static Endpoint, MethodRouter<ApiState>)> {
    vec![
        (&at::TRACES, get(traces::search)),
        (&at::TRACE_HISTOGRAM, get(traces::histogram)),
        (&at::TRACE_FACETS, get(traces::facets)),
        (&at::TRACE, get(traces::otlp)),
        (&at::TRACE_FRAME, get(traces::frame)),
        (&at::SPAN, get(traces::span)),
        (&at::TRACE_LOGS, get(logs::of_trace)),
        (&at::LOGS, get(logs::search)),
        (&at::LOG_HISTOGRAM, get(logs::histogram)),
        (&at::LOG_FACETS, get(logs::facets)),
        (&at::LOG_TAIL, get(tail::follow)),
        (&at::SERVICES, get(services::list)),
        (&at::OPERATIONS, get(services::operations)),
        (&at::SERVICE_MAP, get(services::map)),
        (&at::FIELD_LIST, get(fields::list)),
        (&at::FIELD_VALUES, get(fields::values)),
        (&at::STATUS, get(server::status)),
        (&at::FLUSH, post(maintenance::flush)),
        (&at::COMPACT, post(maintenance::compact)),
        (&at::VERIFY, post(maintenance::verify)),
        (&at::DELETE_TRACE, post(deletions::trace)),
        (&at::DELETE_QUERY, post(deletions::query)),
        (&at::DELETE_TENANT, post(deletions::everything)),
        (&at::DELETIONS, get(deletions::list)),
        (&at::EXPORT, get(export::export)),
        (&at::OPENAPI, get(server::openapi)),
        (&at::HEALTH, get(server::health)),
        (&at::READY, get(server::ready)),
    ]
}

/// Every endpoint there is.
pub fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    routes().into_iter().map(|(endpoint, _)| endpoint)
}

/// The native API: `/api/v1/...`, `/healthz` and `/readyz`. Other paths are the caller's; those below `/api/v1` that do
/// not exist are answered here.
pub fn router(state: ApiState) -> Router {
    let routed = routes()
        .into_iter()
        .fold(Router::new(), |router, (endpoint, handler)| router.route(endpoint.path, handler.fallback(wrong_method)));
    let routed = routed.route("/api/v1/services//operations", get(services::operations_of_the_unnamed));
    let routed = routed
        .route("/api/v1", any(unknown_path))
        .route("/api/v1/", any(unknown_path))
        .route("/api/v1/{*rest}", any(unknown_path));
    surrounded(routed.with_state(state))
}

/// What is answered while the storage is still opening: `/healthz` as ever, else that it is not ready yet.
pub fn router_while_starting(status: Arc<dyn StatusSource>) -> Router {
    let routed = Router::new()
        .route(at::HEALTH.path, get(server::health))
        .route(at::READY.path, get(starting_ready))
        .route("/api/v1/{*rest}", any(starting));
    surrounded(routed.with_state(status))
}

fn surrounded(router: Router) -> Router {
    let no_sniffing =
        SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let no_store = SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Should a browser be led to open an answer as a page, it may do nothing.
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
    let no_content = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy);
    // The clients are near: a better ratio would cost more time than it saves.
    let compressed = CompressionLayer::new().quality(CompressionLevel::Fastest);
    let layers = ServiceBuilder::new()
        .layer(no_sniffing)
        .layer(no_store)
        .layer(no_content)
        .layer(compressed)
        .layer(CatchPanicLayer::custom(panicked));
    router.layer(layers)
}

fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let text = cause.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(panic = text, "a request handler panicked");
    ApiError::Internal("a defect of the server ended this request: its log has the cause".to_owned()).into_response()
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}

async fn unknown_path(uri: Uri) -> ApiError {
    ApiError::UnknownPath(crate::error::excerpt(uri.path()))
}

async fn starting_ready(State(status): State<Arc<dyn StatusSource>>) -> Response {
    server::readiness(&*status)
}

async fn starting(State(status): State<Arc<dyn StatusSource>>) -> ApiError {
    ApiError::NotReady(status.readiness().err().unwrap_or_else(|| "the storage is opening".to_owned()))
}
