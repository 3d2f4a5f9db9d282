//! All tables, by tenant and signal.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use tracewell_model::{Signal, TenantId};

use super::budget::LiveBudget;
use super::table::Table;
use crate::{StorageError, StorageErrorKind};

/// The tables. A table stays once it is there.
pub(crate) struct Tables {
    by_name: RwLock<BTreeMap<(TenantId, Signal), Arc<Table>>>,
    tenants_max: usize,
    budget: Arc<LiveBudget>,
}

impl Tables {
    pub(crate) fn new(tenants_max: usize, budget: Arc<LiveBudget>) -> Tables {
        Tables { by_name: RwLock::default(), tenants_max, budget }
    }

    /// The table, if it is there.
    pub(crate) fn get(&self, tenant: &TenantId, signal: Signal) -> Option<Arc<Table>> {
        self.by_name.read().get(&(tenant.clone(), signal)).cloned()
    }

    /// The table, which is made when it is not there. Fails for a tenant beyond the bound.
    pub(crate) fn get_or_make(&self, tenant: &TenantId, signal: Signal) -> Result<Arc<Table>, StorageError> {
        if let Some(table) = self.get(tenant, signal) {
            return Ok(table);
        }
        let mut tables = self.by_name.write();
        let is_known = [Signal::Traces, Signal::Logs].iter().any(|&any| tables.contains_key(&(tenant.clone(), any)));
        if !is_known && tenant_count(&tables) >= self.tenants_max {
            let message = format!(
                "tenant {:?} would be one too many: at most {} tenants are kept (setting tenants_max)",
                tenant.as_str(),
                self.tenants_max
            );
            return Err(StorageError::new(StorageErrorKind::Invalid, message));
        }
        Ok(Arc::clone(make(&mut tables, tenant, signal, &self.budget)))
    }

    /// The table, which is made when it is not there, whatever the bound: for what is stored already.
    pub(crate) fn get_or_restore(&self, tenant: &TenantId, signal: Signal) -> Arc<Table> {
        Arc::clone(make(&mut self.by_name.write(), tenant, signal, &self.budget))
    }

    /// All tables, by tenant and signal.
    pub(crate) fn all(&self) -> Vec<Arc<Table>> {
        self.by_name.read().values().cloned().collect()
    }

    /// All tenants, in order.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        let mut tenants: Vec<TenantId> = self.by_name.read().keys().map(|(tenant, _)| tenant.clone()).collect();
        tenants.dedup();
        tenants
    }
}

fn make<'a>(
    tables: &'a mut BTreeMap<(TenantId, Signal), Arc<Table>>,
    tenant: &TenantId,
    signal: Signal,
    budget: &Arc<LiveBudget>,
) -> &'a Arc<Table> {
    tables
        .entry((tenant.clone(), signal))
        .or_insert_with(|| Arc::new(Table::new(tenant.clone(), signal, Arc::clone(budget))))
}

fn tenant_count(tables: &BTreeMap<(TenantId, Signal), Arc<Table>>) -> usize {
    let mut count = 0;
    let mut last = None;
    for (tenant, _) in tables.keys() {
        if last != Some(tenant) {
            count += 1;
            last = Some(tenant);
        }
    }
    count
}
