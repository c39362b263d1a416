//! How long to wait after the n-th failure.

use std::time::Duration;

/// Doubles from `first` up to `longest`, each time shortened by up to a fifth,
/// so that machines that failed together do not come back together. `random`
/// is any number; `asked` is what the portal asked for, and is never undercut.
pub fn wait(
    attempt: u32,
    first: Duration,
    longest: Duration,
    asked: Option<Duration>,
    random: u64,
) -> Duration {
    let doubled = first
        .saturating_mul(1 << attempt.saturating_sub(1).min(20))
        .min(longest);
    let share = u32::try_from(random % 1000).expect("less than a thousand");
    let shortened = doubled.saturating_sub(doubled / 5 * share / 1000);
    // Whole seconds, since that is what people are told.
    let seconds = shortened.as_secs() + u64::from(shortened.subsec_nanos() > 0);
    Duration::from_secs(seconds).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIRST: Duration = Duration::from_secs(30);
    const LONGEST: Duration = Duration::from_mins(30);

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let waits: Vec<u64> = (1..=8)
            .map(|attempt| wait(attempt, FIRST, LONGEST, None, 0).as_secs())
            .collect();

        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1800, 1800]);
    }

    #[test]
    fn a_portal_that_asks_for_more_time_gets_it() {
        let asked = Duration::from_hours(2);

        assert_eq!(wait(1, FIRST, LONGEST, Some(asked), 7), asked);
    }

    proptest! {
        #[test]
        fn jitter_shortens_by_a_fifth_at_most(attempt in 0u32..1000, random: u64) {
            let unshortened = wait(attempt, FIRST, LONGEST, None, 0);
            let shortened = wait(attempt, FIRST, LONGEST, None, random);
            prop_assert!(shortened <= unshortened);
            prop_assert!(shortened >= unshortened * 4 / 5);
        }
    }
}
