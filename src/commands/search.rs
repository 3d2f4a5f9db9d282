//! `tracewell search`: traces that match a query.

use std::io::Write;

use clap::Args;
use serde::Deserialize;

use super::listing::ListingArgs;
use super::{duration, printable, time};
use crate::client::{Client, Exactness, ServerArgs};

/// Finds traces.
#[derive(Args, Debug)]
pub struct SearchArgs {
    #[command(flatten)]
    listing: ListingArgs,
    /// At most this many
    #[arg(long, default_value_t = 20)]
    limit: usize,
    /// Print the API's answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    traces: Vec<Summary>,
    next_cursor: Option<String>,
    #[serde(default)]
    exactness: Exactness,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    trace_id: String,
    root_service_name: String,
    root_span_name: String,
    #[serde(default)]
    first_service_name: String,
    #[serde(default)]
    first_span_name: String,
    root_missing: bool,
    start_time_unix_nano: String,
    duration_nano: u64,
    span_count: u64,
    error_count: u64,
}

/// Runs the command.
pub async fn run(args: SearchArgs) -> anyhow::Result<()> {
    let parameters = args.listing.parameters(&args.listing.end, args.limit);
    let client = Client::new(&args.server)?;
    if args.json {
        writeln!(std::io::stdout(), "{}", client.get("/traces", &parameters, "application/json").await?.text().await?)?;
        return Ok(());
    }
    let page: Page = client.get_json("/traces", &parameters).await?;
    page.exactness.warn();
    if page.traces.is_empty() {
        eprintln!("no trace matches between {} and {}", args.listing.start, args.listing.end);
        return Ok(());
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:<23}  {:>9}  {:>5}  {:>6}  {:<32}  root",
        "start (UTC)", "duration", "spans", "errors", "trace id"
    )?;
    for trace in page.traces {
        let (service, name) = match trace.root_missing {
            false => (&trace.root_service_name, &trace.root_span_name),
            true => (&trace.first_service_name, &trace.first_span_name),
        };
        let start = trace.start_time_unix_nano.parse().unwrap_or(0);
        writeln!(
            out,
            "{:<23}  {:>9}  {:>5}  {:>6}  {:<32}  {} {}{}",
            time(start),
            duration(trace.duration_nano),
            trace.span_count,
            trace.error_count,
            trace.trace_id,
            printable(service),
            printable(name),
            if trace.root_missing { "  (root not received)" } else { "" },
        )?;
    }
    if page.next_cursor.is_some() {
        eprintln!("there are more: raise --limit or narrow the query");
    }
    Ok(())
}
