//! Latencies in buckets: 64 to each power of two, so a percentile is within two percent, whatever it is.

use std::time::Duration;

pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Self {
            buckets: vec![0; BUCKETS],
            count: 0,
            max: 0,
        }
    }

    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.count += 1;
        self.max = self.max.max(nanos);
    }

    /// The latency in microseconds that this share of all did not exceed.
    pub fn quantile(&self, share: f64) -> f64 {
        let rank = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && *count > 0 {
                return lower_bound(index) as f64 / 1e3;
            }
        }
        self.max()
    }

    pub fn max(&self) -> f64 {
        self.max as f64 / 1e3
    }

    pub fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
        self.max = 0;
    }

    pub fn print(&self) {
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)] {
            println!("{name}_us {:.1}", self.quantile(share));
        }
        println!("max_us {:.1}", self.max());
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = (63 - (nanos | STEPS).leading_zeros()) - STEPS.trailing_zeros();
    (u64::from(shift) * STEPS + (nanos >> shift)) as usize
}

fn lower_bound(index: usize) -> u64 {
    let index = index as u64;
    let shift = (index / STEPS).saturating_sub(1);
    (index - shift * STEPS) << shift
}

const STEPS: u64 = 64;
const BUCKETS: usize = (STEPS * 60) as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_within_two_percent_of_its_bucket() {
        for nanos in (0..40).map(|n| 3u64.pow(n)) {
            let lower = lower_bound(bucket(nanos));
            assert!(
                lower <= nanos && nanos - lower <= nanos / 64,
                "{nanos}: {lower}"
            );
        }
    }
}
