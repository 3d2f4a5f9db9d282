//! What rollups tell against counting row by row: wherever the rows are, whatever the range, however late they come.

use std::collections::BTreeMap;

use tracewell_model::{Signal, TimeRange, UnixNanos};
use tracewell_query::{Exactness, MapEdge, SEVERITY_NAMES, ServiceMap};

use crate::support::oracle::meets;
use crate::support::{Attrs, BASE, Log, Origin, Random, Server, SpanRow, Val, logs, parsed, scope, spans, tenant};

const MINUTE: u64 = 60_000_000_000;
const HOUR: u64 = 60 * MINUTE;
/// The records of these tests lie in these hours from the first whole one on.
const HOURS: u64 = 40;
const FIRST: u64 = BASE / HOUR * HOUR;

fn range(start: u64, end: u64) -> TimeRange {
    TimeRange { start: UnixNanos(FIRST + start), end: UnixNanos(FIRST + end) }
}

/// Ranges that begin and end with minutes, hours, or in the middle of one.
fn ranges() -> Vec<TimeRange> {
    vec![
        range(0, HOURS * HOUR),
        range(17 * 1_000_000_007, HOURS * HOUR - 1),
        range(2 * HOUR, 3 * HOUR),
        range(2 * HOUR + 13 * 1_000_000_007, 3 * HOUR + 77),
        range(5 * HOUR, 37 * HOUR + 30 * MINUTE),
        range(7 * HOUR + 1, 7 * HOUR + 31 * MINUTE),
    ]
}

/// Sends half of the batches, then checks; the same live and in a segment, in segments, and in a merged one.
async fn as_they_come(
    server: &Server,
    first: impl AsyncFnOnce(),
    second: impl AsyncFnOnce(),
    check: impl AsyncFn(&str),
) {
    first().await;
    server.storage.flush().await.expect("flushed");
    second().await;
    check("live and flushed").await;
    server.storage.flush().await.expect("flushed");
    check("flushed").await;
    server.storage.compact_now().await.expect("compacted");
    check("compacted").await;
}

fn spread_spans(seed: u64, count: usize) -> Vec<SpanRow> {
    let random = &mut Random::new(seed);
    let mut rows = spans(seed, count).concat();
    rows.iter_mut().for_each(|span| span.start = FIRST + random.below(HOURS * HOUR));
    rows
}

fn spread_logs(seed: u64, count: usize) -> Vec<Log> {
    let random = &mut Random::new(seed);
    let mut rows = logs(seed, count).concat();
    rows.iter_mut().for_each(|log| log.time = FIRST + random.below(HOURS * HOUR));
    rows
}

fn is_near(found: Option<u64>, durations: &mut [u64], share: f64) -> bool {
    durations.sort_unstable();
    let rank = ((share * durations.len() as f64).ceil() as usize).max(1);
    match (found, durations.get(rank - 1)) {
        (None, None) => true,
        (Some(found), Some(exact)) => found.abs_diff(*exact) as f64 <= *exact as f64 / 64.0,
        _ => false,
    }
}

