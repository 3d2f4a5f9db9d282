//! Scans of live rows, of segments with and without a text index and of rows one by one give the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use futures::{StreamExt, TryStreamExt};
use proptest::prelude::*;
use regex::Regex;
use tracewell_model::{Attributes, Records, Signal, TimeRange, UnixNanos, Value};

use super::samples::{Dice, KEYS, TEXTS, records};
use super::{local, remote, run, segment, segment_of_groups};
use crate::scan::{RowCount, display, scan_live};
use crate::segment::OnDamage;
use crate::{
    AttributeScope, AttributeType, Column, Comparison, Predicate, Scalar, ScanRequest, ScanStream, Share, TextPattern,
    tokens,
};

const SCOPES: [AttributeScope; 5] = [
    AttributeScope::Resource,
    AttributeScope::Scope,
    AttributeScope::Record,
    AttributeScope::Event,
    AttributeScope::Link,
];

fn attribute(dice: &mut Dice) -> (AttributeScope, String) {
    let scope = dice.of(&SCOPES);
    let key = match scope {
        AttributeScope::Resource => dice.of(&["service.name", "host", "none"]),
        _ => dice.of(&KEYS),
    };
    (scope, key.to_owned())
}

fn pattern(dice: &mut Dice) -> TextPattern {
    let words: Vec<String> = tokens(dice.of(&TEXTS)).collect();
    let some = |dice: &mut Dice| {
        let start = dice.below(words.len());
        words[start..words.len().min(start + 1 + dice.below(3))].to_vec()
    };
    match dice.below(10) {
        6..=8 => TextPattern::Contains(part(dice)),
        9 => part_as_regex(dice),
        _ if words.is_empty() => TextPattern::Contains(dice.of(&["o", "\u{212a}", "TIMEOUT", "", "i̇"]).to_owned()),
        0 => TextPattern::Contains(dice.of(&["efus", "0.7", "zzz", "ΣΑΣ", "É"]).to_owned()),
        1 => TextPattern::Regex(Regex::new(dice.of(&["ti?me", "^GET", "Connection", "\\d{3}ms"])).expect("valid")),
        2 | 3 => {
            let mut words = some(dice);
            if let Some(last) = words.last_mut() {
                let cut = last.char_indices().nth(2).map_or(last.len(), |(at, _)| at);
                last.truncate(cut);
            }
            TextPattern::Prefix(words)
        }
        _ => TextPattern::Phrase(some(dice)),
    }
}

/// A part of a text, sometimes of another case, sometimes one that is not there.
fn part(dice: &mut Dice) -> String {
    let letters: Vec<char> = dice.of(&TEXTS).chars().collect();
    let start = dice.below(letters.len());
    let part: String = letters[start..letters.len().min(start + 1 + dice.below(8))].iter().collect();
    match dice.below(6) {
        0 => part.to_uppercase(),
        1 => part.to_lowercase(),
        2 => format!("{part}{}", dice.of(&["x", "7", " ", "é"])),
        _ => part,
    }
}

fn part_as_regex(dice: &mut Dice) -> TextPattern {
    let flags = dice.of(&["", "(?i)"]);
    let [first, second] = [part(dice), part(dice)].map(|part| regex::escape(&part));
    let pattern = match dice.below(4) {
        0 => format!("{flags}{first}"),
        1 => format!("{flags}(?:{first}|{second})"),
        2 => format!("{flags}{first}.*{second}"),
        _ => format!("{flags}(?:{first})?{second}+"),
    };
    TextPattern::Regex(Regex::new(&pattern).expect("valid"))
}

fn comparison(dice: &mut Dice) -> Comparison {
    use Comparison::*;
    dice.of(&[Equal, Less, LessOrEqual, Greater, GreaterOrEqual])
}

