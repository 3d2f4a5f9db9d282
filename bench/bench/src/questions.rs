//! How fast questions are answered, over HTTP, on warm data.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use tracewell_tests::{Api, Server};

use crate::corpus::Corpus;

/// A name, a path, and the query for a user.
type Search = (&'static str, &'static str, fn(&str) -> String);

/// Asks each kind of question many times and prints how long the answers took.
pub async fn ask(server: &Server, corpus: &Corpus) -> anyhow::Result<()> {
    let api = server.api();
    let mut rng = StdRng::seed_from_u64(7);
    let range = [("start", corpus.range.0.to_string()), ("end", corpus.range.1.to_string())];
    let user = |rng: &mut StdRng| format!("user-{:06}", (rng.random::<f64>().powi(3) * 200_000.0) as u64);
    println!("{:<44} {:>9} {:>9} {:>9}  last answer", "question", "p50 ms", "p90 ms", "p99 ms");
    let mut ids = corpus.trace_ids.iter().cycle();
    let mut trace = Vec::new();
    for _ in 0..200 {
        let id = ids.nth(rng.random_range(0..50)).cloned().unwrap_or_default();
        let began = Instant::now();
        let body = api.get_bytes(&format!("/traces/{id}"), "application/x-protobuf").await?;
        trace.push((began.elapsed(), format!("{} bytes", body.len())));
    }
    print("a trace by id", trace);
    let searches: [Search; 9] = [
        ("spans of a user: user.id=X, newest 20", "/traces", |user| format!("user.id:{user}")),
        ("slow errors of a service, newest 20", "/traces", |_| {
            "service:inventory status:error duration>100ms".to_owned()
        }),
        ("count spans with user.id=X", "/traces/histogram", |user| format!("user.id:{user}")),
        ("count errors by time", "/traces/histogram", |_| "status:error".to_owned()),
        ("log lines with a rare word, newest 20", "/logs", |user| user.replace("user-", "")),
        ("count a common word", "/logs/histogram", |_| "order".to_owned()),
        ("count a phrase", "/logs/histogram", |_| "\"credit card declined\"".to_owned()),
        ("count a substring", "/logs/histogram", |_| "*insufficie*".to_owned()),
        ("count an absent substring", "/logs/histogram", |_| "*quetzalcoatl*".to_owned()),
    ];
    for (name, path, query) in searches {
        let mut times = Vec::new();
        for _ in 0..30 {
            let query = query(&user(&mut rng));
            times.push(search(&api, path, &query, &range).await?);
        }
        print(name, times);
    }
    for (name, path) in [("services with rate, errors, durations", "/services"), ("newest 20 log lines", "/logs")] {
        let mut times = Vec::new();
        for _ in 0..20 {
            times.push(search(&api, path, "", &range).await?);
        }
        print(name, times);
    }
    Ok(())
}

async fn search(api: &Api, path: &str, query: &str, range: &[(&str, String); 2]) -> anyhow::Result<(Duration, String)> {
    let mut parameters: Vec<(&str, &str)> = range.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if path != "/services" {
        parameters.push(("q", query));
    }
    if matches!(path, "/traces" | "/logs") {
        parameters.push(("limit", "20"));
    }
    let began = Instant::now();
    let answer = api.get(path, &parameters).await?;
    Ok((began.elapsed(), summary(&answer)))
}

fn summary(answer: &Value) -> String {
    if let Some(count) = answer["count"].as_u64() {
        return format!("count {count}");
    }
    let list = ["traces", "logs", "services"].iter().find_map(|name| answer[name].as_array());
    format!("{} items", list.map_or(0, Vec::len))
}

fn print(name: &str, mut times: Vec<(Duration, String)>) {
    let last = times.last().map(|(_, answer)| answer.clone()).unwrap_or_default();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].0.as_secs_f64() * 1e3;
    println!("{name:<44} {:>9.2} {:>9.2} {:>9.2}  {last}", at(0.5), at(0.9), at(0.99));
}
