//! How fast questions are answered over HTTP on warm data; every answer is compared with what is known of the corpus.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde_json::Value;
use tracewell_corpus::{Counted, Truth};
use tracewell_tests::{Api, Server};

use crate::process::cpu_seconds;
use crate::report::{Goal, Report, at_most, percentile_ms};

/// How often each question is asked, and for how long at most.
const TIMES_MAX: usize = 200;
const TIME_MAX: Duration = Duration::from_secs(6);

/// Asks each kind of question many times.
pub async fn ask(server: &Server, truth: &Truth, report: &mut Report) -> anyhow::Result<()> {
    let id = server.id().context("the server has ended")?;
    let asker = Asker { api: server.api(), id, range: [truth.start.to_string(), truth.end.to_string()] };
    asker.traces_by_id(truth, report).await?;
    let mut users = truth.users.clone();
    // From the rarest to the most frequent, so that a percentile speaks of both.
    users.sort_by_key(|user| user.count);
    let by_user = |user: &Counted| (format!("user.id:{}", user.what), user.count);
    let frequent: Vec<_> = users.iter().rev().take(3).map(by_user).collect();
    let users: Vec<_> = users.iter().rev().skip(5).map(by_user).collect();
    let orders: Vec<_> = truth.orders.iter().map(|order| (order.what.clone(), order.count)).collect();
    let rare: Vec<_> = truth.words[..1].iter().map(|word| (word.what.clone(), word.count)).collect();
    let common: Vec<_> = truth.words[1..].iter().map(|word| (word.what.clone(), word.count)).collect();
    let phrases: Vec<_> = truth.phrases.iter().map(|text| (format!("\"{}\"", text.what), text.count)).collect();
    let parts: Vec<_> = truth.substrings.iter().map(|text| (substring(&text.what), text.count)).collect();
    let absent = [("*quetzalcoatl*".to_owned(), 0), ("*7zqj0*".to_owned(), 0)];
    let goals = [at_most(100.0, 30.0), at_most(100.0, 20.0), at_most(150.0, 40.0), at_most(300.0, 100.0)];
    let [equal, rare_goal, phrase_goal, absent_goal] = goals;
    asker.count("count spans of a rare user", "traces", &users, equal, report).await?;
    asker.count("count spans of a frequent user", "traces", &frequent, equal, report).await?;
    asker.newest("newest 20 traces of a rare user", "traces", &users, equal, report).await?;
    asker.newest("newest 20 logs with a rare identifier", "logs", &orders, rare_goal, report).await?;
    asker.count("count logs with a rare identifier", "logs", &orders, rare_goal, report).await?;
    asker.newest("newest 20 logs with a rare word", "logs", &rare, rare_goal, report).await?;
    asker.newest("newest 20 logs with a common word", "logs", &common, None, report).await?;
    asker.count("count logs with a common word", "logs", &common, at_most(17.5, 17.5), report).await?;
    asker.newest("newest 20 logs with a phrase", "logs", &phrases, phrase_goal, report).await?;
    asker.count("count logs with a phrase", "logs", &phrases, phrase_goal, report).await?;
    asker.count("count logs with an absent substring", "logs", &absent, absent_goal, report).await?;
    asker.count("count logs with a substring", "logs", &parts, at_most(135.0, 135.0), report).await?;
    asker
        .count("count spans with errors", "traces", &[("status:error".to_owned(), truth.error_spans)], None, report)
        .await?;
    asker.services(truth, report).await?;
    let everything = [(String::new(), truth.spans)];
    asker.newest("newest 20 traces", "traces", &everything, None, report).await?;
    let slow = [("service:inventory status:error duration>20ms".to_owned(), u64::MAX)];
    asker.newest("newest 20 slow errors of a service", "traces", &slow, None, report).await?;
    asker.newest("newest 20 logs", "logs", &[(String::new(), truth.logs)], None, report).await
}

fn substring(text: &str) -> String {
    if text.contains(' ') { format!("*\"{text}\"*") } else { format!("*{text}*") }
}

struct Asker {
    api: Api,
    /// The server's process.
    id: u32,
    range: [String; 2],
}

impl Asker {
    async fn traces_by_id(&self, truth: &Truth, report: &mut Report) -> anyhow::Result<()> {
        let mut times = Vec::new();
        let cpu = cpu_seconds(self.id)?;
        // Not one after the other, so that neighbours on disk do not help.
        let step = (truth.traces.len() * 5 / 8).max(1) | 1;
        for number in 0..TIMES_MAX {
            let sample = &truth.traces[number * step % truth.traces.len()];
            let began = Instant::now();
            let body = self.api.get_bytes(&format!("/traces/{}", sample.id), "application/x-protobuf").await?;
            times.push(began.elapsed());
            let scopes = TracesData::decode(&body[..])?.resource_spans.into_iter().flat_map(|of| of.scope_spans);
            let spans = scopes.map(|of| of.spans.len() as u64).sum::<u64>();
            ensure!(spans == sample.spans, "trace {} has {spans} spans, not {}", sample.id, sample.spans);
        }
        self.tell("trace by id", times, cpu, at_most(20.0, 5.0), report)
    }

