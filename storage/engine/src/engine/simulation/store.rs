//! The object store: objects appear whole or not at all; errors come before or after an operation was done, and what was
//! put may be put once more, much later.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use tracewell_model::UnixNanos;

use super::chance::Chance;
use super::executor;
use super::machine::{Fate, Machine, Weather};
use crate::world::World;

/// The store. Clones share it.
#[derive(Clone)]
pub(super) struct SimulatedStore {
    machine: Machine,
    objects: Arc<InMemory>,
    modified: Arc<Mutex<BTreeMap<Path, UnixNanos>>>,
    /// Objects in which something was damaged.
    damaged: Arc<Mutex<BTreeMap<Path, Range<u64>>>>,
}

impl SimulatedStore {
    pub(super) fn new(machine: &Machine) -> SimulatedStore {
        SimulatedStore {
            machine: machine.clone(),
            objects: Arc::default(),
            modified: Arc::default(),
            damaged: Arc::default(),
        }
    }

    /// The paths of all objects.
    pub(super) fn paths(&self) -> Vec<Path> {
        self.modified.lock().keys().cloned().collect()
    }

    /// Flips a bit of an object; where.
    pub(super) async fn damage(&self, chance: &mut Chance) -> Option<Path> {
        let paths = self.paths();
        if paths.is_empty() {
            return None;
        }
        let path = paths[chance.within(0..paths.len() as u64) as usize].clone();
        let mut bytes = self.objects.get(&path).await.ok()?.bytes().await.ok()?.to_vec();
        let at = chance.within(0..bytes.len() as u64);
        bytes[at as usize] ^= 1 << chance.within(0..8);
        self.objects.put(&path, bytes.into()).await.ok()?;
        self.damaged.lock().insert(path.clone(), at..at + 1);
        Some(path)
    }

    /// Whether an object below this directory was damaged.
    pub(super) fn is_damaged(&self, directory: &str) -> bool {
        self.damaged.lock().keys().any(|path| path.as_ref().starts_with(directory))
    }

    /// Whether any object was damaged.
    pub(super) fn has_damage(&self) -> bool {
        !self.damaged.lock().is_empty()
    }

    fn operation(&self, kind: &'static str, probability: impl FnOnce(&Weather) -> f64, path: &str) -> Result<Fate> {
        match self.machine.operation(kind, probability, path) {
            Fate::Fails => Err(failed(kind)),
            fate => Ok(fate),
        }
    }

    async fn put_now(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let result = self.objects.put_opts(location, payload, options).await?;
        self.modified.lock().insert(location.clone(), self.machine.now());
        Ok(result)
    }

    fn dated(&self, meta: &mut ObjectMeta) {
        let at = self.modified.lock().get(&meta.location).copied().unwrap_or_default();
        meta.last_modified = (SystemTime::UNIX_EPOCH + Duration::from_nanos(at.0)).into();
    }

    /// A network that lost an answer may deliver the request once more.
    fn put_again_later(&self, location: &Path, bytes: Bytes) {
        let (store, location) = (self.clone(), location.clone());
        let after = self.machine.chance(|chance| Duration::from_millis(chance.heavy_tailed(60_000)));
        executor::current().spawn(
            0,
            Box::pin(async move {
                executor::sleep(after).await;
                store.machine.note("put again", location.as_ref());
                // Nobody waits for it.
                let _ = store.put_now(&location, bytes.into(), PutOptions::default()).await;
            }),
        );
    }
}

fn failed(kind: &str) -> Error {
    Error::Generic { store: "SimulatedStore", source: format!("injected error: {kind}").into() }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedStore")
    }
}

impl fmt::Display for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedStore")
    }
}

#[async_trait]
impl ObjectStore for SimulatedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        executor::pause().await;
        if self.machine.is_disk_full() {
            self.machine.add_fault();
            return Err(failed("the disk is full"));
        }
        let put = self.operation("put", |weather| weather.store_put, location.as_ref());
        // An error says nothing about whether it was done.
        let is_done = put.is_ok() || self.machine.chance(|chance| chance.happens(0.5));
        if is_done {
            if put.is_err() && self.machine.chance(|chance| chance.happens(0.3)) {
                self.put_again_later(location, Bytes::from(payload.clone()));
            }
            let result = self.put_now(location, payload, options).await?;
            self.machine.after(put?);
            executor::pause().await;
            return Ok(result);
        }
        Err(failed("put"))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // Only segments larger than any simulated one are put in parts.
        self.objects.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fate = self.operation("get", |weather| weather.store_get, location.as_ref())?;
        let mut result = self.objects.get_opts(location, options).await?;
        self.dated(&mut result.meta);
        self.machine.after(fate);
        Ok(result)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.and_then(move |location| {
            let store = store.clone();
            async move {
                let fate = store.operation("delete", |weather| weather.store_other, location.as_ref())?;
                store.modified.lock().remove(&location);
                store.objects.delete(&location).await?;
                store.machine.after(fate);
                Ok(location)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if let Err(error) = self.operation("list objects", |weather| weather.store_other, "") {
            return futures::stream::once(async { Err(error) }).boxed();
        }
        let store = self.clone();
        let dated = self.objects.list(prefix).map_ok(move |mut meta| {
            store.dated(&mut meta);
            meta
        });
        dated.boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}
