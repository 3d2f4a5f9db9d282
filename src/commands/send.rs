//! `tracewell send`: replays files of OTLP requests.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use futures::{StreamExt, TryStreamExt};
use tracewell_model::UnixNanos;

/// Sends files of OTLP export requests to a server.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// Files of protobuf requests, each behind its length as a varint; may be compressed with zstd
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The server's OTLP/HTTP address
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", default_value = "http://127.0.0.1:4318", value_name = "URL")]
    endpoint: String,
    /// The tenant
    #[arg(long, env = "TRACEWELL_TENANT", default_value = "default", value_name = "NAME")]
    tenant: String,
    /// What the files hold; found out from their content by default
    #[arg(long)]
    signal: Option<FileSignal>,
    /// Requests under way at once
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileSignal {
    Traces,
    Logs,
}

impl FileSignal {
    /// As in paths.
    pub fn name(self) -> &'static str {
        match self {
            FileSignal::Traces => "traces",
            FileSignal::Logs => "logs",
        }
    }

    /// Its records, in words.
    pub fn noun(self) -> &'static str {
        match self {
            FileSignal::Traces => "spans",
            FileSignal::Logs => "log records",
        }
    }
}

impl SendArgs {
    /// The files to send.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// What they hold, if it was said.
    pub fn given_signal(&self) -> Option<FileSignal> {
        self.signal
    }
}

#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// The file.
    pub file: String,
    signal: &'static str,
    requests: u64,
    /// Records in it.
    pub records: u64,
    /// Those that the server did not take.
    pub rejected: u64,
    seconds: f64,
}

/// Runs the command.
pub async fn run(args: SendArgs) -> anyhow::Result<()> {
    send_all(&args).await.map(drop)
}

/// Sends all files and says what became of each.
pub async fn send_all(args: &SendArgs) -> anyhow::Result<Vec<Sent>> {
    let http = reqwest::Client::new();
    let mut all = Vec::new();
    for file in &args.files {
        let sent = send(args, &http, file).await.with_context(|| format!("could not send {}", file.display()))?;
        if args.json {
            println!("{}", serde_json::to_string(&sent)?);
            all.push(sent);
            continue;
        }
        println!(
            "{}: {} {} in {} requests, {:.1} s{}",
            sent.file,
            sent.records,
            if sent.signal == "traces" { "spans" } else { "log records" },
            sent.requests,
            sent.seconds,
            if sent.rejected > 0 { format!(", {} rejected", sent.rejected) } else { String::new() },
        );
        all.push(sent);
    }
    Ok(all)
}

async fn send(args: &SendArgs, http: &reqwest::Client, file: &Path) -> anyhow::Result<Sent> {
    let began = std::time::Instant::now();
    let content = read(file)?;
    let requests = tracewell_otlp::delimited(&content).collect::<Result<Vec<&[u8]>, _>>()?;
    let Some(first) = requests.iter().find(|request| !request.is_empty()) else {
        bail!("the file holds no request");
    };
    let signal = match args.signal {
        Some(signal) => signal,
        None => signal_of(first)?,
    };
    let name = signal.name();
    let url = format!("{}/v1/{name}", args.endpoint.trim_end_matches('/'));
    let (records, rejected) = futures::stream::iter(requests.iter().enumerate())
        .map(|(number, request)| {
            let (http, url, tenant) = (http.clone(), url.clone(), args.tenant.clone());
            let count = count(signal, request);
            let body = request.to_vec();
            async move {
                let rejected = export(&http, &url, &tenant, body).await.with_context(|| format!("request {number}"))?;
                anyhow::Ok((count?, rejected))
            }
        })
        .buffer_unordered(args.concurrency.max(1))
        .try_fold((0, 0), |sum, one| async move { Ok((sum.0 + one.0, sum.1 + one.1)) })
        .await?;
    Ok(Sent {
        file: file.display().to_string(),
        signal: name,
        requests: requests.len() as u64,
        records,
        rejected,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// The content of a file, inflated.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let content = std::fs::read(file)?;
    if content.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(zstd::decode_all(content.as_slice())?);
    }
    Ok(content)
}

/// A log record has a fixed64 where a span has its trace id, so only one of the two reads without rejects.
pub fn signal_of(request: &[u8]) -> anyhow::Result<FileSignal> {
    let now = UnixNanos::now();
    if let Ok(decoded) = tracewell_otlp::decode_traces(request, now)
        && decoded.rejected == 0
        && !decoded.records.is_empty()
    {
        return Ok(FileSignal::Traces);
    }
    if let Ok(decoded) = tracewell_otlp::decode_logs(request, now)
        && !decoded.records.is_empty()
    {
        return Ok(FileSignal::Logs);
    }
    bail!("neither spans nor log records are in its first request; say --signal if it has some")
}

/// The number of records in a request.
pub fn count(signal: FileSignal, request: &[u8]) -> anyhow::Result<u64> {
    Ok(decoded(signal, request)?.0)
}

/// The numbers of records in a request and of those that cannot be taken.
pub fn decoded(signal: FileSignal, request: &[u8]) -> anyhow::Result<(u64, u64)> {
    let now = UnixNanos::now();
    Ok(match signal {
        FileSignal::Traces => {
            let decoded = tracewell_otlp::decode_traces(request, now)?;
            (decoded.records.len() as u64, decoded.rejected)
        }
        FileSignal::Logs => {
            let decoded = tracewell_otlp::decode_logs(request, now)?;
            (decoded.records.len() as u64, decoded.rejected)
        }
    })
}

/// Sends one request, again while the answer says so, and returns how many records were rejected.
async fn export(http: &reqwest::Client, url: &str, tenant: &str, body: Vec<u8>) -> anyhow::Result<u64> {
    let body = bytes::Bytes::from(body);
    for attempt in 0..30 {
        let response = http
            .post(url)
            .header("content-type", "application/x-protobuf")
            .header("x-scope-orgid", tenant)
            .body(body.clone())
            .send()
            .await
            .with_context(|| format!("no answer from {url}: is the server running there? (--endpoint URL)"))?;
        let status = response.status();
        if status.is_success() {
            return rejected(&response.bytes().await?);
        }
        if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            bail!("{url} answered {status}: {}", String::from_utf8_lossy(&response.bytes().await?));
        }
        tokio::time::sleep(std::time::Duration::from_millis(200 << attempt.min(3))).await;
    }
    bail!("{url} was overloaded for too long")
}

/// The `rejected_*` count of a response: field 1 of the message in field 1.
fn rejected(response: &[u8]) -> anyhow::Result<u64> {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
    use prost::Message;
    // Responses of both signals have the same shape on the wire.
    let response = ExportTraceServiceResponse::decode(response).context("the answer is no OTLP response")?;
    Ok(response.partial_success.map_or(0, |partial| partial.rejected_spans.max(0) as u64))
}
