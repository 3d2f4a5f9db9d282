//! What keeps queries within their bounds, and what is said when they leave them.

use std::time::Duration;

use tracewell_model::Signal;
use tracewell_query::{Page, QueryConfig, QueryErrorKind};

use crate::support::{Log, Server, Val, all_time, logs, parsed, scope, tenant};

/// Records with a value of their own each.
fn distinct(count: usize) -> Vec<Log> {
    let mut rows = logs(1, 1).concat();
    let template = rows.remove(0);
    let row = |id: usize| {
        let value = Val::Text(format!("{id:0>300}"));
        Log { id: id as i64, attrs: vec![("large".to_owned(), value)], ..template.clone() }
    };
    (0..count).map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_needs_too_much_memory_is_refused_and_the_next_query_works() {
    let config = QueryConfig { memory_bytes_max: 1 << 20, ..QueryConfig::default() };
    let server = Server::with(config).await;
    server.send_logs(&[distinct(5_000)]).await;
    let fields = ["large".to_owned()];
    let error = server.engine.facets(&scope("", all_time()), Signal::Logs, &fields, 10).await.expect_err("too much");
    assert_eq!(error.kind(), QueryErrorKind::Memory, "{error}");
    server.engine.facets(&scope("", all_time()), Signal::Logs, &["service".to_owned()], 10).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_takes_too_long_ends_with_its_deadline() {
    let config = QueryConfig { deadline: Duration::from_millis(1), ..QueryConfig::default() };
    let server = Server::with(config).await;
    server.send_logs(&[distinct(30_000)]).await;
    let error = server.engine.fields(&tenant(), Signal::Logs, all_time()).await.expect_err("too slow");
    assert_eq!(error.kind(), QueryErrorKind::Deadline, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_was_dropped_gives_its_place_to_the_next() {
    let config = QueryConfig { concurrency_max: 1, ..QueryConfig::default() };
    let server = Server::with(config).await;
    server.send_logs(&[distinct(5_000)]).await;
    for _ in 0..20 {
        let everything = scope("", all_time());
        let page = Page::first(1_000);
        let search = server.engine.search_logs(&everything, &page);
        let _ = tokio::time::timeout(Duration::from_micros(300), search).await;
    }
    let found = server.engine.search_logs(&scope("", all_time()), &Page::first(10)).await.expect("an answer");
    assert_eq!(found.value.logs.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_is_refused_with_the_place_in_the_query() {
    let server = Server::start().await;
    let cases = [
        ("a AND duration>5", 15),
        ("kind:robot", 5),
        ("status>error", 7),
        ("trace_id:12", 9),
        ("trace_id:1*", 9),
        ("http.duration>5ms", 14),
        ("a /(/", 2),
        ("span_id:zz", 8),
        ("duration:5*", 9),
    ];
    for (query, position) in cases {
        let search = server.engine.search_traces(&scope(query, all_time()), &Page::first(1)).await;
        let error = search.expect_err(query);
        assert_eq!((error.kind(), error.position()), (QueryErrorKind::Invalid, Some(position)), "{query}: {error}");
    }
    let error = server.engine.search_logs(&scope("severity>loud", all_time()), &Page::first(1)).await;
    assert_eq!(error.expect_err("no severity").position(), Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_cursors_that_are_none_are_refused() {
    let server = Server::start().await;
    let everything = scope("", all_time());
    for page in [Page::first(0), Page::first(1_001), Page::after(5, "nonsense")] {
        let logs = server.engine.search_logs(&everything, &page).await.expect_err("refused");
        let traces = server.engine.search_traces(&everything, &page).await.expect_err("refused");
        assert_eq!((logs.kind(), traces.kind()), (QueryErrorKind::Invalid, QueryErrorKind::Invalid), "{page:?}");
    }
    let error = server.engine.log_histogram(&everything, 0).await.expect_err("no bucket");
    assert_eq!(error.kind(), QueryErrorKind::Invalid);
    let error = server.engine.facets(&everything, Signal::Logs, &["a b".to_owned()], 5).await.expect_err("no field");
    assert_eq!(error.kind(), QueryErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stored_is_an_empty_answer() {
    let server = Server::start().await;
    let everything = scope("service:x OR timeout", all_time());
    let logs = server.engine.search_logs(&everything, &Page::first(10)).await.expect("an answer");
    assert!(logs.value.logs.is_empty() && logs.value.next_cursor.is_none());
    let traces = server.engine.search_traces(&everything, &Page::first(10)).await.expect("an answer");
    assert!(traces.value.traces.is_empty() && traces.value.next_cursor.is_none());
    assert_eq!(server.engine.span_histogram(&everything, 10).await.expect("an answer").value.p50_nano, None);
    assert_eq!(server.engine.log_histogram(&everything, 10).await.expect("an answer").value.count, 0);
    assert!(server.engine.services(&tenant(), all_time()).await.expect("an answer").value.services.is_empty());
    let facets = server.engine.facets(&everything, Signal::Logs, &[], 5).await.expect("an answer");
    assert!(facets.value.facets.iter().all(|facet| facet.values.is_empty() && facet.missing_count == 0));
    server.engine.fields(&tenant(), Signal::Traces, all_time()).await.expect("an answer");
    server.engine.matcher(&parsed("a"), Signal::Logs).expect("a matcher");
}
