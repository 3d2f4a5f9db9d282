//! Appending: a bounded queue and the one thread that writes the journal.
//!
//! The thread takes what has queued up while it wrote the last group, writes it as one group, and after the fsync puts
//! each request into its table before it answers. So requests become durable and visible in one order, and an
//! answered request is both.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracewell_model::{Records, TenantId, UnixNanos};

use super::duplicates::{Duplicates, RequestKey};
use super::shared::Shared;
use super::{Append, Appended};
use crate::bugs::{Bug, planted};
use crate::journal::{Entry, Journal, JournalError};
use crate::live::{Chunk, StoredRequest, Table};
use crate::world::{World, timeout};
use crate::{StorageError, StorageErrorKind};

/// Requests that may wait.
const QUEUE_REQUESTS_MAX: usize = 4_096;
/// Bytes of requests that may wait. A single larger request may, when nothing else does.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// How long a request waits to get into the queue.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(2);
/// A group is written when it has this many bytes. It is written sooner when nothing more waits: the time that the
/// disk takes for a group is what lets the next one gather.
const GROUP_BYTES_MAX: usize = 4 << 20;

type Answer = Result<Appended, StorageError>;

struct Request {
    table: Arc<Table>,
    entry: Entry,
    records: Records,
    answer: oneshot::Sender<Answer>,
    _room: OwnedSemaphorePermit,
}

enum Command {
    Append(Box<Request>),
    /// Find out whether the journal works again.
    Probe,
    /// Ends the current file of the journal.
    Rotate(oneshot::Sender<()>),
    /// Forgets which requests of a tenant were stored.
    Forget(TenantId, oneshot::Sender<()>),
    /// Finish what has queued up, then end.
    Close,
}

/// The entrance to the journal.
pub(super) struct Ingest {
    queue: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    world: Arc<dyn World>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Ingest {
    /// Starts the writer's thread. `inserted` is notified when tables got new chunks.
    pub(super) fn start(
        shared: Arc<Shared>,
        journal: Journal,
        duplicates: Duplicates,
        inserted: Arc<Notify>,
    ) -> Result<Ingest, StorageError> {
        let (queue, commands) = mpsc::channel(QUEUE_REQUESTS_MAX);
        let world = Arc::clone(&shared.world);
        let (end, ended) = oneshot::channel();
        let writing = async move {
            let _guard = PanicGuard(Arc::clone(&shared));
            Writer { shared, journal, duplicates, inserted }.run(commands).await;
            // Nobody minds when who waited has gone.
            let _ = end.send(());
        };
        world
            .thread("journal", Box::pin(writing))
            .map_err(|error| internal(format!("cannot start the thread of the journal: {error}")))?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX));
        Ok(Ingest { queue, room, world, ended: Mutex::new(Some(ended)) })
    }

    /// Appends a request that `table` is for.
    pub(super) async fn append(&self, table: Arc<Table>, append: Append) -> Answer {
        let bytes = append.body.len().clamp(1, QUEUE_BYTES_MAX) as u32;
        let (answer, answered) = oneshot::channel();
        let enqueued = timeout(self.world.as_ref(), QUEUE_WAIT_MAX, async {
            let room = Arc::clone(&self.room).acquire_many_owned(bytes).await.map_err(|_| closing())?;
            let entry = Entry {
                tenant: append.tenant,
                signal: append.records.signal(),
                encoding: append.encoding,
                received_at: append.received_at,
                request_hash: append.request_hash,
                body: append.body,
            };
            let request = Request { table, entry, records: append.records, answer, _room: room };
            self.queue.send(Command::Append(Box::new(request))).await.map_err(|_| closing())
        });
        match enqueued.await {
            Some(sent) => sent?,
            None => return Err(unavailable("the queue of the journal is full: the disk does not keep up".into())),
        }
        // Dropped without an answer when the storage closes.
        answered.await.unwrap_or_else(|_| Err(closing()))
    }

    /// Finds out whether the journal works again, when nothing else waits.
    pub(super) fn probe(&self) {
        let _ = self.queue.try_send(Command::Probe);
    }

    /// Ends the current file of the journal, so that it can go when its requests are in segments.
    pub(super) async fn rotate(&self) -> Result<(), StorageError> {
        let (reply, done) = oneshot::channel();
        self.queue.send(Command::Rotate(reply)).await.map_err(|_| closing())?;
        done.await.map_err(|_| closing())
    }

    /// Forgets which requests of the tenant were stored: sent again, they are stored again.
    pub(super) async fn forget(&self, tenant: &TenantId) -> Result<(), StorageError> {
        let (reply, done) = oneshot::channel();
        self.queue.send(Command::Forget(tenant.clone(), reply)).await.map_err(|_| closing())?;
        done.await.map_err(|_| closing())
    }

    /// Finishes the requests that have queued up and refuses further ones.
    pub(super) async fn close(&self) {
        // It fails when the thread has ended already.
        let _ = self.queue.send(Command::Close).await;
        let ended = self.ended.lock().take();
        if let Some(ended) = ended
            && ended.await.is_err()
        {
            tracing::error!("the thread of the journal panicked");
        }
    }
}

/// Says so when the thread dies of a fault: then nothing can be stored until a restart, which replays the journal.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.health.set_journal(Some("the journal stopped after a fault of the program: restart it".into()));
        }
    }
}

/// The journal's thread.
struct Writer {
    shared: Arc<Shared>,
    journal: Journal,
    duplicates: Duplicates,
    inserted: Arc<Notify>,
}

