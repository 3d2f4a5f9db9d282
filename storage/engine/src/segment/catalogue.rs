//! The field catalogue: which attribute keys a segment has, where, of which types and how often.

use std::collections::BTreeMap;

use tracewell_model::{Attributes, Records, ScopeTable, ValueKind};

use super::any_value::{put_varint, take_varint};
use super::columns::DENSE_TYPES;
use crate::{AttributeScope, AttributeType};

/// The most keys that a catalogue names for each scope. Beyond, it is marked incomplete.
const KEYS_MAX: usize = 20_000;

/// All places of attributes, by their number in the format.
const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Resource,
    AttributeScope::Scope,
    AttributeScope::Record,
    AttributeScope::Event,
    AttributeScope::Link,
];

/// How often an attribute occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldCounts {
    /// As string, integer, float and boolean.
    pub typed: [u64; 4],
    /// As anything else: bytes, array, list, empty or absent.
    pub other: u64,
}

impl FieldCounts {
    fn add(&mut self, counts: &FieldCounts) {
        for (sum, more) in self.typed.iter_mut().zip(&counts.typed) {
            *sum += more;
        }
        self.other += counts.other;
    }

    /// Occurrences of any type.
    pub(crate) fn total(&self) -> u64 {
        self.typed.iter().sum::<u64>() + self.other
    }

    /// Occurrences of this type; of any as text.
    pub(crate) fn of(&self, of: AttributeType) -> u64 {
        DENSE_TYPES.iter().position(|dense| *dense == of).map_or_else(|| self.total(), |at| self.typed[at])
    }
}

/// The attribute keys of some rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldCatalogue {
    /// The number of rows.
    pub rows: u64,
    /// Whether every key is named.
    complete: [bool; 5],
    fields: [BTreeMap<String, FieldCounts>; 5],
}

fn place(scope: AttributeScope) -> usize {
    SCOPES.iter().position(|other| *other == scope).unwrap_or_default()
}

impl FieldCatalogue {
    /// Of no rows.
    pub(crate) fn new() -> FieldCatalogue {
        FieldCatalogue { complete: [true; 5], ..FieldCatalogue::default() }
    }

    /// Of these records; resources and scopes count once for each row.
    pub(crate) fn of_records(records: &Records) -> FieldCatalogue {
        let mut catalogue = FieldCatalogue::new();
        catalogue.add_records(records);
        catalogue
    }

    /// Counts records in.
    pub(crate) fn add_records(&mut self, records: &Records) {
        self.rows += records.len() as u64;
        match records {
            Records::Spans(spans) => {
                self.add_attributes(AttributeScope::Record, &spans.attributes);
                self.add_attributes(AttributeScope::Event, &spans.events.attributes);
                self.add_attributes(AttributeScope::Link, &spans.links.attributes);
                self.add_scopes(&spans.scopes, &spans.scope);
            }
            Records::Logs(logs) => {
                self.add_attributes(AttributeScope::Record, &logs.attributes);
                self.add_scopes(&logs.scopes, &logs.scope);
            }
        }
    }

    fn add_scopes(&mut self, scopes: &ScopeTable, rows: &[u32]) {
        let mut uses = vec![0u64; scopes.len()];
        for &scope in rows {
            uses[scope as usize] += 1;
        }
        for (scope, uses) in scopes.iter().zip(uses).filter(|(_, uses)| *uses > 0) {
            let both = [
                (AttributeScope::Resource, &scope.resource_attributes),
                (AttributeScope::Scope, &scope.scope_attributes),
            ];
            for (place, attributes) in both {
                for (key, value) in (0..attributes.len()).flat_map(|row| attributes.row(row)) {
                    self.add(place, key, &one(value.kind(), uses));
                }
            }
        }
    }

    fn add_attributes(&mut self, scope: AttributeScope, attributes: &Attributes) {
        let mut counts = vec![FieldCounts::default(); attributes.dictionary().len()];
        for row in 0..attributes.len() {
            for entry in attributes.entries(row) {
                counts[attributes.keys()[entry] as usize].add(&one(attributes.values().kind(entry), 1));
            }
        }
        for (key, counts) in attributes.dictionary().iter().zip(&counts).filter(|(_, counts)| counts.total() > 0) {
            self.add(scope, key, counts);
        }
    }

