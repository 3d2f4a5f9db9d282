//! Real data sets: sent by `tracewell send`, and every fact of their `truth.json` asked of the API, before flush, after flush,
//! after compaction and after a restart. The small one is in `tests/data`; `TRACEWELL_DATA` names the folder with the large one.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use tracewell_tests::{Api, Server, ServerOptions, tracewell};

const MINUTE: u64 = 60_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn online_boutique_is_answered_exactly() -> anyhow::Result<()> {
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/online-boutique")).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the data set: cargo xtask data DIR"]
async fn train_ticket_is_answered_exactly() -> anyhow::Result<()> {
    let data_sets = std::env::var("TRACEWELL_DATA").context("TRACEWELL_DATA is not set")?;
    check(&Path::new(&data_sets).join("train-ticket")).await
}

async fn check(folder: &Path) -> anyhow::Result<()> {
    let truth: Value = serde_json::from_slice(&std::fs::read(folder.join("truth.json"))?)?;
    let data = tempfile::tempdir()?;
    // Nothing is flushed or merged but when the test says so.
    let flags = ["flush-interval=1h", "flush-bytes=2GiB", "live-bytes-max=3GiB", "compaction-interval=1h"];
    let flags = flags.iter().map(|flag| format!("--{flag}")).collect();
    let options = ServerOptions { flags, ..ServerOptions::default() };
    let server = Server::start(data.path(), &options).await?;
    send(&server, folder).await?;
    compare(&server.api(), &truth, "before flush").await?;
    server.api().post("/maintenance/flush").await?;
    compare(&server.api(), &truth, "after flush").await?;
    server.api().post("/maintenance/compact").await?;
    compare(&server.api(), &truth, "after compaction").await?;
    server.stop().await?;
    let server = Server::start(data.path(), &options).await?;
    compare(&server.api(), &truth, "after restart").await?;
    server.stop().await
}

async fn send(server: &Server, folder: &Path) -> anyhow::Result<()> {
    let status = tracewell()?
        .args(["send", "--endpoint", &server.otlp_http])
        .args([folder.join("traces.otlp.zst"), folder.join("logs.otlp.zst")])
        .stdin(Stdio::null())
        .status()
        .await?;
    ensure!(status.success(), "tracewell send failed: {status}");
    Ok(())
}

/// The range of one signal: from its first record to just after its last.
struct Range {
    start: u64,
    end: u64,
}

