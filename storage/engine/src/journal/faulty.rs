//! A disk in memory that loses, tears and refuses on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{Disk, DiskFile, Space};

/// What a crash of the machine keeps of what was written and not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// Nothing.
    Nothing,
    /// Everything: the program crashed, not the machine.
    Everything,
    /// Only these many bytes at the beginning of each unsynced write.
    Prefix(usize),
    /// Every second sector of 512 bytes.
    EverySecondSector,
}

#[derive(Clone, Default)]
struct FileState {
    synced: Vec<u8>,
    /// Writes since the last sync: offset and bytes.
    pending: Vec<(u64, Vec<u8>)>,
    /// Whether the directory entry is durable.
    entry_synced: bool,
}

impl FileState {
    fn content(&self) -> Vec<u8> {
        let mut content = self.synced.clone();
        for (offset, bytes) in &self.pending {
            overwrite(&mut content, *offset, bytes);
        }
        content
    }
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, FileState>,
    capacity: Option<u64>,
    failing_syncs: u32,
    failing_writes: u32,
    failing_directory_syncs: u32,
    /// Files and the bytes of them that cannot be read.
    unreadable: Vec<(String, std::ops::Range<u64>)>,
    syncs: u64,
}

/// The disk. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    /// Room for this many bytes; none: without bound.
    pub(crate) fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// The next syncs fail, and what they should have made durable is lost at the next crash, as on a real disk.
    pub(crate) fn fail_syncs(&self, count: u32) {
        self.0.lock().failing_syncs = count;
    }

    /// The next writes fail after half of their bytes.
    pub(crate) fn fail_writes(&self, count: u32) {
        self.0.lock().failing_writes = count;
    }

    /// The next syncs of the directory fail.
    pub(crate) fn fail_directory_syncs(&self, count: u32) {
        self.0.lock().failing_directory_syncs = count;
    }

    /// These bytes of a file cannot be read any more.
    pub(crate) fn make_unreadable(&self, name: &str, bytes: std::ops::Range<u64>) {
        self.0.lock().unreadable.push((name.into(), bytes));
    }

    /// The number of syncs that succeeded.
    pub(crate) fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// The disk after a crash.
    pub(crate) fn crashed(&self, kept: Kept) -> FaultyDisk {
        let mut files = BTreeMap::new();
        for (name, file) in &self.0.lock().files {
            if !file.entry_synced && !matches!(kept, Kept::Everything) {
                continue;
            }
            let mut synced = file.synced.clone();
            for (offset, bytes) in &file.pending {
                keep(kept, &mut synced, *offset, bytes);
            }
            files.insert(name.clone(), FileState { synced, pending: Vec::new(), entry_synced: true });
        }
        FaultyDisk(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().files.keys().cloned().collect()
    }

    /// What is in a file.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        self.0.lock().files[name].content()
    }

    /// Replaces what is in a file, durably.
    pub(crate) fn set_content(&self, name: &str, content: Vec<u8>) {
        let file = FileState { synced: content, pending: Vec::new(), entry_synced: true };
        self.0.lock().files.insert(name.into(), file);
    }
}

fn keep(kept: Kept, content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    match kept {
        Kept::Nothing => {}
        Kept::Everything => overwrite(content, offset, bytes),
        Kept::Prefix(len) => overwrite(content, offset, &bytes[..len.min(bytes.len())]),
        Kept::EverySecondSector => {
            for (index, byte) in bytes.iter().enumerate() {
                let at = offset + index as u64;
                if (at / 512).is_multiple_of(2) {
                    overwrite(content, at, &[*byte]);
                }
            }
        }
    }
}

fn overwrite(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let end = offset as usize + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset as usize..end].copy_from_slice(bytes);
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, name.to_owned())
}

fn broken() -> io::Error {
    io::Error::other("injected I/O error")
}

fn fails(count: &mut u32) -> bool {
    let failing = *count > 0;
    *count = count.saturating_sub(1);
    failing
}

impl Disk for FaultyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        let used: u64 = state.files.values().map(|file| file.synced.len() as u64).sum();
        if state.capacity.is_some_and(|capacity| used + bytes > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = FileState { synced: vec![0; bytes as usize], ..FileState::default() };
        state.files.insert(name.into(), file);
        Ok(Box::new(FaultyFile { disk: self.clone(), name: name.into() }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        if !self.0.lock().files.contains_key(name) {
            return Err(missing(name));
        }
        Ok(Box::new(FaultyFile { disk: self.clone(), name: name.into() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock();
        let file = state.files.remove(from).ok_or_else(|| missing(from))?;
        state.files.insert(to.into(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().files.remove(name).map(|_| ()).ok_or_else(|| missing(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.0.lock();
        if fails(&mut state.failing_directory_syncs) {
            return Err(broken());
        }
        state.files.values_mut().for_each(|file| file.entry_synced = true);
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.0.lock();
        let used: u64 = state.files.values().map(|file| file.synced.len() as u64).sum();
        let total = 1 << 40;
        Ok(Space { available: state.capacity.unwrap_or(total).saturating_sub(used), total })
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    name: String,
}

impl FaultyFile {
    fn with<T>(&self, act: impl FnOnce(&mut FileState) -> T) -> io::Result<T> {
        let mut state = self.disk.0.lock();
        state.files.get_mut(&self.name).map(act).ok_or_else(|| missing(&self.name))
    }
}

impl DiskFile for FaultyFile {
    fn bytes(&self) -> io::Result<u64> {
        self.with(|file| file.content().len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let end = offset + into.len() as u64;
        let is_bad = |(name, bytes): &(String, std::ops::Range<u64>)| {
            *name == self.name && bytes.start < end && offset < bytes.end
        };
        if self.disk.0.lock().unreadable.iter().any(is_bad) {
            return Err(broken());
        }
        self.with(|file| {
            let content = file.content();
            let rest = content.get(offset as usize..).unwrap_or_default();
            let len = rest.len().min(into.len());
            into[..len].copy_from_slice(&rest[..len]);
            len
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let failing = fails(&mut self.disk.0.lock().failing_writes);
        let written = if failing { bytes.len() / 2 } else { bytes.len() };
        self.with(|file| file.pending.push((offset, bytes[..written].to_vec())))?;
        if failing { Err(broken()) } else { Ok(()) }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.with(|file| {
            file.synced = file.content();
            file.pending.clear();
            file.synced.truncate(bytes as usize);
        })
    }

    fn sync(&self) -> io::Result<()> {
        if fails(&mut self.disk.0.lock().failing_syncs) {
            return Err(broken());
        }
        self.disk.0.lock().syncs += 1;
        self.with(|file| {
            file.synced = file.content();
            file.pending.clear();
        })
    }
}
