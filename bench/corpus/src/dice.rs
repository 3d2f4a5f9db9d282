//! Chance: a small generator of random numbers (SplitMix64), the same everywhere and for ever, and the distributions that
//! the shop needs.

/// A stream of random numbers that follows from its seed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from `0` to `bound - 1`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// A number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Mostly near `least`, sometimes up to `most`.
    pub fn skewed(&mut self, least: u64, most: u64) -> u64 {
        let share = self.share();
        least + ((most - least) as f64 * share * share * share) as u64
    }

    /// A rank from `0` to `bound - 1`: few that come often, many that come rarely.
    pub fn popular(&mut self, bound: u64) -> u64 {
        let share = self.share();
        ((bound as f64 * share * share * share) as u64).min(bound - 1)
    }

    /// A heavy tail (Pareto) from `least`, cut at `most`.
    pub fn heavy_tail(&mut self, least: u64, most: u64) -> u64 {
        const SHAPE: f64 = 1.15;
        let share = 1.0 - self.share();
        ((least as f64 * share.powf(-1.0 / SHAPE)) as u64).clamp(least, most)
    }
}

/// A number that looks random and follows from `number`.
pub fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
