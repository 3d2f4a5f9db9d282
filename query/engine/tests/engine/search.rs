//! Searches against a plain evaluation of the same queries, wherever the records are stored.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::support::oracle::meets;
use crate::support::queries::{log_query, single_conditions, span_query};
use crate::support::{Log, Random, Server, SpanRow, all_time, ids_of, logs, parsed, scope, spans, tenant, trace_id};
use tracewell_model::{SpanId, TraceId, UnixNanos};
use tracewell_query::{Exactness, Page, ServiceShare, TraceSummary};

/// All pages of a search for log records, one after the other.
async fn walk_logs(server: &Server, query: &str, limit: usize) -> Vec<(u64, i64)> {
    let (mut found, mut page) = (Vec::new(), Page::first(limit));
    loop {
        let answer = server.engine.search_logs(&scope(query, all_time()), &page).await.expect("an answer");
        assert_eq!(answer.exactness, Exactness::Exact);
        let logs = answer.value.logs;
        assert!(logs.len() <= limit);
        found.extend(logs.timestamp.iter().copied().zip(ids_of(&logs)));
        match answer.value.next_cursor {
            Some(cursor) => {
                assert_eq!(logs.len(), limit, "only the last page may be short");
                page = Page::after(limit, cursor);
            }
            None => return found,
        }
    }
}

/// What a search has to find, by time and id.
fn expected_logs(rows: &[Log], query: &str) -> Vec<(u64, i64)> {
    let query = parsed(query);
    let mut expected: Vec<(u64, i64)> =
        rows.iter().filter(|log| meets(&query, *log)).map(|log| (log.time, log.id)).collect();
    expected.sort_unstable();
    expected
}

/// Walks each query and checks what it finds; gives the order in which it was found.
async fn check_logs(server: &Server, rows: &[Log], queries: &[String], random: &mut Random) -> Vec<Vec<(u64, i64)>> {
    let mut walks = Vec::new();
    for query in queries {
        let limit = random.pick(&[1_000, 100, 37]);
        let found = walk_logs(server, query, limit).await;
        assert!(found.windows(2).all(|pair| pair[0].0 >= pair[1].0), "{query}: newest first");
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected_logs(rows, query), "{query} in pages of {limit}");
        walks.push(found);
    }
    walks
}

