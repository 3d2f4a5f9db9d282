//! Rows in the groups in which OTLP states them: by resource, and in it by instrumentation scope.

use std::collections::HashMap;

use tracewell_model::{Scope, ScopeTable};

/// The scopes of one resource. Never empty.
pub(crate) struct ResourceGroup<'a> {
    pub(crate) scopes: Vec<ScopeGroup<'a>>,
}

/// The rows of one scope, in order. Never empty.
pub(crate) struct ScopeGroup<'a> {
    pub(crate) scope: &'a Scope,
    pub(crate) rows: Vec<usize>,
}

impl ResourceGroup<'_> {
    /// A scope with the resource of all the group's scopes.
    pub(crate) fn resource(&self) -> &Scope {
        self.scopes[0].scope
    }
}

/// Groups rows, given the scope of each, in the order in which resources and scopes appear.
pub(crate) fn group<'a>(scope_of_row: &[u32], table: &'a ScopeTable) -> Vec<ResourceGroup<'a>> {
    let mut groups: Vec<ResourceGroup<'a>> = Vec::new();
    let mut resources: HashMap<(&[u8], &str), usize> = HashMap::new();
    let mut places: Vec<Option<(usize, usize)>> = vec![None; table.len()];
    for (row, &number) in scope_of_row.iter().enumerate() {
        let (group, place) = *places[number as usize].get_or_insert_with(|| {
            let scope: &Scope = table.get(number);
            let group = *resources.entry((&scope.resource, &scope.resource_schema_url)).or_insert_with(|| {
                groups.push(ResourceGroup { scopes: Vec::new() });
                groups.len() - 1
            });
            let scopes = &mut groups[group].scopes;
            scopes.push(ScopeGroup { scope, rows: Vec::new() });
            (group, scopes.len() - 1)
        });
        groups[group].scopes[place].rows.push(row);
    }
    groups
}
