//! Resources with their instrumentation scopes.

use std::sync::Arc;

use tracewell_model::{Attributes, Scope, ScopeTable, UnixNanos};

use super::attributes::AttributeReader;
use super::context::{Context, DecodeError, Names};
use super::tidy::tidy;
use crate::schema::{RESOURCE, SCOPE};
use crate::wire::{Payload, Reader, Result};

/// A resource and a scope as they stand on the wire: the messages and their schema URLs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct WireScope<'a> {
    pub(super) resource: &'a [u8],
    pub(super) resource_schema_url: &'a [u8],
    pub(super) scope: &'a [u8],
    pub(super) scope_schema_url: &'a [u8],
}

/// The scope that `resource` (an encoded `Resource`) and `scope` (an encoded `InstrumentationScope`) make up, as
/// the decoders make it. Both may be empty.
pub fn scope_from_wire(
    resource: &[u8],
    resource_schema_url: &str,
    scope: &[u8],
    scope_schema_url: &str,
) -> std::result::Result<Scope, DecodeError> {
    const NAMES: Names =
        Names { request: "", group: "", groups: "scope", scope_group: "", scope_groups: "", records: "" };
    let wire = WireScope {
        resource,
        resource_schema_url: resource_schema_url.as_bytes(),
        scope,
        scope_schema_url: scope_schema_url.as_bytes(),
    };
    let mut context = Context::new(NAMES, resource.len() + scope.len(), UnixNanos(0));
    read_scope(wire, &mut context).map_err(|fault| DecodeError::new("resource and scope", &fault))
}

/// The number of `wire` in `table`, to which it is added when it is new.
pub(super) fn intern(table: &mut ScopeTable, wire: WireScope<'_>, context: &mut Context) -> Result<u32> {
    let bytes = wire.resource.len() + wire.resource_schema_url.len() + wire.scope.len() + wire.scope_schema_url.len();
    context.charge_scope(bytes)?;
    Ok(table.intern(&Arc::new(read_scope(wire, context)?)))
}

fn read_scope(wire: WireScope<'_>, context: &mut Context) -> Result<Scope> {
    let resource = tidy(&RESOURCE, wire.resource, context)?.into_owned();
    let scope = tidy(&SCOPE, wire.scope, context)?.into_owned();
    let mut name: &[u8] = &[];
    let mut version: &[u8] = &[];
    let mut reader = Reader::new(&scope, SCOPE.name);
    while let Some((field, payload)) = reader.next()? {
        match (field, payload) {
            (1, Payload::Bytes(text)) => name = text,
            (2, Payload::Bytes(text)) => version = text,
            _ => {}
        }
    }
    Ok(Scope {
        resource_schema_url: context.text(wire.resource_schema_url).into_owned(),
        scope_schema_url: context.text(wire.scope_schema_url).into_owned(),
        resource_attributes: attributes(&resource, RESOURCE.name, 1, context)?,
        name: context.text(name).into_owned(),
        version: context.text(version).into_owned(),
        scope_attributes: attributes(&scope, SCOPE.name, 3, context)?,
        resource,
        scope,
    })
}

/// The attributes in `field` of a message, as one row.
fn attributes(bytes: &[u8], name: &'static str, field: u32, context: &mut Context) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    let mut keys = AttributeReader::default();
    keys.start_row();
    let mut reader = Reader::new(bytes, name);
    while let Some((number, payload)) = reader.next()? {
        match payload {
            Payload::Bytes(bytes) if number == field => keys.read(&mut attributes, bytes, context)?,
            _ => {}
        }
    }
    attributes.end_row();
    Ok(attributes)
}
