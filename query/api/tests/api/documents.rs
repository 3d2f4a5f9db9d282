//! The OpenAPI document and `docs/api.md`: what they promise is there, and what is there they promise.

use std::collections::BTreeSet;

use serde_json::Value;
use tracewell_api::openapi_document;

use crate::schema;
use crate::server::Server;

const DOCUMENTATION: &str = include_str!("../../../../docs/api.md");

fn paths() -> BTreeSet<String> {
    openapi_document()["paths"].as_object().expect("paths").keys().cloned().collect()
}

/// The only operation of a path.
fn operation(item: &Value) -> &Value {
    let operations: Vec<&Value> = item.as_object().expect("a path item").values().collect();
    let [operation] = operations[..] else { panic!("not one operation: {item}") };
    operation
}

#[tokio::test]
async fn the_document_is_served() {
    let server = Server::start().await;
    let document = server.json("/api/v1/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(&document, openapi_document());
}

#[tokio::test]
async fn every_path_of_the_document_is_there() {
    let server = Server::start().await;
    for path in paths() {
        let path =
            path.replace("{traceId}", &"1".repeat(32)).replace("{spanId}", &"1".repeat(16)).replace("{name}", "x");
        let reply = server.request(axum::http::Method::DELETE, &path, &[]).await;
        assert_eq!(reply.status, axum::http::StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[test]
fn the_table_of_the_documentation_has_the_paths_and_parameters_of_the_document() {
    let document = openapi_document();
    let mut documented = BTreeSet::new();
    for line in DOCUMENTATION.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (signature, _) = line.split_once('`').expect("a closing backquote");
        let Some((method @ ("GET" | "POST"), signature)) = signature.split_once(' ') else { continue };
        let (path, parameters) = signature.split_once('?').unwrap_or((signature, ""));
        let path = if ["/healthz", "/readyz"].contains(&path) { path.to_owned() } else { format!("/api/v1{path}") };
        let said: BTreeSet<&str> =
            parameters.split('&').filter(|p| !p.is_empty()).map(|p| p.split('=').next().unwrap_or(p)).collect();
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(operation.is_object(), "{path} is documented, but not in the OpenAPI document");
        let real = operation["parameters"].as_array().expect("parameters").iter();
        let real: BTreeSet<&str> = real.filter(|p| p["in"] == "query").filter_map(|p| p["name"].as_str()).collect();
        assert_eq!(said, real, "parameters of {path}");
        documented.insert(path);
    }
    assert_eq!(documented, paths());
}

#[test]
fn every_example_is_valid() {
    let mut count = 0;
    for (path, item) in openapi_document()["paths"].as_object().expect("paths") {
        for (status, response) in operation(item)["responses"].as_object().expect("responses") {
            let media = &response["content"]["application/json"];
            if let Some(example) = media.get("example") {
                schema::check_value(&media["schema"], example);
                count += 1;
            }
            assert!(response["description"].is_string(), "{path} {status}");
        }
        for parameter in operation(item)["parameters"].as_array().expect("parameters") {
            if let Some(example) = parameter.get("example") {
                schema::check_value(&parameter["schema"], example);
                count += 1;
            }
        }
    }
    assert!(count > 60, "only {count} examples");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    references(openapi_document(), &mut found);
    assert!(found.len() > 40);
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(openapi_document().pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let paths = openapi_document()["paths"].as_object().expect("paths");
    let names: BTreeSet<&str> = paths.values().filter_map(|item| operation(item)["operationId"].as_str()).collect();
    assert_eq!(names.len(), paths.len());
}
