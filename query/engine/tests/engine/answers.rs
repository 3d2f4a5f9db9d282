//! Histograms, facets, services, operations, fields and the live tail against counting by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use tracewell_model::{Logs, Records, Signal, TimeRange, TraceId, UnixNanos};
use tracewell_query::{Exactness, FieldScope, Page, QueryErrorKind, SEVERITY_NAMES, Statistics, default_facets};

use crate::support::oracle::meets;
use crate::support::queries::{log_query, span_query};
use crate::support::{
    BASE, Log, Random, STEP, STEPS, Server, SpanRow, Val, all_time, ids_of, log_append, logs, parsed, scope, spans,
    tenant, trace_id,
};

/// The same records live, in segments, and in a merged segment.
async fn in_all_places(server: &Server, check: impl AsyncFn(&str)) {
    check("live").await;
    server.storage.flush().await.expect("flushed");
    check("flushed").await;
    server.storage.compact_now().await.expect("compacted");
    check("compacted").await;
}

/// The least value that this share of the values does not exceed.
fn quantile(values: &[u64], share: f64) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[tokio::test(flavor = "multi_thread")]
async fn log_histograms_count_by_time_and_severity() {
    let server = Server::start().await;
    let rows = logs(21, 400).concat();
    server.send_logs(std::slice::from_ref(&rows)).await;
    let random = &mut Random::new(3);
    let queries: Vec<String> = (0..15).map(|_| log_query(random)).chain([String::new()]).collect();
    in_all_places(&server, async |place| {
        for query in &queries {
            let answer = server.engine.log_histogram(&scope(query, all_time()), 60).await.expect("an answer");
            let (histogram, query) = (answer.value, parsed(query));
            let matching: Vec<&Log> = rows.iter().filter(|log| meets(&query, *log)).collect();
            assert_eq!(histogram.count, matching.len() as u64, "{query} {place}");
            assert_eq!((histogram.start.0, histogram.bucket_nano), (BASE, STEPS * STEP / 60));
            for (number, bucket) in histogram.buckets.iter().enumerate() {
                let inside = |log: &&&Log| (log.time - BASE) / histogram.bucket_nano == number as u64;
                for (class, count) in bucket.severities.iter().enumerate() {
                    let of_class = |log: &&&Log| match log.severity_number {
                        number @ 1..=24 => (number as usize - 1) / 4 + 1 == class,
                        _ => class == 0,
                    };
                    let expected = matching.iter().filter(inside).filter(of_class).count() as u64;
                    assert_eq!(*count, expected, "{query} {place} {} of {number}", SEVERITY_NAMES[class]);
                }
                assert_eq!(bucket.count, bucket.severities.iter().sum::<u64>());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn span_histograms_count_by_time_and_duration() {
    let server = Server::start().await;
    let rows = spans(22, 400).concat();
    server.send_spans(std::slice::from_ref(&rows)).await;
    let random = &mut Random::new(4);
    let queries: Vec<String> = (0..10).map(|_| span_query(random)).chain([String::new()]).collect();
    in_all_places(&server, async |place| {
        for query in &queries {
            let answer = server.engine.span_histogram(&scope(query, all_time()), 50).await.expect("an answer");
            assert_eq!(answer.exactness, Exactness::Exact);
            let (histogram, query) = (answer.value, parsed(query));
            let matching: Vec<&SpanRow> = rows.iter().filter(|span| meets(&query, *span)).collect();
            let durations: Vec<u64> = matching.iter().map(|span| span.duration).collect();
            assert_eq!(histogram.count, matching.len() as u64, "{query} {place}");
            assert_eq!(histogram.error_count, matching.iter().filter(|span| span.status == 2).count() as u64);
            assert_eq!(histogram.p50_nano, quantile(&durations, 0.5), "{query} {place}");
            assert_eq!(histogram.p95_nano, quantile(&durations, 0.95), "{query} {place}");
            let bounds = &histogram.duration_bounds_nano;
            for (number, bucket) in histogram.buckets.iter().enumerate() {
                let inside = |span: &&&SpanRow| (span.start - BASE) / histogram.bucket_nano == number as u64;
                let mut expected = vec![0; bounds.len() + 1];
                for span in matching.iter().filter(inside) {
                    expected[bounds.iter().filter(|bound| **bound <= span.duration).count()] += 1;
                }
                assert_eq!(bucket.durations, expected, "{query} {place} {number}");
                assert_eq!(bucket.count, expected.iter().sum::<u64>());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_count_values_exactly() {
    let server = Server::start().await;
    let rows = logs(23, 400).concat();
    server.send_logs(std::slice::from_ref(&rows)).await;
    let fields: Vec<String> = ["service", "severity", "region", "code", "trace_id"].map(String::from).to_vec();
    in_all_places(&server, async |place| {
        let query = "-timeout";
        let answer = server.engine.facets(&scope(query, all_time()), Signal::Logs, &fields, 2).await;
        let facets = answer.expect("an answer").value.facets;
        let query = parsed(query);
        for (facet, field) in facets.iter().zip(&fields) {
            let mut counts: HashMap<String, u64> = HashMap::new();
            let mut missing = 0;
            for log in rows.iter().filter(|log| meets(&query, *log)) {
                match value_of(log, field) {
                    Some(value) => *counts.entry(value).or_default() += 1,
                    None => missing += 1,
                }
            }
            let mut ranked: Vec<(String, u64)> = counts.into_iter().collect();
            ranked.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), value.clone()));
            let other: u64 = ranked.iter().skip(2).map(|(_, count)| count).sum();
            ranked.truncate(2);
            let found: Vec<_> = facet.values.iter().map(|value| (value.value.clone(), value.count)).collect();
            assert_eq!(found, ranked, "{field} {place}");
            assert_eq!((facet.other_count, facet.missing_count), (other, missing), "{field} {place}");
        }
    })
    .await;
}

fn value_of(log: &Log, field: &str) -> Option<String> {
    let attribute = |key: &str| {
        let places = [&log.attrs, &log.origin.resource, &log.origin.scope];
        places.into_iter().flatten().find(|(name, _)| name == key).map(|(_, value)| value.shown())
    };
    match field {
        "service" => Some(log.origin.service()).filter(|name| !name.is_empty()),
        "severity" => Some(match log.severity_number {
            0 => "unset".to_owned(),
            number @ 1..=24 => SEVERITY_NAMES[(number as usize - 1) / 4 + 1].to_owned(),
            number => number.to_string(),
        }),
        "trace_id" => log.trace.map(|trace| TraceId(trace_id(trace)).to_string()),
        key => attribute(key),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn default_facets_are_given_when_none_are_asked_for() {
    let server = Server::start().await;
    server.send_spans(&spans(24, 50)).await;
    let answer = server.engine.facets(&scope("", all_time()), Signal::Traces, &[], 5).await.expect("an answer");
    let fields: Vec<&str> = answer.value.facets.iter().map(|facet| facet.field.as_str()).collect();
    assert_eq!(fields, default_facets(Signal::Traces));
}

#[tokio::test(flavor = "multi_thread")]
async fn services_tell_rate_errors_and_duration_of_entry_spans() {
    let server = Server::start().await;
    let (spans, logs) = (spans(25, 400).concat(), logs(26, 200).concat());
    server.send_spans(std::slice::from_ref(&spans)).await;
    server.send_logs(std::slice::from_ref(&logs)).await;
    let is_entry = |span: &&SpanRow| matches!(span.kind, 2 | 5) || span.parent.is_none();
    in_all_places(&server, async |place| {
        let answer = server.engine.services(&tenant(), all_time()).await.expect("an answer");
        assert_eq!(answer.exactness, Exactness::Exact);
        let services = answer.value.services;
        let names: Vec<String> = services.iter().map(|service| service.name.clone()).collect();
        let senders = spans.iter().map(|span| span.origin.service()).chain(logs.iter().map(|log| log.origin.service()));
        assert_eq!(names, senders.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(), "{place}");
        for service in services {
            let own = |span: &&SpanRow| span.origin.service() == service.name;
            let entries: Vec<&SpanRow> = spans.iter().filter(own).filter(is_entry).collect();
            let durations: Vec<u64> = entries.iter().map(|span| span.duration).collect();
            assert_eq!(service.span_count, entries.len() as u64);
            assert_eq!(service.error_count, entries.iter().filter(|span| span.status == 2).count() as u64);
            assert_eq!(service.p50_nano, quantile(&durations, 0.5));
            assert_eq!(service.p99_nano, quantile(&durations, 0.99));
            let seconds = (STEPS * STEP) as f64 / 1e9;
            assert!((service.rate_per_second - entries.len() as f64 / seconds).abs() < 1e-6);
            let logged = logs.iter().filter(|log| log.origin.service() == service.name).count();
            assert_eq!(service.log_count, logged as u64);
            assert_eq!(service.series.span_counts.len(), 30);
            for part in 0..30 {
                let inside = |span: &&&SpanRow| (span.start - BASE) / service.series.bucket_nano == part as u64;
                let durations: Vec<u64> = entries.iter().filter(inside).map(|span| span.duration).collect();
                assert_eq!(service.series.span_counts[part], durations.len() as u64);
                let p95 = (!durations.is_empty()).then(|| quantile(&durations, 0.95)).flatten();
                assert_eq!(service.series.p95_nano[part], p95);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_the_names_and_kinds_of_a_services_spans() {
    let server = Server::start().await;
    let rows = spans(27, 300).concat();
    server.send_spans(std::slice::from_ref(&rows)).await;
    in_all_places(&server, async |place| {
        let answer = server.engine.operations(&tenant(), all_time(), "cart").await.expect("an answer");
        let mut expected: BTreeMap<(String, i32), Vec<&SpanRow>> = BTreeMap::new();
        for span in rows.iter().filter(|span| span.origin.service() == "cart") {
            expected.entry((span.name.clone(), span.kind)).or_default().push(span);
        }
        let operations = answer.value.operations;
        assert_eq!(operations.len(), expected.len(), "{place}");
        assert!(operations.windows(2).all(|pair| pair[0].span_count >= pair[1].span_count));
        let kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"];
        for ((name, kind), spans) in expected {
            let same = |found: &&tracewell_query::Operation| found.name == name && found.kind == kinds[kind as usize];
            let found = operations.iter().find(same).expect("the operation");
            let durations: Vec<u64> = spans.iter().map(|span| span.duration).collect();
            assert_eq!(found.span_count, spans.len() as u64);
            assert_eq!(found.error_count, spans.iter().filter(|span| span.status == 2).count() as u64);
            assert_eq!(Some(found.p95_nano), quantile(&durations, 0.95));
        }
    })
    .await;
    let none = server.engine.operations(&tenant(), all_time(), "no such").await.expect("an answer");
    assert!(none.value.operations.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_tell_where_attributes_stand_and_of_which_types() {
    let server = Server::start().await;
    let rows = logs(28, 300).concat();
    server.send_logs(std::slice::from_ref(&rows)).await;
    in_all_places(&server, async |place| {
        let answer = server.engine.fields(&tenant(), Signal::Logs, all_time()).await.expect("an answer");
        let fields: HashMap<&str, _> = answer.value.fields.iter().map(|field| (field.name.as_str(), field)).collect();
        let with = |key: &str| rows.iter().filter(|log| log.attrs.iter().any(|(name, _)| name == key)).count() as u64;
        let code = fields["log.code"];
        assert_eq!((code.scope, code.count), (FieldScope::Log, with("code")), "{place}");
        assert_eq!(code.types, ["string", "int", "double"]);
        assert_eq!(fields["log.\"odd name\""].key, "odd name");
        assert_eq!(fields["log.tags"].types, ["other"]);
        let resources = rows.iter().filter(|log| log.origin.resource.iter().any(|(name, _)| name == "region")).count();
        assert_eq!(fields["resource.region"].count, resources as u64, "{place}");
        let traced = rows.iter().filter(|log| log.trace.is_some()).count() as u64;
        assert_eq!((fields["trace_id"].scope, fields["trace_id"].count), (FieldScope::Intrinsic, traced));
        assert_eq!(fields["severity"].count, rows.iter().filter(|log| log.severity_number != 0).count() as u64);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_a_field_are_narrowed_by_a_prefix() {
    let server = Server::start().await;
    let rows = logs(29, 300).concat();
    server.send_logs(std::slice::from_ref(&rows)).await;
    let answer = server
        .engine
        .field_values(&tenant(), Signal::Logs, all_time(), "http.route", "/CART", 10)
        .await
        .expect("an answer");
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for (_, value) in rows.iter().flat_map(|log| &log.attrs).filter(|(key, _)| key == "http.route") {
        if let Val::Text(route) = value
            && route.to_lowercase().starts_with("/cart")
        {
            *expected.entry(route.clone()).or_default() += 1;
        }
    }
    let found: BTreeMap<String, u64> =
        answer.value.values.into_iter().map(|value| (value.value, value.count)).collect();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_whole_and_an_unknown_one_is_not_found() {
    let server = Server::start().await;
    let batches = spans(30, 300);
    server.send_spans(&batches[..batches.len() / 2]).await;
    server.storage.flush().await.expect("flushed");
    server.send_spans(&batches[batches.len() / 2..]).await;
    let mut reader = server.engine.trace(&tenant(), TraceId(trace_id(3))).await.expect("a trace").value;
    let mut read = 0;
    while let Some(piece) = reader.next().await.expect("a piece") {
        read += piece.len();
    }
    let expected = batches.concat().iter().filter(|span| span.trace == 3).count();
    assert_eq!((read, reader.row_count()), (expected, expected));
    let error = server.engine.trace(&tenant(), TraceId([0xee; 16])).await.expect_err("no trace");
    assert_eq!(error.kind(), QueryErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_tail_judges_records_as_searches_do() {
    let server = Server::start().await;
    let rows = logs(31, 200).concat();
    let Records::Logs(batch) = log_append(&rows).records else { panic!("no logs") };
    let batch = Arc::new(batch);
    let random = &mut Random::new(6);
    for query in (0..40).map(|_| log_query(random)).chain([String::new()]) {
        let query = parsed(&query);
        let matcher = server.engine.matcher(&query, Signal::Logs).expect("a matcher");
        let matching: Logs = matcher.matches(&batch).await.expect("judged");
        let expected: Vec<i64> = rows.iter().filter(|log| meets(&query, *log)).map(|log| log.id).collect();
        assert_eq!(ids_of(&matching), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_tell_what_was_read() {
    let server = Server::start().await;
    let rows = logs(32, 100).concat();
    server.send_logs(std::slice::from_ref(&rows)).await;
    let figures = async |query: &str, time: TimeRange| {
        let answer = server.engine.search_logs(&scope(query, time), &Page::first(5)).await.expect("an answer");
        let Statistics { segments_total, segments_read, rows_scanned, elapsed_ms } = answer.statistics;
        assert_eq!(elapsed_ms, (elapsed_ms * 100.0).round() / 100.0);
        (segments_total, segments_read, rows_scanned)
    };
    let before = TimeRange { start: UnixNanos(0), end: UnixNanos(BASE) };
    // Rows in memory are looked at, and are in no segment.
    assert_eq!(figures("", all_time()).await, (0, 0, rows.len() as u64));
    assert_eq!(figures("", before).await, (0, 0, 0));
    server.storage.flush().await.expect("flushed");
    assert_eq!(figures("", all_time()).await, (1, 1, rows.len() as u64));
    assert_eq!(figures("", before).await, (1, 0, 0));
    // The index tells that no row is of this trace: none is looked at.
    assert_eq!(figures(&format!("trace_id:{}", TraceId(trace_id(200))), all_time()).await, (1, 1, 0));
}
