//! `tracewell send`: replays files of OTLP requests.

mod exporter;
mod target;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use exporter::Exporter;
use futures::{StreamExt, TryStreamExt};
use target::TargetArgs;
use tracewell_model::UnixNanos;

use super::printable;

/// Sends files of OTLP export requests to a server.
#[derive(Args, Debug)]
pub struct SendArgs {
    /// Files of protobuf requests, each behind its length as a varint; may be compressed with zstd
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
    /// What the files hold; found out from their content by default
    #[arg(long)]
    signal: Option<FileSignal>,
    /// Requests under way at once
    #[arg(long, default_value_t = 8)]
    concurrency: usize,
    /// For how many seconds a request is sent again while the server is overloaded
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    retry_for: u64,
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
    /// Why, in the server's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    seconds: f64,
}

/// Runs the command.
pub async fn run(args: SendArgs) -> anyhow::Result<()> {
    send_all(&args).await.map(drop)
}

/// Sends all files and says what became of each.
pub async fn send_all(args: &SendArgs) -> anyhow::Result<Vec<Sent>> {
    let (http, endpoint) = (reqwest::Client::new(), args.target.endpoint().await?);
    let mut all = Vec::new();
    for file in &args.files {
        let sent = send(args, &http, &endpoint, file).await;
        let sent = sent.with_context(|| format!("could not send {}", file.display()))?;
        println!("{}", if args.json { serde_json::to_string(&sent)? } else { sent.words() });
        all.push(sent);
    }
    Ok(all)
}

impl Sent {
    fn words(&self) -> String {
        let noun = if self.signal == "traces" { "spans" } else { "log records" };
        let Sent { file, records, requests, seconds, .. } = self;
        let rejected = match (self.rejected, self.reason.as_str()) {
            (0, "") => String::new(),
            (0, warning) => format!(": {}", printable(warning)),
            (rejected, "") => format!(", {rejected} rejected"),
            (rejected, reason) => format!(", {rejected} rejected: {}", printable(reason)),
        };
        format!("{file}: {records} {noun} in {requests} requests, {seconds:.1} s{rejected}")
    }
}

async fn send(args: &SendArgs, http: &reqwest::Client, endpoint: &str, file: &Path) -> anyhow::Result<Sent> {
    let began = std::time::Instant::now();
    let content = Bytes::from(read(file)?);
    let requests = tracewell_otlp::delimited(&content).collect::<Result<Vec<&[u8]>, _>>()?;
    let Some(first) = requests.iter().find(|request| !request.is_empty()) else {
        bail!("the file holds no request");
    };
    let signal = match args.signal {
        Some(signal) => signal,
        None => signal_of(first)?,
    };
    let exporter = Exporter {
        http: http.clone(),
        url: format!("{endpoint}/v1/{}", signal.name()),
        tenant: args.target.tenant.clone(),
        retry_for: Duration::from_secs(args.retry_for),
    };
    let mut sent = Sent { file: file.display().to_string(), signal: signal.name(), ..Sent::default() };
    let mut answers = futures::stream::iter(requests.iter().enumerate())
        .map(|(number, request)| {
            let (exporter, body) = (&exporter, content.slice_ref(request));
            async move {
                let records = count(signal, &body)?;
                let rejected = exporter.export(body).await.with_context(|| format!("request {number}"))?;
                anyhow::Ok((records, rejected))
            }
        })
        .buffer_unordered(args.concurrency.max(1));
    while let Some((records, rejected)) = answers.try_next().await? {
        sent.requests += 1;
        sent.records += records;
        sent.rejected += rejected.records;
        if sent.reason.is_empty() {
            sent.reason = rejected.reason;
        }
    }
    sent.seconds = began.elapsed().as_secs_f64();
    Ok(sent)
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
