//! Sending a corpus over OTLP/HTTP, as fast as it goes or at a given rate.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::ValueEnum;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracewell_corpus::{Signal, read_requests};

/// How requests are compressed on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What to send, and how.
pub struct Load<'a> {
    pub signal: Signal,
    pub files: &'a [PathBuf],
    pub compression: Compression,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Uncompressed bytes a second.
    pub pace: Option<f64>,
    /// Stops after so many uncompressed bytes.
    pub bytes_max: u64,
}

/// What was sent.
#[derive(Default)]
pub struct Sent {
    /// Uncompressed bytes of requests.
    pub bytes: u64,
    pub wall: Duration,
    /// From sending to acknowledgement, of each request.
    pub latencies: Vec<Duration>,
}

struct Request {
    body: Bytes,
    /// Before compression.
    bytes: u64,
}

/// Sends everything; each request again while the server says that it is overloaded.
pub async fn send(endpoint: &str, load: &Load<'_>) -> anyhow::Result<Sent> {
    let (sender, receiver) = mpsc::channel(32);
    let (files, compression, bytes_max) = (load.files.to_vec(), load.compression, load.bytes_max);
    let reader = tokio::task::spawn_blocking(move || read(&files, compression, bytes_max, &sender));
    let http = reqwest::Client::new();
    let url = format!("{endpoint}/v1/{}", if load.signal == Signal::Traces { "traces" } else { "logs" });
    let began = Instant::now();
    let mut due = 0_u64;
    let requests = ReceiverStream::new(receiver).map(|request: Request| {
        due += request.bytes;
        (request, load.pace.map(|pace| began + Duration::from_secs_f64(due as f64 / pace)))
    });
    let mut sent = Sent::default();
    let mut answers = requests
        .map(|(request, due)| {
            let (http, url) = (http.clone(), url.clone());
            async move {
                if let Some(due) = due {
                    tokio::time::sleep_until(due.into()).await;
                }
                anyhow::Ok((request.bytes, post(&http, &url, request.body, load.compression).await?))
            }
        })
        .buffer_unordered(load.concurrency)
        .boxed_local();
    while let Some((bytes, latency)) = answers.try_next().await? {
        sent.bytes += bytes;
        sent.latencies.push(latency);
    }
    drop(answers);
    sent.wall = began.elapsed();
    reader.await.context("reading the corpus")??;
    Ok(sent)
}

fn read(
    files: &[PathBuf],
    compression: Compression,
    bytes_max: u64,
    sender: &mpsc::Sender<Request>,
) -> anyhow::Result<()> {
    let mut bytes = 0;
    for file in files {
        for body in read_requests(file)? {
            let body = body?;
            bytes += body.len() as u64;
            let request = Request { bytes: body.len() as u64, body: compress(body, compression)?.into() };
            if bytes > bytes_max || sender.blocking_send(request).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn compress(body: Vec<u8>, compression: Compression) -> anyhow::Result<Vec<u8>> {
    Ok(match compression {
        Compression::None => body,
        Compression::Zstd => zstd::encode_all(&body[..], 1)?,
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, &body)?;
            encoder.finish()?
        }
    })
}

/// Sends one request until it is acknowledged, and returns how long the acknowledged attempt took.
pub async fn post(
    http: &reqwest::Client,
    url: &str,
    body: Bytes,
    compression: Compression,
) -> anyhow::Result<Duration> {
    loop {
        let mut request = http.post(url).header("content-type", "application/x-protobuf").body(body.clone());
        request = match compression {
            Compression::None => request,
            Compression::Gzip => request.header("content-encoding", "gzip"),
            Compression::Zstd => request.header("content-encoding", "zstd"),
        };
        let began = Instant::now();
        let answer = request.send().await?;
        if !matches!(answer.status().as_u16(), 429 | 502 | 503 | 504) {
            ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
            answer.bytes().await?;
            return Ok(began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
