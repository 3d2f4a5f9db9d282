//! The tasks of developing Tracewell: `cargo xtask test`, `check`, `simulate`, `crash`, `data`, `fuzz`.

mod fuzz;
mod install;
mod simulate;
mod versions;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};

const USAGE: &str = "\
cargo xtask TASK

  test             install what the tests need, build, and pass all tests
  check            formatting, lints, one version of the crates that must agree
  data DIR         send the data set DIR/train-ticket to a server of its own and compare every answer with its truth.json
  simulate [--seeds N] [--seed S] [--minutes M]
                   run the storage engine under seeds, with faults and restarts: N seeds, or as many as fit into M minutes
                   (default: 10 minutes); --seed replays one and shows what happened
  simulate --planted
                   plant bugs in the engine, and see at which seed the simulation finds each
  crash [CYCLES]   kill -9 the server again and again and look for lost or doubled records (default 100)
  fuzz [SECONDS]   give each fuzz target of the OTLP decoder invented inputs for so long (default 60); installs cargo-fuzz and a
                   nightly toolchain when they are missing
";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    std::env::set_current_dir(root())?;
    match arguments.as_slice() {
        ["test"] => test(),
        ["check"] => check(),
        ["data", directory] => data(Path::new(directory)),
        ["simulate", options @ ..] => simulate::simulate(options),
        ["fuzz"] => fuzz::fuzz("60"),
        ["fuzz", seconds] => fuzz::fuzz(seconds),
        ["crash"] => crash("100"),
        ["crash", cycles] => crash(cycles),
        _ => {
            eprint!("{USAGE}");
            bail!("unknown task {:?}", arguments.join(" "));
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn check() -> anyhow::Result<()> {
    run("formatting", cargo(&["fmt", "--all", "--check"]))?;
    run("lints", cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]))?;
    versions::check(&std::fs::read_to_string("Cargo.lock")?)
}

fn test() -> anyhow::Result<()> {
    let tools = install::for_tests()?;
    run("build", cargo(&["build", "--workspace", "--all-targets", "--quiet"]))?;
    let mut rust = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tools.export(&mut rust);
    run("Rust tests", rust)?;
    simulate::fixed_seeds()?;
    simulate::planted_bugs()?;
    run("UI types", npm("ui", &["run", "check"]))?;
    run("UI tests", npm("ui", &["test"]))?;
    run("UI size", npm("ui", &["run", "size"]))
}

fn crash(cycles: &str) -> anyhow::Result<()> {
    run("build", cargo(&["build", "--quiet"]))?;
    let mut test = cargo(&["test", "--package", "tracewell-tests", "--test", "crash", "--", "--nocapture"]);
    test.env("TRACEWELL_CRASH_CYCLES", cycles);
    run("crash test", test)
}

fn data(directory: &Path) -> anyhow::Result<()> {
    let directory = directory.canonicalize().with_context(|| format!("no folder {}", directory.display()))?;
    run("build", cargo(&["build", "--release", "--quiet"]))?;
    let mut test = cargo(&[
        "test",
        "--release",
        "--package",
        "tracewell-tests",
        "--test",
        "data_sets",
        "--",
        "--nocapture",
        "--ignored",
    ]);
    test.env("TRACEWELL_DATA", directory);
    run("data sets", test)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn npm(folder: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(folder);
    command
}

/// Runs `command`; an error tells which step failed.
fn run(step: &str, mut command: Command) -> anyhow::Result<()> {
    println!("== {step}");
    let began = Instant::now();
    let status = command.status().with_context(|| format!("{step}: could not run {:?}", command.get_program()))?;
    if !status.success() {
        bail!("{step} failed ({status})");
    }
    println!("== {step}: {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}
