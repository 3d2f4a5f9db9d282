//! What surrounds every answer: headers, compression, health, status.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use tower::ServiceExt;
use tracewell_api::{StatusSource, router_while_starting};

use crate::server::{self, Server};
use crate::shop::{self, ORDER};

#[tokio::test]
async fn answers_are_neither_sniffed_nor_stored_nor_run() {
    let (server, _) = shop::open().await;
    for path in ["/api/v1/traces", &format!("/api/v1/traces/{ORDER}/frame"), "/api/v1/logs?limit=0", "/healthz"] {
        let reply = server.get(path, &[]).await;
        assert_eq!(reply.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        assert_eq!(reply.header(header::CACHE_CONTROL), "no-store", "{path}");
        assert!(reply.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"), "{path}");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_who_accepts_that() {
    let (server, _) = shop::open().await;
    for encoding in ["gzip", "br"] {
        for path in
            [&format!("/api/v1/traces/{ORDER}"), &format!("/api/v1/traces/{ORDER}/frame"), "/api/v1/openapi.json"]
        {
            let reply = server.get(path, &[("accept-encoding", encoding)]).await;
            assert_eq!(reply.header(header::CONTENT_ENCODING), encoding, "{path}");
            let plain = server.get(path, &[]).await;
            assert!(reply.body.len() < plain.body.len(), "{path}");
        }
    }
}

#[tokio::test]
async fn readiness_is_what_the_binary_says_and_health_is_not() {
    let server = Server::start().await;
    assert_eq!(server.get("/readyz", &[]).await.status, StatusCode::OK);
    *server.status.not_ready.lock().expect("no panic") = Some("shutting down".to_owned());
    let reply = server.get("/readyz", &[]).await;
    assert_eq!((reply.status, reply.text().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready: shutting down\n"));
    assert_eq!(server.get("/healthz", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn before_the_storage_is_open_everything_but_health_is_unavailable() {
    let status = Arc::new(server::FixedStatus::default());
    *status.not_ready.lock().expect("no panic") = Some("replaying the journal".to_owned());
    let source: Arc<dyn StatusSource> = status;
    let router = router_while_starting(source);
    for (path, expected) in [("/healthz", 200), ("/readyz", 503), ("/api/v1/traces", 503), ("/api/v1/status", 503)] {
        let reply = router.clone().oneshot(server::request(Method::GET, path, &[])).await.expect("infallible");
        assert_eq!(reply.status().as_u16(), expected, "{path}");
    }
}

#[tokio::test]
async fn the_status_tells_of_binary_and_storage() {
    let (server, _) = shop::open().await;
    let status = server.json("/api/v1/status").await;
    assert_eq!((&status["version"], &status["ready"]), (&"9.8.7".into(), &true.into()));
    assert!(status["uptimeSeconds"].as_u64().is_some_and(|seconds| (5..60).contains(&seconds)));
    assert_eq!(status["addresses"]["http"], "127.0.0.1:4319");
    assert_eq!(status["received"]["traces"]["rejectedRecords"], 2);
    let tables = status["tables"].as_array().expect("tables");
    let rows = |tenant: &str, signal: &str| {
        let table = tables.iter().find(|table| table["tenant"] == tenant && table["signal"] == signal);
        table.map(|table| table["liveRows"].as_u64().unwrap_or(0) + table["segmentRows"].as_u64().unwrap_or(0))
    };
    assert_eq!(
        (rows("default", "traces"), rows("default", "logs"), rows("other", "traces")),
        (Some(5), Some(4), Some(1))
    );
}

#[tokio::test]
async fn records_stay_found_when_they_are_flushed_and_merged() {
    let (server, epoch) = shop::open().await;
    let before = server.json("/api/v1/traces?start=now-1h").await;
    assert_eq!(server.post("/api/v1/maintenance/flush", &[]).await.status, StatusCode::NO_CONTENT);
    server.send_logs("default", &shop::logs(shop::Epoch(epoch.0 + 1_000_000_000))).await;
    assert_eq!(server.post("/api/v1/maintenance/flush", &[]).await.status, StatusCode::NO_CONTENT);
    let tables = server.json("/api/v1/status").await["tables"].clone();
    assert!(tables.as_array().expect("tables").iter().all(|table| table["liveRows"] == 0), "{tables}");
    assert_eq!(server.post("/api/v1/maintenance/compact", &[]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.json("/api/v1/traces?start=now-1h").await["traces"], before["traces"]);
    assert_eq!(server.json("/api/v1/logs").await["logs"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn pages_of_other_sites_cannot_start_maintenance() {
    let server = Server::start().await;
    let reply = server.post("/api/v1/maintenance/flush", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let reply = server.post("/api/v1/maintenance/flush", &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}
