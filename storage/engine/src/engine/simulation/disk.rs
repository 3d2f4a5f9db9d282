//! The disk of the journal: what was written and not synced survives a power cut sector by sector or not at all, in any
//! order; a failed sync loses what it should have kept and says nothing of it later.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::chance::Chance;
use super::executor;
use super::machine::{Fate, Machine, Weather};
use crate::journal::{Disk, DiskFile, Space};

const SECTOR_BYTES: u64 = 512;
const DISK_BYTES: u64 = 1 << 30;

type FileNumber = u64;

#[derive(Clone, Debug)]
enum Write {
    Bytes(u64, Vec<u8>),
    Length(u64),
}

#[derive(Clone, Default)]
struct FileState {
    /// What the program sees.
    content: Vec<u8>,
    /// What is on the medium.
    durable: Vec<u8>,
    /// What is on its way from the one to the other.
    pending: Vec<Write>,
    /// Where writes began and ended that were synced, in order.
    synced: Vec<(u64, u64)>,
    /// Sectors that cannot be read.
    bad_sectors: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
enum Entry {
    Made(String, FileNumber),
    Renamed(String, String),
    Removed(String),
}

#[derive(Default)]
struct State {
    files: BTreeMap<FileNumber, FileState>,
    next_number: FileNumber,
    entries: BTreeMap<String, FileNumber>,
    durable_entries: BTreeMap<String, FileNumber>,
    pending_entries: Vec<Entry>,
}

/// The disk. Clones share it.
#[derive(Clone)]
pub(super) struct SimulatedDisk {
    machine: Machine,
    state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    pub(super) fn new(machine: &Machine) -> SimulatedDisk {
        SimulatedDisk { machine: machine.clone(), state: Arc::default() }
    }

    /// What a restart finds. When only the process died, that is everything.
    pub(super) fn restart(&self, chance: &mut Chance, lost_power: bool) {
        let mut state = self.state.lock();
        if !lost_power {
            return;
        }
        let keeps = Keeps::draw(chance);
        // Journalling file systems keep the order of what is done to a directory; others need not.
        let kept_entries = match chance.happens(0.7) {
            true => (0..chance.within(0..state.pending_entries.len() as u64 + 1) as usize).collect(),
            false => (0..state.pending_entries.len()).filter(|_| keeps.keep(chance)).collect::<Vec<_>>(),
        };
        let pending = std::mem::take(&mut state.pending_entries);
        for place in kept_entries {
            pending[place].apply(&mut state.durable_entries);
        }
        state.entries = state.durable_entries.clone();
        let linked: BTreeSet<FileNumber> = state.entries.values().copied().collect();
        state.files.retain(|number, _| linked.contains(number));
        for file in state.files.values_mut() {
            file.lose(chance, keeps);
        }
    }

    /// Damages a bit, or makes a sector unreadable, in a frame that was synced before the last one of its file. Returns
    /// whether there was any, and where.
    pub(super) fn damage(&self, chance: &mut Chance) -> Option<String> {
        let mut state = self.state.lock();
        let last = state.entries.keys().next_back().cloned()?;
        let files: Vec<(String, FileNumber)> = state.entries.iter().map(|(name, id)| (name.clone(), *id)).collect();
        let mut places = Vec::new();
        for (name, number) in files {
            let synced = &state.files[&number].synced;
            // The last group of the last file is not proven to have been durable by what follows.
            let proven = if name == last { synced.len().saturating_sub(1) } else { synced.len() };
            places.extend(synced[..proven].iter().map(|range| (name.clone(), number, *range)));
        }
        if places.is_empty() {
            return None;
        }
        let (name, number, (start, end)) = places.swap_remove(chance.within(0..places.len() as u64) as usize);
        let at = chance.within(start..end);
        let is_flip = chance.happens(0.7);
        let file = state.files.get_mut(&number)?;
        if at as usize >= file.durable.len() || file.durable.len() != file.content.len() {
            return None;
        }
        if is_flip {
            let bit = 1 << chance.within(0..8);
            file.durable[at as usize] ^= bit;
            file.content[at as usize] ^= bit;
            Some(format!("bit of byte {at} of {name} flipped"))
        } else {
            file.bad_sectors.insert(at / SECTOR_BYTES);
            Some(format!("sector of byte {at} of {name} unreadable"))
        }
    }

