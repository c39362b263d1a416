//! Waiting for what another process or thread does, with a limit.

use std::time::Duration;

use crate::clock;

/// Time between two looks.
const NAP: Duration = Duration::from_millis(5);

/// The condition did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {limit:?} in vain until {what}")]
pub struct WaitedInVain {
    /// What was waited for.
    pub what: String,
    /// How long.
    pub limit: Duration,
}

/// Returns as soon as `condition` holds. `what` completes the sentence "waited until …".
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<(), WaitedInVain> {
    wait_for(what, limit, || condition().then_some(()))
}

/// Returns what `look` finds, as soon as it finds something.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, WaitedInVain> {
    let begin = clock::instant();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if begin.elapsed() >= limit {
            return Err(WaitedInVain {
                what: what.to_owned(),
                limit,
            });
        }
        std::thread::sleep(NAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;

        let outcome = wait_until("the third look", Duration::from_secs(10), || {
            looks += 1;
            looks == 3
        });

        assert!(outcome.is_ok());
        assert_eq!(looks, 3);
    }

    #[test]
    fn a_condition_that_stays_false_is_given_up() {
        let error = wait_until("pigs fly", Duration::from_millis(1), || false).unwrap_err();

        assert_eq!(error.to_string(), "waited 1ms in vain until pigs fly");
    }
}
