//! The fixtures in `fixtures/`: queries with the tree, the canonical text and the tokens, or the error, that they give.
//! They are data so that other lexers of the language can be held to them too.

use std::path::Path;

use serde_json::{Value, json};
use tracewell_language::{Node, NodeKind, Pattern, Query, Test, Text, parse, tokens};

fn tree(query: &Query) -> Value {
    query.root.as_ref().map_or(Value::Null, node)
}

fn node(condition: &Node) -> Value {
    match &condition.kind {
        NodeKind::And(parts) => json!({"and": parts.iter().map(node).collect::<Vec<_>>()}),
        NodeKind::Or(parts) => json!({"or": parts.iter().map(node).collect::<Vec<_>>()}),
        NodeKind::Not(part) => json!({"not": node(part)}),
        NodeKind::Text(Text::Pattern(pattern)) => json!({"text": pieces(pattern)}),
        NodeKind::Text(Text::Regex(content)) => json!({"regex": content}),
        NodeKind::Field(field, test) => {
            let mut found = json!({"field": field.name});
            if let Some(place) = field.place {
                found["place"] = json!(place);
            }
            if field.quoted {
                found["quoted"] = json!(true);
            }
            match test {
                Test::Exists => found["exists"] = json!(true),
                Test::Is(value) => found["is"] = pieces(&value.content),
                Test::Compare(operator, value) => found["compare"] = json!([operator.as_str(), value.content]),
            }
            found
        }
    }
}

/// The pieces around each wildcard.
fn pieces(pattern: &Pattern) -> Value {
    json!(pattern.pieces())
}

fn outcome(query: &str) -> Value {
    let spans: Vec<Value> =
        tokens(query).iter().map(|token| json!([token.kind, &query[token.span.start..token.span.end]])).collect();
    match parse(query) {
        Ok(parsed) => {
            json!({"query": query, "ast": tree(&parsed), "canonical": parsed.to_string(), "tokens": spans})
        }
        Err(error) => json!({
            "query": query,
            "error": {"position": error.position(), "message": error.message},
            "tokens": spans,
        }),
    }
}

#[test]
fn queries_give_the_trees_the_tokens_and_the_errors_of_the_fixtures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder of fixtures") {
        let path = entry.expect("a file").path();
        let content = std::fs::read_to_string(&path).expect("a readable file");
        let fixtures: Vec<Value> = serde_json::from_str(&content).expect("a list of fixtures");
        for fixture in fixtures {
            let query = fixture["query"].as_str().expect("a query");
            assert_eq!(outcome(query), fixture, "{query:?} in {}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 80, "only {checked} fixtures were found");
}
