//! How long to wait before the next try: a span that doubles up to a limit, and of it a part that chance picks, so that
//! those who failed together come back one by one.

use std::time::Duration;

/// Spans of a kind of tries.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Backoff {
    /// The span after one more failure than `before`.
    pub fn span(self, before: u32) -> Duration {
        let doubled = 1_u32.checked_shl(before).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.most)
    }

    /// A random part of it, from `least` to `most` times the span.
    pub fn part(self, before: u32, least: f64, most: f64) -> Duration {
        self.span(before).mul_f64(least + fastrand::f64() * (most - least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_double_up_to_the_longest() {
        let ms = Duration::from_millis;
        let backoff = Backoff { first: ms(200), most: ms(5_000) };
        let spans: Vec<_> = (0..7).chain([31, 32, u32::MAX]).map(|before| backoff.span(before)).collect();
        let want = [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000, 5_000];
        assert_eq!(spans, want.map(ms));
        for _ in 0..1_000 {
            let part = backoff.part(1, 0.5, 1.0);
            assert!((ms(200)..=ms(400)).contains(&part), "{part:?}");
        }
    }
}
