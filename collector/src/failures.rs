//! Requests on which we failed, not the client.
//!
//! The first two times the client is asked to send such a request again. From the third time on, the body is put
//! aside in a file and the client is told to give up, or it would block its queue with it for ever. Nothing is lost
//! silently: without the file on disk the client keeps being asked to send again.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;
use tracewell_model::{Signal, TenantId};
use xxhash_rust::xxh3::xxh3_128;

/// How often the same body may make us fail before it is put aside.
const ATTEMPTS_MAX: u32 = 3;
/// How many bodies are remembered.
const REMEMBERED_MAX: usize = 1024;
/// How many files are kept aside.
const FILES_MAX: usize = 100;

/// Which bodies made us fail, and where they are put aside.
#[derive(Debug)]
pub struct Failures {
    dir: Option<PathBuf>,
    counts: Mutex<VecDeque<(u128, u32)>>,
}

impl Failures {
    /// Nothing failed yet; bodies are put aside in `dir`.
    pub fn new(dir: Option<PathBuf>) -> Failures {
        Failures { dir, counts: Mutex::default() }
    }

    /// Counts a failure on `body`. If it was one too many and the body is safe in a file, this is the file.
    pub async fn record(&self, signal: Signal, tenant: &TenantId, body: Bytes) -> Option<PathBuf> {
        let hash = xxh3_128(&body);
        if self.count(hash) < ATTEMPTS_MAX {
            return None;
        }
        let dir = self.dir.clone()?;
        let path = dir.join(format!("{signal}-{tenant}-{hash:032x}.body"));
        let target = path.clone();
        let written = tokio::task::spawn_blocking(move || put_aside(&dir, &target, &body)).await;
        match written {
            Ok(Ok(())) => Some(path),
            Ok(Err(error)) => {
                tracing::error!(path = %path.display(), %error, "cannot put a failing request aside");
                None
            }
            Err(_) => None,
        }
    }

    fn count(&self, hash: u128) -> u32 {
        let mut counts = self.counts.lock();
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == hash) {
            *count += 1;
            return *count;
        }
        if counts.len() == REMEMBERED_MAX {
            counts.pop_front();
        }
        counts.push_back((hash, 1));
        1
    }
}

fn put_aside(dir: &Path, path: &Path, body: &[u8]) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(dir)?;
    if std::fs::read_dir(dir)?.count() >= FILES_MAX {
        return Err(std::io::Error::other(format!(
            "{FILES_MAX} files are there already; look at them and remove them"
        )));
    }
    let unfinished = path.with_extension("unfinished");
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(body)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_put_aside_at_its_third_failure() {
        let dir = tempfile::tempdir().expect("a directory");
        let failures = Failures::new(Some(dir.path().join("dead-letters")));
        let tenant = TenantId::default_tenant();
        let body = Bytes::from_static(b"poison");
        for _ in 0..2 {
            assert_eq!(failures.record(Signal::Logs, &tenant, body.clone()).await, None);
        }
        let path = failures.record(Signal::Logs, &tenant, body.clone()).await.expect("put aside");
        assert_eq!(std::fs::read(path).expect("the file"), body);
        assert_eq!(failures.record(Signal::Logs, &tenant, Bytes::from_static(b"other")).await, None);
    }

    #[tokio::test]
    async fn a_body_that_cannot_be_put_aside_stays_with_the_client() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for dir in [None, Some(file.path().join("below-a-file"))] {
            let failures = Failures::new(dir);
            for _ in 0..5 {
                let put_aside =
                    failures.record(Signal::Logs, &TenantId::default_tenant(), Bytes::from_static(b"poison")).await;
                assert_eq!(put_aside, None);
            }
        }
    }
}
