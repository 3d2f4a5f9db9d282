//! `tracewell verify`: checks every byte that is stored, and names what is damaged.

use anyhow::bail;
use clap::Args;
use serde::Deserialize;

use super::data_dir::DataDirArgs;
use super::{bytes, printable};
use crate::client::{Client, ServerArgs};

/// Verifies the store of a stopped server, or the segments of a running one.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    store: DataDirArgs,
    /// Let this running server verify its segments instead
    #[arg(long, value_name = "URL", conflicts_with_all = ["data_dir", "config"])]
    server: Option<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// What was found, as the storage and the API write it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    segments: u64,
    rows: u64,
    bytes: u64,
    journal_requests: u64,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Problem {
    subject: String,
    reason: String,
}

/// Runs the command; an error when something is damaged.
pub async fn run(args: VerifyArgs) -> anyhow::Result<()> {
    let report: serde_json::Value = match &args.server {
        Some(server) => Client::new(&ServerArgs::of(server))?.post_json("/maintenance/verify", &[]).await?,
        None => serde_json::to_value(tracewell_storage::verify(&args.store.resolve()?).await?)?,
    };
    if args.json {
        println!("{report}");
    }
    let report: Report = serde_json::from_value(report)?;
    if !args.json {
        print(&report);
    }
    match report.problems.len() {
        0 => Ok(()),
        1 => bail!("1 problem was found"),
        problems => bail!("{problems} problems were found"),
    }
}

fn print(report: &Report) {
    for Problem { subject, reason } in &report.problems {
        println!("{}: {}", printable(subject), printable(reason));
    }
    for note in &report.notes {
        println!("note: {}", printable(note));
    }
    println!(
        "{} segments with {} rows in {} and {} requests of the journal verified",
        report.segments,
        report.rows,
        bytes(report.bytes),
        report.journal_requests,
    );
}
