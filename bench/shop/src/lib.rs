//! A simulated web shop: a dozen services that call each other, databases and a queue, fail, retry and log.
//!
//! The demo sends its telemetry through the server's own OTLP port, benchmarks fill stores with it. Everything
//! follows from a seed. Nothing here is used to answer a query.

mod browsing;
mod ordering;
mod products;
mod recorder;
mod services;
mod spans;
mod stacks;
mod visit;

pub use recorder::Telemetry;
pub use services::SERVICE_COUNT;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// The shop, with its weather: which dependency is slow or failing right now.
pub struct Shop {
    rng: StdRng,
    instances: Vec<services::Instances>,
    next_order: u64,
    /// While true, the inventory's database is slow and payments are declined more often.
    pub trouble: bool,
}

impl Shop {
    /// A shop whose every choice follows from `seed`.
    pub fn new(seed: u64) -> Shop {
        let mut rng = StdRng::seed_from_u64(seed);
        let instances = services::instances(&mut rng);
        Shop { rng, instances, next_order: 10_000, trouble: false }
    }

    /// Serves one visit that begins at `start` (Unix nanoseconds): its spans and log records, by service.
    pub fn visit(&mut self, start: u64) -> Telemetry {
        let kind: f64 = self.rng.random();
        let user = self.user();
        let mut visit = visit::Visit::new(&mut self.rng, &self.instances, self.trouble, user, start);
        match kind {
            k if k < 0.34 => visit.browse_home(),
            k if k < 0.66 => visit.view_product(),
            k if k < 0.80 => visit.add_to_cart(),
            k if k < 0.86 => visit.search(),
            k if k < 0.90 => visit.health_check(),
            _ => {
                self.next_order += 1;
                visit.place_order(self.next_order);
            }
        }
        visit.finish()
    }

    /// A few customers come often, most of them rarely.
    fn user(&mut self) -> u64 {
        let skewed: f64 = self.rng.random::<f64>().powi(3);
        (skewed * 200_000.0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_decides_everything() {
        let ids = |seed| {
            let mut shop = Shop::new(seed);
            (0..20).map(|i| format!("{:?}", shop.visit(1_700_000_000_000_000_000 + i).spans)).collect::<Vec<_>>()
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn every_parent_is_in_the_trace_and_every_service_takes_part() {
        let mut shop = Shop::new(1);
        let mut services = HashSet::new();
        for i in 0..2_000 {
            let telemetry = shop.visit(1_700_000_000_000_000_000 + i * 1_000_000);
            let ids: HashSet<_> = telemetry.spans.iter().map(|(_, span)| span.span_id.clone()).collect();
            assert_eq!(ids.len(), telemetry.spans.len());
            for (service, span) in &telemetry.spans {
                services.insert(*service);
                assert!(span.parent_span_id.is_empty() || ids.contains(&span.parent_span_id));
                assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
            }
        }
        assert_eq!(services.len(), SERVICE_COUNT);
    }
}
