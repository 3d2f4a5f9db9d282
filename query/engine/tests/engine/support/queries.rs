//! Random queries about the random records.

use super::Random;

const ANY: [&str; 40] = [
    "timeout",
    "TIMEOUT",
    "refused",
    "\"connection refused\"",
    "time*",
    "\"connection re\"*",
    "*meou*",
    "*OUT*",
    "*out",
    "ärger",
    "café",
    "/time(out)?/",
    "/^Conn/",
    "*",
    "5ms",
    "timeout_ms",
    "read_time*",
    "db-1",
    "service:cart",
    "service:*",
    "service:\"\"",
    "http.route:/cart",
    "http.route:/cart*",
    "http.route:*art*",
    "http.route:*",
    "http.route:\"\"",
    "code:500",
    "code>=500",
    "code<499.7",
    "code>-2",
    "code:5*",
    "flag:true",
    "region:eu",
    "resource.region:eu",
    "scope.region:*",
    "tags:*b*",
    "\"odd name\":x",
    "scope.name:lib-a",
    "scope.version>1.0",
    "region:(eu OR asia)",
];
const LOGS: [&str; 20] = [
    "severity:info",
    "severity>=warn",
    "severity<error",
    "severity>debug",
    "severity:unset",
    "severity:9",
    "severity:*",
    "severity_text:INFO",
    "severity_text:*",
    "body:\"TIMEOUT: retry\"",
    "body:*refused",
    "body:42",
    "body:\"\"",
    "body<cart",
    "event_name:*",
    "event_name:order.placed",
    "trace_id:*",
    "trace_id:03030303030303030303030303030303",
    "span_id:0101010101010101",
    "log.region:eu",
];
const SPANS: [&str; 17] = [
    "kind:server",
    "kind:*",
    "status:error",
    "status:unset",
    "status:*",
    "duration>500ms",
    "duration<=70ms",
    "duration:0",
    "name:\"GET /cart\"",
    "name:GET*",
    "status.message:*",
    "parent_span_id:*",
    "span.region:eu",
    "event.exception.type:IOError",
    "link.reason:retry",
    "link.reason:*",
    "trace_id:03030303030303030303030303030303",
];

pub fn log_query(random: &mut Random) -> String {
    query(random, &LOGS, 3)
}

pub fn span_query(random: &mut Random) -> String {
    query(random, &SPANS, 3)
}

/// Every single condition, of either signal.
pub fn single_conditions(is_logs: bool) -> Vec<String> {
    let own: &[&str] = if is_logs { &LOGS } else { &SPANS };
    ANY.iter().chain(own).map(|condition| (*condition).to_owned()).collect()
}

fn query(random: &mut Random, own: &[&str], depth: u32) -> String {
    match random.below(if depth == 0 { 2 } else { 6 }) {
        0 => random.pick(&ANY).to_owned(),
        1 => random.pick(own).to_owned(),
        2 => format!("-({})", query(random, own, depth - 1)),
        3 => format!("({}) ({})", query(random, own, depth - 1), query(random, own, depth - 1)),
        4 => format!("({}) OR ({})", query(random, own, depth - 1), query(random, own, depth - 1)),
        _ => format!("({}) -({})", query(random, own, depth - 1), query(random, own, depth - 1)),
    }
}
