//! What holds for every text and every tree.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use tracewell_language::{
    DEPTH_MAX, Field, Node, NodeKind, Operator, Pattern, Place, QUERY_BYTES_MAX, Query, Span, TERMS_MAX, Test, Text,
    Value, parse, parse_field, tokens,
};

fn bare(kind: NodeKind) -> Node {
    Node { kind, span: Span::default() }
}

fn value<T>(content: T) -> Value<T> {
    Value { content, span: Span::default() }
}

/// Texts of signs that mean something to the language, and others.
fn text() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        Just("a".to_owned()),
        Just("AND".to_owned()),
        Just("NOT".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("*".to_owned()),
        Just(" ".to_owned()),
        Just("-".to_owned()),
        Just("/".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just(":".to_owned()),
        Just(">".to_owned()),
        Just("=".to_owned()),
        Just("!".to_owned()),
        Just("5ms".to_owned()),
        Just("é".to_owned()),
        Just("\n".to_owned()),
        Just("scope.".to_owned()),
        "[ -~]{1,3}",
    ];
    vec(sign, 1..6).prop_map(|signs| signs.concat())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        text().prop_map(Pattern::literal),
        vec(prop_oneof![text(), Just(String::new())], 2..4)
            .prop_map(Pattern::from_pieces)
            .prop_filter("a test of presence", |pattern| pattern.pieces().iter().any(|piece| !piece.is_empty())),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let places = option::of(proptest::sample::select(Place::ALL.to_vec()));
    let quoted = (places.clone(), text(), Just(true));
    let plain = (places, "[a-z_@$][a-z0-9_/@$-]{0,4}(\\.[a-z0-9]{1,3})?", Just(false));
    prop_oneof![quoted.boxed(), plain.boxed()]
        .prop_map(|(place, name, quoted)| Field { place, name, quoted, span: Span::default() })
        .prop_filter("a place in the name", |field| {
            let begins = |place: &Place| field.name.starts_with(&format!("{}.", place.as_str()));
            field.quoted || field.place.is_some() || !Place::ALL.iter().any(begins)
        })
}

fn test() -> impl Strategy<Value = Test> {
    let operators = vec![Operator::Greater, Operator::GreaterOrEqual, Operator::Less, Operator::LessOrEqual];
    prop_oneof![
        Just(Test::Exists),
        pattern().prop_map(|pattern| Test::Is(value(pattern))),
        (proptest::sample::select(operators), text()).prop_map(|(operator, text)| Test::Compare(operator, value(text))),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        pattern().prop_map(|pattern| NodeKind::Text(Text::Pattern(pattern))),
        "([a-z /().*]|\\\\[a-z.]){1,6}".prop_map(|content| NodeKind::Text(Text::Regex(content))),
        (field(), test()).prop_map(|(field, test)| NodeKind::Field(field, test)),
    ];
    leaf.prop_map(bare).prop_recursive(5, 40, 4, |inner| {
        let is_and = |node: &Node| matches!(node.kind, NodeKind::And(_));
        let is_or = |node: &Node| matches!(node.kind, NodeKind::Or(_));
        let and = vec(inner.clone().prop_filter("no And", move |node| !is_and(node)), 2..4).prop_map(NodeKind::And);
        let or = vec(inner.clone().prop_filter("no Or", move |node| !is_or(node)), 2..4).prop_map(NodeKind::Or);
        prop_oneof![and, or, inner.prop_map(|node| NodeKind::Not(Box::new(node)))].prop_map(bare)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_printed_tree_parses_to_itself(root in node()) {
        let query = Query { root: Some(root) };
        let printed = query.to_string();
        let parsed = parse(&printed);
        prop_assert_eq!(parsed.as_ref(), Ok(&query), "{}", printed);
    }

    #[test]
    fn any_text_parses_or_is_refused_at_a_place_in_it(text in text()) {
        match parse(&text) {
            Ok(query) => {
                let printed = query.to_string();
                prop_assert_eq!(parse(&printed), Ok(query), "{}", printed);
            }
            Err(error) => {
                prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                prop_assert!(text.is_char_boundary(error.span.start) && text.is_char_boundary(error.span.end));
                prop_assert!(!error.message.is_empty());
            }
        }
    }

    #[test]
    fn tokens_cover_all_but_space(text in prop_oneof![text(), any::<String>()]) {
        let mut at = 0;
        for token in tokens(&text) {
            prop_assert!(text[at..token.span.start].trim().is_empty(), "{:?}", text);
            prop_assert!(token.span.start < token.span.end);
            at = token.span.end;
        }
        prop_assert!(text[at..].trim().is_empty(), "{:?}", text);
    }

    #[test]
    fn the_field_of_an_attribute_finds_its_key(key in prop_oneof![text(), Just("name".to_owned())]) {
        for place in Place::ALL {
            let field = Field::attribute(place, &key);
            let parsed = parse_field(&field.to_string());
            prop_assert_eq!(parsed.as_ref(), Ok(&field));
        }
    }
}

#[test]
fn what_is_too_long_or_too_deep_or_too_much_is_refused_quickly() {
    assert!(parse(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
    for opening in ["(", "-", "NOT ", "a:(", "-("] {
        let deep = opening.repeat(QUERY_BYTES_MAX / opening.len());
        assert!(parse(&deep).is_err(), "{opening}");
    }
    let nested = format!("{}a{}", "(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    assert!(parse(&nested).is_ok());
    assert!(parse(&format!("({nested})")).expect_err("too deep").message.contains("nested"));
    assert!(parse(&"a ".repeat(TERMS_MAX)).is_ok());
    assert!(parse(&"a ".repeat(TERMS_MAX + 1)).expect_err("too many").message.contains("terms"));
    // Slashes that could begin an expression, and never end one.
    assert!(parse(&"/a ".repeat(QUERY_BYTES_MAX / 3)).is_err());
}

#[test]
fn a_value_that_would_read_as_a_url_is_printed_in_quotes() {
    let query = parse("a=//").expect("a field and its value");
    assert_eq!(query.to_string(), r#"a:"//""#);
    assert_eq!(parse(r#"a:"//""#), Ok(query));
}
