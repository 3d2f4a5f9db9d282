//! The files at rest are plain Parquet: other databases open them and count what the API counts. `cargo xtask test` installs
//! DuckDB and names the Python interpreter in `TRACEWELL_TEST_PYTHON`; ClickHouse is large and only used where it is there.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use serde_json::{Map, Value};
use tokio::process::Command;
use tracewell_corpus::{Plan, Truth, write_files};
use tracewell_tests::{Api, Server, ServerOptions, tracewell};

const TEXT: &str = "card declined by issuer";

#[tokio::test(flavor = "multi_thread")]
async fn duckdb_counts_what_the_api_counts() -> anyhow::Result<()> {
    let python = std::env::var("TRACEWELL_TEST_PYTHON");
    counts_agree("duckdb", &python.context("TRACEWELL_TEST_PYTHON is not set: use cargo xtask test")?).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Python with chdb in TRACEWELL_TEST_CHDB: bench/chdb/run makes one"]
async fn clickhouse_counts_what_the_api_counts() -> anyhow::Result<()> {
    counts_agree("clickhouse", &std::env::var("TRACEWELL_TEST_CHDB").context("TRACEWELL_TEST_CHDB is not set")?).await
}

/// Compares the files as flushed, then as merged, with the API and with what was sent.
async fn counts_agree(engine: &str, python: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let truth = corpus(&folder.path().join("corpus"))?;
    let data = folder.path().join("data");
    // Nothing is flushed or merged but when the test says so.
    let flags = ["flush-interval=1h", "compaction-interval=1h"].map(|flag| format!("--{flag}"));
    let options = ServerOptions { flags: flags.to_vec(), ..ServerOptions::default() };
    let server = Server::start(&data, &options).await?;
    for file in ["traces-0000.otlp.zst", "logs-0000.otlp.zst"] {
        send(&server, &folder.path().join("corpus").join(file)).await?;
        server.api().post("/maintenance/flush").await?;
    }
    let user = truth.users.iter().max_by_key(|user| user.count).context("no user")?.what.clone();
    for step in ["flush", "compact"] {
        server.api().post(&format!("/maintenance/{step}")).await?;
        let found = open(engine, python, &data, &user).await?;
        compare(&found, &truth, &user).with_context(|| format!("{engine}, after {step}"))?;
        api_agrees(&server.api(), &found, &truth, &user).await.with_context(|| format!("after {step}"))?;
    }
    server.stop().await
}

fn corpus(folder: &Path) -> anyhow::Result<Truth> {
    let end = 1_760_000_000_000_000_000;
    write_files(&Plan { seed: 8, spans: 20_000, logs: 20_000, start: end - 3_600_000_000_000, end }, folder)
}

async fn send(server: &Server, file: &Path) -> anyhow::Result<()> {
    let mut command = tracewell()?;
    let status =
        command.args(["send", "--endpoint", &server.otlp_http]).arg(file).stdout(Stdio::null()).status().await?;
    ensure!(status.success(), "tracewell send failed: {status}");
    Ok(())
}

async fn open(engine: &str, python: &str, data: &Path, user: &str) -> anyhow::Result<Value> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("clients/python/open_files.py");
    let output = Command::new(python).arg(script).arg(engine).arg(data).args([user, TEXT]).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn compare(found: &Value, truth: &Truth, user: &str) -> anyhow::Result<()> {
    let by_service = |count: fn(&tracewell_corpus::ServiceTruth) -> u64| -> Value {
        let counts = truth.services.iter().map(|service| (service.name.clone(), count(service).into()));
        counts.collect::<Map<String, Value>>().into()
    };
    ensure!(found["spans"] == by_service(|service| service.spans), "spans by service: {}", found["spans"]);
    ensure!(found["logs"] == by_service(|service| service.logs), "log records by service: {}", found["logs"]);
    let wanted = [
        ("traces", truth.trace_count),
        ("errorLogs", truth.error_logs),
        ("spansOfUser", truth.users.iter().find(|counted| counted.what == user).map_or(0, |counted| counted.count)),
        ("logsWithText", truth.phrases.iter().find(|text| text.what == TEXT).map_or(0, |text| text.count)),
    ];
    for (name, count) in wanted {
        ensure!(count > 0 && found[name] == count, "{name}: {}, not {count}", found[name]);
    }
    Ok(())
}

async fn api_agrees(api: &Api, found: &Value, truth: &Truth, user: &str) -> anyhow::Result<()> {
    let (start, end) = (truth.start.to_string(), truth.end.to_string());
    let count = async |path: &str, query: &str| {
        let answer = api.get(path, &[("q", query), ("start", &start), ("end", &end)]).await?;
        anyhow::Ok(answer["count"].clone())
    };
    for service in &truth.services {
        let query = format!("service:{}", service.name);
        ensure!(count("/traces/histogram", &query).await? == found["spans"][&service.name], "spans of {query}");
        ensure!(count("/logs/histogram", &query).await? == found["logs"][&service.name], "log records of {query}");
        let failed = count("/traces/histogram", &format!("{query} status:error")).await?;
        ensure!(failed == found["errors"][&service.name], "errors of {query}");
    }
    ensure!(count("/traces/histogram", &format!("user.id:{user}")).await? == found["spansOfUser"], "spans of {user}");
    ensure!(count("/logs/histogram", "severity:17").await? == found["errorLogs"], "errors");
    ensure!(count("/logs/histogram", &format!("\"{TEXT}\"")).await? == found["logsWithText"], "records with {TEXT}");
    Ok(())
}
