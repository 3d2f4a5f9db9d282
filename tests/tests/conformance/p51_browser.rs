//! Points 51 to 55: browsers.

use std::time::{Duration, Instant};

use crate::payload::{json_span, one};
use crate::target::Target;
use crate::wire::{Http1, JSON, PROTOBUF, http1, request};

const SHOP: (&str, &str) = ("Origin", "https://shop.example");
const ALLOW_SHOP: &str = "--cors-allowed-origins=https://shop.example";

fn preflight<'a>(origin: &'a str, headers: &'a str) -> [(&'a str, &'a str); 3] {
    [("Origin", origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", headers)]
}

#[tokio::test]
async fn point_51_preflights_of_listed_origins_only() {
    let target = Target::start_with(&[ALLOW_SHOP]).await;
    let asked = "content-type, content-encoding, authorization, x-scope-orgid, traceparent, x-custom";
    for path in ["/v1/traces", "/v1/logs"] {
        let line = format!("OPTIONS {path}");
        let answer = http1(target.http(), &line, &preflight("https://shop.example", asked), b"").await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
        assert_eq!(answer.header("access-control-allow-headers"), Some(asked));
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        let answer = http1(target.http(), &line, &preflight("https://evil.example", asked), b"").await;
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let closed = Target::start().await;
    let answer = http1(closed.http(), "OPTIONS /v1/traces", &preflight("https://shop.example", asked), b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), None, "none by default");
    let open = Target::start_with(&["--cors-allowed-origins=*"]).await;
    let answer = http1(open.http(), "OPTIONS /v1/traces", &preflight("https://any.example", asked), b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None, "never with *");
}

#[tokio::test]
async fn point_51_exports_of_pages_whose_own_name_leads_here_are_refused() {
    let target = Target::start().await;
    let rebound = [PROTOBUF, ("Origin", "http://evil.example:4318"), ("X-Forwarded-Host", "evil.example:4318")];
    let answer = http1(target.http(), "POST /v1/traces", &rebound, &one(1)).await;
    assert_eq!(answer.status, 403);
    assert_eq!(target.traces(&one(2)).await.status, 200, "who is no browser names no origin");
}

#[tokio::test]
async fn point_52_the_hint_is_exposed() {
    let target = Target::start_with(&[ALLOW_SHOP]).await;
    let answer = http1(target.http(), "POST /v1/traces", &[PROTOBUF, SHOP], &one(1)).await;
    assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"));
}

#[tokio::test]
async fn point_53_errors_carry_the_headers_too() {
    let target = Target::start_with(&[ALLOW_SHOP, "--request-bytes-max=10000"]).await;
    let large = vec![0; 10_001];
    for (headers, body, status) in
        [(vec![PROTOBUF, SHOP], large.as_slice(), 413), (vec![JSON, SHOP], b"{", 400), (vec![SHOP], b"", 415)]
    {
        let answer = http1(target.http(), "POST /v1/traces", &headers, body).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"), "{status}");
        assert_eq!(answer.header("access-control-expose-headers"), Some("Retry-After"), "{status}");
    }
}

#[tokio::test]
async fn point_54_small_requests_are_cheap() {
    let target = Target::start().await;
    let body = json_span(1, &format!(r#""name":"{}""#, "x".repeat(50_000)));
    let nine: Vec<_> = (0..9)
        .map(|_| {
            let (address, body) = (target.http(), body.clone());
            tokio::spawn(async move {
                let mut connection = Http1::connect(address).await;
                for _ in 0..20 {
                    connection.send(&request("POST /v1/traces", &[JSON], body.as_bytes())).await;
                    assert_eq!(connection.answer().await.expect("an answer").status, 200);
                }
            })
        })
        .collect();
    let started = Instant::now();
    for client in nine {
        client.await.expect("a client");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "180 requests of 50 KB took {:?}", started.elapsed());
}

#[tokio::test]
async fn point_55_beacons_of_plain_text_are_refused() {
    let target = Target::start_with(&[ALLOW_SHOP]).await;
    let body = json_span(1, "");
    for given in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let headers = [("Content-Type", given), SHOP];
        let answer = http1(target.http(), "POST /v1/traces", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 415, "{given}");
    }
}
