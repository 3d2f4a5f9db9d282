//! `tracewell delete`: removes records for good, and keeps a record of that.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use super::{printable, time};
use crate::client::{Client, ServerArgs};

/// How often a deletion is looked at until it is completed.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// Deletes records.
#[derive(Args, Debug)]
pub struct DeleteArgs {
    #[command(subcommand)]
    what: DeleteCommand,
    /// Answer as soon as the records are not shown any more, before they are removed from the files
    #[arg(long, global = true)]
    no_wait: bool,
    /// Print the API's answer
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum DeleteCommand {
    /// The spans and log records of a trace
    Trace {
        /// The trace id: 32 hexadecimal digits
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// The records that match a query in a time range
    Query {
        /// What to delete, in the search language: user.id:4711
        #[arg(required = true)]
        query: Vec<String>,
        /// Spans or log records
        #[arg(long)]
        signal: DeleteSignal,
        /// Since when: now-30d, an RFC 3339 time, Unix seconds
        #[arg(long)]
        start: String,
        /// Until when
        #[arg(long)]
        end: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Everything that a tenant has
    Tenant {
        /// Its name, again, to be sure
        #[arg(long, value_name = "NAME")]
        confirm: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// The deletions so far
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DeleteSignal {
    Traces,
    Logs,
}

#[derive(Deserialize)]
struct Deletions {
    deletions: Vec<Deletion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deletion {
    id: String,
    description: String,
    requested_at_unix_nano: String,
    completed_at_unix_nano: Option<String>,
    rows: u64,
    pending_segments: u64,
}

/// Runs the command.
pub async fn run(args: DeleteArgs) -> anyhow::Result<()> {
    let (path, parameters, server) = match args.what {
        DeleteCommand::Trace { id, server } => ("/maintenance/delete/trace", vec![("traceId", id)], server),
        DeleteCommand::Query { query, signal, start, end, server } => {
            let signal = match signal {
                DeleteSignal::Traces => "traces",
                DeleteSignal::Logs => "logs",
            };
            let parameters =
                vec![("signal", signal.to_owned()), ("q", query.join(" ")), ("start", start), ("end", end)];
            ("/maintenance/delete/query", parameters, server)
        }
        DeleteCommand::Tenant { confirm, server } => {
            if confirm != server.tenant {
                bail!("--confirm says {confirm:?}, but the tenant is {:?}: both have to be the same", server.tenant);
            }
            ("/maintenance/delete/tenant", vec![("confirm", confirm)], server)
        }
        DeleteCommand::List { server } => return list(&Client::new(&server)?, args.json).await,
    };
    let client = Client::new(&server)?;
    let answer: serde_json::Value = client.post_json(path, &parameters).await?;
    let mut deletion: Deletion = serde_json::from_value(answer).context("unexpected answer")?;
    while !args.no_wait && deletion.completed_at_unix_nano.is_none() {
        tokio::time::sleep(POLL_INTERVAL).await;
        deletion = find(&client, &deletion.id).await?;
    }
    if args.json {
        let all: serde_json::Value = client.get_json("/deletions", &[]).await?;
        let found = all["deletions"].as_array().and_then(|all| all.iter().find(|one| one["id"] == *deletion.id));
        println!("{}", found.unwrap_or_default());
        return Ok(());
    }
    println!("{}", line(&deletion));
    Ok(())
}

async fn find(client: &Client, id: &str) -> anyhow::Result<Deletion> {
    let all: Deletions = client.get_json("/deletions", &[]).await?;
    let found = all.deletions.into_iter().find(|deletion| deletion.id == id);
    found.with_context(|| format!("deletion {id} is not recorded any more"))
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let all: serde_json::Value = client.get_json("/deletions", &[]).await?;
    if json {
        println!("{all}");
        return Ok(());
    }
    let all: Deletions = serde_json::from_value(all).context("unexpected answer")?;
    all.deletions.iter().for_each(|deletion| println!("{}", line(deletion)));
    Ok(())
}

fn line(deletion: &Deletion) -> String {
    let at = |text: &str| time(text.parse().unwrap_or(0));
    let state = match &deletion.completed_at_unix_nano {
        Some(completed) => format!("completed {}", at(completed)),
        None => format!("{} segments to go", deletion.pending_segments),
    };
    format!(
        "{}  {}  {} records removed, {state}  {}",
        deletion.id,
        at(&deletion.requested_at_unix_nano),
        deletion.rows,
        printable(&deletion.description),
    )
}
