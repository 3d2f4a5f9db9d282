//! What is counted: operations of spans, severities of log records, calls between nodes. Numbered while counting, within
//! bounds: what goes beyond is counted together as "other".

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::HashMap;

/// The number of whatever went beyond the bounds.
pub(super) const OTHER: u32 = 0;
/// The most span names and severity texts. Beyond, new ones are other.
const NAMES_MAX: usize = 10_000;
/// The most names altogether, those of services and nodes included.
const ALL_NAMES_MAX: usize = 14_000;
/// Longer names are other.
const NAME_BYTES_MAX: usize = 1_024;
/// The bytes of all names.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// The most keys of a table. Beyond, keys keep no more than what overviews need.
pub(super) const KEYS_MAX: usize = 20_000;
/// The most nodes of a graph.
const NODES_MAX: usize = 4_000;

/// `SpanKind` of spans that answer a request, and of those that take a message.
pub(super) const SERVER: i32 = 2;
/// See [`SERVER`].
pub(super) const CONSUMER: i32 = 5;
const INTERNAL: i32 = 1;
/// `Status.code` of failures.
pub(super) const ERROR: i32 = 2;

/// Spans that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanKey {
    /// `service.name`, `""` without one; none: one of too many services.
    pub service: Option<Arc<str>>,
    /// The span's name; none: one of too many.
    pub name: Option<Arc<str>>,
    /// As sent.
    pub kind: i32,
    /// As sent.
    pub status: i32,
    /// Whether they have no parent.
    pub is_root: bool,
}

impl SpanKey {
    /// Whether they are where a service is entered: of kind server or consumer, or without a parent.
    pub fn is_entry(&self) -> bool {
        self.is_root || matches!(self.kind, SERVER | CONSUMER)
    }

    /// Whether they failed.
    pub fn is_error(&self) -> bool {
        self.status == ERROR
    }
}

/// Log records that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogKey {
    /// `service.name`, `""` without one; none: one of too many services.
    pub service: Option<Arc<str>>,
    /// As sent.
    pub severity: i32,
    /// As sent; none: one of too many.
    pub severity_text: Option<Arc<str>>,
}

/// What a node of the service graph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeKind {
    /// A service that sends spans.
    Service,
    /// A database, named by attributes of spans that call it.
    Database,
    /// A queue or topic, named by attributes of spans that send to it or receive from it.
    Messaging,
    /// Something else that is called and sends no spans.
    External,
}

impl NodeKind {
    pub(super) const ALL: [NodeKind; 4] =
        [NodeKind::Service, NodeKind::Database, NodeKind::Messaging, NodeKind::External];
}

/// A node of the service graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// `db.system.name` or `messaging.system`, otherwise `""`.
    pub system: Arc<str>,
    /// Its name; none: one of too many.
    pub name: Option<Arc<str>>,
}

/// How one node uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeKind {
    /// A service calls another.
    Call,
    /// A message goes from producer to consumer, or to or from a queue.
    Messaging,
    /// A database is asked.
    Database,
    /// Something that sends no spans is called.
    External,
}

impl EdgeKind {
    pub(super) const ALL: [EdgeKind; 4] = [EdgeKind::Call, EdgeKind::Messaging, EdgeKind::Database, EdgeKind::External];
}

/// A [`SpanKey`] by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SpanNumbers {
    pub service: u32,
    pub name: u32,
    pub kind: i32,
    pub status: i32,
    pub is_root: bool,
}

/// A [`LogKey`] by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LogNumbers {
    pub service: u32,
    pub severity: i32,
    pub severity_text: u32,
}

/// A [`Node`] by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NodeNumbers {
    pub kind: NodeKind,
    pub system: u32,
    pub name: u32,
}

/// A kind of call by the numbers of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EdgeNumbers {
    pub source: u32,
    pub target: u32,
    pub kind: EdgeKind,
    pub failed: bool,
}

/// Numbers keys in the order of their first use.
#[derive(Debug)]
pub(super) struct Numbering<K> {
    pub list: Vec<K>,
    index: HashMap<K, u32>,
}

impl<K: Copy + Eq + Hash> Numbering<K> {
    fn new() -> Self {
        Numbering { list: Vec::new(), index: HashMap::new() }
    }

    /// The number of `key`, unless it is new and there are `max` already.
    fn number(&mut self, key: K, max: usize) -> Option<u32> {
        if let Some(&number) = self.index.get(&key) {
            return Some(number);
        }
        (self.list.len() < max).then(|| {
            let number = self.list.len() as u32;
            self.index.insert(key, number);
            self.list.push(key);
            number
        })
    }
}

/// All keys of a rollup being made.
#[derive(Debug)]
pub(super) struct Keys {
    /// Names by number; the first stands for [`OTHER`].
    pub names: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32>,
    text_bytes: usize,
    pub spans: Numbering<SpanNumbers>,
    pub logs: Numbering<LogNumbers>,
    pub nodes: Numbering<NodeNumbers>,
    pub edges: Numbering<EdgeNumbers>,
}

