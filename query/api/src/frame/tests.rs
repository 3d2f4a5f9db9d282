use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value as Json;
use tracewell_model::{Attributes, Scope, SpanId, Spans, Value};

use super::*;

/// A span in a few numbers: id, parent (0: none), start, end.
#[derive(Clone, Copy, Debug)]
struct Sketch(u64, u64, u64, u64);

fn spans(sketches: &[Sketch]) -> Spans {
    let mut spans = Spans::default();
    let scopes: Vec<_> = ["shop", "bank"].map(|service| Arc::new(scope_of(service))).to_vec();
    for &Sketch(id, parent, start, end) in sketches {
        let scope = spans.scopes.intern(&scopes[id as usize % 2]);
        spans.scope.push(scope);
        spans.trace_id.push(TraceId([1; 16]));
        spans.span_id.push(SpanId(id.to_be_bytes()));
        spans.parent_span_id.push(SpanId(parent.to_be_bytes()));
        spans.trace_state.push("");
        spans.flags.push(0);
        spans.name.push(&format!("operation {}", id % 5));
        spans.kind.push(id as i32 % 8 - 1);
        spans.start.push(start);
        spans.end.push(end);
        spans.attributes.end_row();
        spans.dropped_attributes_count.push(0);
        spans.events.end_row();
        spans.dropped_events_count.push(0);
        spans.links.end_row();
        spans.dropped_links_count.push(0);
        spans.status_code.push(id as i32 % 4);
        spans.status_message.push("");
    }
    spans
}

fn shown(spans: &Spans) -> FrameSpans {
    let mut shown = FrameSpans::default();
    shown.add(spans);
    shown
}

fn scope_of(service: &str) -> Scope {
    let mut resource_attributes = Attributes::default();
    resource_attributes.push("service.name", Value::String(service));
    resource_attributes.end_row();
    Scope { resource: service.into(), resource_attributes, ..Scope::default() }
}

/// A frame, read as a browser reads it.
struct Read {
    header: Json,
    body: Vec<u8>,
}

impl Read {
    fn of(sketches: &[Sketch]) -> Read {
        let bytes = encode(TraceId([1; 16]), &shown(&spans(sketches)), &Exactness::Exact).expect("a frame");
        assert_eq!(bytes[..4], MAGIC);
        let header_length = u32::from_le_bytes(bytes[4..8].try_into().expect("four bytes")) as usize;
        assert_eq!(header_length % ALIGNMENT, 0);
        let header = serde_json::from_slice(&bytes[8..8 + header_length]).expect("a JSON header");
        Read { header, body: bytes[8 + header_length..].to_vec() }
    }

    fn column<const N: usize>(&self, name: &str, kind: &str) -> Vec<[u8; N]> {
        let columns = self.header["columns"].as_array().expect("columns");
        let column = columns.iter().find(|column| column["name"] == name).expect(name);
        assert_eq!(column["type"], kind);
        let offset = column["offset"].as_u64().expect("an offset") as usize;
        let length = column["length"].as_u64().expect("a length") as usize;
        assert_eq!(offset % ALIGNMENT, 0);
        self.body[offset..offset + length * N].chunks_exact(N).map(|item| item.try_into().expect("N bytes")).collect()
    }

    fn ids(&self) -> Vec<u64> {
        let bytes: Vec<u8> = self.column::<1>("spanId", "u8").into_iter().flatten().collect();
        bytes.chunks_exact(8).map(|id| u64::from_be_bytes(id.try_into().expect("eight bytes"))).collect()
    }

    fn depths(&self) -> Vec<u16> {
        self.column("depth", "u16").into_iter().map(u16::from_le_bytes).collect()
    }

    fn flags(&self) -> Vec<u8> {
        self.column::<1>("flags", "u8").into_iter().flatten().collect()
    }

    fn floats(&self, name: &str) -> Vec<f64> {
        self.column(name, "f64").into_iter().map(f64::from_le_bytes).collect()
    }
}

