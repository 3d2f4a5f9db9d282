//! The outer messages of a request: groups by resource, and in them groups by scope, in which the records are.
//!
//! Traces and logs are laid out alike: `resource` or `scope` in field 1, what is grouped in field 2, the schema URL
//! in field 3. Fields may come in any order, so that each message is read twice: first for what holds for all of
//! its contents, then for the contents.

use std::borrow::Cow;

use tracewell_model::ScopeTable;

use super::context::{Context, DecodeError};
use super::scope::{WireScope, intern};
use super::tidy::merged;
use crate::wire::{Payload, Reader, Result};

/// What records are decoded into.
pub(super) trait Sink {
    /// Decodes one record; it says by `scope` which scope it is of, when it is accepted.
    fn record(&mut self, bytes: &[u8], scope: &mut LazyScope<'_>, context: &mut Context) -> Result<()>;
}

/// The scope of the records that are being decoded, numbered when the first of them is accepted.
pub(super) struct LazyScope<'a> {
    wire: WireScope<'a>,
    number: Option<u32>,
}

impl LazyScope<'_> {
    /// The number of the scope in `table`.
    #[inline]
    pub(super) fn number(&mut self, table: &mut ScopeTable, context: &mut Context) -> Result<u32> {
        match self.number {
            Some(number) => Ok(number),
            None => {
                let number = intern(table, self.wire, context)?;
                self.number = Some(number);
                Ok(number)
            }
        }
    }
}

/// Decodes all records of `request` into `sink`.
pub(super) fn read_request(
    request: &[u8],
    sink: &mut impl Sink,
    context: &mut Context,
) -> std::result::Result<(), DecodeError> {
    read_groups(request, sink, context).map_err(|fault| context.error(&fault))
}

fn read_groups(request: &[u8], sink: &mut impl Sink, context: &mut Context) -> Result<()> {
    let mut reader = Reader::new(request, context.place.names.request);
    let mut index = 0;
    loop {
        context.place.group = None;
        match reader.next()? {
            Some((1, Payload::Bytes(group))) => {
                context.place.group = Some(index);
                read_group(group, sink, context)?;
                index += 1;
            }
            Some((1, other)) => return Err(reader.mismatch(other)),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

fn read_group(group: &[u8], sink: &mut impl Sink, context: &mut Context) -> Result<()> {
    let name = context.place.names.group;
    let common = Common::read(group, name)?;
    let mut reader = Reader::new(group, name);
    let mut index = 0;
    while let Some((field, payload)) = reader.next()? {
        if let (2, Payload::Bytes(scope_group)) = (field, payload) {
            context.place.scope_group = Some(index);
            read_scope_group(scope_group, &common, sink, context)?;
            index += 1;
        }
    }
    context.place.scope_group = None;
    Ok(())
}

fn read_scope_group(bytes: &[u8], resource: &Common<'_>, sink: &mut impl Sink, context: &mut Context) -> Result<()> {
    let name = context.place.names.scope_group;
    let scope = Common::read(bytes, name)?;
    let wire = WireScope {
        resource: &resource.message,
        resource_schema_url: resource.schema_url,
        scope: &scope.message,
        scope_schema_url: scope.schema_url,
    };
    let mut lazy = LazyScope { wire, number: None };
    let mut reader = Reader::new(bytes, name);
    let mut index = 0;
    while let Some((field, payload)) = reader.next()? {
        if let (2, Payload::Bytes(record)) = (field, payload) {
            context.place.record = Some(index);
            sink.record(record, &mut lazy, context)?;
            index += 1;
        }
    }
    context.place.record = None;
    Ok(())
}

/// What a group says about all of its contents.
struct Common<'a> {
    /// The `Resource` or `InstrumentationScope`; empty if there is none.
    message: Cow<'a, [u8]>,
    schema_url: &'a [u8],
}

impl<'a> Common<'a> {
    fn read(bytes: &'a [u8], name: &'static str) -> Result<Common<'a>> {
        let mut reader = Reader::new(bytes, name);
        let mut common = Common { message: Cow::Borrowed(&[]), schema_url: &[] };
        let mut parts = 0;
        while let Some((field, payload)) = reader.next()? {
            match (field, payload) {
                (1, Payload::Bytes(message)) => {
                    common.message = Cow::Borrowed(message);
                    parts += 1;
                }
                (2, Payload::Bytes(_)) => {}
                (3, Payload::Bytes(url)) => common.schema_url = url,
                (1..=3, other) => return Err(reader.mismatch(other)),
                _ => {}
            }
        }
        if parts > 1 {
            common.message = merged(name, bytes, 1, 0)?;
        }
        Ok(common)
    }
}
