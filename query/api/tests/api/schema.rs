//! Checks answers against the OpenAPI document.

use axum::http::header;
use serde_json::{Value, json};
use tracewell_api::openapi_document;

use crate::server::Reply;

/// The operation that answers `path`, if the document has one.
fn operation(path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let paths = openapi_document()["paths"].as_object().expect("paths");
    if let Some(item) = paths.get(path) {
        return item.as_object().and_then(|item| item.values().next());
    }
    let found = paths.iter().find(|(template, _)| {
        let (template, parts) = (template.split('/'), path.split('/'));
        template.clone().count() == parts.clone().count()
            && template.zip(parts).all(|(template, part)| template == part || template.starts_with('{'))
    });
    found.and_then(|(_, item)| item.as_object()?.values().next())
}

/// Whether `reply` is what the document promises of `path`.
pub fn check(path: &str, reply: &Reply) {
    let operation = operation(path).unwrap_or_else(|| panic!("{path} is not in the document"));
    let response = &operation["responses"][reply.status.as_str()];
    assert!(response.is_object(), "{path}: status {} is not in the document", reply.status);
    if response.get("content").is_none() {
        assert!(reply.body.is_empty(), "{path}: {}", reply.text());
        return;
    }
    let media_type = reply.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().to_owned();
    let media = &response["content"][&media_type];
    assert!(media.is_object(), "{path}: media type {media_type:?} is not in the document");
    if media_type == "application/json" && reply.headers.get(header::CONTENT_ENCODING).is_none() {
        check_value(&media["schema"], &reply.json());
    }
}

/// Whether `value` is what `schema`, which may refer to the document's components, allows.
pub fn check_value(schema: &Value, value: &Value) {
    let mut root = schema.clone();
    root["components"] = openapi_document()["components"].clone();
    let validator = jsonschema::validator_for(&root).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{schema}\n{value}", errors.join("\n"));
}

/// Whether `value` is what the named schema allows.
pub fn check_named(schema: &str, value: &Value) {
    check_value(&json!({"$ref": format!("#/components/schemas/{schema}")}), value);
}
