//! Replaying the journal: the ordinary decode, into the live tier, within its budget.

use std::sync::Arc;

use hashbrown::HashMap;
use tracewell_model::{Records, Signal, TenantId, UnixNanos};
use tracewell_otlp::{decode_logs, decode_traces, inflate};

use super::duplicates::{Duplicates, RequestKey};
use super::shared::Shared;
use crate::bugs::{Bug, planted};
use crate::journal::{Disk, Entry, Recovered, RecoveryError, recover};
use crate::live::{Chunk, StoredRequest};
use crate::world::wait;

/// The body was accepted once within the limits of the receiver, and its checksum is right.
const INFLATED_BYTES_MAX: usize = u32::MAX as usize;

/// How far the journal's records of each table are in segments.
pub(super) type Watermarks = HashMap<(TenantId, Signal), u64>;

/// What replaying found.
pub(super) struct Replayed {
    pub recovered: Recovered,
    pub duplicates: Duplicates,
    /// Requests put into the live tier.
    pub requests: u64,
}

/// Puts every request that is in no segment into the live tier, waiting for the flusher where there is no room. Blocks.
pub(super) fn replay(
    shared: &Arc<Shared>,
    disk: &dyn Disk,
    watermarks: &Watermarks,
    forgotten: &Watermarks,
    duplicates: Duplicates,
) -> Result<Replayed, RecoveryError> {
    let mut replay = Replay { shared, watermarks, forgotten, duplicates, requests: 0 };
    let recovered = recover(disk, &shared.files, &mut |sequence, entry| {
        wait(shared.budget.below(shared.config.live_bytes_max as u64));
        replay.insert(sequence, entry)
    })?;
    Ok(Replayed { recovered, duplicates: replay.duplicates, requests: replay.requests })
}

struct Replay<'a> {
    shared: &'a Shared,
    watermarks: &'a Watermarks,
    /// Up to where requests are not remembered.
    forgotten: &'a Watermarks,
    duplicates: Duplicates,
    requests: u64,
}

impl Replay<'_> {
    fn insert(&mut self, sequence: u64, entry: Entry) -> Result<(), String> {
        let table_name = (entry.tenant.clone(), entry.signal);
        let is_flushed =
            !planted(Bug::DoubleReplay) && self.watermarks.get(&table_name).is_some_and(|&through| sequence <= through);
        if !is_flushed {
            let records = decode(&entry)?;
            let request = StoredRequest { hash: entry.request_hash, received_at: entry.received_at };
            if let Some(chunk) = Chunk::new(records, request, sequence, self.shared.world.instant()) {
                let table = self.shared.tables.get_or_restore(&entry.tenant, entry.signal);
                table.append(vec![Arc::new(chunk)]);
                self.requests += 1;
            }
        }
        if self.forgotten.get(&table_name).is_some_and(|&through| sequence <= through) {
            return Ok(());
        }
        let key = RequestKey { tenant: entry.tenant, signal: entry.signal, hash: entry.request_hash };
        self.duplicates.insert(key, entry.received_at);
        Ok(())
    }
}

/// The records of a request of the journal; why not, when it makes no sense.
pub(crate) fn decode(entry: &Entry) -> Result<Records, String> {
    let body = inflate(entry.encoding, &entry.body, INFLATED_BYTES_MAX).map_err(|error| error.to_string())?;
    decoded(entry.signal, &body, entry.received_at)
}

fn decoded(signal: Signal, body: &[u8], received_at: UnixNanos) -> Result<Records, String> {
    match signal {
        Signal::Traces => decode_traces(body, received_at).map(|decoded| Records::Spans(decoded.records)),
        Signal::Logs => decode_logs(body, received_at).map(|decoded| Records::Logs(decoded.records)),
    }
    .map_err(|error| error.to_string())
}
