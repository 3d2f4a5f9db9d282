//! The corpus is OTLP, the same every time, and what is said of it is true.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap, HashSet};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tracewell_corpus::{Counted, Files, Plan, Signal, Truth, generate, read_requests, write_files};

#[test]
fn a_seed_decides_every_byte() {
    let (one, other) = (Kept::of(&plan(5)), Kept::of(&plan(5)));
    assert!(one.requests == other.requests && one.truth == other.truth);
    assert!(one.requests != Kept::of(&plan(6)).requests);
}

#[test]
fn spans_are_as_the_truth_says() {
    let kept = Kept::of(&plan(1));
    let spans = kept.spans();
    let truth = &kept.truth;
    assert_eq!(spans.len() as u64, truth.spans);
    assert_eq!(spans.iter().map(|(_, span)| span.attributes.len() as u64).sum::<u64>(), truth.span_attributes);
    assert_eq!(spans.iter().filter(|(_, span)| failed(span)).count() as u64, truth.error_spans);

    let mut traces: HashMap<&[u8], HashSet<&[u8]>> = HashMap::new();
    spans.iter().for_each(|(_, span)| {
        assert!(traces.entry(&span.trace_id).or_default().insert(&span.span_id), "a span id stands twice");
    });
    assert_eq!(traces.len() as u64, truth.trace_count);
    assert!(spans.iter().all(|(_, span)| {
        span.end_time_unix_nano >= span.start_time_unix_nano
            && (span.parent_span_id.is_empty() || traces[&span.trace_id[..]].contains(&span.parent_span_id[..]))
    }));
    let sizes: HashMap<String, u64> = traces.iter().map(|(id, spans)| (hex::encode(id), spans.len() as u64)).collect();
    assert!(truth.traces.len() > 500 && truth.traces.iter().all(|trace| sizes[&trace.id] == trace.spans));
    assert_eq!(sizes.values().max(), Some(&truth.largest_trace.spans));

    for service in &truth.services {
        let of = || spans.iter().filter(|(name, _)| *name == service.name).map(|(_, span)| span);
        let entries = || of().filter(|span| matches!(span.kind, 2 | 5) || span.parent_span_id.is_empty());
        assert_eq!(of().count() as u64, service.spans, "{}", service.name);
        assert_eq!(entries().count() as u64, service.entry_spans, "{}", service.name);
        assert_eq!(entries().filter(|span| failed(span)).count() as u64, service.entry_errors, "{}", service.name);
    }
    let mut users: BTreeMap<&str, u64> = BTreeMap::new();
    spans.iter().filter_map(|(_, span)| text(&span.attributes, "user.id")).for_each(|user| {
        *users.entry(user).or_default() += 1;
    });
    assert!(truth.users.len() > 4 && truth.users.iter().all(|user| users[&*user.what] == user.count));
}

#[test]
fn log_records_are_as_the_truth_says() {
    let kept = Kept::of(&plan(2));
    let logs = kept.logs();
    let truth = &kept.truth;
    assert_eq!(logs.len() as u64, truth.logs);
    assert_eq!(logs.iter().filter(|(_, log)| log.severity_number == 17).count() as u64, truth.error_logs);
    for service in &truth.services {
        assert_eq!(logs.iter().filter(|(name, _)| *name == service.name).count() as u64, service.logs);
    }
    let bodies: Vec<Body> = logs.iter().map(|(_, log)| body(log).to_lowercase()).map(tokens).collect();
    let count = |of: &dyn Fn(&Body) -> bool| bodies.iter().filter(|body| of(body)).count() as u64;
    let check = |list: &[Counted], of: &dyn Fn(&str, &Body) -> bool| {
        for counted in list {
            assert!(counted.count > 0, "there is no {:?}", counted.what);
            assert_eq!(count(&|body| of(&counted.what, body)), counted.count, "{:?}", counted.what);
        }
    };
    check(&truth.words, &|word, (_, tokens)| tokens.iter().any(|token| token == word));
    check(&truth.orders, &|order, (_, tokens)| tokens.iter().any(|token| token == order));
    check(&truth.phrases, &|phrase, (_, tokens)| {
        let words: Vec<&str> = phrase.split(' ').collect();
        tokens.windows(words.len()).any(|window| window == words)
    });
    check(&truth.substrings, &|part, (body, _)| body.contains(part));
    assert_eq!(truth.words[0].what, "zymurgy");
    assert!((5..10).contains(&truth.words[0].count), "{} records have the rare word", truth.words[0].count);
}

