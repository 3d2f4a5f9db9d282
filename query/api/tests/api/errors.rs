//! What is answered to requests that cannot be answered.

use axum::http::{Method, StatusCode, header};

use crate::schema;
use crate::server::Server;

#[tokio::test]
async fn a_search_that_does_not_parse_is_pointed_at() {
    let server = Server::start().await;
    for path in
        ["/api/v1/traces", "/api/v1/traces/histogram", "/api/v1/logs", "/api/v1/logs/facets", "/api/v1/logs/tail"]
    {
        let reply = server.get(&format!("{path}?q=service%3Ax+%28a+OR"), &[]).await;
        let error = &reply.json()["error"];
        assert_eq!((reply.status, error["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_query")), "{path}");
        assert!(error["position"].as_u64().is_some_and(|position| position >= 10), "{path}: {error}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_everywhere() {
    let server = Server::start().await;
    let id = "1".repeat(32);
    let paths = [
        ("/api/v1/traces", "limit"),
        ("/api/v1/traces/histogram", "buckets"),
        ("/api/v1/logs/facets", "fields"),
        ("/api/v1/services", "start"),
        (&format!("/api/v1/traces/{id}/logs"), "spanId"),
        ("/api/v1/fields/values", "prefix"),
    ];
    for (path, known) in paths {
        let misspelt = format!("{known}x");
        let message = server.error(400, "unknown_parameter", &format!("{path}?{misspelt}=1")).await;
        assert_eq!(message, format!("unknown parameter {misspelt:?}: did you mean {known:?}?"));
    }
    let message = server.error(400, "unknown_parameter", &format!("/api/v1/traces/{id}?format=json")).await;
    assert_eq!(message, "unknown parameter \"format\": there are none here");
}

#[tokio::test]
async fn limits_are_limits() {
    let server = Server::start().await;
    let many = ["x"; 51].join(",");
    let long = "x".repeat((64 << 10) + 1);
    for query in [
        "traces?limit=0",
        "logs?limit=1001",
        "traces/histogram?buckets=1001",
        "fields/values?signal=logs&field=a&limit=x",
    ] {
        server.error(400, "invalid_parameter", &format!("/api/v1/{query}")).await;
    }
    server.error(400, "invalid_parameter", &format!("/api/v1/traces/facets?fields={many}")).await;
    let request = tower::ServiceExt::oneshot(
        server.router.clone(),
        crate::server::request(Method::GET, &format!("/api/v1/logs?q={}", &long[..60_000]), &[]),
    );
    assert_eq!(request.await.expect("infallible").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_cursor_that_was_never_given_is_refused() {
    let server = Server::start().await;
    for path in ["/api/v1/traces", "/api/v1/logs"] {
        let reply = server.get(&format!("{path}?cursor=%3Cnonsense%3E"), &[]).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}: {}", reply.text());
        assert!(reply.text().contains("cursor"), "{path}: {}", reply.text());
    }
}

#[tokio::test]
async fn a_tenant_that_cannot_be_is_refused() {
    let server = Server::start().await;
    for tenant in ["a/b", "..", &"x".repeat(2_000)] {
        let reply = server.get("/api/v1/traces", &[("x-scope-orgid", tenant)]).await;
        assert_eq!(
            (reply.status, reply.json()["error"]["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_tenant"))
        );
        assert!(reply.text().len() < 600, "{}", reply.text());
    }
    let reply = server.get("/api/v1/traces", &[("x-scope-orgid", "a"), ("x-scope-orgid", "b")]).await;
    assert!(reply.text().contains("more than once"), "{}", reply.text());
}

#[tokio::test]
async fn unknown_paths_and_other_methods_are_told_where_to_go() {
    let server = Server::start().await;
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/traces/x/y/z"] {
        let reply = server.request(Method::GET, path, &[]).await;
        assert_eq!(
            (reply.status, reply.json()["error"]["code"].as_str()),
            (StatusCode::NOT_FOUND, Some("unknown_path")),
            "{path}"
        );
        schema::check_named("ErrorBody", &reply.json());
    }
    let reply = server.request(Method::POST, "/api/v1/traces", &[]).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.json()["error"]["code"], "method_not_allowed");
    assert!(reply.header(header::ALLOW).contains("GET"));
    let reply = server.request(Method::DELETE, "/api/v1/nothing", &[]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
