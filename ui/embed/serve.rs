//! Answers to requests for the UI's files and pages.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::encoding::Encoding;
use crate::{ASSETS, Asset};

const START_DOCUMENT: &str = "/index.html";

/// First segments of the paths that the UI routes by itself.
const PAGES: [&str; 7] = ["", "services", "traces", "trace", "logs", "setup", "status"];

/// Nothing but the UI's own files: no inline script or style, no other origin, no framing.
const POLICY: &str =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const EVERY_ANSWER: [(HeaderName, &str); 3] =
    [(CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "no-referrer")];

/// Serves one request.
pub(crate) async fn serve(request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = if parts.method == Method::GET || parts.method == Method::HEAD {
        find(parts.uri.path(), &parts.headers)
    } else {
        (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response()
    };
    for (name, value) in EVERY_ANSWER {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn find(path: &str, headers: &HeaderMap) -> Response {
    if let Some(asset) = asset(path) {
        return file(asset, headers, StatusCode::OK);
    }
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let status = if PAGES.contains(&first) { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let for_a_person =
        headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    match asset(START_DOCUMENT) {
        // The UI says in its own words that there is no such page.
        Some(start) if status == StatusCode::OK || for_a_person => file(start, headers, status),
        _ => (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain; charset=utf-8")], "not found\n").into_response(),
    }
}

fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.binary_search_by(|asset| asset.path.cmp(path)).ok().map(|index| &ASSETS[index])
}

fn file(asset: &'static Asset, headers: &HeaderMap, status: StatusCode) -> Response {
    // Files under /assets/ have a hash of their content in their name.
    let caching = if asset.path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = headers.get_all(IF_NONE_MATCH).iter().any(|tags| is_listed(tags, asset.etag));
    let common = [(ETAG, asset.etag), (CACHE_CONTROL, caching), (VARY, "accept-encoding")];
    if known && status == StatusCode::OK {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let encoding = Encoding::negotiate(headers);
    let bytes = match encoding {
        Encoding::Brotli => asset.brotli,
        Encoding::Gzip => asset.gzip,
        Encoding::Identity => asset.identity,
    };
    let mut response = (status, common, [(CONTENT_TYPE, asset.content_type)], Body::from(bytes)).into_response();
    if let Some(token) = encoding.token() {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    response
}

fn is_listed(tags: &HeaderValue, etag: &str) -> bool {
    tags.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
}
