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
        let error = reply.json();
        assert_eq!(error["error"]["code"], "invalid_parameter", "{path}: {error}");
        let message = error["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with("parameter cursor: \"<nonsense>\" is wrong"), "{path}: {message}");
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

/// A number that is the same in each run.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

#[tokio::test]
async fn whatever_is_asked_is_answered_or_refused_and_never_fails() {
    let (server, _) = crate::shop::open().await;
    let cursor_of = async |path: &str| {
        let page = server.json(path).await;
        page["nextCursor"].as_str().expect("a cursor").to_owned()
    };
    let cursors = [
        cursor_of("/api/v1/traces?limit=1&start=now-1d").await,
        cursor_of("/api/v1/logs?limit=1&start=now-1d").await,
        "t0".to_owned(),
        "tffffffffffffffff".to_owned(),
        "r7fffffffffffffff-ffffffffffffffff-0-ffffffffffffffff".to_owned(),
        format!("7fffffffffffffff-{}", "f".repeat(32)),
        format!("-1-{}", "0".repeat(32)),
    ];
    let times = [
        "0",
        "now",
        "18446744073709551615",
        "9223372036854775808",
        "1e18",
        "now-99999999w",
        "-1",
        "1969-01-01T00:00:00Z",
    ];
    let times = times.iter().chain(&["2300-01-01T00:00:00Z", "now+1d", "NaN", "99999999999999999999"]);
    let times: Vec<&str> = times.copied().collect();
    let queries = [
        "",
        "*",
        "/(a+)+$/",
        "/\\w{999}/",
        "-(-(a",
        "duration>99999999999d",
        "code>1e999",
        "a:*b*c*d*",
        "\"\"",
        "trace_id:*",
        "\u{0}",
        "*%*",
    ];
    let paths = ["traces", "logs", "traces/histogram", "logs/histogram", "traces/facets", "logs/facets"];
    let state = &mut 0x9e37_79b9_7f4a_7c15;
    let mut refused = 0;
    for _ in 0..400 {
        let path = paths[next(state) % paths.len()];
        let mut parameters = vec![("q", queries[next(state) % queries.len()].to_owned())];
        if next(state).is_multiple_of(2) {
            parameters.push(("start", times[next(state) % times.len()].to_owned()));
            parameters.push(("end", times[next(state) % times.len()].to_owned()));
        }
        if !path.contains('/') {
            let mut cursor: Vec<char> = cursors[next(state) % cursors.len()].chars().collect();
            for _ in 0..next(state) % 3 {
                let at = next(state) % cursor.len();
                cursor[at] = ['0', 'f', '-', 'r', 'é', '+'][next(state) % 6];
            }
            parameters.push(("cursor", cursor.into_iter().collect()));
            parameters.push(("limit", ["1", "1000", "50", "7", "0", "1e9"][next(state) % 6].to_owned()));
        }
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value)));
        let address = format!("/api/v1/{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        let reply = server.get(&address, &[]).await;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST => {
                refused += 1;
                schema::check_named("ErrorBody", &reply.json());
            }
            status => panic!("{parameters:?} answered {status}: {}", reply.text()),
        }
    }
    assert!((50..350).contains(&refused), "{refused} of 400 refused");
}
