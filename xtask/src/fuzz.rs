//! `cargo xtask fuzz`: runs each fuzz target for a while, on a nightly toolchain.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::run;

/// The crate that the targets belong to; they are in its folder `fuzz`.
const CRATE: &str = "storage/otlp";
/// libFuzzer instruments code by flags that only this toolchain takes.
const TOOLCHAIN: &str = "nightly";

/// Runs each target for so many seconds, from the inputs that earlier runs found. Stops at the first that fails; what it failed
/// on is then in `fuzz/artifacts`.
pub fn fuzz(seconds: &str) -> anyhow::Result<()> {
    let seconds: u32 = seconds.parse().with_context(|| format!("{seconds:?} is no number of seconds"))?;
    ensure!(seconds > 0, "0 seconds: libFuzzer would run without an end");
    install()?;
    for target in targets()? {
        let mut command = rustup(&["run", TOOLCHAIN, "cargo", "fuzz", "run", &target, "--"]);
        command.arg(format!("-max_total_time={seconds}")).args(["-timeout=20", "-rss_limit_mb=2048"]);
        command.current_dir(CRATE);
        run(&format!("fuzzing {target}"), command)?;
    }
    Ok(())
}

/// The names of the targets, in order.
fn targets() -> anyhow::Result<Vec<String>> {
    let folder = Path::new(CRATE).join("fuzz/fuzz_targets");
    let files = std::fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))?;
    let paths: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
    let name = |path: &PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<String> = paths.iter().filter_map(name).collect();
    names.sort();
    match names.is_empty() {
        true => bail!("no fuzz target in {}", folder.display()),
        false => Ok(names),
    }
}

fn install() -> anyhow::Result<()> {
    if !succeeds(rustup(&["run", TOOLCHAIN, "rustc", "--version"])) {
        run("nightly toolchain", rustup(&["toolchain", "install", TOOLCHAIN, "--profile", "minimal"]))?;
    }
    if !succeeds(rustup(&["run", TOOLCHAIN, "cargo", "fuzz", "--version"])) {
        run("cargo-fuzz", rustup(&["run", TOOLCHAIN, "cargo", "install", "cargo-fuzz", "--locked", "--quiet"]))?;
    }
    Ok(())
}

/// Without what cargo tells its children about the toolchain that runs this.
fn rustup(arguments: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(arguments).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}

fn succeeds(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