impl Range {
    fn parameters(&self) -> [(&'static str, String); 2] {
        [("start", self.start.to_string()), ("end", self.end.to_string())]
    }
}

async fn compare(api: &Api, truth: &Value, when: &str) -> anyhow::Result<()> {
    let time = |name: &str| truth["time_range"][name].as_u64().context(name.to_owned());
    let spans = Range { start: time("first_span_start_unix_nano")?, end: time("last_span_end_unix_nano")? + 1 };
    let logs = Range { start: time("first_log_unix_nano")?, end: time("last_log_unix_nano")? + 1 };
    let facts = async {
        totals(api, truth, &spans, &logs).await?;
        services(api, truth, &spans, &logs).await?;
        severities(api, truth, &logs).await?;
        words(api, truth, &logs).await?;
        minutes(api, truth, "traces", "spans_per_minute", &spans).await?;
        minutes(api, truth, "logs", "logs_per_minute", &logs).await?;
        samples(api, truth).await
    };
    facts.await.with_context(|| when.to_owned())?;
    println!("{when}: every fact holds");
    Ok(())
}

async fn count(api: &Api, signal: &str, query: &str, range: &Range) -> anyhow::Result<u64> {
    let [(start, from), (end, to)] = range.parameters();
    let parameters = [("q", query), (start, from.as_str()), (end, to.as_str()), ("buckets", "1")];
    let answer = api.get(&format!("/{signal}/histogram"), &parameters).await?;
    // Counts are exact where only percentiles are estimated.
    let state = &answer["exactness"]["state"];
    ensure!(state == "exact" || state == "estimated", "not complete: {answer}");
    answer["count"].as_u64().with_context(|| format!("no count in {answer}"))
}

async fn totals(api: &Api, truth: &Value, spans: &Range, logs: &Range) -> anyhow::Result<()> {
    let counts = &truth["counts"];
    ensure_equal("spans", count(api, "traces", "", spans).await?, &counts["spans"])?;
    ensure_equal("logs", count(api, "logs", "", logs).await?, &counts["logs"])?;
    ensure_equal("root spans", count(api, "traces", "-parent_span_id:*", spans).await?, &counts["root_spans"])?;
    ensure_equal("logs with trace", count(api, "logs", "trace_id:*", logs).await?, &counts["logs_with_trace_id"])?;
    let [(start, from), (end, to)] = spans.parameters();
    let parameters = [(start, from.as_str()), (end, to.as_str()), ("limit", "1000")];
    let traces = api.all("/traces", "traces", &parameters).await?;
    let ids: std::collections::HashSet<_> = traces.iter().map(|trace| trace["traceId"].as_str()).collect();
    ensure_equal("traces", ids.len() as u64, &counts["traces"])?;
    ensure_equal("traces listed", traces.len() as u64, &counts["traces"])?;
    let listed: u64 = traces.iter().filter_map(|trace| trace["spanCount"].as_u64()).sum();
    ensure_equal("spans of the traces listed", listed, &counts["spans"])
}

/// The counts of every value of a field.
async fn facet(api: &Api, signal: &str, query: &str, field: &str, range: &Range) -> anyhow::Result<Map<String, Value>> {
    let [(start, from), (end, to)] = range.parameters();
    let parameters = [("q", query), (start, from.as_str()), (end, to.as_str()), ("fields", field), ("limit", "1000")];
    let answer = api.get(&format!("/{signal}/facets"), &parameters).await?;
    let values = answer["facets"][0]["values"].as_array().context("no facet")?;
    let pair = |value: &Value| Some((value["value"].as_str()?.to_owned(), value["count"].clone()));
    Ok(values.iter().filter_map(pair).collect())
}

async fn services(api: &Api, truth: &Value, spans: &Range, logs: &Range) -> anyhow::Result<()> {
    let by_service = facet(api, "traces", "", "service", spans).await?;
    let logs_by_service = facet(api, "logs", "", "service", logs).await?;
    let zero = Value::from(0);
    let services = truth["services"].as_object().context("services")?;
    for (service, facts) in services {
        ensure!(by_service.get(service) == Some(&facts["spans"]), "spans of {service}: {:?}", by_service.get(service));
        let found = logs_by_service.get(service).unwrap_or(&zero);
        ensure!(*found == facts["logs"], "logs of {service}: {found} instead of {}", facts["logs"]);
    }
    ensure!(by_service.len() == services.len(), "services: {by_service:?}");
    let operations = truth["operations"].as_object().context("operations")?;
    let found = facet(api, "traces", "", "name", spans).await?;
    for (operation, count) in operations {
        ensure!(found.get(operation) == Some(count), "operation {operation}: {:?} not {count}", found.get(operation));
    }
    for (service, operations) in truth["service_operations"].as_object().context("service_operations")? {
        let found = facet(api, "traces", &format!("service:{service:?}"), "name", spans).await?;
        ensure!(Some(&found) == operations.as_object(), "operations of {service}: {found:?} not {operations}");
    }
    Ok(())
}

async fn severities(api: &Api, truth: &Value, logs: &Range) -> anyhow::Result<()> {
    let found = facet(api, "logs", "", "severity_text", logs).await?;
    for (severity, count) in truth["severity_text"].as_object().context("severity_text")? {
        // Records without a severity are the ones that the facet counts as missing.
        if !severity.is_empty() {
            ensure!(found.get(severity) == Some(count), "severity {severity:?}: {found:?}");
        }
    }
    Ok(())
}

async fn words(api: &Api, truth: &Value, logs: &Range) -> anyhow::Result<()> {
    for fact in truth["tokens"].as_array().context("tokens")? {
        let token = fact["token"].as_str().context("token")?;
        let questions = [
            (token.to_owned(), "logs_with_token_any_case"),
            (format!("/(^|[^A-Za-z0-9]){token}([^A-Za-z0-9]|$)/"), "logs_with_token"),
            (format!("*{token}*"), "logs_with_substring_any_case"),
            (format!("/{token}/"), "logs_with_substring"),
        ];
        for (query, answer) in questions {
            ensure_equal(&query, count(api, "logs", &query, logs).await?, &fact[answer])?;
        }
    }
    Ok(())
}

async fn minutes(api: &Api, truth: &Value, signal: &str, fact: &str, range: &Range) -> anyhow::Result<()> {
    let expected = truth[fact].as_object().context(fact.to_owned())?;
    let mut found = 0;
    let mut start = range.start / MINUTE * MINUTE;
    while start < range.end {
        let minutes = (range.end - start).div_ceil(MINUTE).min(600);
        let end = start + minutes * MINUTE;
        let parameters = [("start", start.to_string()), ("end", end.to_string()), ("buckets", minutes.to_string())];
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = api.get(&format!("/{signal}/histogram"), &parameters).await?;
        ensure!(answer["bucketNano"] == MINUTE, "buckets of {}", answer["bucketNano"]);
        for (number, bucket) in answer["buckets"].as_array().context("buckets")?.iter().enumerate() {
            let seconds = (start / MINUTE + number as u64) * 60;
            let count = bucket["count"].as_u64().context("count")?;
            let expected = expected.get(&minute_name(seconds)).and_then(Value::as_u64).unwrap_or(0);
            ensure!(count == expected, "{signal} of {}: {count} instead of {expected}", minute_name(seconds));
            found += usize::from(count > 0);
        }
        start = end;
    }
    ensure!(found == expected.len(), "{found} minutes instead of {}", expected.len());
    Ok(())
}

/// `2022-08-22T05:18Z` for Unix seconds (the civil-from-days algorithm of the proleptic Gregorian calendar).
fn minute_name(seconds: u64) -> String {
    let days = (seconds / 86_400) as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}Z", seconds / 3_600 % 24, seconds / 60 % 60)
}

