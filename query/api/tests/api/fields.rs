//! Fields and their values.

use serde_json::{Value, json};

use crate::shop;

fn field<'a>(fields: &'a Value, name: &str) -> Option<&'a Value> {
    fields["fields"].as_array().expect("fields").iter().find(|field| field["name"] == name)
}

#[tokio::test]
async fn fields_are_intrinsic_ones_and_attributes_with_their_types() {
    let (server, _) = shop::open().await;
    let fields = server.json("/api/v1/fields?signal=traces").await;
    let route = field(&fields, "span.http.route").expect("the attribute");
    assert_eq!(
        *route,
        json!({"name": "span.http.route", "scope": "span", "key": "http.route", "types": ["string"], "count": 1})
    );
    let code = field(&fields, "span.http.response.status_code").expect("the attribute");
    assert_eq!(code["types"], json!(["int"]));
    assert_eq!(field(&fields, "service").expect("the intrinsic field")["scope"], "intrinsic");
    assert_eq!(field(&fields, "resource.deployment.environment.name").expect("the attribute")["count"], 5);
    assert!(field(&fields, "log.order.id").is_none());
    let fields = server.json("/api/v1/fields?signal=logs").await;
    assert_eq!(field(&fields, "log.order.id").expect("the attribute")["count"], 4);
}

#[tokio::test]
async fn values_are_by_frequency_and_prefix() {
    let (server, _) = shop::open().await;
    let values = server.json("/api/v1/fields/values?signal=traces&field=service").await;
    assert_eq!(values["values"], json!([{"value": "checkout", "count": 3}, {"value": "frontend", "count": 2}]));
    let values = server.json("/api/v1/fields/values?signal=traces&field=service&prefix=fr&limit=5").await;
    assert_eq!(values["values"], json!([{"value": "frontend", "count": 2}]));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let (server, _) = shop::open().await;
    let message = server.error(400, "missing_parameter", "/api/v1/fields").await;
    assert_eq!(message, "parameter signal is missing: expected for example traces");
    let message = server.error(400, "invalid_parameter", "/api/v1/fields?signal=metrics").await;
    assert_eq!(message, "parameter signal: \"metrics\" is wrong: expected traces or logs");
    server.error(400, "missing_parameter", "/api/v1/fields/values?signal=logs").await;
}
