//! Live tails: who wants to see log records as they come.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::RwLock;
use tokio::sync::broadcast;
use tracewell_model::{Logs, Records, TenantId};

/// How many requests a receiver may lag behind.
const LAG_MAX: usize = 256;

/// The receivers of each tenant.
#[derive(Default)]
pub(super) struct Tails {
    by_tenant: RwLock<HashMap<TenantId, broadcast::Sender<Arc<Logs>>>>,
}

impl Tails {
    /// A receiver of the tenant's log records from now on.
    pub(super) fn subscribe(&self, tenant: &TenantId) -> broadcast::Receiver<Arc<Logs>> {
        let mut senders = self.by_tenant.write();
        // Only tenants with receivers are kept, so that asking for many of them fills nothing.
        senders.retain(|_, sender| sender.receiver_count() > 0);
        senders.entry(tenant.clone()).or_insert_with(|| broadcast::channel(LAG_MAX).0).subscribe()
    }

    /// Shows records that have just become visible. Costs a copy only when somebody looks.
    pub(super) fn publish(&self, tenant: &TenantId, records: &Records) {
        let Records::Logs(logs) = records else { return };
        let senders = self.by_tenant.read();
        if let Some(sender) = senders.get(tenant)
            && sender.receiver_count() > 0
        {
            // It fails when the last receiver has just gone.
            let _ = sender.send(Arc::new(logs.clone()));
        }
    }
}
