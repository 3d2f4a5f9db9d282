//! A Tracewell server as a child process, on ports that the system chooses.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::Api;

/// A command of the binary under test.
pub fn tracewell() -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    // The tests' own variables are no settings, and the machine's settings are not to change the tests.
    std::env::vars().filter(|(name, _)| name.starts_with("TRACEWELL_")).for_each(|(name, _)| {
        command.env_remove(name);
    });
    Ok(command)
}

/// [`tracewell`], started by another command.
fn launched(launcher: &[String]) -> anyhow::Result<Command> {
    let plain = tracewell()?;
    let Some((program, arguments)) = launcher.split_first() else { return Ok(plain) };
    let mut command = Command::new(program);
    command.args(arguments).arg(plain.as_std().get_program());
    for (name, value) in plain.as_std().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Ok(command)
}

/// The binary that the same `cargo build` made.
fn binary() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    // Tests are in `deps`, one folder below the binary; benchmarks are beside it.
    let candidates = here.ancestors().skip(1).take(2).map(|folder| folder.join("tracewell"));
    let missing = "there is no tracewell beside the tests: run `cargo build` first, or `cargo xtask test`";
    candidates.into_iter().find(|binary| binary.is_file()).context(missing)
}

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    /// Further flags, such as `--flush-interval=1h`.
    pub flags: Vec<String>,
    /// A command that becomes the server, such as `nsenter` with its arguments.
    pub launcher: Vec<String>,
}

impl ServerOptions {
    /// With these flags.
    pub fn with_flags(flags: &[&str]) -> ServerOptions {
        ServerOptions { flags: flags.iter().map(ToString::to_string).collect(), ..ServerOptions::default() }
    }
}

/// A server that may still be replaying its journal. It is killed when dropped.
pub struct StartingServer {
    child: Child,
    stdout: tokio::process::ChildStdout,
    /// URL of health, readiness and the UI.
    pub http: String,
}

impl StartingServer {
    /// The process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it is ready.
    pub async fn ready(mut self) -> anyhow::Result<Server> {
        let addresses = tokio::time::timeout(Duration::from_secs(120), read_addresses(self.stdout)).await;
        let [otlp_grpc, otlp_http, http] = match addresses {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => {
                let status = self.child.wait().await?;
                return Err(error.context(format!("the server ended with {status}")));
            }
            Err(_) => bail!("the server was not ready within two minutes"),
        };
        Ok(Server { child: self.child, otlp_grpc, otlp_http, http })
    }
}

/// A running server. It is killed when dropped.
pub struct Server {
    child: Child,
    /// URL of OTLP/gRPC.
    pub otlp_grpc: String,
    /// URL of OTLP/HTTP.
    pub otlp_http: String,
    /// URL of API and UI.
    pub http: String,
}

impl Server {
    /// Starts the binary on `data_dir` and waits until it is ready.
    pub async fn start(data_dir: &Path, options: &ServerOptions) -> anyhow::Result<Server> {
        Server::begin(data_dir, options).await?.ready().await
    }

    /// Starts the binary on `data_dir` and waits until it answers whether it is ready.
    pub async fn begin(data_dir: &Path, options: &ServerOptions) -> anyhow::Result<StartingServer> {
        let mut child = launched(&options.launcher)?
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .args(&options.flags)
            .env("TRACEWELL_LOG", "warn,tracewell::serve=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not start the server")?;
        let stdout = child.stdout.take().context("the server has no standard output")?;
        let stderr = child.stderr.take().context("the server has no standard error")?;
        match tokio::time::timeout(Duration::from_secs(60), read_opening(stderr)).await {
            Ok(Some(http)) => Ok(StartingServer { child, stdout, http }),
            Ok(None) => bail!("the server ended with {}", child.wait().await?),
            Err(_) => bail!("the server did not listen within a minute"),
        }
    }

    /// The native API.
    pub fn api(&self) -> Api {
        Api::new(&self.http)
    }

    /// The process id.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it at once, as a crash would.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("could not kill the server")
    }

    /// Asks it to stop (SIGTERM) and waits; the exit code must be 0 and come within 10 seconds.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the server has ended already")?;
        let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        anyhow::ensure!(sent.success(), "could not signal the server");
        let status = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        let status = status.context("the server did not stop within 10 seconds")??;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

/// Reads the lines that a server prints when it is ready. The rest is read too, so that the pipe never fills.
async fn read_addresses(stdout: tokio::process::ChildStdout) -> anyhow::Result<[String; 3]> {
    let mut lines = BufReader::new(stdout).lines();
    let mut found: [Option<String>; 3] = [None, None, None];
    while let Some(line) = lines.next_line().await? {
        for (place, label) in found.iter_mut().zip(["OTLP/gRPC", "OTLP/HTTP", "UI and API"]) {
            if let Some((_, url)) = line.split_once(label) {
                *place = Some(url.trim().to_owned());
            }
        }
        if let [Some(grpc), Some(http), Some(ui)] = &found {
            let addresses = [grpc.clone(), http.clone(), ui.clone()];
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(addresses);
        }
    }
    bail!("the server closed its output before it was ready")
}

/// Reads the log up to the line that says where readiness is answered. Everything else is passed on, then and later.
async fn read_opening(stderr: tokio::process::ChildStderr) -> Option<String> {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, http)) = line.split_once("opening the storage http=") {
            let http = format!("http://{}", http.trim());
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    if !line.contains(" INFO ") {
                        eprintln!("{line}");
                    }
                }
            });
            return Some(http);
        }
        eprintln!("{line}");
    }
    None
}
