//! Running the storage engine under seeds (`storage/engine/src/engine/simulation`).

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};

use crate::{cargo, run};

/// Seeds of the gate: always the same, so that a change is judged by what it changed.
const SEEDS_OF_GATE: &str = "200";
const MINUTES: u64 = 10;

const SIMULATION: &str = "histories_of_faults_keep_all_promises";

/// Runs seeds as `options` say: new ones each time, unless one is named.
pub fn simulate(options: &[&str]) -> anyhow::Result<()> {
    let mut test = tests_of_storage(&[SIMULATION]);
    match options {
        ["--planted"] => return planted_bugs(),
        ["--seed", seed] => test.env("TRACEWELL_SIMULATION_SEED", number(seed)?.to_string()),
        ["--seeds", seeds] => from_new_seed(&mut test)?.env("TRACEWELL_SIMULATION_SEEDS", number(seeds)?.to_string()),
        ["--minutes", minutes] => for_minutes(&mut test, number(minutes)?)?,
        [] => for_minutes(&mut test, MINUTES)?,
        _ => bail!("unknown options {:?}: use --seeds N, --seed S, --minutes M or --planted", options.join(" ")),
    };
    run("simulation", test)
}

/// The seeds that every change has to pass.
pub fn fixed_seeds() -> anyhow::Result<()> {
    let mut test = tests_of_storage(&[SIMULATION]);
    test.env("TRACEWELL_SIMULATION_SEEDS", SEEDS_OF_GATE);
    run("simulation", test)
}

/// Bugs are planted, and the simulation has to find each.
pub fn planted_bugs() -> anyhow::Result<()> {
    run("planted bugs", tests_of_storage(&["every_planted_bug_is_found", "--ignored"]))
}

/// With all of the workspace, so that nothing is built in other features.
fn tests_of_storage(arguments: &[&str]) -> Command {
    let mut test = cargo(&["test", "--workspace", "--lib", "--quiet", "--", "--nocapture"]);
    test.args(arguments);
    test
}

fn for_minutes(test: &mut Command, minutes: u64) -> anyhow::Result<&mut Command> {
    let test = from_new_seed(test)?;
    test.env("TRACEWELL_SIMULATION_SECONDS", (minutes * 60).to_string());
    Ok(test.env("TRACEWELL_SIMULATION_SEEDS", u32::MAX.to_string()))
}

fn from_new_seed(test: &mut Command) -> anyhow::Result<&mut Command> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    Ok(test.env("TRACEWELL_SIMULATION_FIRST", seed.to_string()))
}

fn number(text: &str) -> anyhow::Result<u64> {
    text.parse().with_context(|| format!("{text:?} is no number"))
}
