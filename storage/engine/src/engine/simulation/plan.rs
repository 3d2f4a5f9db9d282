//! What a run is like: everything that is drawn from the seed before it begins.

use std::time::Duration;

use tracewell_model::TenantId;

use super::chance::Chance;
use super::machine::Weather;
use crate::{Retention, StorageConfig};

/// The plan of a run. Each kind of fault is there in some runs and not in others, so that one does not hide another.
pub(super) struct Plan {
    pub config: StorageConfig,
    pub tenants: Vec<TenantId>,
    /// How often the storage is started, but for the last time.
    pub starts: u64,
    /// Clients at the same time, and what each does in one life of the storage.
    pub clients: u64,
    pub actions: u64,
    pub rows_max: u64,
    /// The weather while it is bad.
    pub weather: Weather,
    pub cuts_power: bool,
    pub fills_disk: bool,
    pub moves_clock: bool,
    pub damages_journal: bool,
    pub damages_objects: bool,
}

impl Plan {
    pub(super) fn draw(chance: &mut Chance) -> Plan {
        let tenants = ["default", "team-a", "team-b"].into_iter().take(chance.within(1..4) as usize);
        Plan {
            config: config(chance),
            tenants: tenants.map(|name| TenantId::new(name).expect("legal")).collect(),
            starts: chance.within(1..6),
            clients: chance.within(1..5),
            actions: chance.within(3..18),
            rows_max: chance.one(&[8, 40, 40, 400]),
            weather: weather(chance),
            cuts_power: chance.happens(0.8),
            fills_disk: chance.happens(0.25),
            moves_clock: chance.happens(0.3),
            damages_journal: chance.happens(0.15),
            damages_objects: chance.happens(0.3),
        }
    }
}

fn weather(chance: &mut Chance) -> Weather {
    let mut some = |rate: f64| if chance.happens(0.35) { rate } else { 0.0 };
    Weather {
        journal_write: some(0.1),
        journal_sync: some(0.2),
        journal_read: some(0.02),
        journal_files: some(0.1),
        store_put: some(0.15),
        store_get: some(0.05),
        store_other: some(0.1),
        catalog_commit: some(0.2),
        catalog_read: some(0.1),
    }
}

fn config(chance: &mut Chance) -> StorageConfig {
    let live_bytes_max = chance.one(&[50_000, 200_000, 1 << 20]);
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    StorageConfig {
        flush_interval: Duration::from_millis(chance.one(&[200, 2_000, 30_000, 3_600_000])),
        flush_bytes: chance.one(&[4_000, 50_000, 500_000]),
        live_bytes_max,
        journal_bytes_max: chance.one(&[200_000, 8 << 30]),
        journal_file_bytes: chance.one(&[2_000, 10_000, 100_000]),
        disk_reserve_bytes: 1 << 20,
        tenants_max: 10,
        compaction_interval: Duration::from_secs(chance.one(&[0, 1, 10])),
        segment_rows_max: chance.one(&[100, 1_000, 2_000_000]) as usize,
        deletion_grace: Duration::from_secs(chance.one(&[0, 5, 120])),
        retention: Retention {
            traces_age_max: chance.one(&[None, days(1), days(14)]),
            logs_age_max: chance.one(&[None, days(1), days(14)]),
            traces_bytes_max: None,
            logs_bytes_max: None,
        },
        ..StorageConfig::new("/dev/null/simulation")
    }
}
