//! Random queries over the whole language and random records, against the oracle, in every place that holds records.

use tracewell_query::Page;

use crate::support::generate::generated_query;
use crate::support::oracle::meets;
use crate::support::{Random, Server, all_time, ids_of, logs, parsed, scope, spans};
use tracewell_model::{Signal, TraceId};

/// Records of each signal. All fit into one page.
const RECORDS: usize = 240;

/// Asks `queries` random queries of each signal in each place about the records of a seed.
async fn check(seed: u64, queries: usize) {
    let server = Server::start().await;
    let random = &mut Random::new(seed ^ 0x5eed);
    let (logs, spans) = (logs(seed, RECORDS), spans(seed, RECORDS));
    server.send_logs(&logs).await;
    server.send_spans(&spans).await;
    let (logs, spans) = (logs.concat(), spans.concat());
    let mut asked = |signal| (0..queries).map(|_| generated_query(random, signal)).collect::<Vec<String>>();
    let (of_logs, of_spans) = (asked(Signal::Logs), asked(Signal::Traces));
    for place in ["live", "flushed", "merged"] {
        for query in &of_logs {
            let page = server.engine.search_logs(&scope(query, all_time()), &Page::first(1_000)).await;
            let page = page.unwrap_or_else(|error| panic!("seed {seed}, {place}, {query}: {error}"));
            let parsed = parsed(query);
            let mut expected: Vec<i64> = logs.iter().filter(|log| meets(&parsed, *log)).map(|log| log.id).collect();
            let mut found = ids_of(&page.value.logs);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "seed {seed}, {place}, logs: {query}");
        }
        for query in &of_spans {
            let page = server.engine.search_traces(&scope(query, all_time()), &Page::first(1_000)).await;
            let page = page.unwrap_or_else(|error| panic!("seed {seed}, {place}, {query}: {error}"));
            let parsed = parsed(query);
            let mut expected: Vec<(TraceId, u64)> = Vec::new();
            for span in spans.iter().filter(|span| meets(&parsed, *span)) {
                let trace = TraceId(crate::support::trace_id(span.trace));
                match expected.iter_mut().find(|(known, _)| *known == trace) {
                    Some((_, count)) => *count += 1,
                    None => expected.push((trace, 1)),
                }
            }
            let found = page.value.traces.iter().map(|trace| (trace.trace_id, trace.matched_span_count));
            let mut found: Vec<(TraceId, u64)> = found.collect();
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "seed {seed}, {place}, spans: {query}");
        }
        match place {
            "live" => server.storage.flush().await.expect("flushed"),
            _ => server.storage.compact_now().await.expect("compacted"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_queries_find_what_the_oracle_finds() {
    for seed in 1..=2 {
        check(seed, 40).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: cargo test --test engine -- --ignored many_random"]
async fn many_random_queries_find_what_the_oracle_finds() {
    for seed in 100..130 {
        check(seed, 120).await;
    }
}
