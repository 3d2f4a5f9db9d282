//! The embedded UI as a browser meets it.

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tracewell_ui::router().oneshot(request.body(Body::empty()).expect("request")).await.expect("infallible")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn body(response: Response) -> Vec<u8> {
    response.into_body().collect().await.expect("body").to_bytes().to_vec()
}

async fn script_path() -> String {
    let html = String::from_utf8(body(get("/", &[]).await).await).expect("text");
    let start = html.find("/assets/").expect("a script");
    html[start..].split('"').next().expect("its end").to_owned()
}

#[tokio::test]
async fn pages_get_the_start_document_and_revalidate_it() {
    for path in
        ["/", "/traces?q=a", "/trace/4bf92f3577b34da6a3ce929d0e0e4736", "/logs", "/services", "/setup", "/status"]
    {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
        assert_eq!(header(&response, "cache-control"), "no-cache");
    }
    let etag = header(&get("/", &[]).await, "etag").to_owned();
    assert_eq!(get("/", &[("if-none-match", &etag)]).await.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(get("/", &[("if-none-match", "\"other\"")]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn hashed_files_are_kept_forever_and_come_compressed() {
    let path = script_path().await;
    let plain = get(&path, &[]).await;
    assert_eq!(header(&plain, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&plain, "content-encoding"), "");
    let brotli = get(&path, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(header(&brotli, "content-encoding"), "br");
    assert_eq!(header(&brotli, "vary"), "accept-encoding");
    assert!(body(brotli).await.len() < body(plain).await.len());
}

#[tokio::test]
async fn every_answer_forbids_foreign_content_and_framing() {
    for path in ["/", "/favicon.svg", "/api/v1/nothing"] {
        let response = get(path, &[]).await;
        let policy = header(&response, "content-security-policy");
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found_in_the_words_of_its_reader() {
    let machine = get("/no/such", &[("accept", "application/json")]).await;
    assert_eq!(
        (machine.status(), header(&machine, "content-type")),
        (StatusCode::NOT_FOUND, "text/plain; charset=utf-8")
    );
    let person = get("/no/such", &[("accept", "text/html,*/*;q=0.8")]).await;
    assert_eq!((person.status(), header(&person, "content-type")), (StatusCode::NOT_FOUND, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn the_start_document_has_no_inline_script_or_style() {
    let html = String::from_utf8(body(get("/", &[]).await).await).expect("text");
    assert!(!html.contains("<style") && !html.contains("style=") && !html.contains("<script>"), "{html}");
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let request = Request::post("/").body(Body::empty()).expect("request");
    let response = tracewell_ui::router().oneshot(request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
}