    /// The number of files.
    pub(super) fn files(&self) -> usize {
        self.state.lock().entries.len()
    }

    fn operation(&self, kind: &'static str, probability: impl FnOnce(&Weather) -> f64, what: &str) -> io::Result<Fate> {
        match self.machine.operation(kind, probability, what) {
            Fate::Fails => Err(io::Error::other(format!("injected error: {kind} {what}"))),
            fate => Ok(fate),
        }
    }

    fn change_entries(&self, entry: Entry) {
        let mut state = self.state.lock();
        entry.apply(&mut state.entries);
        state.pending_entries.push(entry);
    }
}

impl Entry {
    fn apply(&self, entries: &mut BTreeMap<String, FileNumber>) {
        match self {
            Entry::Made(name, number) => {
                entries.insert(name.clone(), *number);
            }
            Entry::Renamed(from, to) => {
                if let Some(number) = entries.remove(from) {
                    entries.insert(to.clone(), number);
                }
            }
            Entry::Removed(name) => {
                entries.remove(name);
            }
        }
    }
}

/// How much of what was not synced a power cut keeps.
#[derive(Clone, Copy)]
struct Keeps(f64);

impl Keeps {
    fn draw(chance: &mut Chance) -> Keeps {
        Keeps(chance.one(&[0.0, 0.1, 0.5, 0.9, 1.0]))
    }

    fn keep(self, chance: &mut Chance) -> bool {
        chance.happens(self.0)
    }
}

impl FileState {
    fn lose(&mut self, chance: &mut Chance, keeps: Keeps) {
        for write in std::mem::take(&mut self.pending) {
            match write {
                Write::Length(bytes) if keeps.keep(chance) => self.durable.resize(bytes as usize, 0),
                Write::Length(_) => {}
                Write::Bytes(offset, bytes) => {
                    let mut at = 0;
                    while at < bytes.len() {
                        let sector_end = ((offset + at as u64) / SECTOR_BYTES + 1) * SECTOR_BYTES;
                        let end = bytes.len().min((sector_end - offset) as usize);
                        if keeps.keep(chance) {
                            overwrite(&mut self.durable, offset + at as u64, &bytes[at..end]);
                        }
                        at = end;
                    }
                }
            }
        }
        self.content = self.durable.clone();
        self.synced.clear();
    }

    fn sync(&mut self) {
        for write in std::mem::take(&mut self.pending) {
            match write {
                Write::Length(bytes) => self.durable.resize(bytes as usize, 0),
                Write::Bytes(offset, bytes) => {
                    overwrite(&mut self.durable, offset, &bytes);
                    self.synced.push((offset, offset + bytes.len() as u64));
                }
            }
        }
    }