fn leaf(dice: &mut Dice) -> Predicate {
    let text = |dice: &mut Dice| Scalar::String(dice.of(&TEXTS).to_owned());
    let (scope, key) = attribute(dice);
    let (column, values) = match dice.below(18) {
        0 | 16 | 17 => return Predicate::Text(pattern(dice)),
        1 => return Predicate::HasAttribute { scope, key },
        2 => {
            let column = dice.of(&[0, 1, 2, 3, 4, 5]);
            let columns = [
                Column::Name,
                Column::Body,
                Column::StatusMessage,
                Column::Attribute { scope, key: key.clone(), of: AttributeType::String },
                Column::Attribute { scope, key, of: AttributeType::Display },
                Column::ServiceName,
            ];
            return Predicate::Matches { column: columns[column].clone(), pattern: pattern(dice) };
        }
        3 => (Column::ServiceName, vec![Scalar::String("cart".into()), Scalar::String("nobody".into())]),
        4 => (dice.of(&[&Column::Kind, &Column::StatusCode, &Column::SeverityNumber]).clone(), ints(dice)),
        5 => (Column::Duration, ints(dice)),
        6 => (Column::Time, vec![Scalar::Int(1_700_000_000_500_000_000), Scalar::Int(i64::MAX), Scalar::Int(0)]),
        7 => {
            let mut id = vec![0; 16];
            id[15] = dice.below(24) as u8;
            (Column::TraceId, vec![Scalar::Binary(id)])
        }
        8 => {
            let column = dice.of(&[&Column::ParentSpanId, &Column::SpanId]).clone();
            let id = |dice: &mut Dice| Scalar::Binary((dice.below(60) as u64).to_be_bytes().to_vec());
            (column, vec![id(dice), id(dice)])
        }
        9 => (dice.of(&[&Column::EventCount, &Column::LinkCount]).clone(), vec![Scalar::Int(1), Scalar::Int(0)]),
        10 => (Column::Attribute { scope, key, of: AttributeType::Int }, ints(dice)),
        11 => {
            let values = [0.0, 1.5, f64::NAN, f64::INFINITY].map(Scalar::Double).to_vec();
            (Column::Attribute { scope, key, of: AttributeType::Double }, values)
        }
        12 => (Column::Attribute { scope, key, of: AttributeType::Bool }, vec![Scalar::Bool(dice.one_in(2))]),
        13 => (Column::Name, vec![text(dice), text(dice)]),
        14 => {
            let column = dice.of(&[&Column::SeverityText, &Column::EventName, &Column::TraceState]).clone();
            (column, ["", "INFO", "order.placed", "vendor=1"].map(|text| Scalar::String(text.into())).to_vec())
        }
        _ => (Column::Attribute { scope, key, of: AttributeType::String }, vec![text(dice), text(dice)]),
    };
    if dice.one_in(3) {
        return Predicate::In { column, values };
    }
    let value = values[dice.below(values.len())].clone();
    Predicate::Compare { column, comparison: comparison(dice), value }
}

fn ints(dice: &mut Dice) -> Vec<Scalar> {
    vec![Scalar::Int(dice.of(&[0, 1, 2, 17, 200])), Scalar::Int(dice.of(&[i64::MAX, -1, 500_000]))]
}

fn predicate(dice: &mut Dice, depth: usize) -> Predicate {
    match dice.below(6) {
        _ if depth == 0 => leaf(dice),
        0 => Predicate::Not(Box::new(predicate(dice, depth - 1))),
        1 | 2 => Predicate::And((0..dice.below(4)).map(|_| predicate(dice, depth - 1)).collect()),
        3 => Predicate::Or((0..dice.below(4)).map(|_| predicate(dice, depth - 1)).collect()),
        _ => leaf(dice),
    }
}

