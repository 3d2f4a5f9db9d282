//! `tracewell import`: sends files of OTLP requests, and makes sure that every record was taken.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::send::{self, FileSignal, SendArgs};

/// Imports files that `tracewell export` wrote, or other files of OTLP requests.
#[derive(Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    send: SendArgs,
}

/// Runs the command: nothing is sent unless every file can be read whole, and it fails unless every record was accepted.
pub async fn run(args: ImportArgs) -> anyhow::Result<()> {
    for file in args.send.files() {
        check(file, args.send.given_signal()).with_context(|| format!("{} is not imported", file.display()))?;
    }
    for sent in send::send_all(&args.send).await? {
        if sent.rejected > 0 {
            bail!(
                "the server rejected {} of {} records of {}: {}",
                sent.rejected,
                sent.records,
                sent.file,
                sent.reason
            );
        }
    }
    Ok(())
}

/// Whether every request of the file makes sense.
fn check(file: &Path, given: Option<FileSignal>) -> anyhow::Result<()> {
    let content = send::read(file)?;
    let mut signal = given;
    let mut records = 0;
    for (number, request) in tracewell_otlp::delimited(&content).enumerate() {
        let request = request?;
        let of = match signal {
            Some(signal) => signal,
            None if request.is_empty() => continue,
            None => *signal.insert(send::signal_of(request)?),
        };
        let (found, rejected) = send::decoded(of, request).with_context(|| format!("request {number}"))?;
        ensure!(rejected == 0, "request {number}: {rejected} records would be rejected");
        records += found;
    }
    ensure!(records > 0, "the file holds no record");
    Ok(())
}