#[tokio::test(flavor = "multi_thread")]
async fn log_searches_find_what_the_oracle_finds_in_the_same_order_wherever_records_are() {
    let server = Server::start().await;
    let random = &mut Random::new(1);
    let mut queries = single_conditions(true);
    queries.extend((0..25).map(|_| log_query(random)));
    let batches = logs(7, 700);
    let (early, late) = batches.split_at(batches.len() / 2);
    server.send_logs(early).await;
    check_logs(&server, &early.concat(), &queries, random).await;
    server.storage.flush().await.expect("flushed");
    server.send_logs(late).await;
    let rows = batches.concat();
    let mixed = check_logs(&server, &rows, &queries, random).await;
    server.storage.flush().await.expect("flushed");
    let flushed = check_logs(&server, &rows, &queries, random).await;
    server.storage.compact_now().await.expect("compacted");
    let compacted = check_logs(&server, &rows, &queries, random).await;
    assert_eq!(mixed, flushed);
    assert_eq!(flushed, compacted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_gives_each_record_once_while_records_move_to_segments() {
    let server = Server::start().await;
    let batches = logs(11, 500);
    server.send_logs(&batches).await;
    let whole = walk_logs(&server, "", 1_000).await;
    let (mut found, mut page, mut number) = (Vec::new(), Page::first(23), 0);
    loop {
        let answer = server.engine.search_logs(&scope("", all_time()), &page).await.expect("an answer");
        found.extend(answer.value.logs.timestamp.iter().copied().zip(ids_of(&answer.value.logs)));
        number += 1;
        match number {
            3 => server.storage.flush().await.expect("flushed"),
            9 => server.storage.compact_now().await.expect("compacted"),
            _ => {}
        }
        match answer.value.next_cursor {
            Some(cursor) => page = Page::after(23, cursor),
            None => break,
        }
    }
    let differ = found.iter().zip(&whole).position(|(found, whole)| found != whole);
    assert_eq!((differ, found.len()), (None, whole.len()), "{:?}", differ.map(|at| (&found[at..], &whole[at..])));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_one_instant_are_walked_one_by_one() {
    let server = Server::start().await;
    let mut rows = logs(3, 200).concat();
    rows.iter_mut().for_each(|log| log.time = crate::support::BASE + 5);
    server.send_logs(std::slice::from_ref(&rows)).await;
    let found = walk_logs(&server, "", 1).await;
    assert_eq!(found.len(), rows.len());
    let (found, sent): (HashSet<_>, HashSet<_>) =
        (found.iter().map(|row| row.1).collect(), rows.iter().map(|log| log.id).collect());
    assert_eq!(found, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logs_of_a_trace_come_oldest_first_page_by_page() {
    let server = Server::start().await;
    let batches = logs(5, 600);
    server.send_logs(&batches[..batches.len() / 2]).await;
    server.storage.flush().await.expect("flushed");
    server.send_logs(&batches[batches.len() / 2..]).await;
    for span in [None, Some(2)] {
        let of_trace = |log: &&Log| log.trace == Some(4) && (span.is_none() || log.span == span);
        let mut expected: Vec<(u64, i64)> =
            batches.concat().iter().filter(of_trace).map(|log| (log.time, log.id)).collect();
        expected.sort_unstable();
        let (mut found, mut page) = (Vec::new(), Page::first(7));
        loop {
            let span = span.map(|span| SpanId(crate::support::log_span_id(span)));
            let answer = server.engine.logs_of_trace(&tenant(), TraceId(trace_id(4)), span, &page).await;
            let value = answer.expect("an answer").value;
            found.extend(value.logs.timestamp.iter().copied().zip(ids_of(&value.logs)));
            let Some(cursor) = value.next_cursor else { break };
            page = Page::after(7, cursor);
        }
        assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

/// What a search for traces has to find.
fn expected_traces(rows: &[SpanRow], query: &str) -> Vec<TraceSummary> {
    let query = parsed(query);
    let mut traces: BTreeMap<u8, (Vec<&SpanRow>, Vec<&SpanRow>)> = BTreeMap::new();
    for span in rows {
        let (all, matched) = traces.entry(span.trace).or_default();
        all.push(span);
        if meets(&query, span) {
            matched.push(span);
        }
    }
    let mut found: Vec<(u64, TraceSummary)> = traces
        .into_iter()
        .filter(|(_, (_, matched))| !matched.is_empty())
        .map(|(trace, (all, matched))| {
            let latest = matched.iter().map(|span| span.start).max().expect("a match");
            (latest, summary(trace, &all, &matched))
        })
        .collect();
    found.sort_by_key(|(latest, summary)| (std::cmp::Reverse(*latest), summary.trace_id));
    found.into_iter().map(|(_, summary)| summary).collect()
}

fn summary(trace: u8, spans: &[&SpanRow], matched: &[&SpanRow]) -> TraceSummary {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|span| (span.start, span.span));
    let (first, root) = (sorted[0], sorted.iter().find(|span| span.parent.is_none()));
    let end = spans.iter().map(|span| span.start + span.duration).max().expect("a span");
    let mut services: HashMap<String, ServiceShare> = HashMap::new();
    for span in spans {
        let name = span.origin.service();
        let none = ServiceShare { name: name.clone(), span_count: 0, error_count: 0 };
        let share = services.entry(name).or_insert(none);
        share.span_count += 1;
        share.error_count += u64::from(span.status == 2);
    }
    let mut services: Vec<ServiceShare> = services.into_values().collect();
    services.sort_by_key(|share| (std::cmp::Reverse(share.span_count), share.name.clone()));
    TraceSummary {
        trace_id: TraceId(trace_id(trace)),
        root_service_name: root.map(|root| root.origin.service()).unwrap_or_default(),
        root_span_name: root.map(|root| root.name.clone()).unwrap_or_default(),
        root_missing: root.is_none(),
        first_service_name: first.origin.service(),
        first_span_name: first.name.clone(),
        start: UnixNanos(first.start),
        duration_nano: end - first.start,
        span_count: spans.len() as u64,
        error_count: spans.iter().filter(|span| span.status == 2).count() as u64,
        matched_span_count: matched.len() as u64,
        latest_match: UnixNanos(matched.iter().map(|span| span.start).max().unwrap_or_default()),
        services,
    }
}

async fn walk_traces(server: &Server, query: &str, limit: usize) -> Vec<TraceSummary> {
    let (mut found, mut page) = (Vec::new(), Page::first(limit));
    loop {
        let answer = server.engine.search_traces(&scope(query, all_time()), &page).await.expect("an answer");
        assert_eq!(answer.exactness, Exactness::Exact);
        found.extend(answer.value.traces);
        match answer.value.next_cursor {
            Some(cursor) => page = Page::after(limit, cursor),
            None => return found,
        }
    }
}

async fn check_traces(server: &Server, rows: &[SpanRow], queries: &[String], random: &mut Random) {
    for query in queries {
        let limit = random.pick(&[1_000, 20, 7]);
        let (found, expected) = (walk_traces(server, query, limit).await, expected_traces(rows, query));
        assert_eq!(found, expected, "{query} in pages of {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_searches_find_what_the_oracle_finds_wherever_spans_are() {
    let server = Server::start().await;
    let random = &mut Random::new(2);
    let mut queries = single_conditions(false);
    queries.extend((0..25).map(|_| span_query(random)));
    let batches = spans(9, 500);
    let (early, late) = batches.split_at(batches.len() / 2);
    server.send_spans(early).await;
    check_traces(&server, &early.concat(), &queries, random).await;
    server.storage.flush().await.expect("flushed");
    server.send_spans(late).await;
    let rows = batches.concat();
    check_traces(&server, &rows, &queries, random).await;
    server.storage.flush().await.expect("flushed");
    check_traces(&server, &rows, &queries, random).await;
    server.storage.compact_now().await.expect("compacted");
    check_traces(&server, &rows, &queries, random).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_of_the_whole_trace_also_beyond_the_time_range() {
    let server = Server::start().await;
    let rows = spans(13, 300).concat();
    server.send_spans(std::slice::from_ref(&rows)).await;
    let mut range = all_time();
    range.start.0 += 100 * crate::support::STEP;
    range.end.0 -= 100 * crate::support::STEP;
    let answer = server.engine.search_traces(&scope("", range), &Page::first(1_000)).await.expect("an answer");
    let in_range = |span: &&SpanRow| range.contains(UnixNanos(span.start));
    let traces: HashSet<u8> = rows.iter().filter(in_range).map(|span| span.trace).collect();
    assert_eq!(answer.value.traces.len(), traces.len());
    for found in answer.value.traces {
        let spans: Vec<&SpanRow> = rows.iter().filter(|span| trace_id(span.trace) == found.trace_id.0).collect();
        let matched: Vec<&SpanRow> = spans.iter().copied().filter(in_range).collect();
        assert_eq!(found, summary(found.trace_id.0[0], &spans, &matched));
    }
}