impl Writer {
    /// Blocks while it writes.
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut group = Vec::new();
        while let Some(first) = commands.recv().await {
            let mut bytes = 0;
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Append(request) => {
                        bytes += request.entry.frame_bytes();
                        group.push(*request);
                    }
                    Command::Probe => self.probe(),
                    Command::Rotate(done) => {
                        self.journal.rotate();
                        // Nobody minds when who asked has gone.
                        let _ = done.send(());
                    }
                    Command::Forget(tenant, done) => {
                        self.duplicates.forget_tenant(&tenant);
                        let _ = done.send(());
                    }
                    // What is in the queue is still received; nothing more gets in.
                    Command::Close => commands.close(),
                }
                next = if bytes < GROUP_BYTES_MAX { commands.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.store(std::mem::take(&mut group));
            }
        }
    }

    fn probe(&mut self) {
        let outcome = self.journal.probe();
        self.shared.health.set_journal(outcome.err().map(|error| error.to_string()));
    }

    /// Makes a group durable, then visible, then answers.
    fn store(&mut self, group: Vec<Request>) {
        let now = self.shared.world.now();
        self.duplicates.forget_old(now);
        let Sorted { fresh, resent, known } = self.sort(group);
        known.into_iter().for_each(|request| answer(request.answer, Ok(Appended::Duplicate)));
        if fresh.is_empty() {
            return;
        }
        let (entries, mut waiting): (Vec<Entry>, Vec<Waiting>) = fresh.into_iter().map(Request::split).unzip();
        if planted(Bug::EarlyAcknowledgement) {
            for waiting in &mut waiting {
                answer(std::mem::replace(&mut waiting.answer, oneshot::channel().0), Ok(Appended::Stored));
            }
        }
        match self.journal.append(&entries) {
            Ok(first_sequence) => {
                self.shared.health.set_journal(None);
                let answers = self.insert(first_sequence, entries, waiting, now);
                answers.into_iter().for_each(|sender| answer(sender, Ok(Appended::Stored)));
                resent.into_iter().for_each(|request| answer(request.answer, Ok(Appended::Duplicate)));
                self.inserted.notify_one();
            }
            Err(error) => {
                let is_ignored = planted(Bug::FullDiskAcknowledged) && matches!(error, JournalError::DiskFull(_));
                let error = unavailable(error.to_string());
                self.shared.health.set_journal(Some(error.to_string()));
                let answers = waiting.into_iter().map(|waiting| waiting.answer);
                let resent = resent.into_iter().map(|request| request.answer);
                answers.chain(resent).for_each(|sender| {
                    answer(sender, if is_ignored { Ok(Appended::Stored) } else { Err(error.clone()) });
                });
            }
        }
    }

    /// Separates resends of what is durable (`known`) and of what is in the group (`resent`) from what is new.
    fn sort(&self, group: Vec<Request>) -> Sorted {
        let mut sorted = Sorted::default();
        let mut in_group = hashbrown::HashSet::with_capacity(group.len());
        for request in group {
            let key = request.key();
            if self.duplicates.contains(&key) {
                sorted.known.push(request);
            } else if in_group.insert(key) {
                sorted.fresh.push(request);
            } else {
                sorted.resent.push(request);
            }
        }
        sorted
    }

    fn insert(
        &mut self,
        first_sequence: u64,
        entries: Vec<Entry>,
        waiting: Vec<Waiting>,
        now: UnixNanos,
    ) -> Vec<oneshot::Sender<Answer>> {
        let since = self.shared.world.instant();
        let mut answers = Vec::with_capacity(waiting.len());
        let mut by_table: Vec<(Arc<Table>, Vec<Arc<Chunk>>)> = Vec::new();
        for ((sequence, entry), waiting) in (first_sequence..).zip(entries).zip(waiting) {
            let request = StoredRequest { hash: entry.request_hash, received_at: entry.received_at };
            let key = RequestKey { tenant: entry.tenant, signal: entry.signal, hash: entry.request_hash };
            // By the time of the storage: the order of the queue is the order of forgetting.
            self.duplicates.insert(key, now);
            answers.push(waiting.answer);
            let Some(chunk) = Chunk::new(waiting.records, request, sequence, since).map(Arc::new) else { continue };
            let is_same = |table: &Arc<Table>| {
                Arc::ptr_eq(table, &waiting.table)
                    || planted(Bug::WrongTenant) && table.signal() == waiting.table.signal()
            };
            match by_table.iter_mut().find(|(table, _)| is_same(table)) {
                Some((_, chunks)) => chunks.push(chunk),
                None => by_table.push((waiting.table, vec![chunk])),
            }
        }
        for (table, chunks) in by_table {
            table.append(chunks.clone());
            chunks.iter().for_each(|chunk| self.shared.tails.publish(table.tenant(), chunk.records()));
        }
        answers
    }
}

#[derive(Default)]
struct Sorted {
    fresh: Vec<Request>,
    resent: Vec<Request>,
    known: Vec<Request>,
}

/// What is left of a request when the journal has its entry. The room in the queue is given back with the answer.
struct Waiting {
    table: Arc<Table>,
    records: Records,
    answer: oneshot::Sender<Answer>,
    _room: OwnedSemaphorePermit,
}

impl Request {
    fn key(&self) -> RequestKey {
        RequestKey { tenant: self.entry.tenant.clone(), signal: self.entry.signal, hash: self.entry.request_hash }
    }

    fn split(self) -> (Entry, Waiting) {
        (self.entry, Waiting { table: self.table, records: self.records, answer: self.answer, _room: self._room })
    }
}

/// Nobody minds when who asked has gone.
fn answer(sender: oneshot::Sender<Answer>, answer: Answer) {
    let _ = sender.send(answer);
}

fn closing() -> StorageError {
    unavailable("the storage is closing".into())
}

fn unavailable(message: String) -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable, message)
}

fn internal(message: String) -> StorageError {
    StorageError::new(StorageErrorKind::Internal, message)
}