impl Keys {
    pub(super) fn new() -> Keys {
        Keys {
            names: vec![Arc::from("")],
            index: HashMap::new(),
            text_bytes: 0,
            spans: Numbering::new(),
            logs: Numbering::new(),
            nodes: Numbering::new(),
            edges: Numbering::new(),
        }
    }

    /// The number of a span name or severity text.
    pub(super) fn name(&mut self, text: &str) -> u32 {
        self.intern(text, NAMES_MAX)
    }

    /// The number of the name of a service or another node.
    pub(super) fn service(&mut self, text: &str) -> u32 {
        self.intern(text, ALL_NAMES_MAX)
    }

    fn intern(&mut self, text: &str, max: usize) -> u32 {
        if let Some(&number) = self.index.get(text) {
            return number;
        }
        let is_full = self.names.len() >= max || self.text_bytes + text.len() > TEXT_BYTES_MAX;
        if is_full || text.len() > NAME_BYTES_MAX {
            return OTHER;
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = Arc::from(text);
        self.text_bytes += text.len();
        self.index.insert(Arc::clone(&name), number);
        self.names.push(name);
        number
    }

    /// The number of a span key.
    pub(super) fn span(&mut self, key: SpanNumbers) -> u32 {
        let nameless = SpanNumbers { name: OTHER, ..key };
        let is_entry = key.is_root || matches!(key.kind, SERVER | CONSUMER);
        let status = if key.status == ERROR { ERROR } else { 0 };
        let kind = if is_entry { SERVER } else { INTERNAL };
        let any = SpanNumbers { service: OTHER, name: OTHER, kind, status, is_root: false };
        let found = self.spans.number(key, KEYS_MAX).or_else(|| self.spans.number(nameless, 2 * KEYS_MAX));
        found.or_else(|| self.spans.number(any, usize::MAX)).unwrap_or_default()
    }

    /// The number of a log key.
    pub(super) fn log(&mut self, key: LogNumbers) -> u32 {
        let textless = LogNumbers { severity_text: OTHER, ..key };
        let any = LogNumbers { service: OTHER, severity: 0, severity_text: OTHER };
        let found = self.logs.number(key, KEYS_MAX).or_else(|| self.logs.number(textless, 2 * KEYS_MAX));
        found.or_else(|| self.logs.number(any, usize::MAX)).unwrap_or_default()
    }

    /// The number of a node.
    pub(super) fn node(&mut self, key: NodeNumbers) -> u32 {
        let nameless = NodeNumbers { system: OTHER, name: OTHER, ..key };
        let found = self.nodes.number(key, NODES_MAX).or_else(|| self.nodes.number(nameless, usize::MAX));
        found.unwrap_or_default()
    }

    /// The number of an edge.
    pub(super) fn edge(&mut self, key: EdgeNumbers) -> u32 {
        if let Some(number) = self.edges.number(key, KEYS_MAX) {
            return number;
        }
        // At most a few of these, whatever comes.
        let other = |kind| NodeNumbers { kind, system: OTHER, name: OTHER };
        let kind_of =
            |keys: &Keys, node: u32| keys.nodes.list.get(node as usize).map_or(NodeKind::Service, |node| node.kind);
        let (source, target) = (kind_of(self, key.source), kind_of(self, key.target));
        let (source, target) = (self.node(other(source)), self.node(other(target)));
        self.edges.number(EdgeNumbers { source, target, ..key }, usize::MAX).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_bounds_are_other_but_services_still_have_room() {
        let mut keys = Keys::new();
        for number in 0..NAMES_MAX + 5 {
            keys.name(&format!("GET /{number}"));
        }
        assert_eq!(keys.name("GET /one more"), OTHER);
        assert_ne!(keys.name("GET /3"), OTHER);
        assert_ne!(keys.service("cart"), OTHER);
        assert_eq!(keys.service(&"x".repeat(NAME_BYTES_MAX + 1)), OTHER);
    }

    #[test]
    fn span_keys_beyond_the_bounds_keep_their_service_then_whether_they_are_entries_and_failed() {
        let mut keys = Keys::new();
        let key = |kind| SpanNumbers { service: 1, name: 2, kind, status: ERROR, is_root: true };
        for kind in 0..2 * KEYS_MAX as i32 + 10 {
            keys.span(key(kind));
        }
        assert_eq!(keys.spans.list[KEYS_MAX], SpanNumbers { name: OTHER, ..key(KEYS_MAX as i32) });
        let last = keys.spans.list[2 * KEYS_MAX];
        assert_eq!(last, SpanNumbers { service: OTHER, name: OTHER, kind: SERVER, status: ERROR, is_root: false });
        assert_eq!(keys.spans.list.len(), 2 * KEYS_MAX + 1);
    }
}