#[test]
fn spans_are_in_depth_first_order_and_siblings_by_start() {
    let frame = Read::of(&[Sketch(4, 2, 30, 35), Sketch(3, 1, 20, 90), Sketch(2, 1, 10, 50), Sketch(1, 0, 0, 100)]);
    assert_eq!(frame.ids(), [1, 2, 4, 3]);
    assert_eq!(frame.depths(), [0, 1, 2, 1]);
    assert_eq!(frame.floats("start"), [0.0, 10.0, 30.0, 20.0]);
    assert_eq!(frame.floats("duration"), [100.0, 40.0, 5.0, 70.0]);
    assert_eq!(frame.flags(), [0, 0, 0, 0]);
}

#[test]
fn the_header_sums_the_trace_up() {
    let header =
        Read::of(&[Sketch(2, 1, 1_700_000_000_000_000_100, 0), Sketch(1, 0, 1_700_000_000_000_000_001, 0)]).header;
    assert_eq!(header["traceId"], "01".repeat(16));
    assert_eq!(header["spanCount"], 2);
    assert_eq!(header["startTimeUnixNano"], "1700000000000000001");
    assert_eq!(header["durationNano"], 99);
    assert_eq!(header["errorCount"], 1);
    assert_eq!(header["serviceNames"], serde_json::json!(["bank", "shop"]));
    assert_eq!(header["spanNames"], serde_json::json!(["operation 1", "operation 2"]));
    assert_eq!(header["exactness"], serde_json::json!({"state": "exact"}));
}

#[test]
fn names_services_kinds_and_states_stand_beside_their_spans() {
    let frame = Read::of(&[Sketch(1, 0, 0, 9), Sketch(2, 1, 1, 9), Sketch(7, 1, 2, 9)]);
    let name: Vec<u32> = frame.column("name", "u32").into_iter().map(u32::from_le_bytes).collect();
    let service: Vec<u32> = frame.column("service", "u32").into_iter().map(u32::from_le_bytes).collect();
    assert_eq!((name, service), (vec![0, 1, 1], vec![0, 1, 0]));
    assert_eq!(frame.column::<1>("kind", "u8"), [[0], [1], [UNDEFINED]]);
    assert_eq!(frame.column::<1>("status", "u8"), [[1], [2], [UNDEFINED]]);
}

#[test]
fn a_span_whose_parent_is_missing_is_a_root_that_says_so() {
    let frame = Read::of(&[Sketch(1, 0, 5, 9), Sketch(2, 77, 1, 3), Sketch(3, 2, 2, 3)]);
    assert_eq!(frame.ids(), [2, 3, 1]);
    assert_eq!(frame.depths(), [0, 1, 0]);
    assert_eq!(frame.flags(), [flag::PARENT_MISSING, 0, 0]);
}

#[test]
fn clocks_that_disagree_are_flagged() {
    let frame = Read::of(&[Sketch(1, 0, 10, 20), Sketch(2, 1, 5, 8), Sketch(3, 1, 12, 11)]);
    assert_eq!(frame.flags(), [0, flag::STARTS_BEFORE_PARENT, flag::ENDS_BEFORE_START]);
    assert_eq!(frame.floats("duration"), [10.0, 3.0, 0.0]);
    assert_eq!(frame.floats("start"), [5.0, 0.0, 7.0]);
}

#[test]
fn dropped_data_is_flagged_wherever_it_was_dropped() {
    let sketches = [Sketch(1, 0, 0, 9), Sketch(2, 1, 1, 9), Sketch(3, 1, 2, 9), Sketch(4, 1, 3, 9)];
    let mut spans = spans(&sketches);
    spans.dropped_attributes_count[0] = 1;
    spans.dropped_events_count[1] = 1;
    spans.dropped_links_count[2] = 1;
    let flags = |spans: &Spans| shown(spans).flags;
    let dropped = flag::DROPPED_DATA;
    assert_eq!(flags(&spans), [dropped, dropped, dropped, 0]);
}

#[test]
fn a_cycle_is_cut_at_its_earliest_span() {
    let frame = Read::of(&[Sketch(1, 3, 30, 99), Sketch(2, 1, 10, 99), Sketch(3, 2, 20, 99), Sketch(4, 3, 5, 99)]);
    assert_eq!(frame.ids(), [2, 3, 4, 1]);
    assert_eq!(frame.depths(), [0, 1, 2, 2]);
    assert_eq!(frame.flags(), [flag::CYCLE_CUT, 0, flag::STARTS_BEFORE_PARENT, 0]);
}