async fn samples(api: &Api, truth: &Value) -> anyhow::Result<()> {
    for fact in truth["trace_samples"].as_array().context("trace_samples")? {
        let id = fact["trace_id"].as_str().context("trace_id")?;
        let trace = api.get(&format!("/traces/{id}"), &[]).await?;
        let mut services = std::collections::BTreeSet::new();
        let (mut spans, mut first, mut last) = (0, u64::MAX, 0);
        for resource in trace["resourceSpans"].as_array().context("resourceSpans")? {
            let attributes = resource["resource"]["attributes"].as_array().context("attributes")?;
            let service = attributes.iter().find(|attribute| attribute["key"] == "service.name");
            services.insert(service.context("no service")?["value"]["stringValue"].to_string());
            for scope in resource["scopeSpans"].as_array().context("scopeSpans")? {
                for span in scope["spans"].as_array().context("spans")? {
                    let time = |name: &str| span[name].as_str().and_then(|text| text.parse::<u64>().ok());
                    spans += 1;
                    first = first.min(time("startTimeUnixNano").context("start")?);
                    last = last.max(time("endTimeUnixNano").context("end")?);
                }
            }
        }
        ensure_equal(&format!("spans of {id}"), spans, &fact["spans"])?;
        ensure_equal(&format!("services of {id}"), services.len() as u64, &fact["services"])?;
        ensure_equal(&format!("start of {id}"), first, &fact["start_unix_nano"])?;
        ensure_equal(&format!("end of {id}"), last, &fact["end_unix_nano"])?;
        let logs = api.all(&format!("/traces/{id}/logs"), "logs", &[("limit", "1000")]).await?;
        ensure_equal(&format!("logs of {id}"), logs.len() as u64, &fact["logs"])?;
        let around = [("q", format!("trace_id:{id}")), ("start", first.to_string()), ("end", (last + 1).to_string())];
        let around: Vec<(&str, &str)> = around.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let summary = &api.get("/traces", &around).await?["traces"][0];
        ensure!(summary["rootServiceName"] == fact["root_service"], "root of {id}: {summary}");
        ensure!(summary["rootSpanName"] == fact["root_operation"], "root of {id}: {summary}");
        ensure_equal(
            &format!("spans in the summary of {id}"),
            summary["spanCount"].as_u64().unwrap_or(0),
            &fact["spans"],
        )?;
    }
    Ok(())
}

fn ensure_equal(what: &str, found: u64, expected: &Value) -> anyhow::Result<()> {
    ensure!(Some(found) == expected.as_u64(), "{what}: {found} instead of {expected}");
    Ok(())
}
