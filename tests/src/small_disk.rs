//! A file system of a few megabytes, in a mount namespace of its own that ends with the test. Needs root or user namespaces.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The file system, kept by a sleeping process.
pub struct SmallDisk {
    keeper: Child,
    id: u32,
    /// Where it is mounted, for who is in the namespace.
    mount: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts an empty file system of so many MiB.
    pub async fn mount(mebibytes: u32) -> anyhow::Result<SmallDisk> {
        let mount = tempfile::tempdir()?;
        let script = format!("mount -t tmpfs -o size={mebibytes}m small '{}' && echo mounted && exec sleep 86400", {
            mount.path().display()
        });
        // Of the root of a user namespace, so that it works for everybody where these are permitted.
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("could not run unshare (package util-linux)")?;
        let mut said = BufReader::new(keeper.stdout.take().context("no output")?).lines();
        ensure!(
            said.next_line().await?.as_deref() == Some("mounted"),
            "could not mount a file system for the test: run it as root or where user namespaces are permitted"
        );
        let id = keeper.id().context("the keeper of the mount has ended")?;
        Ok(SmallDisk { keeper, id, mount })
    }

    /// The data directory of a server on it.
    pub fn data_dir(&self) -> PathBuf {
        self.mount.path().join("data")
    }

    /// What starts a program that sees it.
    pub fn launcher(&self) -> Vec<String> {
        let id = self.id.to_string();
        ["nsenter", "--target", &id, "--user", "--mount", "--preserve-credentials", "--"].map(str::to_owned).to_vec()
    }

    /// Its files as this process sees them.
    pub fn seen_from_outside(&self) -> PathBuf {
        let inside = self.mount.path().strip_prefix("/").unwrap_or(Path::new("")).to_owned();
        Path::new("/proc").join(self.id.to_string()).join("root").join(inside)
    }

    /// Takes all of its space but the last bytes, also what has become free since it was last called; the file that does
    /// so is to be removed.
    pub fn fill(&self) -> anyhow::Result<PathBuf> {
        let filler = self.seen_from_outside().join("filler");
        let mut file = std::fs::File::options().create(true).append(true).open(&filler)?;
        let block = vec![0; 64 << 10];
        // The end is an error: there is no space left.
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        Ok(filler)
    }

    /// Gives it another size.
    pub async fn resize(&self, mebibytes: u32) -> anyhow::Result<()> {
        let launcher = self.launcher();
        let mut command = Command::new(&launcher[0]);
        command
            .args(&launcher[1..])
            .args(["mount", "-o", &format!("remount,size={mebibytes}m")])
            .arg(self.mount.path());
        ensure!(command.status().await?.success(), "could not resize the file system of the test");
        Ok(())
    }

    /// Ends it.
    pub async fn unmount(mut self) -> anyhow::Result<()> {
        self.keeper.kill().await.context("could not end the keeper of the mount")
    }
}
