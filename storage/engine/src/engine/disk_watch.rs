//! Watches the space on the disk: refuses appends before it is full, and takes them again when there is space.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Inner;
use super::health::Health;
use crate::journal::{Disk, Space};
use crate::world::World;

const INTERVAL: Duration = Duration::from_millis(500);
/// On a small disk, this part of it is the reserve.
const RESERVE_DIVISOR: u64 = 20;
/// On a small disk, this part of it is a journal file.
const FILE_DIVISOR: u64 = 32;
const FILE_BYTES_MIN: u64 = 256 << 10;

/// The size of a journal file on this disk, at most `configured`.
pub(super) fn journal_file_bytes(disk: &dyn Disk, configured: u64) -> std::io::Result<u64> {
    let fair = disk.space()?.total / FILE_DIVISOR;
    Ok(configured.min(fair.max(FILE_BYTES_MIN)))
}

/// Watches until the storage is gone.
pub(super) async fn watch(storage: Weak<Inner>, world: Arc<dyn World>, disk: Arc<dyn Disk>, reserve: u64) {
    loop {
        world.sleep(INTERVAL).await;
        let Some(storage) = storage.upgrade() else { return };
        check(&storage.shared.health, disk.space(), reserve);
        if storage.shared.health.is_journal_failing() {
            storage.ingest.probe();
        }
    }
}

/// Sets the reason to refuse appends by the space that is left.
pub(super) fn check(health: &Health, space: std::io::Result<Space>, reserve: u64) {
    match space {
        Ok(space) => {
            let reserve = reserve.min(space.total / RESERVE_DIVISOR);
            health.set_disk((space.available < reserve).then(|| {
                format!(
                    "the disk has less than {reserve} bytes left (setting disk_reserve_bytes): \
                     free some space; appends go on by themselves then"
                )
            }));
        }
        Err(error) => tracing::warn!(%error, "cannot tell the space left on the disk"),
    }
}
