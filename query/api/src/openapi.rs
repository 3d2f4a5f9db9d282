//! The OpenAPI document, made of the endpoints' descriptions and the schemas of the answers' own types.

use std::sync::LazyLock;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use crate::endpoints::{Answer, Content, Endpoint, JSON};
use crate::params::{Param, ParamKind};
use crate::{error, examples, router, shapes, status};

/// The schemas of all answers.
#[derive(OpenApi)]
#[openapi(components(schemas(
    error::ErrorBody,
    shapes::FieldValues,
    shapes::Facets,
    shapes::Fields,
    shapes::LogHistogram,
    shapes::LogPage,
    shapes::Operations,
    shapes::ServiceMap,
    shapes::Services,
    shapes::SpanDetail,
    shapes::TailBatch,
    shapes::TraceHistogram,
    shapes::TracePage,
    shapes::Deletion,
    shapes::Deletions,
    shapes::VerifyReport,
    status::Status,
)))]
struct Schemas;

/// The document.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
    &DOCUMENT
}

fn build() -> Value {
    let schemas = serde_json::to_value(Schemas::openapi().components).unwrap_or_default();
    let paths: Map<String, Value> = router::endpoints()
        .map(|endpoint| {
            (endpoint.path.to_owned(), json!({endpoint.method.as_str().to_lowercase(): operation(endpoint)}))
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tracewell",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Traces and logs: search them, look at them, follow them.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas["schemas"]},
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = path_names(endpoint.path).map(path_parameter).collect();
    parameters.extend(endpoint.params.iter().map(|param| query_parameter(param)));
    if endpoint.path.starts_with("/api/") {
        parameters.push(tenant_parameter());
    }
    let mut responses = Map::new();
    let success = if is_empty(endpoint) { StatusCode::NO_CONTENT } else { StatusCode::OK };
    responses.insert(success.as_str().to_owned(), answer(endpoint));
    for &status in endpoint.errors {
        responses.insert(status.as_str().to_owned(), failure(endpoint, status));
    }
    json!({
        "operationId": endpoint.id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": responses,
    })
}

/// The names in braces in a path.
fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn path_parameter(name: &str) -> Value {
    let (schema, description, example) = match name {
        "traceId" => (hex(32), "The id of the trace, in hexadecimal digits.", "4bf92f3577b34da6a3ce929d0e0e4736"),
        "spanId" => (hex(16), "The id of the span, in hexadecimal digits.", "00f067aa0ba902b7"),
        _ => (json!({"type": "string"}), "The name of the service.", "checkout"),
    };
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": description,
        "schema": schema,
        "example": example,
    })
}

fn hex(digits: usize) -> Value {
    json!({"type": "string", "pattern": format!("^[0-9a-fA-F]{{{digits}}}$")})
}

fn query_parameter(param: &Param) -> Value {
    let schema = match param.kind {
        ParamKind::Count { default, max } => {
            json!({"type": "integer", "minimum": 1, "maximum": max, "default": default})
        }
        ParamKind::Time => json!({"type": "string"}),
        // Counted in bytes, which is at least one for a character.
        ParamKind::Text { bytes_max } => json!({"type": "string", "maxLength": bytes_max}),
        ParamKind::Names { count_max } => json!({"type": "array", "items": {"type": "string"}, "maxItems": count_max}),
        ParamKind::Signal => json!({"type": "string", "enum": ["traces", "logs"]}),
        ParamKind::SpanId => hex(16),
        ParamKind::Flag => json!({"type": "boolean", "default": false}),
    };
    let mut parameter = json!({
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.description,
        "schema": schema,
    });
    match param.kind {
        ParamKind::Names { .. } => {
            parameter["style"] = json!("form");
            parameter["explode"] = json!(false);
            parameter["example"] = param.example.split(',').collect();
        }
        ParamKind::Count { default, .. } => parameter["example"] = json!(default),
        ParamKind::Flag => parameter["example"] = json!(false),
        _ if param.example.is_empty() => {}
        _ => parameter["example"] = json!(param.example),
    }
    parameter
}

fn tenant_parameter() -> Value {
    json!({
        "name": "X-Scope-OrgID",
        "in": "header",
        "required": false,
        "description": "The tenant.",
        "schema": {"type": "string", "default": "default", "maxLength": 150},
    })
}

fn is_empty(endpoint: &Endpoint) -> bool {
    endpoint.answers.iter().all(|answer| matches!(answer.content, Content::Nothing))
}

fn answer(endpoint: &Endpoint) -> Value {
    if is_empty(endpoint) {
        return json!({"description": "It is done."});
    }
    let content: Map<String, Value> =
        endpoint.answers.iter().map(|answer| (answer.media_type.to_owned(), media(endpoint, answer))).collect();
    json!({"description": "The answer.", "content": content})
}

fn media(endpoint: &Endpoint, answer: &Answer) -> Value {
    match answer.content {
        Content::Json(schema) => {
            let mut media = json!({"schema": reference(schema)});
            if let Some(example) = examples::of(schema) {
                media["example"] = example;
            }
            media
        }
        Content::ForeignJson(what) => json!({"schema": {"type": "object", "description": what}}),
        Content::Bytes(what) => json!({
            "schema": {"type": "string", "contentMediaType": answer.media_type, "description": what}
        }),
        Content::Events(schema) => json!({
            "schema": {
                "type": "string",
                "description": format!("`event: logs`, whose `data` is a #/components/schemas/{schema} as JSON"),
            },
            "example": examples::event(schema),
        }),
        Content::Nothing => Value::Null,
        Content::Text => json!({"schema": {"type": "string"}, "example": endpoint.path.trim_matches(['/', 'z'])}),
    }
}

fn failure(endpoint: &Endpoint, status: StatusCode) -> Value {
    if endpoint.answers.iter().any(|answer| matches!(answer.content, Content::Text)) {
        return json!({"description": meaning(status), "content": {"text/plain": {"schema": {"type": "string"}}}});
    }
    let mut media = json!({"schema": reference("ErrorBody")});
    if let Some(example) = examples::failure(status) {
        media["example"] = example;
    }
    json!({"description": meaning(status), "content": {JSON: media}})
}

fn meaning(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "A parameter, the header or the search is wrong; the message says which and how.",
        StatusCode::FORBIDDEN => "A page of another site must not do this.",
        StatusCode::NOT_FOUND => "Nothing of this id is stored.",
        StatusCode::NOT_ACCEPTABLE => "None of the media types in `Accept` can be given.",
        StatusCode::UNPROCESSABLE_ENTITY => "Answering takes more memory than a query may use.",
        StatusCode::SERVICE_UNAVAILABLE => "Overloaded or not ready; try again in a moment.",
        StatusCode::GATEWAY_TIMEOUT => "The query did not finish in time; ask for less.",
        _ => "A defect or damaged data; the server's log has the cause.",
    }
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}
