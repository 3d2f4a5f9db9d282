//! Unmodified OpenTelemetry SDKs: a web service in Node.js calls one in Python, both instrumented automatically, and one trace
//! crosses both. `cargo xtask test` installs the SDKs and names the Python interpreter in `TRACEWELL_TEST_PYTHON`.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tracewell_tests::{Api, Server, ServerOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_crosses_node_over_http_and_python_over_grpc() -> anyhow::Result<()> {
    crosses_both("http/protobuf", "grpc").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_crosses_node_over_grpc_and_python_over_http() -> anyhow::Result<()> {
    crosses_both("grpc", "http/protobuf").await
}

async fn crosses_both(node_protocol: &str, python_protocol: &str) -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let server = Server::start(data.path(), &ServerOptions::default()).await?;
    let orders = orders(&server, python_protocol).await?;
    let storefront = storefront(&server, node_protocol, &orders.url).await?;
    for item in ["teapot", "unobtainium", "bomb"] {
        reqwest::get(format!("{}/buy/{item}", storefront.url)).await?;
    }
    let api = server.api();
    let trace = eventually(|| async {
        let found = api.get("/traces", &[("q", "service:storefront")]).await?;
        let traces = found["traces"].as_array().context("no traces")?.clone();
        let whole = traces.len() == 3 && traces.iter().all(|trace| services(trace) == ["orders", "storefront"]);
        Ok(whole.then(|| traces.last().cloned()).flatten())
    })
    .await
    .context("three traces that cross both services")?;
    ensure!(trace["rootServiceName"] == "storefront", "root: {trace}");
    logs_belong_to_their_trace(&api, &trace).await?;
    errors_are_found(&api).await?;
    server.stop().await
}

fn services(trace: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        trace["services"].as_array().into_iter().flatten().filter_map(|service| service["name"].as_str()).collect();
    names.sort_unstable();
    names
}

async fn logs_belong_to_their_trace(api: &Api, trace: &Value) -> anyhow::Result<()> {
    let id = trace["traceId"].as_str().context("no trace id")?;
    // Of Python's logging and of pino in Node.js.
    let expected = [("orders", "order accepted for teapot"), ("storefront", "sold a teapot")];
    let logs = eventually(|| async {
        let logs = api.all(&format!("/traces/{id}/logs"), "logs", &[]).await?;
        let is_there = |(service, body): &(&str, &str)| {
            logs.iter().any(|record| record["serviceName"] == *service && record["body"] == *body)
        };
        Ok(expected.iter().all(is_there).then_some(logs))
    })
    .await
    .context("a log record of each service in the trace")?;
    let sold = logs.iter().find(|record| record["body"] == expected[1].1).context("the record of Node.js")?;
    ensure!(sold["severityNumber"] == 9 && sold["attributes"]["item"] == "teapot", "record: {sold}");
    // It belongs to the span of the request that Node.js served.
    let span = sold["spanId"].as_str().context("no span id")?;
    let span = api.get(&format!("/traces/{id}/spans/{span}"), &[]).await?;
    ensure!(span["serviceName"] == "storefront", "span: {span}");
    Ok(())
}

async fn errors_are_found(api: &Api) -> anyhow::Result<()> {
    let query = [("q", "service:orders \"the item exploded\"")];
    eventually(|| async { Ok(api.get("/traces", &query).await?["traces"][0]["traceId"].as_str().map(str::to_owned)) })
        .await
        .context("the exception's text leads to its trace")?;
    let query = [("q", "service:orders severity>=error \"out of stock\"")];
    eventually(|| async { Ok(api.get("/logs", &query).await?["logs"][0]["body"].as_str().map(str::to_owned)) })
        .await
        .context("the error is in the logs")?;
    let query = [("q", "service:storefront severity:warn \"could not sell\" item:unobtainium trace_id:*")];
    eventually(|| async { Ok(api.get("/logs", &query).await?["logs"][0]["body"].as_str().map(str::to_owned)) })
        .await
        .context("the warning of Node.js is in the logs")?;
    Ok(())
}

/// Asks again until there is an answer: exporters send in batches, every second or so.
async fn eventually<T, F: Future<Output = anyhow::Result<Option<T>>>>(ask: impl Fn() -> F) -> anyhow::Result<T> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(45) {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("nothing within 45 seconds")
}

/// A web service as a child process, killed when dropped.
struct Service {
    _child: Child,
    url: String,
}

impl Service {
    async fn start(mut command: Command) -> anyhow::Result<Service> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(port) = line.strip_prefix("listening on ") {
                let url = format!("http://127.0.0.1:{port}");
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(Service { _child: child, url });
            }
        }
        bail!("the service ended before it listened")
    }
}

fn exporter(command: &mut Command, server: &Server, service: &str, protocol: &str) {
    let endpoint = if protocol == "grpc" { &server.otlp_grpc } else { &server.otlp_http };
    command
        .env("OTEL_SERVICE_NAME", service)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .env("OTEL_TRACES_EXPORTER", "otlp")
        .env("OTEL_LOGS_EXPORTER", "otlp")
        .env("OTEL_METRICS_EXPORTER", "none")
        // The detectors of cloud providers would ask the network.
        .env("OTEL_NODE_RESOURCE_DETECTORS", "env,host,os,process")
        .env("OTEL_BSP_SCHEDULE_DELAY", "200")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "200");
}

async fn orders(server: &Server, protocol: &str) -> anyhow::Result<Service> {
    let python =
        std::env::var("TRACEWELL_TEST_PYTHON").context("TRACEWELL_TEST_PYTHON is not set: use cargo xtask test")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/python");
    let mut command = Command::new(Path::new(&python).with_file_name("opentelemetry-instrument"));
    command.arg(&python).arg("orders.py").current_dir(folder);
    exporter(&mut command, server, "orders", protocol);
    Service::start(command).await.context("the Python service")
}

async fn storefront(server: &Server, protocol: &str, orders_url: &str) -> anyhow::Result<Service> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node");
    let mut command = Command::new("node");
    command
        .args(["--require", "@opentelemetry/auto-instrumentations-node/register", "storefront.cjs"])
        .current_dir(folder)
        .env("ORDERS_URL", orders_url);
    exporter(&mut command, server, "storefront", protocol);
    Service::start(command).await.context("the Node.js service")
}