#[test]
fn a_span_that_is_its_own_parent_is_a_root() {
    let frame = Read::of(&[Sketch(1, 1, 0, 9), Sketch(2, 1, 1, 9)]);
    assert_eq!((frame.ids(), frame.depths()), (vec![1, 2], vec![0, 1]));
    assert_eq!(frame.flags(), [flag::CYCLE_CUT, 0]);
}

#[test]
fn depth_saturates_in_a_chain_longer_than_its_type() {
    let chain: Vec<Sketch> = (1..=70_000).map(|id| Sketch(id, id - 1, id, id + 1)).collect();
    let frame = Read::of(&chain);
    assert_eq!(frame.depths()[65_534..65_537], [65_534, 65_535, 65_535]);
    assert_eq!(frame.ids().last(), Some(&70_000));
}

#[test]
fn a_frame_of_many_spans_takes_little_longer_than_its_share() {
    let time_of = |count: u64| {
        let sketches: Vec<Sketch> = (1..=count).map(|id| Sketch(id, id / 3, id * 7 % count, count * 2)).collect();
        let spans = spans(&sketches);
        let times = (0..3).map(|_| {
            let start = std::time::Instant::now();
            let frame = encode(TraceId([1; 16]), &shown(&spans), &Exactness::Exact).expect("a frame");
            assert!(frame.len() > 41 * count as usize);
            start.elapsed()
        });
        times.min().unwrap_or_default()
    };
    let (small, large) = (time_of(10_000), time_of(100_000));
    println!("10,000 spans: {small:?}; 100,000 spans: {large:?}");
    assert!(large < small * 40, "100,000 spans took {large:?}, 10,000 took {small:?}");
}

/// Spans with few distinct ids, so that duplicates, cycles, holes and self-parents are common.
fn tangles() -> impl Strategy<Value = Vec<Sketch>> {
    let sketch =
        (1..40u64, 0..45u64, 0..20u64, 0..30u64).prop_map(|(id, parent, start, end)| Sketch(id, parent, start, end));
    prop::collection::vec(sketch, 1..60)
}

proptest! {
    #[test]
    fn every_span_is_there_exactly_once_whatever_the_parents_say(sketches in tangles()) {
        let spans = spans(&sketches);
        let tree = Tree::of(&shown(&spans));
        let mut rows: Vec<usize> = tree.nodes.iter().map(|node| node.row).collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..sketches.len()).collect::<Vec<_>>());
    }

    #[test]
    fn every_span_stands_below_its_parent_or_says_why_not(sketches in tangles()) {
        let spans = spans(&sketches);
        let mut path: Vec<SpanId> = Vec::new();
        for node in Tree::of(&shown(&spans)).nodes {
            prop_assert!(node.depth <= path.len());
            path.truncate(node.depth);
            let parent = spans.parent_span_id[node.row];
            match path.last() {
                Some(above) => prop_assert_eq!(*above, parent),
                None if parent.is_none() => {}
                None if spans.span_id.contains(&parent) => prop_assert_eq!(node.flags, flag::CYCLE_CUT),
                None => prop_assert_eq!(node.flags, flag::PARENT_MISSING),
            }
            path.push(spans.span_id[node.row]);
        }
    }

    #[test]
    fn the_order_of_storage_does_not_show(sketches in tangles(), seed in any::<u64>()) {
        let mut shuffled = sketches.clone();
        let mut state = seed;
        for place in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(place, (state >> 33) as usize % (place + 1));
        }
        let (a, b) = (Read::of(&sketches), Read::of(&shuffled));
        prop_assert_eq!(a.header, b.header);
        prop_assert_eq!(a.body, b.body);
    }

    #[test]
    fn any_times_are_survived(times in prop::collection::vec((any::<u64>(), any::<u64>()), 1..20)) {
        let sketches = times.iter().zip(1..).map(|(&(start, end), id)| Sketch(id, id - 1, start, end));
        let frame = Read::of(&sketches.collect::<Vec<_>>());
        prop_assert!(frame.floats("start").into_iter().chain(frame.floats("duration")).all(|x| x >= 0.0));
    }
}
