//! The collectors: one on each node, which gathers the records of the node's pods into requests.

use crate::pods::{NODE_COUNT, Pods};
use crate::wire;

/// How many records a request has.
const BATCH: usize = 512;

const SCHEMA_URL: &[u8] = b"https://opentelemetry.io/schemas/1.38.0";

/// Records of one signal on their way.
pub struct Gateways {
    /// The encoded records of each pod.
    pods: Vec<Vec<u8>>,
    /// The number of records that wait on each node.
    waiting: [usize; NODE_COUNT],
    request: Vec<u8>,
    resource_part: Vec<u8>,
    scope_part: Vec<u8>,
}

impl Gateways {
    pub fn new(pods: &Pods) -> Gateways {
        Gateways {
            pods: vec![Vec::new(); pods.all.len()],
            waiting: [0; NODE_COUNT],
            request: Vec::new(),
            resource_part: Vec::new(),
            scope_part: Vec::new(),
        }
    }

    /// Takes an encoded record of a pod. Returns the node whose request is full.
    pub fn take(&mut self, pods: &Pods, pod: usize, record: &[u8]) -> Option<usize> {
        // Spans and log records are field 2 of their scope's message.
        wire::bytes(&mut self.pods[pod], 0x12, record);
        let node = pods.all[pod].node;
        self.waiting[node] += 1;
        (self.waiting[node] >= BATCH).then_some(node)
    }

    /// The encoded request of all that waits on a node, and how many records that is.
    pub fn request(&mut self, pods: &Pods, node: usize) -> (&[u8], u64) {
        self.request.clear();
        for (pod, records) in pods.all.iter().zip(&mut self.pods).filter(|(pod, _)| pod.node == node) {
            if records.is_empty() {
                continue;
            }
            self.scope_part.clear();
            wire::bytes(&mut self.scope_part, 0x0a, &pod.scope);
            self.scope_part.extend_from_slice(records);
            wire::bytes(&mut self.scope_part, 0x1a, SCHEMA_URL);
            self.resource_part.clear();
            wire::bytes(&mut self.resource_part, 0x0a, &pod.resource);
            wire::bytes(&mut self.resource_part, 0x12, &self.scope_part);
            wire::bytes(&mut self.resource_part, 0x1a, SCHEMA_URL);
            wire::bytes(&mut self.request, 0x0a, &self.resource_part);
            records.clear();
        }
        (&self.request, std::mem::take(&mut self.waiting[node]) as u64)
    }
}
