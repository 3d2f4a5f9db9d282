//! What the questions of the UI cost over HTTP, while the records are in memory, in segments, and in merged segments.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use tracewell_corpus::{Signal, Truth};
use tracewell_tests::{Server, ServerOptions};

use crate::corpus::Corpus;
use crate::process::{cpu_seconds, peak_rss_mib};
use crate::send::{Compression, Load, send};

/// On what, and how often.
#[derive(Args)]
pub struct ApiArgs {
    /// A corpus of `tracewell-bench generate`
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// How often to ask each question
    #[arg(long, default_value_t = 30)]
    runs: usize,
}

/// A name, a path, and its parameters beside the time range.
type Question = (&'static str, String, Vec<(&'static str, String)>);

/// Times of one question in one place, in milliseconds.
struct Times {
    p50: f64,
    p99: f64,
    cpu: f64,
}

/// Fills a server and asks each question in each place; prints a table.
pub async fn run(args: &ApiArgs) -> anyhow::Result<()> {
    let corpus = Corpus::open(&args.corpus)?;
    ensure!(corpus.has_answers, "{} is no generated corpus", args.corpus.display());
    let (data, runs) = (tempfile::tempdir()?, args.runs);
    let by_hand =
        ["--flush-interval=24h", "--flush-bytes=16GiB", "--live-bytes-max=16GiB", "--compaction-interval=24h"];
    let flags = by_hand.map(str::to_owned).to_vec();
    let server = Server::start(data.path(), &ServerOptions { flags, ..ServerOptions::default() }).await?;
    let id = server.id().context("the server has ended")?;
    for signal in [Signal::Traces, Signal::Logs] {
        let files = corpus.files(signal);
        let compression = Compression::None;
        let load = Load { signal, files, compression, concurrency: 8, pace: None, bytes_max: u64::MAX };
        send(&server.otlp_http, &load).await?;
    }
    let truth = &corpus.truth;
    let questions = questions(truth)?;
    let live = ask(&server, truth, &questions, runs).await?;
    server.api().post("/maintenance/flush").await?;
    let flushed = ask(&server, truth, &questions, runs).await?;
    server.api().post("/maintenance/compact").await?;
    let merged = ask(&server, truth, &questions, runs).await?;
    println!("{} spans, {} log records, {runs} runs of each; p50 / p99 / CPU, ms", truth.spans, truth.logs);
    println!("| Question | in memory | in segments | merged |\n|---|---|---|---|");
    for (number, (name, ..)) in questions.iter().enumerate() {
        let of =
            |times: &[Times]| format!("{:.1} / {:.1} / {:.1}", times[number].p50, times[number].p99, times[number].cpu);
        println!("| {name} | {} | {} | {} |", of(&live), of(&flushed), of(&merged));
    }
    println!("peak: {:.0} MiB resident", peak_rss_mib(id)?);
    server.stop().await
}

async fn ask(server: &Server, truth: &Truth, questions: &[Question], runs: usize) -> anyhow::Result<Vec<Times>> {
    let (api, id) = (server.api(), server.id().context("the server has ended")?);
    let range = [truth.start.to_string(), truth.end.to_string()];
    let mut all = Vec::new();
    for (name, path, parameters) in questions {
        let mut query = parameters.clone();
        if !path.starts_with("/traces/") || path.ends_with("/histogram") || path.ends_with("/facets") {
            query.extend([("start", range[0].clone()), ("end", range[1].clone())]);
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

fn questions(truth: &Truth) -> anyhow::Result<Vec<Question>> {
    let trace = &truth.traces[truth.traces.len() / 2].id;
    let user = format!("user.id:{}", truth.users.last().context("no user is known")?.what);
    let order = &truth.orders.first().context("no order is known")?.what;
    let of = |name, path: &str, parameters: &[(&'static str, &str)]| {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        (name, path.to_owned(), parameters)
    };
    let search = |name, path: &str, q| of(name, path, &[("q", q), ("limit", "50")]);
    Ok(vec![
        of("a trace by id", &format!("/traces/{trace}"), &[]),
        of("its frame", &format!("/traces/{trace}/frame"), &[]),
        of("its logs", &format!("/traces/{trace}/logs"), &[]),
        search("newest 50 traces", "/traces", ""),
        search("newest 50 traces of a service", "/traces", "service:inventory"),
        search("newest 50 traces of a user", "/traces", &user),
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
        search("newest 50 with a rare word", "/logs", order),
        search("newest 50 with a common word", "/logs", "order"),
        search("newest 50 with a phrase", "/logs", "\"card declined by issuer\""),
        search("newest 50 with a substring", "/logs", "*insufficie*"),
        search("newest 50 by regular expression", "/logs", "/insuffici.nt/"),
        search("an absent word", "/logs", "quetzalcoatl"),
        search("an absent substring", "/logs", "*quetzalcoatl*"),
        of("histogram of all log records", "/logs/histogram", &[]),
        of("count of a rare word", "/logs/histogram", &[("q", order)]),
        of("count of a common word", "/logs/histogram", &[("q", "order")]),
        of("count of a substring", "/logs/histogram", &[("q", "*insufficie*")]),
        of("facets of all log records", "/logs/facets", &[]),
    ])
}
