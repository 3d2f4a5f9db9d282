//! Services, their operations and the calls between them.

use serde_json::{Value, json};

use crate::server::Server;
use crate::shop;

#[tokio::test]
async fn services_have_rate_errors_and_duration_of_their_entry_spans() {
    let (server, epoch) = shop::open().await;
    let (start, end) = (epoch.plus_ms(0), epoch.plus_ms(60_000));
    let services = server.json(&format!("/api/v1/services?start={start}&end={end}")).await;
    let services = services["services"].as_array().expect("services");
    let names: Vec<&Value> = services.iter().map(|service| &service["name"]).collect();
    assert_eq!(names, [&json!("checkout"), &json!("frontend")]);
    // Of checkout: the server span and the consumer span, but not what it published.
    assert_eq!((&services[0]["spanCount"], &services[0]["errorCount"]), (&json!(2), &json!(1)));
    assert_eq!((&services[0]["logCount"], &services[1]["logCount"]), (&json!(4), &json!(0)));
    assert_eq!((&services[1]["spanCount"], &services[1]["errorCount"]), (&json!(1), &json!(0)));
    let series = &services[0]["series"];
    assert_eq!((&series["startTimeUnixNano"], &series["bucketNano"]), (&json!(start), &json!(2_000_000_000_u64)));
    let counts: Vec<u64> = series["spanCounts"].as_array().expect("counts").iter().filter_map(Value::as_u64).collect();
    assert_eq!((counts.len(), counts[0], counts[2], counts.iter().sum::<u64>()), (30, 1, 1, 2));
}

#[tokio::test]
async fn operations_are_spans_by_name_and_kind() {
    let (server, _) = shop::open().await;
    let operations = server.json("/api/v1/services/checkout/operations").await;
    let operations = operations["operations"].as_array().expect("operations");
    let mut names: Vec<(&str, &str)> =
        operations.iter().filter_map(|o| Some((o["name"].as_str()?, o["kind"].as_str()?))).collect();
    names.sort_unstable();
    assert_eq!(names, [("place order", "server"), ("publish", "producer"), ("refund", "consumer")]);
    assert_eq!(server.json("/api/v1/services/nobody/operations").await["operations"], json!([]));
}

#[tokio::test]
async fn services_with_odd_names_or_none_are_reached() {
    let server = Server::start().await;
    let epoch = shop::Epoch::recent();
    for (name, id) in [("a/b c", "1"), ("", "2")] {
        let span = json!({
            "traceId": id.repeat(32), "spanId": id.repeat(16), "name": "work", "kind": 2,
            "startTimeUnixNano": epoch.plus_ms(0), "endTimeUnixNano": epoch.plus_ms(1),
        });
        let resource =
            if name.is_empty() { json!({}) } else { json!({"attributes": [shop::text("service.name", name)]}) };
        let request = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]});
        server.send_traces("default", &request).await;
    }
    for path in ["/api/v1/services/a%2Fb%20c/operations", "/api/v1/services//operations"] {
        let operations = server.json(path).await;
        assert_eq!(operations["operations"][0]["name"], "work", "{path}");
    }
}

#[tokio::test]
async fn the_service_map_shows_who_calls_whom() {
    let (server, epoch) = shop::open().await;
    let (start, end) = (epoch.plus_ms(0), epoch.plus_ms(60_000));
    let map = server.json(&format!("/api/v1/service-map?start={start}&end={end}")).await;
    let nodes: Vec<&str> =
        map["nodes"].as_array().expect("nodes").iter().filter_map(|node| node["id"].as_str()).collect();
    assert_eq!(nodes, ["service:checkout", "service:frontend"]);
    let [edge] = map["edges"].as_array().expect("edges").as_slice() else { panic!("{map}") };
    assert_eq!((&edge["source"], &edge["target"]), (&json!("service:frontend"), &json!("service:checkout")));
    assert_eq!((&edge["kind"], &edge["count"], &edge["errorCount"]), (&json!("call"), &json!(1), &json!(1)));
    let p50 = edge["p50Nano"].as_u64().expect("a duration");
    assert!(p50.abs_diff(80_000_000) <= 80_000_000 / 64, "{p50}");
    let minute = |key: &str| map[key].as_str().and_then(|time| time.parse::<u64>().ok()).expect("a time");
    assert!(minute("startTimeUnixNano") % 60_000_000_000 == 0 && minute("endTimeUnixNano") % 60_000_000_000 == 0);
    assert_eq!(server.json("/api/v1/service-map?start=1000&end=2000").await["edges"], json!([]));
}
