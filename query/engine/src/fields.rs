//! Which fields records have, and which values those.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use serde::Serialize;
use tracewell_language::{Field, Place};
use tracewell_model::{Signal, TenantId, TimeRange};
use tracewell_storage::{AttributeScope, Column, FieldCount, Predicate};

use crate::field::intrinsic_names;
use crate::field_column::{FieldColumn, value_counts};
use crate::session::View;
use crate::tally::ValueCounts;
use crate::{Answer, Exactness, QueryEngine, QueryError, key_values, rollups};

/// How many sources are asked for their fields at once.
const CONCURRENT_READS: usize = 8;

/// The fields of a time range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fields {
    /// The intrinsic fields first, then attributes by frequency.
    pub fields: Vec<FieldSummary>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldSummary {
    /// The name that finds exactly this field in the search language, such as `span.http.route`.
    pub name: String,
    /// Where it stands.
    pub scope: FieldScope,
    /// The attribute's key; of an intrinsic field its name.
    pub key: String,
    /// The types of its values: `string`, `int`, `double`, `bool`, `other`.
    pub types: Vec<&'static str>,
    /// The number of records that have it; of attributes of events and links how often it occurs.
    pub count: u64,
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldScope {
    /// A field of its own, no attribute.
    Intrinsic,
    /// An attribute of the span.
    Span,
    /// An attribute of the log record.
    Log,
    /// An attribute of the resource.
    Resource,
    /// An attribute of the instrumentation scope.
    Scope,
    /// An attribute of an event of the span.
    Event,
    /// An attribute of a link of the span.
    Link,
}

/// The values of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FieldValues {
    /// The most frequent first.
    pub values: Vec<FieldValue>,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldValue {
    /// The value as text.
    pub value: String,
    /// The number of records that have it.
    pub count: u64,
}

impl QueryEngine {
    /// The fields that records of the signal and time range have.
    pub async fn fields(
        &self,
        tenant: &TenantId,
        signal: Signal,
        time: TimeRange,
    ) -> Result<Answer<Fields>, QueryError> {
        self.run(None, |session| async move {
            let view = session.view(tenant, signal);
            let (attributes, cut) = attribute_counts(&view, time).await?;
            let mut fields = intrinsic_fields(&view, time).await?;
            let mut attributes: Vec<FieldSummary> =
                attributes.into_values().filter_map(|count| attribute_field(signal, count)).collect();
            attributes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
            fields.extend(attributes);
            let exactness = match cut {
                false => Exactness::Exact,
                true => {
                    let reason = "fields are counted by whole segments, some of which reach beyond the time range";
                    Exactness::Partial { reason: reason.to_owned() }
                }
            };
            Ok((Fields { fields }, exactness))
        })
        .await
    }

    /// The `limit` most frequent values that begin with `prefix` (whatever the case) of a field (a name as in the search
    /// language).
    pub async fn field_values(
        &self,
        tenant: &TenantId,
        signal: Signal,
        time: TimeRange,
        field: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Answer<FieldValues>, QueryError> {
        let column = FieldColumn::new(field, signal)?;
        let prefix = prefix.to_lowercase();
        self.run(None, |session| async move {
            let view = session.view(tenant, signal);
            let ranked = match key_values::counts(&session, &view, time, &column).await? {
                Some(counts) => counts.ranked(),
                None => {
                    let (counts, _) =
                        value_counts(&session, &view, time, Predicate::always(), std::slice::from_ref(&column)).await?;
                    counts.into_iter().flat_map(ValueCounts::ranked).collect()
                }
            };
            let values = ranked
                .into_iter()
                .filter(|(value, _)| value.to_lowercase().starts_with(&prefix))
                .take(limit)
                .map(|(value, count)| FieldValue { value, count })
                .collect();
            Ok((FieldValues { values }, Exactness::Exact))
        })
        .await
    }
}

/// How often each attribute occurs in the sources that have rows of the time range, and whether one of them also has
/// rows beyond it.
async fn attribute_counts(
    view: &View,
    time: TimeRange,
) -> Result<(HashMap<(AttributeScope, String), FieldCount>, bool), QueryError> {
    let mut cut = false;
    let mut wanted = Vec::new();
    for (number, source) in (0u32..).zip(view.snapshot().sources()) {
        let (first, last) = source.time_bounds();
        if time.overlaps(first, last) {
            cut |= !(time.contains(first) && time.contains(last));
            wanted.push(view.read(number).fields());
        }
    }
    let mut sums: HashMap<(AttributeScope, String), FieldCount> = HashMap::new();
    let mut counted = stream::iter(wanted).buffer_unordered(CONCURRENT_READS);
    while let Some(counts) = counted.next().await {
        for count in counts? {
            match sums.get_mut(&(count.scope, count.key.clone())) {
                Some(sum) => {
                    sum.strings += count.strings;
                    sum.ints += count.ints;
                    sum.doubles += count.doubles;
                    sum.bools += count.bools;
                    sum.others += count.others;
                }
                None => drop(sums.insert((count.scope, count.key.clone()), count)),
            }
        }
    }
    Ok((sums, cut))
}

fn attribute_field(signal: Signal, count: FieldCount) -> Option<FieldSummary> {
    let (scope, place) = match (count.scope, signal) {
        (AttributeScope::Resource, _) => (FieldScope::Resource, Place::Resource),
        (AttributeScope::Scope, _) => (FieldScope::Scope, Place::Scope),
        (AttributeScope::Record, Signal::Traces) => (FieldScope::Span, Place::Span),
        (AttributeScope::Record, Signal::Logs) => (FieldScope::Log, Place::Log),
        (AttributeScope::Event, _) => (FieldScope::Event, Place::Event),
        (AttributeScope::Link, _) => (FieldScope::Link, Place::Link),
    };
    let typed = [
        ("string", count.strings),
        ("int", count.ints),
        ("double", count.doubles),
        ("bool", count.bools),
        ("other", count.others),
    ];
    let total: u64 = typed.iter().map(|(_, count)| count).sum();
    (total > 0).then(|| FieldSummary {
        name: Field::attribute(place, &count.key).to_string(),
        scope,
        key: count.key,
        types: typed.iter().filter(|(_, count)| *count > 0).map(|(of, _)| *of).collect(),
        count: total,
    })
}

/// The fields that are no attributes, with the number of records that have each, of the sources that have rows of the
/// time range.
async fn intrinsic_fields(view: &View, time: TimeRange) -> Result<Vec<FieldSummary>, QueryError> {
    let signal = view.signal();
    let mut present: Vec<(&Column, u64)> = Vec::new();
    let mut read = rollups::heads(view, time);
    while let Some(part) = read.next().await.transpose()? {
        for (column, count) in part.present(signal) {
            match present.iter_mut().find(|(known, _)| *known == column) {
                Some((_, sum)) => *sum += count,
                None => present.push((column, count)),
            }
        }
    }
    let field = |name: &&'static str| {
        let column = intrinsic_column(name, signal)?;
        Some(FieldSummary {
            name: (*name).to_owned(),
            scope: FieldScope::Intrinsic,
            key: (*name).to_owned(),
            types: vec![if column == Column::Duration { "int" } else { "string" }],
            count: present.iter().find(|(known, _)| **known == column).map_or(0, |(_, count)| *count),
        })
    };
    Ok(intrinsic_names(signal).iter().filter_map(field).collect())
}

/// The column that tells whether a record has the field.
fn intrinsic_column(name: &str, signal: Signal) -> Option<Column> {
    match FieldColumn::new(name, signal).ok()?.into_columns().as_slice() {
        [column] => Some(column.clone()),
        _ => None,
    }
}