fn request(seed: u64) -> ScanRequest {
    let dice = &mut Dice::new(seed);
    let mut columns = vec![Column::SpanId, Column::Time, Column::ServiceName, Column::Duration, Column::ParentSpanId];
    columns.extend([Column::Body, Column::EventCount, Column::ScopeName, Column::TraceId, Column::Name]);
    for of in
        [AttributeType::String, AttributeType::Int, AttributeType::Double, AttributeType::Bool, AttributeType::Display]
    {
        let (scope, key) = attribute(dice);
        columns.push(Column::Attribute { scope, key, of });
    }
    let start = dice.of(&[0, 0, 1_700_000_000_200_000_000]);
    let end = dice.of(&[u64::MAX, 1_700_000_000_700_000_000, 1 << 63]);
    let time = TimeRange { start: UnixNanos(start), end: UnixNanos(end) };
    ScanRequest { columns, time, predicate: predicate(dice, 2) }
}

/// All rows of a scan, ordered by span id.
async fn rows(scan: ScanStream) -> RecordBatch {
    let batches: Vec<RecordBatch> = scan.try_collect().await.expect("scans");
    let Some(first) = batches.first() else {
        return RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
    };
    let all = concat_batches(&first.schema(), &batches).expect("one schema");
    let by = arrow::compute::SortColumn {
        values: arrow::compute::cast(all.column(0), &arrow::datatypes::DataType::Binary).expect("casts"),
        options: Some(SortOptions::default()),
    };
    take_record_batch(&all, &lexsort_to_indices(&[by], None).expect("sorts")).expect("takes")
}

/// All cells as text: floats that are no numbers are not equal to themselves.
fn cells(batch: &RecordBatch) -> Vec<Vec<String>> {
    let options = arrow::util::display::FormatOptions::new().with_null("null");
    let columns = batch.columns().iter().map(|column| {
        let column = match column.data_type() {
            arrow::datatypes::DataType::Timestamp(_, _) => {
                &arrow::compute::cast(column, &arrow::datatypes::DataType::Int64).expect("casts")
            }
            _ => column,
        };
        let format = arrow::util::display::ArrayFormatter::try_new(column, &options).expect("can be shown");
        (0..column.len()).map(|row| format.value(row).to_string()).collect()
    });
    columns.collect()
}

