//! `tracewell backup` and `tracewell restore`: a consistent copy of a data directory, also of a running server's.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use tracewell_storage::{Backup, BackupObjects};

use super::data_dir::DataDirArgs;
use super::{bytes, printable, time};

/// Makes a backup of a data directory, whose server may be running.
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// Where to: an empty or new directory
    directory: PathBuf,
    #[command(flatten)]
    store: DataDirArgs,
    /// Link segments instead of copying them: at once, but only on the same file system
    #[arg(long)]
    hard_links: bool,
    /// Do not read the backup again to verify it
    #[arg(long)]
    no_verify: bool,
    /// Print what it holds as JSON
    #[arg(long)]
    json: bool,
}

/// Restores a backup to a data directory that is new or empty.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// The directory of the backup
    directory: PathBuf,
    #[command(flatten)]
    store: DataDirArgs,
    /// Do not read what was restored again to verify it
    #[arg(long)]
    no_verify: bool,
    /// Print what was restored as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `tracewell backup`.
pub async fn backup(args: BackupArgs) -> anyhow::Result<()> {
    let objects = if args.hard_links { BackupObjects::Linked } else { BackupObjects::Copied };
    let backup = tracewell_storage::backup(&args.store.resolve()?, &args.directory, objects).await?;
    if !args.no_verify {
        verified(&args.directory).await?;
    }
    print("backed up to", &args.directory, &backup, args.json)
}

/// Runs `tracewell restore`.
pub async fn restore(args: RestoreArgs) -> anyhow::Result<()> {
    let data_dir = args.store.resolve()?;
    let backup = tracewell_storage::restore(&args.directory, &data_dir).await?;
    if !args.no_verify {
        verified(&data_dir).await?;
    }
    print("restored to", &data_dir, &backup, args.json)
}

async fn verified(directory: &Path) -> anyhow::Result<()> {
    let report = tracewell_storage::verify(directory).await?;
    for problem in &report.problems {
        eprintln!("{}: {}", printable(&problem.subject), printable(&problem.reason));
    }
    match report.problems.len() {
        0 => Ok(()),
        problems => bail!("{problems} problems were found in {}", directory.display()),
    }
}

fn print(what: &str, directory: &Path, backup: &Backup, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(backup)?);
        return Ok(());
    }
    println!(
        "{what} {}: {} segments with {} rows in {}, journal {}; everything acknowledged before {} UTC",
        directory.display(),
        backup.segments,
        backup.rows,
        bytes(backup.segment_bytes),
        bytes(backup.journal_bytes),
        time(backup.began_at),
    );
    Ok(())
}
