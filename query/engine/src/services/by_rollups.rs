//! Services and operations by rollups; rows only of the minutes that the time range cuts.

use std::collections::BTreeMap;

use datafusion::prelude::lit;
use futures::StreamExt;
use tracewell_model::TimeRange;
use tracewell_storage::RollupTable;

use super::by_rows::{entry_spans, log_counts, operation_counts};
use super::{Counted, Name, Operations, Parts, Services, by_span_count, operation, summaries};
use crate::names::kind_name;
use crate::rollups::{Cut, Grid, exactness_of_rollups};
use crate::session::{Session, View};
use crate::spread::{Classes, Part, Spread};
use crate::{Exactness, QueryError};

/// Services by name, with their entry spans by part of time.
type ByName = BTreeMap<Name, Counted<Classes>>;

/// The services of a time range in parts of whole minutes.
pub(super) async fn services(
    session: &Session,
    spans: &View,
    logs: &View,
    time: TimeRange,
    grid: &Grid,
) -> Result<(Services, Exactness), QueryError> {
    let mut counted = ByName::new();
    count_spans(session, spans, time, grid, &mut counted).await?;
    count_logs(session, logs, time, &mut counted).await?;
    let exactness = exactness_of_rollups(counted.contains_key(&None));
    let parts = Parts { start: grid.start(), width: grid.width_nanos(), count: grid.count };
    Ok((summaries(counted, parts, time), exactness))
}

async fn count_spans(
    session: &Session,
    view: &View,
    time: TimeRange,
    grid: &Grid,
    counted: &mut ByName,
) -> Result<(), QueryError> {
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, RollupTable::Spans, grid.is_by_hours());
    while let Some(part) = read.next().await.transpose()? {
        // Services by number, so that a cell costs no comparison of names.
        let mut services = Interned::default();
        let keys: Vec<(usize, bool, bool)> = part
            .span_keys()
            .iter()
            .map(|key| (services.number(key.service.as_deref()), key.is_entry(), key.is_error()))
            .collect();
        let mut sums: Vec<Vec<Option<Part<Classes>>>> = Vec::new();
        sums.resize_with(services.names.len(), Vec::new);
        part.visit(|cell| {
            let (service, is_entry, is_error) = keys[cell.key];
            let (parts, place) = (&mut sums[service], grid.place(cell.minute));
            if place >= parts.len() {
                parts.resize_with(place + 1, || None);
            }
            let part = parts[place].get_or_insert_default();
            if is_entry {
                part.errors += if is_error { cell.count } else { 0 };
                cell.durations.iter().for_each(|(class, count)| part.durations.push(*class, *count));
            }
        })?;
        for (name, parts) in services.names.into_iter().zip(sums) {
            for (place, part) in parts.into_iter().enumerate().filter_map(|(place, part)| Some((place, part?))) {
                let sum = counted.entry(name.clone()).or_default().parts.entry(place).or_default();
                sum.errors += part.errors;
                sum.durations.add_all(&part.durations);
            }
        }
    }
    for (view, end) in cut.ends(view) {
        let place = grid.place_of(end.start);
        for (name, _, part) in entry_spans(session, &view, end, lit(0i64)).await? {
            let sum = counted.entry(Some(name)).or_default().parts.entry(place).or_default();
            sum.errors += part.errors;
            sum.durations.push_rows(&part.durations);
        }
    }
    Ok(())
}

async fn count_logs(session: &Session, view: &View, time: TimeRange, counted: &mut ByName) -> Result<(), QueryError> {
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, RollupTable::Logs, true);
    while let Some(part) = read.next().await.transpose()? {
        let mut sums = vec![0; part.log_keys().len()];
        part.visit(|cell| sums[cell.key] += cell.count)?;
        for (key, count) in part.log_keys().iter().zip(sums).filter(|(_, count)| *count > 0) {
            counted.entry(key.service.as_deref().map(str::to_owned)).or_default().log_count += count;
        }
    }
    for (view, end) in cut.ends(view) {
        for (name, count) in log_counts(session, &view, end).await? {
            counted.entry(Some(name)).or_default().log_count += count;
        }
    }
    Ok(())
}

/// Names by number.
#[derive(Default)]
struct Interned {
    names: Vec<Name>,
    numbers: hashbrown::HashMap<Name, usize>,
}

impl Interned {
    fn number(&mut self, name: Option<&str>) -> usize {
        let name = name.map(str::to_owned);
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }
}

/// The operations of a service in a time range.
pub(super) async fn operations(
    session: &Session,
    view: &View,
    time: TimeRange,
    service: &str,
) -> Result<(Operations, Exactness), QueryError> {
    let mut counted: BTreeMap<(Name, i32), Part<Classes>> = BTreeMap::new();
    let cut = Cut::new(view, time);
    let mut read = cut.parts(view, RollupTable::Spans, true);
    while let Some(part) = read.next().await.transpose()? {
        let keys = part.span_keys();
        let mut sums: Vec<Option<Classes>> = vec![None; keys.len()];
        part.visit(|cell| {
            if keys[cell.key].service.as_deref() == Some(service) {
                let sum = sums[cell.key].get_or_insert_default();
                cell.durations.iter().for_each(|(class, count)| sum.push(*class, *count));
            }
        })?;
        for (key, sum) in keys.iter().zip(sums).filter_map(|(key, sum)| Some((key, sum?))) {
            let operation = counted.entry((key.name.as_deref().map(str::to_owned), key.kind)).or_default();
            operation.errors += if key.is_error() { sum.total() } else { 0 };
            operation.durations.add_all(&sum);
        }
    }
    for (view, end) in cut.ends(view) {
        for (name, kind, rows) in operation_counts(session, &view, end, service).await? {
            let operation = counted.entry((Some(name), kind)).or_default();
            operation.errors += rows.errors;
            operation.durations.push_rows(&rows.durations);
        }
    }
    let has_others = counted.keys().any(|(name, _)| name.is_none());
    let operations = counted.into_iter().map(|((name, kind), counted)| operation(name, kind_name(kind), &counted));
    Ok((by_span_count(operations.collect()), exactness_of_rollups(has_others)))
}
