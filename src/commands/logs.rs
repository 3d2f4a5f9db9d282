//! `tracewell logs`: log records that match a query, now or as they come.

use std::io::Write;

use clap::Args;
use futures::StreamExt;
use serde::Deserialize;

use super::{printable, time};
use crate::client::{Client, Exactness, ServerArgs};

/// Finds log records.
#[derive(Args, Debug)]
pub struct LogsArgs {
    /// What to find, in the search language: service:payment severity>=warn timeout
    #[arg(default_value = "")]
    query: Vec<String>,
    /// Since when: now-1h, an RFC 3339 time, Unix seconds
    #[arg(long, default_value = "now-1h")]
    start: String,
    /// Until when
    #[arg(long, default_value = "now")]
    end: String,
    /// At most this many
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// Go on with new records as they arrive, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// Print records as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    logs: Vec<serde_json::Value>,
    #[serde(default)]
    dropped_count: u64,
    #[serde(default)]
    exactness: Exactness,
    next_cursor: Option<String>,
}

/// Runs the command.
pub async fn run(args: LogsArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.server)?;
    let query = ("q", args.query.join(" "));
    // The stream is opened first, so that nothing falls between the page and the stream.
    let stream = match args.follow {
        true => Some(client.get("/logs/tail", std::slice::from_ref(&query), "text/event-stream").await?),
        false => None,
    };
    let parameters =
        [query, ("start", args.start.clone()), ("end", args.end.clone()), ("limit", args.limit.to_string())];
    let mut page: Page = client.get_json("/logs", &parameters).await?;
    if page.logs.is_empty() && !args.follow && !args.json {
        eprintln!("no log record matches between {} and {}", args.start, args.end);
    }
    // The newest stands last, as in a terminal that follows.
    page.logs.reverse();
    page.logs.iter().try_for_each(|record| print(record, args.json))?;
    page.exactness.warn();
    if page.next_cursor.is_some() {
        eprintln!("there are older ones: raise --limit or narrow the query");
    }
    if let Some(stream) = stream {
        follow(stream, args.json).await?;
    }
    Ok(())
}

async fn follow(response: reqwest::Response, json: bool) -> anyhow::Result<()> {
    let mut body = response.bytes_stream();
    let mut pending = Vec::new();
    while let Some(piece) = body.next().await {
        pending.extend_from_slice(&piece?);
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data:") else { continue };
            let Ok(page) = serde_json::from_slice::<Page>(data) else { continue };
            if page.dropped_count > 0 {
                eprintln!("({} records were left out: they came faster than they could be shown)", page.dropped_count);
            }
            page.logs.iter().try_for_each(|record| print(record, json))?;
        }
    }
    anyhow::bail!("the server ended the stream: follow again for what comes from now on")
}

fn print(record: &serde_json::Value, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        return writeln!(out, "{record}");
    }
    let text = |name: &str| record[name].as_str().unwrap_or_default();
    let body = match &record["body"] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let severity = match text("severityText") {
        "" => record["severityNumber"].as_i64().filter(|number| *number > 0).map(|n| n.to_string()).unwrap_or_default(),
        severity => severity.to_owned(),
    };
    writeln!(
        out,
        "{}  {:<5}  {:<20}  {}",
        time(text("timestamp").parse().unwrap_or(0)),
        printable(&severity),
        printable(text("serviceName")),
        printable(body.trim_end()),
    )
}