    /// As the kernel does: the pages count as clean afterwards, whatever became of them.
    fn fail_sync(&mut self, chance: &mut Chance) {
        for write in std::mem::take(&mut self.pending) {
            if chance.happens(0.5) {
                match write {
                    Write::Length(bytes) => self.durable.resize(bytes as usize, 0),
                    Write::Bytes(offset, bytes) => overwrite(&mut self.durable, offset, &bytes),
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

impl Disk for SimulatedDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let fate = self.operation("list journal", |weather| weather.journal_files, "")?;
        let names = self.state.lock().entries.keys().cloned().collect();
        self.machine.after(fate);
        Ok(names)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let fate = self.operation("make", |weather| weather.journal_files, name)?;
        if self.machine.is_disk_full() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let number = {
            let mut state = self.state.lock();
            if state.entries.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let number = state.next_number;
            state.next_number += 1;
            let content = vec![0; bytes as usize];
            state
                .files
                .insert(number, FileState { content, pending: vec![Write::Length(bytes)], ..FileState::default() });
            number
        };
        self.change_entries(Entry::Made(name.to_owned(), number));
        self.machine.after(fate);
        Ok(Box::new(SimulatedFile { disk: self.clone(), number, name: name.to_owned() }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let number = self.state.lock().entries.get(name).copied().ok_or_else(|| missing(name))?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), number, name: name.to_owned() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let fate = self.operation("rename", |weather| weather.journal_files, from)?;
        if !self.state.lock().entries.contains_key(from) {
            return Err(missing(from));
        }
        self.change_entries(Entry::Renamed(from.to_owned(), to.to_owned()));
        self.machine.after(fate);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let fate = self.operation("remove", |weather| weather.journal_files, name)?;
        if !self.state.lock().entries.contains_key(name) {
            return Err(missing(name));
        }
        self.change_entries(Entry::Removed(name.to_owned()));
        self.machine.after(fate);
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let fate = self.operation("sync directory", |weather| weather.journal_files, "")?;
        {
            let mut state = self.state.lock();
            state.pending_entries.clear();
            state.durable_entries = state.entries.clone();
        }
        self.machine.after(fate);
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let available = if self.machine.is_disk_full() { 0 } else { DISK_BYTES / 2 };
        Ok(Space { available, total: DISK_BYTES })
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    number: FileNumber,
    name: String,
}

impl SimulatedFile {
    fn with<T>(&self, act: impl FnOnce(&mut FileState) -> T) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        state.files.get_mut(&self.number).map(act).ok_or_else(|| missing(&self.name))
    }
}

impl DiskFile for SimulatedFile {
    fn bytes(&self) -> io::Result<u64> {
        self.with(|file| file.content.len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let what = format!("{} from {offset}", self.name);
        let fate = self.disk.operation("read", |weather| weather.journal_read, &what)?;
        let read = self.with(|file| {
            let rest = file.content.get(offset as usize..).unwrap_or_default();
            let len = rest.len().min(into.len());
            let end = (offset + len as u64).div_ceil(SECTOR_BYTES);
            if file.bad_sectors.range(offset / SECTOR_BYTES..end).next().is_some() {
                return Err(io::Error::other("injected unreadable sector"));
            }
            into[..len].copy_from_slice(&rest[..len]);
            Ok(len)
        })?;
        self.disk.machine.after(fate);
        read
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let what = format!("{} {} bytes at {offset}", self.name, bytes.len());
        let written = self.disk.operation("write", |weather| weather.journal_write, &what);
        // An error may come half way.
        let len = match written {
            Ok(_) => bytes.len(),
            Err(_) => self.disk.machine.chance(|chance| chance.within(0..bytes.len() as u64 + 1)) as usize,
        };
        self.with(|file| {
            overwrite(&mut file.content, offset, &bytes[..len]);
            file.pending.push(Write::Bytes(offset, bytes[..len].to_vec()));
        })?;
        self.disk.machine.after(written?);
        Ok(())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        let fate = self.disk.operation("truncate", |weather| weather.journal_files, &self.name)?;
        self.with(|file| {
            file.content.resize(bytes as usize, 0);
            file.pending.push(Write::Length(bytes));
        })?;
        self.disk.machine.after(fate);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        executor::interleave();
        let synced = self.disk.operation("sync", |weather| weather.journal_sync, &self.name);
        match &synced {
            Ok(_) => self.with(FileState::sync)?,
            Err(_) => {
                let mut chance = self.disk.machine.chance(Chance::fork);
                self.with(|file| file.fail_sync(&mut chance))?;
            }
        }
        self.disk.machine.after(synced?);
        executor::interleave();
        Ok(())
    }
}