fn span_ids(batch: &RecordBatch) -> Vec<u64> {
    if batch.num_columns() == 0 {
        return Vec::new();
    }
    let ids = batch.column(0).as_fixed_size_binary();
    ids.iter().flatten().map(|id| u64::from_be_bytes(id.try_into().expect("8 bytes"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn scans_agree_wherever_the_rows_are(seed: u64, count in 1usize..150, is_logs: bool) {
        let signal = if is_logs { Signal::Logs } else { Signal::Traces };
        let records = records(signal, seed, count);
        run(async {
            let (_directory, store) = local();
            let plain = segment(&store, &records, false).await;
            let indexed = segment_of_groups(&remote(), &records, true, 1 + seed as usize % 60).await;
            let chunk = Arc::new(records.clone());
            for number in 0..25 {
                let request = request(seed ^ number << 32);
                let live = rows(scan_live(Arc::clone(&chunk), 0, &request, &RowCount::default())).await;
                let expected = naive(&records, &request);
                assert_eq!(span_ids(&live), expected, "live: {:?}", request.predicate);
                let live = cells(&live);
                assert_eq!(cells(&rows(plain.scan(0, Share::WHOLE, &request, &OnDamage::Fail, &RowCount::default())).await), live, "segment: {request:?}");
                let shares: Vec<ScanStream> = Share::each(1 + number as usize % 3)
                    .map(|share| indexed.scan(0, share, &request, &OnDamage::Fail, &RowCount::default()))
                    .collect();
                let all = rows(Box::pin(futures::stream::iter(shares).flatten())).await;
                assert_eq!(cells(&all), live, "indexed segment in shares: {request:?}");
            }
        });
    }
}

#[test]
fn addresses_lead_to_the_rows() {
    run(async {
        let records = records(Signal::Traces, 4, 100);
        let segment = segment(&remote(), &records, true).await;
        let predicate =
            Predicate::Compare { column: Column::Kind, comparison: Comparison::Equal, value: Scalar::Int(2) };
        let columns = vec![Column::SpanId, Column::Address];
        let found = rows(segment.scan(
            7,
            Share::WHOLE,
            &ScanRequest { columns, time: TimeRange::ALL, predicate },
            &OnDamage::Fail,
            &RowCount::default(),
        ))
        .await;
        assert!(found.num_rows() > 5);
        let addresses = found.column(1).as_primitive::<arrow::datatypes::UInt64Type>().values();
        let at: Vec<u32> = addresses.iter().map(|address| (*address & 0xffff_ffff) as u32).collect();
        assert!(addresses.iter().all(|address| address >> 32 == 7));
        let spans = segment.rows_spans(&at).await.expect("reads");
        let ids: Vec<u64> = spans.span_id.iter().map(|id| u64::from_be_bytes(id.0)).collect();
        assert_eq!(ids, span_ids(&found));
    });
}

#[test]
fn batches_without_columns_count_rows() {
    run(async {
        let records = records(Signal::Logs, 4, 100);
        let segment = segment(&remote(), &records, false).await;
        let request = ScanRequest { columns: Vec::new(), time: TimeRange::ALL, predicate: Predicate::always() };
        for scan in [
            segment.scan(0, Share::WHOLE, &request, &OnDamage::Fail, &RowCount::default()),
            scan_live(Arc::new(records.clone()), 0, &request, &RowCount::default()),
        ] {
            let batches: Vec<RecordBatch> = scan.try_collect().await.expect("scans");
            let last_nanosecond = naive(&records, &request).len();
            assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), last_nanosecond);
        }
    });
}

#[test]
fn parts_that_no_row_has_are_known_not_to_be_there_without_reading_a_row() {
    run(async {
        let mut logs = super::samples::logs(1, 200, false);
        logs.body = Default::default();
        (0..200).for_each(|row| logs.body.push(Value::String(&format!("Timeout of order A{row}F after {row} ms"))));
        let segment = segment(&remote(), &Records::Logs(logs), true).await;
        let contains = |part: &str| TextPattern::Contains(part.to_owned());
        let regex = |pattern: &str| TextPattern::Regex(Regex::new(pattern).expect("valid"));
        let expected = [
            (contains("imeouts"), Some((0, true)), "no word has it"),
            (contains("9q9"), Some((0, true)), "no identifier has it"),
            (contains("IMEOU"), Some((200, true)), "a part of a word only"),
            (contains("of orde"), None, "so many that it does not pay to try each"),
            (contains("199"), None, "a part of identifiers"),
            (TextPattern::Prefix(vec!["time".to_owned()]), Some((200, true)), "a beginning of a word only"),
            (regex("tixe[no]ut"), Some((0, true)), "no word has what comes first"),
            (regex("ord|aft"), None, "so many that it does not pay to try each"),
        ];
        let looked_up = crate::world::blocking(move || {
            let opened = segment.opened()?;
            for (pattern, expected, why) in expected {
                let found = segment.look_up_text(&opened, &pattern.matcher(), 0)?;
                let found = found.map(|found| (found.rows.count_set_bits(), found.exact));
                assert_eq!(found, expected, "{pattern:?}: {why}");
            }
            Ok(())
        });
        looked_up.await.expect("reads");
    });
}

#[test]
fn tokens_that_are_too_long_for_the_index_are_found() {
    run(async {
        let mut logs = super::samples::logs(1, 200, false);
        logs.body = Default::default();
        let long = |row: usize| "é".repeat(505 + row % 12) + ending(row);
        (0..200).for_each(|row| logs.body.push(Value::String(&long(row))));
        let records = Records::Logs(logs);
        let segment = segment(&remote(), &records, true).await;
        for row in 0..24 {
            for pattern in [TextPattern::Phrase(vec![long(row)]), TextPattern::Prefix(vec![long(row)])] {
                let columns = vec![Column::SpanId];
                let request = ScanRequest { columns, time: TimeRange::ALL, predicate: Predicate::Text(pattern) };
                let expected = naive(&records, &request);
                assert!(!expected.is_empty());
                assert_eq!(
                    span_ids(
                        &rows(segment.scan(0, Share::WHOLE, &request, &OnDamage::Fail, &RowCount::default())).await
                    ),
                    expected
                );
            }
        }
    });
}

fn ending(row: usize) -> &'static str {
    ["", "a", "ab"][row % 3]
}

