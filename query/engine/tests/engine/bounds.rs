//! What keeps queries within their bounds, and what is said when they leave them.

use std::time::Duration;

use tracewell_model::{Signal, SpanId, TraceId};
use tracewell_query::{Exactness, Page, QueryConfig, QueryErrorKind, QueryScope};

use crate::support::{
    BASE, Log, STEP, Server, SpanRow, Val, all_time, ids_of, logs, parsed, scope, spans, tenant, trace_id,
};

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
async fn a_list_that_is_not_found_in_time_says_so_and_goes_on_from_its_cursor() {
    let server = Server::start().await;
    server.send_logs(&logs(17, 60)).await;
    server.send_spans(&spans(17, 60)).await;
    let in_no_time = QueryScope { search_time: Some(Duration::ZERO), ..scope("", all_time()) };
    let all = Page::first(1_000);
    let late = server.engine.search_logs(&in_no_time, &all).await.expect("an answer");
    let Exactness::Partial { reason } = &late.exactness else { panic!("{:?}", late.exactness) };
    assert!(reason.contains("time was up") && reason.contains("cursor"), "{reason}");
    let rest = Page::after(1_000, late.value.next_cursor.expect("a cursor"));
    let rest = server.engine.search_logs(&scope("", all_time()), &rest).await.expect("an answer");
    let whole = server.engine.search_logs(&scope("", all_time()), &all).await.expect("an answer");
    assert_eq!((rest.exactness, late.value.logs.len()), (Exactness::Exact, 0));
    assert_eq!(ids_of(&rest.value.logs), ids_of(&whole.value.logs));

    let late = server.engine.search_traces(&in_no_time, &all).await.expect("an answer");
    assert!(matches!(&late.exactness, Exactness::Partial { reason } if reason.contains("time was up")));
    let rest = Page::after(1_000, late.value.next_cursor.expect("a cursor"));
    let rest = server.engine.search_traces(&scope("", all_time()), &rest).await.expect("an answer");
    let whole = server.engine.search_traces(&scope("", all_time()), &all).await.expect("an answer");
    assert_eq!((rest.value.traces, late.value.traces.len()), (whole.value.traces, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_large_records_ends_early_and_the_next_goes_on() {
    let server = Server::start().await;
    let mut rows = distinct(24);
    for (number, row) in rows.iter_mut().enumerate() {
        row.body = Some(Val::Text("x".repeat(1 << 20)));
        row.attrs = vec![("row".to_owned(), Val::Int(row.id))];
        // Some share an instant, so that pages also end among records that are ranked.
        row.time = BASE + (number as u64 / 5) * STEP;
    }
    server.send_logs(std::slice::from_ref(&rows)).await;
    let (mut found, mut page, mut pages) = (Vec::new(), Page::first(1_000), 0);
    loop {
        let answer = server.engine.search_logs(&scope("", all_time()), &page).await.expect("an answer");
        assert_eq!(answer.exactness, Exactness::Exact);
        let logs = answer.value.logs;
        assert!((1..24).contains(&logs.len()), "{} records of 1 MiB in a page", logs.len());
        found.extend(ids_of(&logs));
        pages += 1;
        match answer.value.next_cursor {
            Some(cursor) => page = Page::after(1_000, cursor),
            None => break,
        }
    }
    assert!(pages >= 2, "{pages}");
    found.sort_unstable();
    assert_eq!(found, rows.iter().map(|row| row.id).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_read_in_pieces_and_refused_when_what_is_made_of_it_is_too_large() {
    let server = Server::start().await;
    let mut rows = spans(19, 3_000).concat();
    rows.iter_mut().for_each(|span| span.trace = 1);
    server.send_spans(std::slice::from_ref(&rows)).await;
    let mut reader = server.engine.trace(&tenant(), TraceId(trace_id(1))).await.expect("a trace").value;
    let mut pieces = Vec::new();
    while let Some(piece) = reader.next().await.expect("a piece") {
        pieces.push(piece);
    }
    assert!(pieces.len() > 1);
    let mut read: Vec<SpanId> = pieces.iter().flat_map(|piece| piece.span_id.clone()).collect();
    read.sort_unstable();
    let mut sent: Vec<SpanId> = rows.iter().map(|span| SpanId(span.span.to_be_bytes())).collect();
    sent.sort_unstable();
    assert_eq!(read, sent);
    assert_eq!(reader.reserve(1 << 40).expect_err("too much").kind(), QueryErrorKind::Memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_twice_counts_once_in_its_trace_and_twice_in_counts_of_records() {
    let server = Server::start().await;
    let rows: Vec<SpanRow> = spans(23, 40).concat().into_iter().filter(|span| span.trace <= 3).collect();
    // The same spans in another request, which is no retry: it comes with one span less.
    server.send_spans(std::slice::from_ref(&rows)).await;
    server.storage.flush().await.expect("flushed");
    let again = rows[1..].to_vec();
    server.send_spans(std::slice::from_ref(&again)).await;
    let everything = scope("", all_time());
    let of_trace = |rows: &[SpanRow], trace: u8| rows.iter().filter(|span| span.trace == trace).count();
    let page = server.engine.search_traces(&everything, &Page::first(10)).await.expect("an answer").value;
    assert!(page.traces.len() > 1);
    for summary in page.traces {
        let trace = summary.trace_id.0[0];
        let once = of_trace(&rows, trace) as u64;
        assert_eq!((summary.span_count, summary.matched_span_count), (once, once));
        let mut reader = server.engine.trace(&tenant(), summary.trace_id).await.expect("a trace").value;
        assert_eq!(reader.row_count(), of_trace(&rows, trace) + of_trace(&again, trace));
        let mut read = 0;
        while let Some(piece) = reader.next().await.expect("a piece") {
            read += piece.len() as u64;
        }
        assert_eq!(read, once);
    }
    let stored = (rows.len() + again.len()) as u64;
    let histogram = server.engine.span_histogram(&everything, 10).await.expect("an answer").value;
    assert_eq!(histogram.count, stored);
    let facets = server.engine.facets(&everything, Signal::Traces, &["trace_id".to_owned()], 10).await;
    let facets = facets.expect("an answer").value.facets.remove(0);
    assert_eq!(facets.values.iter().map(|value| value.count).sum::<u64>() + facets.other_count, stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_is_found_by_its_id_without_its_trace() {
    let server = Server::start().await;
    let rows = spans(29, 200).concat();
    server.send_spans(std::slice::from_ref(&rows)).await;
    for place in ["live", "flushed"] {
        let wanted = &rows[77];
        let (trace, span) = (TraceId(trace_id(wanted.trace)), SpanId(wanted.span.to_be_bytes()));
        let found = server.engine.span(&tenant(), trace, span).await.expect("an answer").value.expect(place);
        assert_eq!((found.len(), found.start[0], found.name.get(0)), (1, wanted.start, wanted.name.as_str()));
        let none = server.engine.span(&tenant(), TraceId([9; 16]), span).await.expect("an answer").value;
        assert!(none.is_none());
        server.storage.flush().await.expect("flushed");
    }
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
        ("/\\w{5000}/", 0),
        (&"/a+b/ ".repeat(33), 192),
    ];
    for (query, position) in cases {
        let search = server.engine.search_traces(&scope(query, all_time()), &Page::first(1)).await;
        let error = search.expect_err(query);
        assert_eq!((error.kind(), error.position()), (QueryErrorKind::Invalid, Some(position)), "{query}: {error}");
    }
    let error = server.engine.search_logs(&scope("severity>loud", all_time()), &Page::first(1)).await;
    assert_eq!(error.expect_err("no severity").position(), Some(9));
    for query in ["severity:eror", "-severity:notice", "severity:(info OR warning)"] {
        let error = server.engine.search_logs(&scope(query, all_time()), &Page::first(1)).await.expect_err(query);
        assert!(
            error.to_string().contains("expected trace, debug, info, warn, error, fatal, unset"),
            "{query}: {error}"
        );
    }
    for query in ["severity:unset", "severity:WARN", "severity:warn2", "severity:17", "severity:not*", "severity:\"\""]
    {
        server.engine.search_logs(&scope(query, all_time()), &Page::first(1)).await.expect(query);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_cursors_that_are_none_are_refused() {
    let server = Server::start().await;
    let everything = scope("", all_time());
    for page in [Page::first(0), Page::first(1_001), Page::after(5, "nonsense")] {
        let logs = server.engine.search_logs(&everything, &page).await.expect_err("refused");
        let traces = server.engine.search_traces(&everything, &page).await.expect_err("refused");
        let expected = if page.cursor.is_some() { QueryErrorKind::InvalidCursor } else { QueryErrorKind::Invalid };
        assert_eq!((logs.kind(), traces.kind()), (expected, expected), "{page:?}");
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
