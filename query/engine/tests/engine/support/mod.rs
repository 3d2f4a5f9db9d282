//! Random records as plain rows, and a storage that holds them.

pub mod generate;
pub mod oracle;
pub mod queries;
mod wire;

pub use wire::logs as log_append;

use std::time::Duration;

use tempfile::TempDir;
use tracewell_language::Query;
use tracewell_model::{Logs, TenantId, TimeRange, UnixNanos, Value};
use tracewell_query::{QueryConfig, QueryEngine, QueryScope};
use tracewell_storage::{Storage, StorageConfig};

/// The first time of a record.
pub const BASE: u64 = 1_700_000_000_000_000_000;
/// The steps in which times differ, and how many of them records take.
pub const STEP: u64 = 1_000_000;
pub const STEPS: u64 = 300;

/// A source of numbers that are the same in each run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<String>),
}

impl Val {
    /// As people see it.
    pub fn shown(&self) -> String {
        match self {
            Val::Text(text) => text.clone(),
            Val::Int(number) => number.to_string(),
            Val::Double(number) => number.to_string(),
            Val::Bool(flag) => flag.to_string(),
            Val::List(items) => {
                format!("[{}]", items.iter().map(|item| format!("{item:?}")).collect::<Vec<_>>().join(","))
            }
        }
    }
}

pub type Attrs = Vec<(String, Val)>;

/// Who sent a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    pub resource: Attrs,
    pub scope_name: String,
    pub scope_version: String,
    pub scope: Attrs,
}

impl Origin {
    pub fn service(&self) -> String {
        let name = self.resource.iter().find(|(key, _)| key == "service.name");
        match name {
            Some((_, Val::Text(name))) => name.clone(),
            _ => String::new(),
        }
    }
}

/// A log record.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub id: i64,
    pub origin: Origin,
    pub time: u64,
    pub observed: u64,
    pub trace: Option<u8>,
    pub span: Option<u8>,
    pub severity_number: i32,
    pub severity_text: String,
    pub body: Option<Val>,
    pub event_name: String,
    pub attrs: Attrs,
}

/// A span.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRow {
    pub id: i64,
    pub origin: Origin,
    pub trace: u8,
    pub span: u64,
    pub parent: Option<u64>,
    pub name: String,
    pub kind: i32,
    pub status: i32,
    pub status_message: String,
    pub start: u64,
    pub duration: u64,
    pub attrs: Attrs,
    pub events: Vec<(String, Attrs)>,
    pub links: Vec<Attrs>,
    /// Spans that it links to, by trace and id, beside those links.
    pub linked: Vec<(u8, u64)>,
}

pub fn trace_id(number: u8) -> [u8; 16] {
    [number; 16]
}

pub fn log_span_id(number: u8) -> [u8; 8] {
    [number; 8]
}

fn text(value: &str) -> Val {
    Val::Text(value.to_owned())
}

fn origin(random: &mut Random) -> Origin {
    let mut resource = Vec::new();
    let service = random.pick(&["cart", "checkout", "pay", ""]);
    if !service.is_empty() {
        resource.push(("service.name".to_owned(), text(service)));
    }
    if random.one_in(2) {
        resource.push(("region".to_owned(), text(random.pick(&["eu", "us"]))));
    }
    let scope = if random.one_in(3) { vec![("region".to_owned(), text("scope-eu"))] } else { Vec::new() };
    Origin {
        resource,
        scope_name: random.pick(&["lib-a", "lib-b", ""]).to_owned(),
        scope_version: random.pick(&["1.0", "1.10", ""]).to_owned(),
        scope,
    }
}

fn attrs(random: &mut Random, id: i64) -> Attrs {
    let mut attrs = vec![("row".to_owned(), Val::Int(id))];
    if random.one_in(2) {
        attrs.push(("http.route".to_owned(), text(random.pick(&["/cart", "/cart/{id}", "/Cart", "/checkout", ""]))));
    }
    if random.one_in(2) {
        let code = [Val::Int(200), Val::Int(500), text("500"), Val::Double(500.0), Val::Double(499.5), Val::Int(-1)];
        attrs.push(("code".to_owned(), random.pick(&code)));
    }
    if random.one_in(4) {
        attrs.push(("flag".to_owned(), random.pick(&[Val::Bool(true), text("true"), Val::Bool(false)])));
    }
    if random.one_in(4) {
        attrs.push(("region".to_owned(), text(random.pick(&["eu", "asia"]))));
    }
    if random.one_in(6) {
        attrs.push(("tags".to_owned(), Val::List(vec!["a".to_owned(), "b c".to_owned()])));
    }
    if random.one_in(8) {
        attrs.push(("odd name".to_owned(), text("x")));
    }
    attrs
}

pub const TEXTS: [&str; 8] = [
    "Connection refused by db-1",
    "timeout after 5ms",
    "TIMEOUT: retry",
    "user=42 login ok",
    "viel Ärger mit café",
    "read timeout_ms",
    "",
    "connection was refused",
];

