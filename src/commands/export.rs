//! `tracewell export`: records of a running server as a file of OTLP requests.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use futures::StreamExt;
use tracewell_otlp::{DelimitedError, delimited};

use super::send::{FileSignal, count};
use crate::client::{Client, ServerArgs};

/// Exports records.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The file to write; compressed with zstd when its name ends in .zst
    file: PathBuf,
    /// Only what this finds, in the search language
    #[arg(default_value = "")]
    query: Vec<String>,
    /// Spans or log records
    #[arg(long)]
    signal: FileSignal,
    /// Since when: now-1h, an RFC 3339 time, Unix seconds; from the beginning without it
    #[arg(long)]
    start: Option<String>,
    /// Until when; to the end without it
    #[arg(long)]
    end: Option<String>,
    /// Leave damaged records out instead of failing
    #[arg(long)]
    partial: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: ExportArgs) -> anyhow::Result<()> {
    if args.file.exists() {
        bail!("{} is there already: choose another name", args.file.display());
    }
    let client = Client::new(&args.server)?;
    let parameters = [
        ("signal", args.signal.name().to_owned()),
        ("q", args.query.join(" ")),
        ("start", args.start.clone().unwrap_or_default()),
        ("end", args.end.clone().unwrap_or_default()),
        ("partial", args.partial.to_string()),
    ];
    let response = client.get("/export", &parameters, "*/*").await?;
    // Under another name until it is whole.
    let mut unfinished = args.file.clone().into_os_string();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let is_compressed = args.file.extension().is_some_and(|end| end == "zst");
    let (requests, records) = match write(response, &unfinished, is_compressed, args.signal).await {
        Ok(written) => written,
        Err(error) => {
            // Best effort: the error is what matters.
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
    };
    std::fs::rename(&unfinished, &args.file)
        .with_context(|| format!("could not rename {} to {}", unfinished.display(), args.file.display()))?;
    match args.json {
        true => println!("{}", serde_json::json!({"records": records, "requests": requests})),
        false => println!("{records} {} in {requests} requests written to {}", args.signal.noun(), args.file.display()),
    }
    Ok(())
}

/// Writes what the server sends; the numbers of requests and of records.
async fn write(
    response: reqwest::Response,
    path: &Path,
    is_compressed: bool,
    signal: FileSignal,
) -> anyhow::Result<(u64, u64)> {
    let file = File::create(path).with_context(|| format!("could not write {}", path.display()))?;
    let mut sink = Sink::new(file, is_compressed)?;
    let (mut requests, mut records) = (0, 0);
    let mut pending: Vec<u8> = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        let broken = "the export broke off: the server's log has the cause; damaged data is left out with --partial";
        pending.extend_from_slice(&piece.context(broken)?);
        let mut whole = pending.len();
        for message in delimited(&pending) {
            match message {
                Ok(message) => {
                    requests += 1;
                    records += count(signal, message).context("the server sent no OTLP")?;
                }
                // The rest comes with the next pieces.
                Err(DelimitedError::Truncated { offset, .. } | DelimitedError::Length { offset }) => whole = offset,
            }
        }
        sink.write_all(&pending[..whole])?;
        pending.drain(..whole);
    }
    if !pending.is_empty() {
        bail!("the export ends inside a request");
    }
    sink.finish()?.sync_all()?;
    Ok((requests, records))
}

/// A file, compressed or not.
enum Sink {
    Plain(BufWriter<File>),
    Compressed(zstd::stream::write::Encoder<'static, File>),
}

impl Sink {
    fn new(file: File, is_compressed: bool) -> anyhow::Result<Sink> {
        Ok(match is_compressed {
            true => Sink::Compressed(zstd::stream::write::Encoder::new(file, 3)?),
            false => Sink::Plain(BufWriter::new(file)),
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Sink::Plain(writer) => writer.write_all(bytes),
            Sink::Compressed(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> anyhow::Result<File> {
        Ok(match self {
            Sink::Plain(writer) => writer.into_inner().map_err(|error| error.into_error())?,
            Sink::Compressed(encoder) => encoder.finish()?,
        })
    }
}
