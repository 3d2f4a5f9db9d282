//! What the tests need and a fresh machine lacks: Chromium, and the OpenTelemetry SDKs of Python and Node.js.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::run;

/// Where the tools of the tests are.
pub struct Tools {
    chromium: PathBuf,
    python: PathBuf,
}

impl Tools {
    /// Tells the tests where the tools are.
    pub fn export(&self, command: &mut Command) {
        command.env("TRACEWELL_TEST_CHROMIUM", &self.chromium).env("TRACEWELL_TEST_PYTHON", &self.python);
    }
}

/// Installs what is missing.
pub fn for_tests() -> anyhow::Result<Tools> {
    let chromium = chromium()?;
    let python = python_with_sdk(Path::new("tests/clients/python/requirements.txt"))?;
    for folder in ["ui", "tests/clients/node"] {
        node_packages(Path::new(folder))?;
    }
    Ok(Tools { chromium, python })
}

fn chromium() -> anyhow::Result<PathBuf> {
    let candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = || candidates.iter().map(PathBuf::from).find(|path| path.exists());
    if let Some(path) = found() {
        return Ok(path);
    }
    let mut update = Command::new("apt-get");
    update.arg("update").stdout(Stdio::null());
    run("package lists", update)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--no-install-recommends", "chromium"]).stdout(Stdio::null());
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run("Chromium", install)?;
    found().context("Chromium was installed but is in none of the usual places")
}

/// A virtual environment with the packages of `requirements`; made anew when they change.
fn python_with_sdk(requirements: &Path) -> anyhow::Result<PathBuf> {
    let wanted = std::fs::read_to_string(requirements).with_context(|| format!("no {}", requirements.display()))?;
    let environment = cache()?.join("python");
    let python = environment.join("bin/python");
    let stamp = environment.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&environment);
    run("Python environment", create)?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements);
    run("Python SDK", install)?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

/// `npm ci`, unless the lock file is the one that was installed.
fn node_packages(folder: &Path) -> anyhow::Result<()> {
    let lock = std::fs::read(folder.join("package-lock.json"))
        .with_context(|| format!("no lock file in {}", folder.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--silent"]).current_dir(folder);
    run(&format!("Node packages of {}", folder.display()), install)?;
    std::fs::write(stamp, lock)?;
    Ok(())
}

fn cache() -> anyhow::Result<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => PathBuf::from(home).join(".cache"),
        (None, None) => bail!("neither XDG_CACHE_HOME nor HOME is set"),
    };
    let cache = base.join("tracewell");
    std::fs::create_dir_all(&cache)?;
    Ok(cache)
}
