//! What stands in the way of everything.

use super::{App, Link, Said};
use crate::failure::LOG_IN_THERE;
use crate::phrase::{self, Tone};

impl App {
    /// What stands in the way of everything, the worst first.
    pub fn problems(&self) -> Vec<Said> {
        let mut problems = Vec::new();
        let mut say = |tone, text: String| problems.push(Said { tone, text });
        if let Link::Away { since, why } = &self.link {
            let old = match &self.snapshot {
                Some(_) => {
                    let when = phrase::clock(*since, &self.zone);
                    format!("cacd is away; what you see is from {when}. Trying again by itself.")
                }
                None => "cacd is away. Trying again by itself.".into(),
            };
            say(Tone::Bad, old);
            let advice = why.advice.unwrap_or_default();
            say(Tone::Wanted, format!("{}. {advice}", why.what));
        }
        let Some(snapshot) = &self.snapshot else {
            return problems;
        };
        if let Some(text) = phrase::service(snapshot.service) {
            say(Tone::Bad, text.into());
        }
        if let Some(problem) = &snapshot.daemon.store_problem {
            say(
                Tone::Bad,
                format!("The database cannot be used, so nothing is kept: {problem}"),
            );
        }
        if !snapshot.may_act {
            say(
                Tone::Wanted,
                format!("You may see the readers only. {LOG_IN_THERE}"),
            );
        } else if snapshot.portals.is_empty() {
            say(
                Tone::Wanted,
                "No portal is configured: put a profile into /etc/cacd/portals.d, and cards are registered there.".into(),
            );
        }
        for problem in &snapshot.problems {
            say(Tone::Bad, problem.clone());
        }
        problems
    }
}
