//! The web UI: its built files, embedded and served.

mod encoding;
mod serve;

use axum::Router;

/// One built file with its compressed variants.
struct Asset {
    /// From the root of the site, with the leading slash.
    path: &'static str,
    content_type: &'static str,
    etag: &'static str,
    identity: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// All built files, sorted by path.
static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A router without routes, whose fallback serves the UI: its files, and its start document for the paths of its pages.
///
/// Merge it into a router that has no fallback of its own, or use it as that router's `fallback_service`. Paths that are
/// neither a file nor a page get 404.
pub fn router() -> Router {
    Router::new().fallback(serve::serve)
}
