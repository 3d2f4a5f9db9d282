//! The pods that the services run in. Every service is rolled out anew from time to time, and its pods get other names.

use crate::dice::{Dice, mix};
use crate::services::SERVICES;
use crate::wire::{self, Attributes, attributes_of};

/// One pod of one service.
pub struct Pod {
    pub service: usize,
    pub node: usize,
    pub address: String,
    /// The encoded `Resource`.
    pub resource: Vec<u8>,
    /// The encoded `InstrumentationScope`.
    pub scope: Vec<u8>,
}

/// How many Kubernetes nodes there are; each has its own gateway.
pub const NODE_COUNT: usize = 4;

/// All pods of the moment.
pub struct Pods {
    seed: u64,
    pub all: Vec<Pod>,
    /// The first pod of each service in `all`.
    first: [usize; SERVICES.len()],
    rollouts: [u64; SERVICES.len()],
}

impl Pods {
    pub fn new(seed: u64) -> Pods {
        let mut pods = Pods { seed, all: Vec::new(), first: [0; SERVICES.len()], rollouts: [0; SERVICES.len()] };
        for (service, description) in SERVICES.iter().enumerate() {
            pods.first[service] = pods.all.len();
            for number in 0..description.pods {
                pods.all.push(pod(seed, service, number, 0));
            }
        }
        pods
    }

    /// Replaces all pods of a service.
    pub fn roll_out(&mut self, service: usize) {
        self.rollouts[service] += 1;
        for number in 0..SERVICES[service].pods {
            self.all[self.first[service] + number as usize] = pod(self.seed, service, number, self.rollouts[service]);
        }
    }

    /// A pod of a service.
    pub fn any(&self, service: usize, dice: &mut Dice) -> usize {
        self.first[service] + dice.below(SERVICES[service].pods) as usize
    }
}

fn pod(seed: u64, service: usize, number: u64, rollout: u64) -> Pod {
    let description = &SERVICES[service];
    let replica_set = mix(seed ^ mix(service as u64 * 1_000 + rollout));
    let own = mix(replica_set ^ (number + 1));
    let name = format!("{}-{:09x}-{}", description.name, replica_set >> 28, letters(own));
    let node = (own % NODE_COUNT as u64) as usize;
    let address = format!("10.42.{node}.{}", 2 + (own >> 20) % 250);
    let mut resource = Vec::new();
    let mut attributes = Attributes::new(&mut resource, attributes_of::RESOURCE);
    let patch = format!("{}{}", description.version, if rollout == 0 { String::new() } else { format!("+{rollout}") });
    for (key, value) in [
        ("service.name", description.name),
        ("service.namespace", "shop"),
        ("service.version", &patch),
        ("service.instance.id", &uuid(own)),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.language", description.language.name()),
        ("telemetry.sdk.version", "1.44.0"),
        ("k8s.cluster.name", "shop-eu-1"),
        ("k8s.namespace.name", "shop"),
        ("k8s.deployment.name", description.name),
        ("k8s.pod.name", &name),
        ("k8s.pod.uid", &uuid(mix(own))),
        ("k8s.pod.ip", &address),
        ("k8s.node.name", &format!("ip-10-0-{node}-17.eu-central-1.compute.internal")),
        ("container.image.name", &format!("registry.example.com/shop/{}", description.name)),
        ("cloud.provider", "aws"),
        ("cloud.region", "eu-central-1"),
        ("cloud.availability_zone", &format!("eu-central-1{}", ["a", "b", "c", "a"][node])),
    ] {
        attributes.text(key, value);
    }
    let mut scope = Vec::new();
    wire::bytes(&mut scope, 0x0a, description.scope.as_bytes());
    wire::bytes(&mut scope, 0x12, b"0.66.1");
    Pod { service, node, address, resource, scope }
}

/// The five characters at the end of a pod's name.
fn letters(mut number: u64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut letters = String::new();
    for _ in 0..5 {
        letters.push(char::from(ALPHABET[(number % ALPHABET.len() as u64) as usize]));
        number /= ALPHABET.len() as u64;
    }
    letters
}

fn uuid(number: u64) -> String {
    let (a, b) = (mix(number ^ 0x5bd1), mix(number ^ 0xe995));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    )
}