/// The span ids of the rows that meet the request, found row by row without any of the code under test but
/// [`display`] and the matching of texts.
fn naive(records: &Records, request: &ScanRequest) -> Vec<u64> {
    let mut found: Vec<u64> = (0..records.len())
        .filter(|&row| {
            let time = match records {
                Records::Spans(spans) => spans.start[row],
                Records::Logs(logs) => logs.timestamp[row],
            };
            request.time.contains(UnixNanos(time)) && meets(records, row, &request.predicate)
        })
        .map(|row| match records {
            Records::Spans(spans) => u64::from_be_bytes(spans.span_id[row].0),
            Records::Logs(logs) => u64::from_be_bytes(logs.span_id[row].0),
        })
        .collect();
    found.sort_unstable();
    found
}

fn meets(records: &Records, row: usize, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::And(parts) => parts.iter().all(|part| meets(records, row, part)),
        Predicate::Or(parts) => parts.iter().any(|part| meets(records, row, part)),
        Predicate::Not(part) => !meets(records, row, part),
        Predicate::Compare { column, comparison, value } => {
            values(records, row, column).iter().any(|found| compares(found, *comparison, value))
        }
        Predicate::In { column, values: wanted } => {
            let found = values(records, row, column);
            wanted.iter().any(|value| found.iter().any(|found| compares(found, Comparison::Equal, value)))
        }
        Predicate::Matches { column, pattern } => values(records, row, column).iter().any(|found| match found {
            Scalar::String(text) => pattern.matcher().matches(text),
            _ => false,
        }),
        Predicate::Text(pattern) => texts(records, row).iter().any(|text| pattern.matcher().matches(text)),
        Predicate::HasAttribute { scope, key } => {
            lists(records, row, *scope).iter().any(|attributes| attributes.contains_key(key.as_str()))
        }
    }
}

fn compares(left: &Scalar, comparison: Comparison, right: &Scalar) -> bool {
    let order = match (left, right) {
        (Scalar::String(a), Scalar::String(b)) => a.as_bytes().partial_cmp(b.as_bytes()),
        (Scalar::Int(a), Scalar::Int(b)) => a.partial_cmp(b),
        (Scalar::Double(a), Scalar::Double(b)) => a.partial_cmp(b),
        (Scalar::Bool(a), Scalar::Bool(b)) => a.partial_cmp(b),
        (Scalar::Binary(a), Scalar::Binary(b)) => a.partial_cmp(b),
        _ => None,
    };
    order.is_some_and(|order| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

type Map<'a> = BTreeMap<&'a str, Value<'a>>;

fn map(attributes: &Attributes, row: usize) -> Map<'_> {
    if attributes.is_empty() { BTreeMap::new() } else { attributes.row(row).collect() }
}

fn lists(records: &Records, row: usize, scope: AttributeScope) -> Vec<Map<'_>> {
    let of_row = match records {
        Records::Spans(spans) => spans.scopes.get(spans.scope[row]),
        Records::Logs(logs) => logs.scopes.get(logs.scope[row]),
    };
    match (scope, records) {
        (AttributeScope::Resource, _) => vec![map(&of_row.resource_attributes, 0)],
        (AttributeScope::Scope, _) => vec![map(&of_row.scope_attributes, 0)],
        (AttributeScope::Record, Records::Spans(spans)) => vec![map(&spans.attributes, row)],
        (AttributeScope::Record, Records::Logs(logs)) => vec![map(&logs.attributes, row)],
        (AttributeScope::Event, Records::Spans(spans)) => {
            spans.events.of_row(row).map(|event| map(&spans.events.attributes, event)).collect()
        }
        (AttributeScope::Link, Records::Spans(spans)) => {
            spans.links.of_row(row).map(|link| map(&spans.links.attributes, link)).collect()
        }
        _ => Vec::new(),
    }
}