/// Log records in batches, some of them twice.
pub fn logs(seed: u64, count: usize) -> Vec<Vec<Log>> {
    let random = &mut Random::new(seed);
    let mut batches = vec![Vec::new()];
    for id in 0..count as i64 {
        let body = match random.below(10) {
            0 => None,
            1 => Some(Val::Int(42)),
            2 => Some(Val::List(vec!["timeout".to_owned()])),
            _ => Some(text(random.pick(&TEXTS))),
        };
        let log = Log {
            id,
            origin: origin(random),
            time: BASE + random.below(STEPS) * STEP,
            observed: BASE + random.below(3),
            trace: random.one_in(2).then(|| 1 + random.below(9) as u8),
            span: random.one_in(2).then(|| 1 + random.below(3) as u8),
            severity_number: random.pick(&[0, 1, 5, 9, 10, 13, 17, 21, 99]),
            severity_text: random.pick(&["", "INFO", "Warn", "notice"]).to_owned(),
            body,
            event_name: random.pick(&["", "", "order.placed"]).to_owned(),
            attrs: attrs(random, id),
        };
        let copies = if random.one_in(25) { 3 } else { 1 };
        if let Some(batch) = batches.last_mut() {
            batch.extend(std::iter::repeat_n(log, copies));
        }
        if random.one_in(40) {
            batches.push(Vec::new());
        }
    }
    batches
}

/// Spans in batches, the spans of a trace in several of them.
pub fn spans(seed: u64, count: usize) -> Vec<Vec<SpanRow>> {
    let random = &mut Random::new(seed);
    let mut batches = vec![Vec::new()];
    for id in 0..count as i64 {
        let trace = 1 + random.below((count as u64 / 6).clamp(1, 250)) as u8;
        let mut events = Vec::new();
        for _ in 0..random.below(3) {
            let exception = text(random.pick(&["IOError", "TimeoutError"]));
            let name = random.pick(&["exception", "cache miss"]).to_owned();
            events.push((name, vec![("exception.type".to_owned(), exception)]));
        }
        let span = SpanRow {
            id,
            origin: origin(random),
            trace,
            span: id as u64 + 1,
            parent: (!random.one_in(5)).then(|| 1 + random.below(count as u64)),
            name: random.pick(&["GET /cart", "POST /checkout", "query", "GET /cart/{id}"]).to_owned(),
            kind: random.below(6) as i32,
            status: random.pick(&[0, 0, 1, 2]),
            status_message: random.pick(&["", "", "connection refused"]).to_owned(),
            start: BASE + random.below(STEPS) * STEP,
            duration: random.below(2_000) * 700_000,
            attrs: attrs(random, id),
            events,
            links: (0..random.below(2)).map(|_| vec![("reason".to_owned(), text("retry"))]).collect(),
            linked: Vec::new(),
        };
        if let Some(batch) = batches.last_mut() {
            batch.push(span);
        }
        if random.one_in(40) {
            batches.push(Vec::new());
        }
    }
    batches
}

/// The ids of log records, row by row.
pub fn ids_of(logs: &Logs) -> Vec<i64> {
    let id = |row| match logs.attributes.get(row, "row") {
        Some(Value::Int(id)) => id,
        other => panic!("{other:?} is no id"),
    };
    (0..logs.len()).map(id).collect()
}

pub fn tenant() -> TenantId {
    TenantId::default_tenant()
}

/// A range that holds all records of the tests.
pub fn all_time() -> TimeRange {
    TimeRange { start: UnixNanos(BASE), end: UnixNanos(BASE + STEPS * STEP) }
}

pub fn parsed(query: &str) -> Query {
    tracewell_language::parse(query).unwrap_or_else(|error| panic!("{query:?}: {error}"))
}

pub fn scope(query: &str, time: TimeRange) -> QueryScope {
    QueryScope::everything(tenant(), time).matching(parsed(query))
}

/// A storage that flushes and compacts only when it is told to, with an engine.
pub struct Server {
    pub storage: Storage,
    pub engine: QueryEngine,
    _dir: TempDir,
}

impl Server {
    pub async fn start() -> Server {
        Server::with(QueryConfig::default()).await
    }

    pub async fn with(queries: QueryConfig) -> Server {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = StorageConfig::new(dir.path());
        config.flush_interval = Duration::from_secs(3_600);
        config.compaction_interval = Duration::ZERO;
        let storage = Storage::open(config).await.expect("a storage");
        let engine = QueryEngine::new(storage.clone(), queries);
        Server { storage, engine, _dir: dir }
    }

    pub async fn send_logs(&self, batches: &[Vec<Log>]) {
        for batch in batches.iter().filter(|batch| !batch.is_empty()) {
            self.storage.append(wire::logs(batch)).await.expect("stored");
        }
    }

    pub async fn send_spans(&self, batches: &[Vec<SpanRow>]) {
        for batch in batches.iter().filter(|batch| !batch.is_empty()) {
            self.storage.append(wire::spans(batch)).await.expect("stored");
        }
    }
}
