//! The `tracewell` command.

mod client;
mod commands;
mod config;
mod demo;
mod host;
mod metrics;
mod request_line;
mod serve;
mod status;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use config::{Config, Given, GivenArgs, SETTINGS, Source};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Distributed tracing and log aggregation in one binary. Without a command: serve.
#[derive(Parser)]
#[command(name = "tracewell", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    settings: GivenArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Receive, keep and show spans and log records
    Serve(ServeArgs),
    /// Serve, and generate the live traffic of a simulated web shop
    Demo(DemoArgs),
    /// Show a trace as a waterfall
    Trace(commands::trace::TraceArgs),
    /// Find traces
    Search(commands::search::SearchArgs),
    /// Find log records, or follow them as they come
    Logs(commands::logs::LogsArgs),
    /// Send files of OTLP requests to a server
    Send(commands::send::SendArgs),
    /// Check every byte that is stored, and name what is damaged
    Verify(commands::verify::VerifyArgs),
    /// Show the segments of a store, or where the bytes of a segment are
    Inspect(commands::inspect::InspectArgs),
    /// Merge segments until nothing is left to merge
    Compact(commands::compact::CompactArgs),
    /// Write records to a file of OTLP requests
    Export(commands::export::ExportArgs),
    /// Send files of OTLP requests, and make sure that every record was taken
    Import(commands::import::ImportArgs),
    /// Copy a data directory, also of a running server
    Backup(commands::backup::BackupArgs),
    /// Make a data directory of a backup
    Restore(commands::backup::RestoreArgs),
    /// Delete records for good
    Delete(commands::delete::DeleteArgs),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    settings: GivenArgs,
}

#[derive(clap::Args)]
struct DemoArgs {
    /// Visits to the shop per second
    #[arg(long, default_value_t = 8.0, value_name = "RATE")]
    visits_per_second: f64,
    #[command(flatten)]
    settings: GivenArgs,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration is usable
    Check(ServeArgs),
    /// Print every setting with its value and where it comes from, as YAML
    Show(ServeArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether who reads the output has seen enough, as in `tracewell logs | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let command = cli.command.unwrap_or(Command::Serve(ServeArgs { settings: cli.settings }));
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Serve(args) => runtime.block_on(serve::run(load(&args.settings)?, serve::ended_by_signal())),
        Command::Demo(args) => runtime.block_on(demo::run(load(&args.settings)?, args.visits_per_second)),
        Command::Trace(args) => runtime.block_on(commands::trace::run(args)),
        Command::Search(args) => runtime.block_on(commands::search::run(args)),
        Command::Logs(args) => runtime.block_on(commands::logs::run(args)),
        Command::Send(args) => runtime.block_on(commands::send::run(args)),
        Command::Verify(args) => runtime.block_on(commands::verify::run(args)),
        Command::Inspect(args) => runtime.block_on(commands::inspect::run(args)),
        Command::Compact(args) => runtime.block_on(commands::compact::run(args)),
        Command::Export(args) => runtime.block_on(commands::export::run(args)),
        Command::Import(args) => runtime.block_on(commands::import::run(args)),
        Command::Backup(args) => runtime.block_on(commands::backup::backup(args)),
        Command::Restore(args) => runtime.block_on(commands::backup::restore(args)),
        Command::Delete(args) => runtime.block_on(commands::delete::run(args)),
        Command::Config(ConfigCommand::Check(args)) => {
            load(&args.settings)?;
            println!("the configuration is valid");
            Ok(())
        }
        Command::Config(ConfigCommand::Show(args)) => show(&args.settings),
    }
}

fn load(args: &GivenArgs) -> anyhow::Result<Config> {
    let config = Config::from_given(&Given::collect(args)?)?;
    config.validate()?;
    Ok(config)
}

fn show(args: &GivenArgs) -> anyhow::Result<()> {
    let given = Given::collect(args)?;
    let config = Config::from_given(&given)?;
    for (setting, (name, text)) in SETTINGS.iter().zip(config.to_texts()) {
        let source = given.get(name).map_or("default".to_owned(), |(_, source): &(String, Source)| source.to_string());
        let value = if text.is_empty() { "\"\"".to_owned() } else { text };
        println!("# {} ({source})\n{name}: {value}", setting.help);
    }
    Ok(())
}
