//! `tracewell logs`: log records that match a query, now or as they come.

mod shown;
mod tail;

use std::io::Write;

use clap::Args;
use serde::Deserialize;
use shown::Shown;
use tail::Tail;

use super::listing::ListingArgs;
use super::{printable, time};
use crate::client::{Client, Exactness, ServerArgs};

/// Finds log records.
#[derive(Args, Debug)]
pub struct LogsArgs {
    #[command(flatten)]
    listing: ListingArgs,
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
    exactness: Exactness,
    next_cursor: Option<String>,
}

/// The end of a page that a tail goes on from: also records whose time is ahead of the server's clock come before the tail.
const END_OF_TIME: &str = "9223372036854775807";

/// Runs the command.
pub async fn run(args: LogsArgs) -> anyhow::Result<()> {
    let client = Client::new(&args.server)?;
    if !args.follow {
        return list(&args, client.get_json("/logs", &args.listing.parameters(&args.listing.end, args.limit)).await?)
            .map(drop);
    }
    // The tail is opened first, so that nothing falls between the page and the tail.
    let mut tail = Tail::open(&client, args.listing.query()).await?;
    let end = if args.listing.end == "now" { END_OF_TIME } else { &args.listing.end };
    let page = tail.during(client.get_json("/logs", &args.listing.parameters(end, args.limit))).await?;
    let mut shown = Shown::new(&list(&args, page)?);
    loop {
        let batch = tail.next().await?;
        if batch.dropped_count > 0 {
            eprintln!("({} records were left out: they came faster than they could be shown)", batch.dropped_count);
        }
        for record in batch.logs {
            if !shown.take(&record) {
                print(&record, args.json)?;
            }
        }
    }
}

/// Prints a page, and gives its records.
fn list(args: &LogsArgs, mut page: Page) -> anyhow::Result<Vec<serde_json::Value>> {
    if page.logs.is_empty() && !args.follow && !args.json {
        eprintln!("no log record matches between {} and {}", args.listing.start, args.listing.end);
    }
    // The newest stands last, as in a terminal that follows.
    page.logs.reverse();
    page.logs.iter().try_for_each(|record| print(record, args.json))?;
    page.exactness.warn();
    if page.next_cursor.is_some() {
        eprintln!("there are older ones: raise --limit or narrow the query");
    }
    Ok(page.logs)
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