#[test]
fn it_is_as_large_and_as_uneven_as_telemetry_is() {
    let truth = Kept::of(&plan(3)).truth;
    let a_span = truth.trace_bytes as f64 / truth.spans as f64;
    assert!((460.0..520.0).contains(&a_span), "{a_span} bytes a span");
    let attributes = truth.span_attributes as f64 / truth.spans as f64;
    assert!((10.5..11.6).contains(&attributes), "{attributes} attributes a span");
    let a_log = truth.log_bytes as f64 / truth.logs as f64;
    assert!((240.0..280.0).contains(&a_log), "{a_log} bytes a log record");
    let mut sizes: Vec<u64> = truth.traces.iter().map(|trace| trace.spans).collect();
    sizes.sort_unstable();
    assert!(truth.largest_trace.spans > 20 * sizes[sizes.len() / 2]);
    assert!(truth.services.iter().all(|service| service.spans > 0 && service.logs > 0));
}

#[test]
fn files_hold_the_same_requests() {
    let folder = std::env::temp_dir().join(format!("tracewell-corpus-{}", std::process::id()));
    let plan = Plan { spans: 3_000, logs: 2_000, ..plan(4) };
    let written = write_files(&plan, &folder).unwrap();
    let (files, read) = Files::open(&folder).unwrap();
    let requests = |paths: &[std::path::PathBuf]| -> Vec<Vec<u8>> {
        paths.iter().flat_map(|path| read_requests(path).unwrap()).collect::<Result<_, _>>().unwrap()
    };
    let kept = Kept::of(&plan);
    assert_eq!(requests(&files.traces), kept.bodies(Signal::Traces));
    assert_eq!(requests(&files.logs), kept.bodies(Signal::Logs));
    assert_eq!(read, written);
    assert!(write_files(&plan, &folder).is_err(), "a folder with something in it is written to");
    std::fs::remove_dir_all(&folder).unwrap();
}

fn plan(seed: u64) -> Plan {
    let end = 1_760_000_000_000_000_000;
    Plan { seed, spans: 60_000, logs: 90_000, start: end - 6 * 3_600_000_000_000, end }
}

struct Kept {
    requests: Vec<(Signal, Vec<u8>)>,
    truth: Truth,
}

impl Kept {
    fn of(plan: &Plan) -> Kept {
        let mut requests = Vec::new();
        let truth = generate(plan, &mut |signal, request, _| {
            requests.push((signal, request.to_vec()));
            Ok(())
        });
        let truth = truth.unwrap();
        Kept { requests, truth }
    }

    fn bodies(&self, wanted: Signal) -> Vec<Vec<u8>> {
        self.requests.iter().filter(|(signal, _)| *signal == wanted).map(|(_, body)| body.clone()).collect()
    }

    fn spans(&self) -> Vec<(String, Span)> {
        let requests = self.bodies(Signal::Traces).into_iter();
        let decoded = requests.map(|body| ExportTraceServiceRequest::decode(&body[..]).unwrap());
        decoded
            .flat_map(|request| request.resource_spans)
            .flat_map(|of| {
                let name = service(of.resource);
                of.scope_spans.into_iter().flat_map(|of| of.spans).map(move |span| (name.clone(), span))
            })
            .collect()
    }

    fn logs(&self) -> Vec<(String, LogRecord)> {
        let requests = self.bodies(Signal::Logs).into_iter();
        let decoded = requests.map(|body| ExportLogsServiceRequest::decode(&body[..]).unwrap());
        decoded
            .flat_map(|request| request.resource_logs)
            .flat_map(|of| {
                let name = service(of.resource);
                of.scope_logs.into_iter().flat_map(|of| of.log_records).map(move |log| (name.clone(), log))
            })
            .collect()
    }
}

fn service(resource: Option<Resource>) -> String {
    text(&resource.unwrap().attributes, "service.name").unwrap().to_owned()
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let attribute = attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == 2)
}

fn body(log: &LogRecord) -> String {
    match log.body.as_ref().unwrap().value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::KvlistValue(list) => text(&list.values, "event").unwrap().to_owned(),
        other => panic!("a body of {other:?}"),
    }
}

/// A text in lower case, and its words.
type Body = (String, Vec<String>);

fn tokens(text: String) -> Body {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
    (text, words)
}