fn typed(value: Value<'_>, of: AttributeType) -> Option<Scalar> {
    match (value, of) {
        (Value::String(text), AttributeType::String) => Some(Scalar::String(text.to_owned())),
        (Value::Int(number), AttributeType::Int) => Some(Scalar::Int(number)),
        (Value::Double(number), AttributeType::Double) => Some(Scalar::Double(number)),
        (Value::Bool(flag), AttributeType::Bool) => Some(Scalar::Bool(flag)),
        (value, AttributeType::Display) => display(value).map(|text| Scalar::String(text.into_owned())),
        _ => None,
    }
}

fn texts(records: &Records, row: usize) -> Vec<String> {
    match records {
        Records::Logs(logs) => display(logs.body.get(row)).map(|text| text.into_owned()).into_iter().collect(),
        Records::Spans(spans) => {
            let mut texts = vec![spans.name.get(row).to_owned(), spans.status_message.get(row).to_owned()];
            for event in spans.events.of_row(row) {
                texts.push(spans.events.name.get(event).to_owned());
            }
            for attributes in lists(records, row, AttributeScope::Event) {
                texts.extend(attributes.iter().filter_map(|(key, value)| match value {
                    Value::String(text) if key.starts_with("exception.") => Some((*text).to_owned()),
                    _ => None,
                }));
            }
            texts
        }
    }
}

fn values(records: &Records, row: usize, column: &Column) -> Vec<Scalar> {
    let text = |text: &str| Some(Scalar::String(text.to_owned()));
    let time = |time: u64| Some(Scalar::Int(i64::try_from(time).unwrap_or(i64::MAX)));
    if let Column::Attribute { scope, key, of } = column {
        let lists = lists(records, row, *scope);
        return lists.iter().filter_map(|list| list.get(key.as_str()).and_then(|value| typed(*value, *of))).collect();
    }
    let found = match records {
        Records::Spans(spans) => match column {
            Column::ServiceName => text(spans.service_name(row)),
            Column::Name => text(spans.name.get(row)),
            Column::StatusMessage => text(spans.status_message.get(row)),
            Column::TraceState => text(spans.trace_state.get(row)),
            Column::Kind => Some(Scalar::Int(spans.kind[row].into())),
            Column::StatusCode => Some(Scalar::Int(spans.status_code[row].into())),
            Column::Time => time(spans.start[row]),
            Column::Duration => time(spans.end[row].saturating_sub(spans.start[row])),
            Column::TraceId => Some(Scalar::Binary(spans.trace_id[row].0.to_vec())),
            Column::SpanId => Some(Scalar::Binary(spans.span_id[row].0.to_vec())),
            Column::ParentSpanId => {
                let parent = spans.parent_span_id[row];
                parent.is_some().then(|| Scalar::Binary(parent.0.to_vec()))
            }
            Column::EventCount => Some(Scalar::Int(spans.events.of_row(row).len() as i64)),
            Column::LinkCount => Some(Scalar::Int(spans.links.of_row(row).len() as i64)),
            _ => None,
        },
        Records::Logs(logs) => match column {
            Column::ServiceName => text(logs.service_name(row)),
            Column::Body => display(logs.body.get(row)).map(|text| Scalar::String(text.into_owned())),
            Column::SeverityText => text(logs.severity_text.get(row)),
            Column::EventName => text(logs.event_name.get(row)),
            Column::SeverityNumber => Some(Scalar::Int(logs.severity_number[row].into())),
            Column::Time => time(logs.timestamp[row]),
            Column::TraceId => {
                let trace = logs.trace_id[row];
                trace.is_some().then(|| Scalar::Binary(trace.0.to_vec()))
            }
            Column::SpanId => Some(Scalar::Binary(logs.span_id[row].0.to_vec())),
            _ => None,
        },
    };
    found.into_iter().collect()
}