    /// Counts what each of `questions` finds.
    async fn count(
        &self,
        name: &str,
        signal: &str,
        questions: &[(String, u64)],
        goal: Option<Goal>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let check = |answer: &Value, (query, wanted): &(String, u64)| {
            let count = answer["count"].as_u64();
            ensure!(count == Some(*wanted), "{query}: {count:?} records, not {wanted}");
            Ok(())
        };
        self.repeat(name, &format!("/{signal}/histogram"), None, questions, check, goal, report).await
    }

    /// Takes the first page of what each of `questions` finds.
    async fn newest(
        &self,
        name: &str,
        signal: &str,
        questions: &[(String, u64)],
        goal: Option<Goal>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let check = |answer: &Value, (query, wanted): &(String, u64)| {
            let found = answer[signal].as_array().context("no list")?.len() as u64;
            // Of traces only the number of spans is known.
            let (least, most) = if signal == "logs" { ((*wanted).min(20), 20) } else { (1, 20) };
            let complete = *wanted == u64::MAX || (least..=most).contains(&found);
            ensure!(complete && answer["exactness"]["state"] == "exact", "{query}: {found} of {wanted}");
            Ok(())
        };
        self.repeat(name, &format!("/{signal}"), Some("20"), questions, check, goal, report).await
    }

    #[allow(clippy::too_many_arguments)]
    async fn repeat(
        &self,
        name: &str,
        path: &str,
        limit: Option<&str>,
        questions: &[(String, u64)],
        check: impl Fn(&Value, &(String, u64)) -> anyhow::Result<()>,
        goal: Option<Goal>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut times = Vec::new();
        let (began, cpu) = (Instant::now(), cpu_seconds(self.id)?);
        for (number, question) in questions.iter().cycle().enumerate().take(TIMES_MAX) {
            if began.elapsed() > TIME_MAX && number > questions.len().min(10) {
                break;
            }
            let mut parameters = vec![("start", &*self.range[0]), ("end", &*self.range[1]), ("q", &*question.0)];
            parameters.extend(limit.map(|limit| ("limit", limit)));
            let asked = Instant::now();
            let answer = self.api.get(path, &parameters).await?;
            times.push(asked.elapsed());
            if let Err(error) = check(&answer, question) {
                println!("WRONG ANSWER: {name}: {error}");
                report.add(format!("WRONG: {name}"), f64::NAN, "", at_most(0.0, 0.0));
                return Ok(());
            }
        }
        // The first time is not warm.
        self.tell(name, times.split_off(1.min(times.len() - 1)), cpu, goal, report)
    }

    async fn services(&self, truth: &Truth, report: &mut Report) -> anyhow::Result<()> {
        let mut times = Vec::new();
        let cpu = cpu_seconds(self.id)?;
        for _ in 0..30 {
            let began = Instant::now();
            let answer = self.api.get("/services", &[("start", &self.range[0]), ("end", &self.range[1])]).await?;
            times.push(began.elapsed());
            for wanted in &truth.services {
                let services = answer["services"].as_array().context("no services")?;
                let found =
                    services.iter().find(|service| service["name"] == *wanted.name).context("a service is missing")?;
                let found = ["spanCount", "errorCount", "logCount"].map(|field| found[field].as_u64().unwrap_or(0));
                let wanted_counts = [wanted.entry_spans, wanted.entry_errors, wanted.logs];
                ensure!(found == wanted_counts, "{}: {found:?}, not {wanted_counts:?}", wanted.name);
            }
        }
        self.tell("service overview", times, cpu, at_most(50.0, 10.0), report)
    }

    /// Reports times, and the CPU time that the server has used for each since it was at `cpu` seconds.
    fn tell(
        &self,
        name: &str,
        mut times: Vec<Duration>,
        cpu: f64,
        goal: Option<Goal>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let cpu = (cpu_seconds(self.id)? - cpu) * 1e3 / times.len() as f64;
        report.add(format!("{name}, p50 of {}", times.len()), percentile_ms(&mut times, 0.5), "ms", None);
        report.add(format!("{name}, p99"), percentile_ms(&mut times, 0.99), "ms", goal);
        report.add(format!("{name}, CPU of the server"), cpu, "ms", None);
        Ok(())
    }
}