    fn add(&mut self, scope: AttributeScope, key: &str, counts: &FieldCounts) {
        let place = place(scope);
        let fields = &mut self.fields[place];
        if let Some(sum) = fields.get_mut(key) {
            sum.add(counts);
        } else if fields.len() < KEYS_MAX {
            fields.insert(key.to_owned(), *counts);
        } else {
            self.complete[place] = false;
        }
    }

    /// Counts in what another catalogue counted.
    pub(crate) fn merge(&mut self, other: &FieldCatalogue) {
        self.rows += other.rows;
        for scope in SCOPES {
            for (key, counts) in other.fields(scope) {
                self.add(scope, key, counts);
            }
            self.complete[place(scope)] &= other.complete[place(scope)];
        }
    }

    /// The keys at a place, in order, and how often they occur.
    pub(crate) fn fields(&self, scope: AttributeScope) -> impl Iterator<Item = (&str, &FieldCounts)> {
        self.fields[place(scope)].iter().map(|(key, counts)| (key.as_str(), counts))
    }

    /// How often a key occurs; none when that is not known.
    pub(crate) fn counts(&self, scope: AttributeScope, key: &str) -> Option<FieldCounts> {
        match self.fields[place(scope)].get(key) {
            Some(counts) => Some(*counts),
            None => self.complete[place(scope)].then(FieldCounts::default),
        }
    }

    /// The catalogue as bytes: see docs/formats/segment.md.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.rows);
        for (complete, fields) in self.complete.iter().zip(&self.fields) {
            bytes.push(u8::from(*complete));
            put_varint(&mut bytes, fields.len() as u64);
            for (key, counts) in fields {
                put_varint(&mut bytes, key.len() as u64);
                bytes.extend_from_slice(key.as_bytes());
                for count in counts.typed.iter().chain([&counts.other]) {
                    put_varint(&mut bytes, *count);
                }
            }
        }
        bytes
    }

    /// The catalogue in `bytes`, unless they are damaged.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<FieldCatalogue> {
        let bytes = &mut bytes;
        let mut catalogue = FieldCatalogue { rows: take_varint(bytes)?, ..FieldCatalogue::default() };
        for place in 0..SCOPES.len() {
            let (&complete, rest) = bytes.split_first()?;
            *bytes = rest;
            catalogue.complete[place] = complete != 0;
            for _ in 0..take_varint(bytes)? {
                let length = usize::try_from(take_varint(bytes)?).ok()?;
                let (key, rest) = bytes.split_at_checked(length)?;
                *bytes = rest;
                let mut counts = FieldCounts::default();
                for count in &mut counts.typed {
                    *count = take_varint(bytes)?;
                }
                counts.other = take_varint(bytes)?;
                catalogue.fields[place].insert(std::str::from_utf8(key).ok()?.to_owned(), counts);
            }
        }
        Some(catalogue)
    }
}

fn one(kind: ValueKind, times: u64) -> FieldCounts {
    let mut counts = FieldCounts::default();
    match kind {
        ValueKind::String => counts.typed[0] = times,
        ValueKind::Int => counts.typed[1] = times,
        ValueKind::Double => counts.typed[2] = times,
        ValueKind::Bool => counts.typed[3] = times,
        _ => counts.other = times,
    }
    counts
}

#[cfg(test)]
mod tests {
    use tracewell_model::{Logs, Value};

    use super::*;

    fn logs(pairs: &[(&str, Value<'_>)]) -> Records {
        let mut logs = Logs::default();
        for (key, value) in pairs {
            logs.attributes.push(key, *value);
            logs.attributes.end_row();
            logs.timestamp.push(0);
        }
        Records::Logs(logs)
    }

    #[test]
    fn catalogues_merge_and_come_back_from_their_bytes() {
        let mut catalogue = FieldCatalogue::of_records(&logs(&[("a", Value::Int(1)), ("b", Value::String("x"))]));
        catalogue.merge(&FieldCatalogue::of_records(&logs(&[("a", Value::Bytes(&[]))])));
        let read = FieldCatalogue::decode(&catalogue.encode()).expect("undamaged");
        assert_eq!(read, catalogue);
        let counts = read.counts(AttributeScope::Record, "a").expect("named");
        assert_eq!((counts.of(AttributeType::Int), counts.other, counts.total()), (1, 1, 2));
        assert_eq!(read.counts(AttributeScope::Record, "c"), Some(FieldCounts::default()));
        assert_eq!(FieldCatalogue::decode(&catalogue.encode()[..9]), None);
    }
}
