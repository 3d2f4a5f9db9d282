//! Random queries over all of the language, made of pieces of what the random records hold.

use tracewell_model::Signal;

use super::{Random, TEXTS};

/// Names of attributes, some with the place where they stand, some that no record has.
const ATTRIBUTES: [&str; 12] = [
    "http.route",
    "code",
    "flag",
    "region",
    "tags",
    "\"odd name\"",
    "row",
    "absent",
    "resource.region",
    "scope.region",
    "resource.service.name",
    "CODE",
];
/// Values, as they stand in a query.
const VALUES: [&str; 27] = [
    "/cart",
    "/Cart",
    "/cart/{id}",
    "/checkout",
    "\"\"",
    "200",
    "500",
    "500.0",
    "5e2",
    "499.5",
    "-1",
    "-1.0",
    "+500",
    "0",
    "42",
    "true",
    "false",
    "TRUE",
    "eu",
    "us",
    "asia",
    "\"scope-eu\"",
    "x",
    "a",
    "\"b c\"",
    "100",
    "1e400",
];
const TEXT_FIELDS_OF_LOGS: [&str; 5] = ["service", "body", "severity_text", "event_name", "scope.name"];
const TEXT_FIELDS_OF_SPANS: [&str; 5] = ["service", "name", "status.message", "scope.version", "scope.name"];
const OF_TEXT_FIELDS: [&str; 14] = [
    "cart",
    "checkout",
    "Cart",
    "pay",
    "lib-a",
    "\"1.0\"",
    "INFO",
    "Warn",
    "\"order.placed\"",
    "\"GET /cart\"",
    "query",
    "\"connection refused\"",
    "42",
    "\"TIMEOUT: retry\"",
];
const ORDERS: [&str; 4] = ["<", "<=", ">", ">="];

/// A query of random depth.
pub fn generated_query(random: &mut Random, signal: Signal) -> String {
    query(random, signal, 3)
}

fn query(random: &mut Random, signal: Signal, depth: u32) -> String {
    if depth == 0 || random.one_in(3) {
        return condition(random, signal);
    }
    let (left, right) = (query(random, signal, depth - 1), query(random, signal, depth - 1));
    match random.below(6) {
        0 => format!("-({left})"),
        1 => format!("NOT ({left})"),
        2 => format!("({left}) OR ({right})"),
        3 => format!("({left}) AND ({right})"),
        4 => format!("({left}) -({right})"),
        // Without parentheses AND binds tighter.
        _ => format!("{} OR {} ({left})", condition(random, signal), condition(random, signal)),
    }
}

fn condition(random: &mut Random, signal: Signal) -> String {
    match random.below(8) {
        0..=2 => text(random),
        3 => text_field(random, signal),
        4 => intrinsic(random, signal),
        _ => attribute(random, signal),
    }
}

/// A part of a text that records have.
fn part(random: &mut Random, length_max: u64) -> String {
    let text: Vec<char> = random.pick(&TEXTS[..6]).chars().collect();
    let from = random.below(text.len() as u64) as usize;
    let length = 1 + random.below(length_max) as usize;
    text[from..text.len().min(from + length)].iter().collect()
}

fn any_case(random: &mut Random, text: &str) -> String {
    match random.below(3) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn text(random: &mut Random) -> String {
    let part = part(random, 12);
    let has_word = part.chars().any(char::is_alphanumeric);
    match random.below(5) {
        0 => format!("*{}*", quoted(&any_case(random, &part))),
        1 => format!("/{}/", regex::escape(&part).replace('/', "\\/")),
        2 => format!("/(?i){}.?/", regex::escape(&any_case(random, &part)).replace('/', "\\/")),
        3 if part.ends_with(char::is_alphanumeric) => format!("{}*", quoted(&any_case(random, &part))),
        _ if has_word => quoted(&any_case(random, &part)),
        _ => "timeout".to_owned(),
    }
}

fn tested(random: &mut Random, field: &str, values: &[&str]) -> String {
    let value = random.pick(values);
    match random.below(8) {
        0 => format!("{field}:*"),
        1 => format!("{field}!={value}"),
        2 | 3 if value != "\"\"" => format!("{field}{}{value}", random.pick(&ORDERS)),
        4 => format!("{field}:({value} OR {})", random.pick(values)),
        5 if !value.starts_with('"') => format!("{field}:{value}*"),
        6 if !value.starts_with('"') => format!("{field}:*{value}*"),
        _ => format!("{field}:{value}"),
    }
}

fn text_field(random: &mut Random, signal: Signal) -> String {
    let field = match signal {
        Signal::Logs => random.pick(&TEXT_FIELDS_OF_LOGS),
        Signal::Traces => random.pick(&TEXT_FIELDS_OF_SPANS),
    };
    tested(random, field, &OF_TEXT_FIELDS)
}

fn attribute(random: &mut Random, signal: Signal) -> String {
    let nested = ["event.exception.type", "link.reason", "event.absent"];
    match signal {
        Signal::Traces if random.one_in(5) => {
            let field = random.pick(&nested);
            tested(random, field, &["IOError", "TimeoutError", "retry", "Time"])
        }
        _ => {
            let field = random.pick(&ATTRIBUTES);
            tested(random, field, &VALUES)
        }
    }
}

fn intrinsic(random: &mut Random, signal: Signal) -> String {
    let order = random.pick(&ORDERS);
    let id = 1 + random.below(9);
    match (signal, random.below(4)) {
        (Signal::Logs, 0) => format!("severity:{}", random.pick(&["info", "warn", "error", "9", "unset", "*"])),
        (Signal::Logs, 1) => format!("severity{order}{}", random.pick(&["debug", "warn", "fatal", "13"])),
        (Signal::Logs, 2) => format!("span_id:{}", format!("{id:02x}").repeat(8)),
        (Signal::Traces, 0) => format!("duration{order}{}", random.pick(&["0ns", "70ms", "500ms", "1.4s", "1m"])),
        (Signal::Traces, 1) => format!("kind:{}", random.pick(&["server", "client", "internal", "*"])),
        (Signal::Traces, 2) => format!("status:{}", random.pick(&["ok", "error", "unset", "*"])),
        (_, _) if random.one_in(3) => "trace_id:*".to_owned(),
        (_, _) => format!("trace_id:{}", format!("{id:02x}").repeat(16)),
    }
}
