//! Searches for traces, and whole traces.

use axum::http::header;
use serde_json::{Value, json};

use crate::shop::{self, CHECKOUT_SPAN, ORDER, ORPHAN, OTHER, ROOT_SPAN};

fn ids(page: &Value) -> Vec<&str> {
    page["traces"].as_array().expect("traces").iter().map(|trace| trace["traceId"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn traces_are_listed_newest_first_with_what_they_are_about() {
    let (server, epoch) = shop::open().await;
    let page = server.json("/api/v1/traces").await;
    assert_eq!(ids(&page), [ORPHAN, ORDER]);
    assert_eq!(page["exactness"], json!({"state": "exact"}));
    assert_eq!(page["nextCursor"], Value::Null);
    let expected = json!({
        "traceId": ORDER, "rootServiceName": "frontend", "rootSpanName": "POST /order", "rootMissing": false,
        "firstServiceName": "frontend", "firstSpanName": "POST /order", "startTimeUnixNano": epoch.plus_ms(0),
        "durationNano": 120_000_000, "spanCount": 4, "errorCount": 1, "matchedSpanCount": 4,
        "latestMatchTimeUnixNano": epoch.plus_ms(30),
        "services": [
            {"name": "checkout", "spanCount": 2, "errorCount": 1}, {"name": "frontend", "spanCount": 2, "errorCount": 0},
        ],
    });
    assert_eq!(page["traces"][1], expected);
    assert_eq!(page["traces"][0]["rootMissing"], true);
    assert_eq!(page["traces"][0]["firstSpanName"], "refund");
}

#[tokio::test]
async fn a_search_finds_traces_by_one_span_and_sums_up_the_whole() {
    let (server, _) = shop::open().await;
    let page = server.json("/api/v1/traces?q=service%3Acheckout+status%3Aerror&start=now-1h&end=now").await;
    assert_eq!(ids(&page), [ORDER]);
    assert_eq!((&page["traces"][0]["matchedSpanCount"], &page["traces"][0]["spanCount"]), (&json!(1), &json!(4)));
    assert_eq!(ids(&server.json("/api/v1/traces?q=kind%3Aserver+-status%3Aerror+name%3Arefund").await), [""; 0]);
}

#[tokio::test]
async fn pages_follow_one_another_without_gap_or_overlap() {
    let (server, _) = shop::open().await;
    let first = server.json("/api/v1/traces?limit=1&start=now-1h").await;
    assert_eq!(ids(&first), [ORPHAN]);
    let cursor = first["nextCursor"].as_str().expect("a cursor");
    let second = server.json(&format!("/api/v1/traces?limit=1&start=now-1h&cursor={cursor}")).await;
    assert_eq!(ids(&second), [ORDER]);
    assert_eq!(second["nextCursor"], Value::Null);
}

#[tokio::test]
async fn the_time_range_is_kept() {
    let (server, epoch) = shop::open().await;
    let (start, end) = (epoch.plus_ms(1_000), epoch.plus_ms(6_000));
    assert_eq!(ids(&server.json(&format!("/api/v1/traces?start={start}&end={end}")).await), [ORPHAN]);
    let end = epoch.plus_ms(5_000);
    assert_eq!(ids(&server.json(&format!("/api/v1/traces?start={start}&end={end}")).await), [""; 0]);
}

#[tokio::test]
async fn tenants_do_not_see_one_another() {
    let (server, _) = shop::open().await;
    assert_eq!(ids(&server.json_of("other", "/api/v1/traces").await), [OTHER]);
    assert_eq!(ids(&server.json_of("nobody", "/api/v1/traces").await), [""; 0]);
    server.error(404, "unknown_trace", &format!("/api/v1/traces/{OTHER}")).await;
}

#[tokio::test]
async fn the_histogram_counts_spans_over_time_and_duration() {
    let (server, epoch) = shop::open().await;
    let (start, end) = (epoch.plus_ms(0), epoch.plus_ms(10_000));
    let histogram = server.json(&format!("/api/v1/traces/histogram?start={start}&end={end}&buckets=10")).await;
    assert_eq!((&histogram["count"], &histogram["errorCount"]), (&json!(5), &json!(1)));
    assert_eq!((&histogram["startTimeUnixNano"], &histogram["bucketNano"]), (&json!(start), &json!(1_000_000_000)));
    let buckets = histogram["buckets"].as_array().expect("buckets");
    let counts: Vec<u64> = buckets.iter().map(|bucket| bucket["count"].as_u64().expect("a count")).collect();
    assert_eq!(counts, [4, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    let bounds = histogram["durationBoundsNano"].as_array().expect("bounds").len();
    assert!(buckets.iter().all(|bucket| bucket["durations"].as_array().map(Vec::len) == Some(bounds + 1)));
}

#[tokio::test]
async fn facets_count_values_and_what_has_none() {
    let (server, _) = shop::open().await;
    let facets = server.json("/api/v1/traces/facets?fields=service,http.route&limit=1").await;
    assert_eq!(facets["facets"][0]["field"], "service");
    assert_eq!(facets["facets"][0]["values"], json!([{"value": "checkout", "count": 3}]));
    assert_eq!((&facets["facets"][0]["otherCount"], &facets["facets"][0]["missingCount"]), (&json!(2), &json!(0)));
    assert_eq!(facets["facets"][1]["values"], json!([{"value": "/order", "count": 1}]));
    assert_eq!(facets["facets"][1]["missingCount"], 4);
    let defaults = server.json("/api/v1/traces/facets").await;
    assert!(defaults["facets"].as_array().is_some_and(|facets| facets.len() > 2));
}

#[tokio::test]
async fn a_trace_comes_back_as_otlp_json_with_everything_in_it() {
    let (server, _) = shop::open().await;
    let reply = server.get(&format!("/api/v1/traces/{ORDER}"), &[]).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/json");
    let body = reply.body.to_vec();
    let again = tracewell_otlp::traces_json_to_protobuf(&body).expect("OTLP/JSON");
    let again = tracewell_otlp::decode_traces(&again, tracewell_model::UnixNanos::now()).expect("OTLP").records;
    assert_eq!(again.len(), 4);
    let text = reply.text();
    for part in ["payment timed out", "TimeoutError", "vendor=1", "9007199254740993", "AAEC", "retry", "1.0"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[tokio::test]
async fn a_trace_comes_as_protobuf_to_who_accepts_that() {
    let (server, _) = shop::open().await;
    let headers = [("accept", "application/x-protobuf, application/json;q=0.5")];
    let reply = server.get(&format!("/api/v1/traces/{ORDER}"), &headers).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/x-protobuf");
    let spans = tracewell_otlp::decode_traces(&reply.body, tracewell_model::UnixNanos::now()).expect("OTLP").records;
    let mut names: Vec<&str> = spans.name.iter().collect();
    names.sort_unstable();
    assert_eq!(names, ["POST /order", "call checkout", "place order", "publish"]);
    assert_eq!(server.get(&format!("/api/v1/traces/{ORDER}"), &[("accept", "image/png")]).await.status, 406);
}

#[tokio::test]
async fn a_frame_has_the_trace_in_depth_first_order() {
    let (server, epoch) = shop::open().await;
    let reply = server.get(&format!("/api/v1/traces/{ORDER}/frame"), &[]).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), "application/vnd.tracewell.trace-frame");
    assert_eq!(reply.body[..4], *b"TWF1");
    let length = u32::from_le_bytes(reply.body[4..8].try_into().expect("four bytes")) as usize;
    let header: Value = serde_json::from_slice(&reply.body[8..8 + length]).expect("JSON");
    assert_eq!((&header["spanCount"], &header["errorCount"]), (&json!(4), &json!(1)));
    assert_eq!(header["startTimeUnixNano"], json!(epoch.plus_ms(0)));
    assert_eq!(header["spanNames"], json!(["POST /order", "call checkout", "place order", "publish"]));
    let depth = &header["columns"][1];
    let at = 8 + length + depth["offset"].as_u64().expect("an offset") as usize;
    assert_eq!(reply.body[at..at + 8], [0, 0, 1, 0, 2, 0, 3, 0]);
}

#[tokio::test]
async fn a_span_is_told_in_full() {
    let (server, epoch) = shop::open().await;
    let span = server.json(&format!("/api/v1/traces/{ORDER}/spans/{CHECKOUT_SPAN}")).await;
    assert_eq!(
        (&span["kind"], &span["statusCode"], &span["durationNano"]),
        (&json!("server"), &json!("error"), &json!(80_000_000))
    );
    assert_eq!(span["serviceName"], "checkout");
    assert_eq!(
        span["events"],
        json!([{
            "timeUnixNano": epoch.plus_ms(90), "name": "exception", "attributes": {"exception.type": "TimeoutError"},
            "droppedAttributesCount": 0,
        }])
    );
    assert_eq!(span["links"][0]["traceId"], OTHER);
    assert_eq!(span["links"][0]["attributes"], json!({"why": "retry"}));
    assert_eq!(span["droppedAttributesCount"], 1);
    let root = server.json(&format!("/api/v1/traces/{ORDER}/spans/{ROOT_SPAN}")).await;
    assert_eq!(
        (&root["parentSpanId"], &root["flags"], &root["traceState"]),
        (&json!(""), &json!(257), &json!("vendor=1"))
    );
    let attributes = json!({
        "http.route": "/order", "http.response.status_code": 500, "large": "9007199254740993", "raw": {"bytes": "AAEC"},
    });
    assert_eq!(root["attributes"], attributes);
    assert_eq!(root["scope"], json!({"name": "web", "version": "1.0", "attributes": {}}));
}

#[tokio::test]
async fn what_is_unknown_is_told_from_what_is_no_id() {
    let (server, _) = shop::open().await;
    let unknown = "f".repeat(32);
    for end in ["", "/frame", &format!("/spans/{ROOT_SPAN}")] {
        let message = server.error(404, "unknown_trace", &format!("/api/v1/traces/{unknown}{end}")).await;
        assert!(message.contains(&unknown) && message.contains("never received"), "{message}");
    }
    let message = server.error(404, "unknown_span", &format!("/api/v1/traces/{ORDER}/spans/ffffffffffffffff")).await;
    assert!(message.contains(ORDER) && message.contains("ffffffffffffffff"), "{message}");
    for text in ["4bf92f", &"0".repeat(32), &"z".repeat(32)] {
        let message = server.error(400, "invalid_parameter", &format!("/api/v1/traces/{text}")).await;
        assert!(message.starts_with(&format!("parameter traceId: {text:?}")), "{message}");
    }
    server.error(400, "invalid_parameter", &format!("/api/v1/traces/{ORDER}/spans/1")).await;
}
