//! What the questions of the UI cost over HTTP, while the records are in memory, in segments, and in merged segments.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use tracewell_tests::{Server, ServerOptions};

use crate::corpus::Corpus;
use crate::load::send;
use crate::process::{cpu_seconds, peak_rss_mib};

/// A name, a path, and its parameters beside the time range.
type Question = (&'static str, String, Vec<(&'static str, &'static str)>);

/// Times of one question in one place, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
    cpu: f64,
}

/// Fills a server on `data` and asks each question `runs` times in each place; prints a table.
pub async fn measure(data: &Path, corpus: &Corpus, runs: usize) -> anyhow::Result<()> {
    let by_hand =
        ["--flush-interval=24h", "--flush-bytes=16GiB", "--live-bytes-max=16GiB", "--compaction-interval=24h"];
    let flags = by_hand.map(str::to_owned).to_vec();
    let server = Server::start(data, &ServerOptions { flags, ..ServerOptions::default() }).await?;
    let id = server.id().context("the server has ended")?;
    for (signal, requests) in [("traces", &corpus.traces), ("logs", &corpus.logs)] {
        send(&server, id, signal, requests, 8).await?;
    }
    let questions = questions(corpus);
    let live = ask(&server, corpus, &questions, runs).await?;
    server.api().post("/maintenance/flush").await?;
    let flushed = ask(&server, corpus, &questions, runs).await?;
    server.api().post("/maintenance/compact").await?;
    let merged = ask(&server, corpus, &questions, runs).await?;
    println!("{} spans, {} log records, {runs} runs of each; p50 / p99 / CPU, ms", corpus.span_count, corpus.log_count);
    println!("| Question | in memory | in segments | merged |\n|---|---|---|---|");
    for (number, (name, ..)) in questions.iter().enumerate() {
        let of =
            |times: &[Times]| format!("{:.1} / {:.1} / {:.1}", times[number].p50, times[number].p99, times[number].cpu);
        println!("| {name} | {} | {} | {} |", of(&live), of(&flushed), of(&merged));
    }
    println!("peak: {:.0} MiB resident", peak_rss_mib(id)?);
    server.stop().await
}

async fn ask(server: &Server, corpus: &Corpus, questions: &[Question], runs: usize) -> anyhow::Result<Vec<Times>> {
    let (api, id) = (server.api(), server.id().context("the server has ended")?);
    let range = [corpus.range.0.to_string(), corpus.range.1.to_string()];
    let mut all = Vec::new();
    for (name, path, parameters) in questions {
        let mut query = parameters.clone();
        if !path.starts_with("/traces/") || path.ends_with("/histogram") || path.ends_with("/facets") {
            query.extend([("start", range[0].as_str()), ("end", range[1].as_str())]);
        }
        let pairs = query.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let address = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        api.get_bytes(&address, "*/*").await.with_context(|| (*name).to_owned())?;
        let (mut times, cpu) = (Vec::new(), cpu_seconds(id)?);
        for _ in 0..runs {
            let began = Instant::now();
            api.get_bytes(&address, "*/*").await?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        let cpu = (cpu_seconds(id)? - cpu) * 1e3 / runs as f64;
        times.sort_by(f64::total_cmp);
        all.push(Times { p50: times[times.len() / 2], p99: times[times.len() * 99 / 100], cpu });
    }
    Ok(all)
}

fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn questions(corpus: &Corpus) -> Vec<Question> {
    let trace = corpus.trace_ids.get(corpus.trace_ids.len() / 2).cloned().unwrap_or_default();
    let of =
        |name, path: &str, parameters: &[(&'static str, &'static str)]| (name, path.to_owned(), parameters.to_vec());
    let search = |name, path: &str, q| of(name, path, &[("q", q), ("limit", "50")]);
    vec![
        of("a trace by id", &format!("/traces/{trace}"), &[]),
        of("its frame", &format!("/traces/{trace}/frame"), &[]),
        of("its logs", &format!("/traces/{trace}/logs"), &[]),
        search("newest 50 traces", "/traces", ""),
        search("newest 50 traces of a service", "/traces", "service:inventory"),
        search("newest 50 traces of a user", "/traces", "user.id:user-000001"),
        search("traces of an absent user", "/traces", "user.id:nobody"),
        search("newest 50 traces with a word", "/traces", "declined"),
        of("histogram of all spans", "/traces/histogram", &[]),
        of("histogram of errors", "/traces/histogram", &[("q", "status:error")]),
        of("facets of all spans", "/traces/facets", &[]),
        of("facets of errors", "/traces/facets", &[("q", "status:error")]),
        of("services", "/services", &[]),
        of("operations of a service", "/services/inventory/operations", &[]),
        of("fields of spans", "/fields", &[("signal", "traces")]),
        of("values of a field", "/fields/values", &[("signal", "traces"), ("field", "name")]),
        search("newest 50 log records", "/logs", ""),
        search("newest 50 with a rare word", "/logs", "000001"),
        search("newest 50 with a common word", "/logs", "order"),
        search("newest 50 with a phrase", "/logs", "\"credit card declined\""),
        search("newest 50 with a substring", "/logs", "*insufficie*"),
        search("newest 50 by regular expression", "/logs", "/insuffici.nt/"),
        search("an absent word", "/logs", "quetzalcoatl"),
        search("an absent substring", "/logs", "*quetzalcoatl*"),
        of("histogram of all log records", "/logs/histogram", &[]),
        of("count of a rare word", "/logs/histogram", &[("q", "000001")]),
        of("count of a common word", "/logs/histogram", &[("q", "order")]),
        of("count of a substring", "/logs/histogram", &[("q", "*insufficie*")]),
        of("facets of all log records", "/logs/facets", &[]),
    ]
}
