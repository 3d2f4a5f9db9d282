//! Who emitted a record: its resource and its instrumentation scope.

use std::sync::Arc;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::{Attributes, Value};

/// A resource with one of its instrumentation scopes: what OTLP states once for many spans or log records.
///
/// `resource` and `scope` are the protobuf messages `Resource` and `InstrumentationScope` as they came (empty where
/// absent, repaired where they could not be read safely), so that nothing is lost; the other fields are read from them
/// for use in queries.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The encoded `opentelemetry.proto.resource.v1.Resource`.
    pub resource: Vec<u8>,
    /// `ResourceSpans.schema_url`.
    pub resource_schema_url: String,
    /// The encoded `opentelemetry.proto.common.v1.InstrumentationScope`.
    pub scope: Vec<u8>,
    /// `ScopeSpans.schema_url`.
    pub scope_schema_url: String,
    /// The attributes of the resource, as the only row.
    pub resource_attributes: Attributes,
    /// The name of the instrumentation scope.
    pub name: String,
    /// The version of the instrumentation scope.
    pub version: String,
    /// The attributes of the instrumentation scope, as the only row.
    pub scope_attributes: Attributes,
}

impl Scope {
    /// The resource attribute `service.name`, `""` when it is missing or no string.
    pub fn service_name(&self) -> &str {
        match self.resource_attribute("service.name") {
            Some(Value::String(name)) => name,
            _ => "",
        }
    }

    /// A resource attribute.
    pub fn resource_attribute(&self, key: &str) -> Option<Value<'_>> {
        if self.resource_attributes.is_empty() {
            return None;
        }
        self.resource_attributes.get(0, key)
    }

    /// An attribute of the instrumentation scope.
    pub fn scope_attribute(&self, key: &str) -> Option<Value<'_>> {
        if self.scope_attributes.is_empty() {
            return None;
        }
        self.scope_attributes.get(0, key)
    }

    fn hash(&self) -> u64 {
        let mut hash = xxh3_64(&self.resource);
        for part in [self.resource_schema_url.as_bytes(), &self.scope, self.scope_schema_url.as_bytes()] {
            hash = hash.rotate_left(13).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ xxh3_64(part);
        }
        hash
    }

    fn is_same(&self, other: &Scope) -> bool {
        self.resource == other.resource
            && self.scope == other.scope
            && self.resource_schema_url == other.resource_schema_url
            && self.scope_schema_url == other.scope_schema_url
    }
}

/// The distinct scopes of a batch, numbered in the order of their first use.
#[derive(Clone, Debug, Default)]
pub struct ScopeTable {
    scopes: Vec<Arc<Scope>>,
    index: HashTable<u32>,
}

impl ScopeTable {
    /// The number of `scope`, which is added when it is new.
    pub fn intern(&mut self, scope: &Arc<Scope>) -> u32 {
        let ScopeTable { scopes, index } = self;
        let hash = scope.hash();
        let same = |&number: &u32| {
            let known = &scopes[number as usize];
            Arc::ptr_eq(known, scope) || known.is_same(scope)
        };
        if let Some(&number) = index.find(hash, same) {
            return number;
        }
        let number = scopes.len() as u32;
        index.insert_unique(hash, number, |&number| scopes[number as usize].hash());
        scopes.push(Arc::clone(scope));
        number
    }

    /// The scope with this number.
    pub fn get(&self, number: u32) -> &Arc<Scope> {
        &self.scopes[number as usize]
    }

    /// The number of scopes.
    pub fn len(&self) -> usize {
        self.scopes.len()
    }

    /// Whether there is no scope.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// All scopes by number.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Scope>> {
        self.scopes.iter()
    }

    /// Adds the scopes of `other`; the result gives the new number of each.
    pub fn merge(&mut self, other: &ScopeTable) -> Vec<u32> {
        // Parts of one segment have its scopes: these need not be looked into.
        if self.is_empty() {
            self.clone_from(other);
        }
        let mut pairs = self.scopes.iter().zip(&other.scopes);
        if other.len() <= self.len() && pairs.all(|(known, scope)| Arc::ptr_eq(known, scope)) {
            return (0..other.len() as u32).collect();
        }
        other.scopes.iter().map(|scope| self.intern(scope)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> ScopeTable {
        let mut table = ScopeTable::default();
        for name in names {
            table.intern(&Arc::new(Scope { resource: name.as_bytes().to_vec(), ..Scope::default() }));
        }
        table
    }

    #[test]
    fn merging_gives_the_number_of_each_scope_whichever_are_known() {
        let [first, same] = [table(&["a", "b"]), table(&["a", "b"])];
        let mut merged = ScopeTable::default();
        assert_eq!(merged.merge(&first), [0, 1]);
        assert_eq!(merged.merge(&first.clone()), [0, 1], "the same scopes");
        assert_eq!(merged.merge(&same), [0, 1], "equal scopes");
        assert_eq!(merged.merge(&table(&["b", "c"])), [1, 2]);
        assert_eq!(merged.merge(&first), [0, 1], "the first of more");
        assert_eq!(merged.merge(&ScopeTable::default()), [0u32; 0]);
        let names: Vec<_> = merged.iter().map(|scope| scope.resource.clone()).collect();
        assert_eq!(names, [b"a", b"b", b"c"]);
    }
}
