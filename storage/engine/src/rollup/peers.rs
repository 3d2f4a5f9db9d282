//! What a span calls that is no service of its own: databases, queues and others, by its attributes.

use tracewell_model::{Attributes, Value};

use super::keys::{Keys, NodeKind, NodeNumbers};

/// The attributes that name peers, each list with the current name first.
const DATABASE: &[&str] = &["db.system.name", "db.system"];
const DATABASE_NAME: &[&str] = &["peer.service", "server.address", "net.peer.name", "db.namespace", "db.name"];
const MESSAGING: &[&str] = &["messaging.system"];
const DESTINATION: &[&str] = &["messaging.destination.name", "messaging.destination"];
const EXTERNAL_NAME: &[&str] = &["peer.service", "server.address", "net.peer.name", "http.host"];

/// The numbers of these attributes in a batch.
pub(super) struct PeerKeys {
    database: Vec<u32>,
    database_name: Vec<u32>,
    messaging: Vec<u32>,
    destination: Vec<u32>,
    external_name: Vec<u32>,
}

impl PeerKeys {
    /// In the attributes of some spans.
    pub(super) fn new(attributes: &Attributes) -> PeerKeys {
        let numbers = |names: &[&str]| names.iter().filter_map(|name| attributes.dictionary().find(name)).collect();
        PeerKeys {
            database: numbers(DATABASE),
            database_name: numbers(DATABASE_NAME),
            messaging: numbers(MESSAGING),
            destination: numbers(DESTINATION),
            external_name: numbers(EXTERNAL_NAME),
        }
    }

    /// The database that a client span asks.
    pub(super) fn database(&self, attributes: &Attributes, row: usize, keys: &mut Keys) -> Option<u32> {
        let system = text(attributes, row, &self.database)?;
        let name = text(attributes, row, &self.database_name).unwrap_or(system);
        Some(node(keys, NodeKind::Database, system, name))
    }

    /// The queue that a producer span sends to, or that a consumer span receives from.
    pub(super) fn queue(&self, attributes: &Attributes, row: usize, keys: &mut Keys) -> Option<u32> {
        let system = text(attributes, row, &self.messaging);
        let destination = text(attributes, row, &self.destination);
        let name = destination.or(system)?;
        Some(node(keys, NodeKind::Messaging, system.unwrap_or_default(), name))
    }

    /// What a client span calls, if that turns out to send no spans.
    pub(super) fn external(&self, attributes: &Attributes, row: usize, keys: &mut Keys) -> Option<u32> {
        let name = text(attributes, row, &self.external_name)?;
        Some(node(keys, NodeKind::External, "", name))
    }
}

fn node(keys: &mut Keys, kind: NodeKind, system: &str, name: &str) -> u32 {
    let (system, name) = (keys.service(system), keys.service(name));
    keys.node(NodeNumbers { kind, system, name })
}

/// The first of the attributes that is a text with something in it.
fn text<'a>(attributes: &'a Attributes, row: usize, keys: &[u32]) -> Option<&'a str> {
    keys.iter().find_map(|&key| match attributes.get_numbered(row, key)? {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })
}