fn inside<'a>(rows: &'a [SpanRow], time: &TimeRange) -> Vec<&'a SpanRow> {
    rows.iter().filter(|span| time.contains(UnixNanos(span.start))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_counted_as_their_rows_are() {
    let server = Server::start().await;
    let (rows, records) = (spread_spans(41, 3_000), spread_logs(42, 1_500));
    let check = async |place: &str| {
        for time in ranges() {
            let services = server.engine.services(&tenant(), time).await.expect("an answer").value.services;
            let all = inside(&rows, &time);
            let logged: Vec<&Log> = records.iter().filter(|log| time.contains(UnixNanos(log.time))).collect();
            assert_eq!(services.len(), 4, "{place} {time:?}");
            for service in services {
                let is_entry = |span: &&&SpanRow| matches!(span.kind, 2 | 5) || span.parent.is_none();
                let own: Vec<_> = all.iter().filter(|span| span.origin.service() == service.name).collect();
                let entries: Vec<_> = own.iter().map(|span| **span).filter(|span| is_entry(&span)).collect();
                let mut durations: Vec<u64> = entries.iter().map(|span| span.duration).collect();
                assert_eq!(service.span_count, entries.len() as u64, "{place} {time:?} {}", service.name);
                assert_eq!(service.error_count, entries.iter().filter(|span| span.status == 2).count() as u64);
                assert!(
                    is_near(service.p50_nano, &mut durations, 0.5) && is_near(service.p99_nano, &mut durations, 0.99)
                );
                let logs = logged.iter().filter(|log| log.origin.service() == service.name).count();
                assert_eq!(service.log_count, logs as u64, "{place} {time:?} {}", service.name);
                let series = &service.series;
                assert!(series.span_counts.len() <= 31 && series.bucket_nano % MINUTE == 0);
                for (number, count) in series.span_counts.iter().enumerate() {
                    let start = series.start.0 + number as u64 * series.bucket_nano;
                    let part = TimeRange { start: UnixNanos(start), end: UnixNanos(start + series.bucket_nano) };
                    let inside = entries.iter().filter(|span| part.contains(UnixNanos(span.start)));
                    let mut durations: Vec<u64> = inside.clone().map(|span| span.duration).collect();
                    assert_eq!(*count, durations.len() as u64, "{place} {time:?} {number}");
                    assert_eq!(series.error_counts[number], inside.filter(|span| span.status == 2).count() as u64);
                    assert!(is_near(series.p95_nano[number], &mut durations, 0.95));
                }
            }
        }
    };
    let (early, late) = rows.split_at(rows.len() / 2);
    let (early_logs, late_logs) = records.split_at(records.len() / 3);
    as_they_come(
        &server,
        async || {
            server.send_spans(&[early.to_vec()]).await;
            server.send_logs(&[early_logs.to_vec()]).await;
        },
        async || {
            server.send_spans(&[late.to_vec()]).await;
            server.send_logs(&[late_logs.to_vec()]).await;
        },
        check,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_counted_as_their_rows_are() {
    let server = Server::start().await;
    let rows = spread_spans(43, 3_000);
    let (early, late) = rows.split_at(rows.len() / 2);
    let check = async |place: &str| {
        for time in ranges() {
            let mut expected: BTreeMap<(String, i32), Vec<&SpanRow>> = BTreeMap::new();
            for span in inside(&rows, &time).into_iter().filter(|span| span.origin.service() == "cart") {
                expected.entry((span.name.clone(), span.kind)).or_default().push(span);
            }
            let operations =
                server.engine.operations(&tenant(), time, "cart").await.expect("an answer").value.operations;
            assert_eq!(operations.len(), expected.len(), "{place} {time:?}");
            let kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
            for ((name, kind), spans) in expected {
                let mut same =
                    operations.iter().filter(|found| found.name == name && found.kind == kinds[kind as usize]);
                let found = same.next().expect("the operation");
                let mut durations: Vec<u64> = spans.iter().map(|span| span.duration).collect();
                assert_eq!(found.span_count, spans.len() as u64, "{place} {time:?} {name}");
                assert_eq!(found.error_count, spans.iter().filter(|span| span.status == 2).count() as u64);
                assert!(is_near(Some(found.p95_nano), &mut durations, 0.95), "{place} {time:?} {name}");
            }
        }
    };
    let send = async |rows: &[SpanRow]| server.send_spans(&[rows.to_vec()]).await;
    as_they_come(&server, async || send(early).await, async || send(late).await, check).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_are_the_same_whether_by_rollups_or_by_rows() {
    let server = Server::start().await;
    let (rows, records) = (spread_spans(44, 2_000), spread_logs(45, 2_000));
    let span_queries = ["", "service:cart", "-service:cart", "kind:server status:error", "name:GET* OR kind:client"];
    let log_queries =
        ["", "service:pay", "severity:warn", "severity>=warn -service:cart", "severity_text:INFO", "timeout"];
    let check = async |place: &str| {
        for time in ranges() {
            for text in span_queries {
                let query = parsed(text);
                let answer = server.engine.span_histogram(&scope(text, time), 60).await.expect("an answer");
                let mut matching = inside(&rows, &time);
                matching.retain(|span| meets(&query, *span));
                let found = answer.value;
                assert_eq!(found.count, matching.len() as u64, "{text} {place} {time:?}");
                assert_eq!(found.error_count, matching.iter().filter(|span| span.status == 2).count() as u64);
                if found.bucket_nano % MINUTE == 0 {
                    let is_whole = (time.start.0 % MINUTE, time.end.0 % MINUTE) == (0, 0);
                    assert!(!is_whole || answer.statistics.rows_scanned == 0, "{text} {place} {time:?}");
                }
                let mut bounds = found.duration_bounds_nano.clone();
                bounds.push(u64::MAX);
                for (number, bucket) in found.buckets.iter().enumerate() {
                    let start = found.start.0 + number as u64 * found.bucket_nano;
                    let part = TimeRange { start: UnixNanos(start), end: UnixNanos(start + found.bucket_nano) };
                    let mut expected = vec![0; bounds.len()];
                    for span in matching.iter().filter(|span| part.contains(UnixNanos(span.start))) {
                        expected[bounds.partition_point(|bound| *bound <= span.duration)] += 1;
                    }
                    assert_eq!(bucket.durations, expected, "{text} {place} {time:?} {number}");
                }
            }
            for text in log_queries {
                let query = parsed(text);
                let found = server.engine.log_histogram(&scope(text, time), 60).await.expect("an answer").value;
                let all = records.iter().filter(|log| time.contains(UnixNanos(log.time)) && meets(&query, *log));
                let matching: Vec<&Log> = all.collect();
                assert_eq!(found.count, matching.len() as u64, "{text} {place} {time:?}");
                for (number, bucket) in found.buckets.iter().enumerate() {
                    let start = found.start.0 + number as u64 * found.bucket_nano;
                    let part = TimeRange { start: UnixNanos(start), end: UnixNanos(start + found.bucket_nano) };
                    let mut expected = [0; SEVERITY_NAMES.len()];
                    for log in matching.iter().filter(|log| part.contains(UnixNanos(log.time))) {
                        let class =
                            if (1..=24).contains(&log.severity_number) { (log.severity_number + 3) / 4 } else { 0 };
                        expected[class as usize] += 1;
                    }
                    assert_eq!(bucket.severities, expected, "{text} {place} {time:?} {number}");
                }
            }
        }
    };
    let (early, late) = rows.split_at(rows.len() / 2);
    let (early_logs, late_logs) = records.split_at(records.len() / 2);
    as_they_come(
        &server,
        async || {
            server.send_spans(&[early.to_vec()]).await;
            server.send_logs(&[early_logs.to_vec()]).await;
        },
        async || {
            server.send_spans(&[late.to_vec()]).await;
            server.send_logs(&[late_logs.to_vec()]).await;
        },
        check,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_fields_that_rollups_count_by_are_those_of_the_rows() {
    let server = Server::start().await;
    let (rows, records) = (spread_spans(50, 1_000), spread_logs(51, 1_000));
    server.send_spans(std::slice::from_ref(&rows)).await;
    server.send_logs(std::slice::from_ref(&records)).await;
    let kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
    for place in ["live", "flushed"] {
        for time in ranges() {
            let values = async |signal, field: &str| {
                let found = server.engine.field_values(&tenant(), signal, time, field, "", 100).await.expect("values");
                found.value.values.into_iter().map(|found| (found.value, found.count)).collect::<BTreeMap<_, _>>()
            };
            let counted = |values: Vec<String>| {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                values
                    .into_iter()
                    .filter(|value| !value.is_empty())
                    .for_each(|value| *counts.entry(value).or_default() += 1);
                counts
            };
            let all = inside(&rows, &time);
            let of_spans = |value: &dyn Fn(&SpanRow) -> String| counted(all.iter().map(|span| value(span)).collect());
            assert_eq!(values(Signal::Traces, "service").await, of_spans(&|span| span.origin.service()), "{place}");
            assert_eq!(values(Signal::Traces, "name").await, of_spans(&|span| span.name.clone()), "{place} {time:?}");
            let kind = |span: &SpanRow| kinds[span.kind as usize].to_owned();
            assert_eq!(values(Signal::Traces, "kind").await, of_spans(&kind), "{place} {time:?}");
            let logged = records.iter().filter(|log| time.contains(UnixNanos(log.time)));
            let texts = counted(logged.map(|log| log.severity_text.clone()).collect());
            assert_eq!(values(Signal::Logs, "severity_text").await, texts, "{place} {time:?}");
        }
        server.storage.flush().await.expect("flushed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_sources_are_counted_without_reading_rows() {
    let server = Server::start().await;
    server.send_spans(&[spread_spans(46, 500)]).await;
    for (place, segments) in [("live", 0), ("flushed", 1)] {
        let all = server.engine.services(&tenant(), range(0, HOURS * HOUR)).await.expect("an answer");
        assert_eq!((all.statistics.rows_scanned, all.statistics.segments_read), (0, segments), "{place}");
        assert!(matches!(all.exactness, Exactness::Estimated { .. }), "{:?}", all.exactness);
        let cut = server.engine.services(&tenant(), range(HOUR + 1, 9 * HOUR)).await.expect("an answer");
        assert_ne!(cut.statistics.rows_scanned, 0, "{place}");
        server.storage.flush().await.expect("flushed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_beyond_the_bounds_are_counted_together_and_said_so() {
    let server = Server::start().await;
    let mut rows = spread_spans(47, 12_000);
    for (number, span) in rows.iter_mut().enumerate() {
        (span.origin.resource, span.kind) = (vec![("service.name".to_owned(), Val::Text("cart".to_owned()))], 2);
        span.name = format!("GET /cart/{number}");
    }
    for batch in rows.chunks(1_000) {
        server.send_spans(&[batch.to_vec()]).await;
    }
    server.storage.flush().await.expect("flushed");
    let answer = server.engine.operations(&tenant(), range(0, HOURS * HOUR), "cart").await.expect("an answer");
    let operations = answer.value.operations;
    assert!(operations.len() <= 10_001, "{}", operations.len());
    let other: Vec<_> = operations.iter().filter(|operation| operation.is_other).collect();
    assert!(other.len() == 1 && other[0].span_count > 1_000, "{other:?}");
    assert_eq!(operations.iter().map(|operation| operation.span_count).sum::<u64>(), rows.len() as u64);
    assert!(matches!(&answer.exactness, Exactness::Partial { reason } if reason.contains("too many names")));
    // Which operations these are is not known, so a query for one of them reads rows.
    let histogram = server.engine.span_histogram(&scope("name:\"GET /cart/11999\"", range(0, HOURS * HOUR)), 60).await;
    assert_eq!(histogram.expect("an answer").value.count, 1);
}

/// Calls between services, whose ends start up to a minute and a half apart.
fn calls(seed: u64, count: u64) -> Vec<SpanRow> {
    let random = &mut Random::new(seed);
    let mut rows: Vec<SpanRow> = Vec::new();
    let template = spans(1, 1).concat().remove(0);
    let service = |random: &mut Random| random.pick(&["gate", "cart", "pay", "mail"]);
    let text = |value: &str| Val::Text(value.to_owned());
    let span = |random: &mut Random, id: u64, trace: u8, parent: Option<&SpanRow>, kind: i32, service: &str| SpanRow {
        id: id as i64,
        origin: Origin {
            resource: vec![("service.name".to_owned(), Val::Text(service.to_owned()))],
            ..template.origin.clone()
        },
        trace,
        span: id,
        parent: parent.map(|parent| parent.span),
        name: "call".to_owned(),
        kind,
        status: random.pick(&[0, 1, 2]),
        start: parent.map_or(FIRST + random.below(HOURS * HOUR), |parent| parent.start + random.below(3 * MINUTE / 2)),
        duration: 1 + random.below(5_000_000_000),
        attrs: Attrs::new(),
        links: Vec::new(),
        linked: Vec::new(),
        ..template.clone()
    };
    for call in 0..count {
        let (id, trace) = (1 + call * 8, 1 + random.below(200) as u8);
        let (from, to) = (service(random), service(random));
        let entry = span(random, id, trace, None, 2, from);
        let mut caller = span(random, id + 1, trace, Some(&entry), 3, from);
        match random.below(6) {
            // A call that is answered.
            0 | 1 => rows.push(span(random, id + 2, trace, Some(&caller), 2, to)),
            // A database.
            2 => {
                caller.attrs = vec![
                    ("db.system.name".to_owned(), text("postgresql")),
                    ("db.namespace".to_owned(), text(random.pick(&["orders", "users"]))),
                ]
            }
            // Somebody who sends no spans.
            3 => caller.attrs = vec![("server.address".to_owned(), text("api.example.com"))],
            // A message, to a consumer in the same trace or with a link, and perhaps to a second one.
            _ => {
                caller.kind = 4;
                if random.one_in(2) {
                    caller.attrs = vec![
                        ("messaging.system".to_owned(), text("kafka")),
                        ("messaging.destination.name".to_owned(), text("orders")),
                    ];
                }
                for consumer in 0..1 + random.below(2) {
                    let other = 201 + random.below(50) as u8;
                    let mut taker = match random.one_in(2) {
                        true => span(random, id + 3 + consumer, trace, Some(&caller), 5, to),
                        false => SpanRow {
                            linked: vec![(trace, caller.span)],
                            parent: None,
                            ..span(random, id + 3 + consumer, other, Some(&caller), 5, to)
                        },
                    };
                    taker.attrs = caller.attrs.clone();
                    rows.push(taker);
                }
            }
        }
        rows.extend([entry, caller]);
    }
    // In any order.
    for place in (1..rows.len()).rev() {
        rows.swap(place, random.below(place as u64 + 1) as usize);
    }
    rows
}

type Expected = BTreeMap<(String, String, &'static str), Vec<(bool, u64)>>;

/// The edges of the minutes that a range touches, row by row.
fn edges_of(rows: &[SpanRow], time: &TimeRange) -> Expected {
    let minutes = time.start.0 / MINUTE..time.end.0.div_ceil(MINUTE);
    let by_id: BTreeMap<(u8, u64), &SpanRow> = rows.iter().map(|span| ((span.trace, span.span), span)).collect();
    let attribute =
        |span: &SpanRow, key: &str| span.attrs.iter().find(|(name, _)| name == key).map(|(_, value)| value.shown());
    let service = |span: &SpanRow| format!("service:{}", span.origin.service());
    let failed = |span: &SpanRow| span.status == 2;
    let mut edges = Expected::new();
    let mut add = |span: &SpanRow, source: String, target: String, kind, failed: bool| {
        if minutes.contains(&(span.start / MINUTE)) {
            edges.entry((source, target, kind)).or_default().push((failed, span.duration));
        }
    };
    for span in rows {
        if span.kind == 2 || span.kind == 5 {
            let parent = span.parent.map(|parent| (span.trace, parent));
            for caller in parent.iter().chain(&span.linked).filter_map(|id| by_id.get(id)) {
                let kind = if span.kind == 5 || caller.kind == 4 { "messaging" } else { "call" };
                if matches!(caller.kind, 3 | 4) && service(caller) != service(span) {
                    add(span, service(caller), service(span), kind, failed(caller) || failed(span));
                }
            }
        }
        if let Some(queue) = attribute(span, "messaging.destination.name") {
            let queue = format!("messaging/kafka:{queue}");
            match span.kind {
                4 => add(span, service(span), queue, "messaging", failed(span)),
                _ => add(span, queue, service(span), "messaging", failed(span)),
            }
        }
        if let Some(name) = attribute(span, "db.namespace") {
            add(span, service(span), format!("database/postgresql:{name}"), "database", failed(span));
        }
        if let Some(name) = attribute(span, "server.address") {
            add(span, service(span), format!("external:{name}"), "external", failed(span));
        }
    }
    edges
}

fn check_map(map: &ServiceMap, mut expected: Expected, what: &str) {
    let key = |edge: &MapEdge| (edge.source.clone(), edge.target.clone(), edge.kind);
    let found: BTreeMap<_, _> = map.edges.iter().map(|edge| (key(edge), edge)).collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (key, calls) in &mut expected {
        let edge = found[key];
        assert_eq!(edge.count, calls.len() as u64, "{key:?} {what}");
        assert_eq!(edge.error_count, calls.iter().filter(|(failed, _)| *failed).count() as u64, "{key:?} {what}");
        let mut durations: Vec<u64> = calls.iter().map(|(_, duration)| *duration).collect();
        assert!(is_near(Some(edge.p95_nano), &mut durations, 0.95), "{key:?} {what}");
        assert!(map.nodes.iter().any(|node| node.id == key.0) && map.nodes.iter().any(|node| node.id == key.1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_found_wherever_their_ends_came_and_are() {
    let server = Server::start().await;
    let rows = calls(48, 600);
    let check = async |place: &str| {
        for time in ranges() {
            let map = server.engine.service_map(&tenant(), time).await.expect("an answer").value;
            assert!(map.start <= time.start && time.end <= map.end);
            check_map(&map, edges_of(&rows, &time), &format!("{place} {time:?}"));
        }
    };
    // In many requests and three segments, so that the ends of most calls come apart.
    let parts: Vec<Vec<SpanRow>> = rows.chunks(97).map(<[SpanRow]>::to_vec).collect();
    let (first, rest) = parts.split_at(parts.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    server.send_spans(first).await;
    server.storage.flush().await.expect("flushed");
    let send = async |rows: &[Vec<SpanRow>]| server.send_spans(rows).await;
    as_they_come(&server, async || send(second).await, async || send(third).await, check).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_have_the_entry_spans_of_services_and_the_calls_of_others() {
    let server = Server::start().await;
    let rows = calls(49, 200);
    server.send_spans(std::slice::from_ref(&rows)).await;
    let map = server.engine.service_map(&tenant(), range(0, HOURS * HOUR + HOUR)).await.expect("an answer").value;
    for node in &map.nodes {
        let expected = match node.kind {
            "service" => {
                let own = rows.iter().filter(|span| span.origin.service() == node.name);
                own.filter(|span| matches!(span.kind, 2 | 5) || span.parent.is_none()).count() as u64
            }
            _ => map.edges.iter().filter(|edge| edge.target == node.id).map(|edge| edge.count).sum(),
        };
        assert_eq!(node.span_count, expected, "{}", node.id);
    }
    assert_eq!(map.nodes.iter().filter(|node| node.kind == "service").count(), 4);
}
