//! Registering by hand, for a person in a terminal.

use std::io::Write;

use cac_common::identity::readable;
use cac_common::wizard::{Confirmation, Wizard, WizardState};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::line;
use crate::confirmation::lines;
use crate::failure::Failure;
use crate::phrase;

/// How steps are marked; not by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    Signs,
    /// Where nothing but ASCII is drawn, or a program reads.
    Plain,
}

/// How it ended, for a program.
#[derive(Serialize)]
pub struct Ended<'a> {
    pub portal: &'a str,
    pub is_registered: bool,
    pub confirmation: Option<&'a Confirmation>,
}

/// Every step, and which are done.
pub fn steps(wizard: &Wizard, marks: Marks) -> Vec<String> {
    (0..wizard.steps.len())
        .map(|at| step(wizard, at, marks))
        .collect()
}

/// `▶ 2  Sign in`.
pub fn step(wizard: &Wizard, at: usize, marks: Marks) -> String {
    let now = usize::try_from(wizard.at).unwrap_or(usize::MAX);
    let mark = match (marks, at.cmp(&now)) {
        (Marks::Signs, std::cmp::Ordering::Less) => "✔",
        (Marks::Signs, std::cmp::Ordering::Equal) => "▶",
        (Marks::Signs, std::cmp::Ordering::Greater) => "·",
        (Marks::Plain, std::cmp::Ordering::Less) => "[x]",
        (Marks::Plain, std::cmp::Ordering::Equal) => "[>]",
        (Marks::Plain, std::cmp::Ordering::Greater) => "[ ]",
    };
    let title = wizard.steps.get(at).map(|title| readable(title));
    format!("{mark} {:>2}  {}", at + 1, title.unwrap_or_default())
}

/// What has changed, for somebody who is asked something else just now; nothing
/// once all is done.
pub fn state(wizard: &Wizard) -> Option<String> {
    Some(match &wizard.state {
        WizardState::Working => "The portal is at work.".into(),
        WizardState::Asking { asks } => {
            let asks = asks.iter().filter(|ask| !ask.is_answered);
            let labels: Vec<String> = asks.map(|ask| readable(&ask.label)).collect();
            format!("The portal asks for something now: {}.", labels.join(", "))
        }
        WizardState::Telling => "A step is to be done elsewhere now.".into(),
        WizardState::Stopped { cause } => {
            format!("It cannot go on: {}.", readable(&cause.detail))
        }
        WizardState::Done { .. } => return None,
    })
}

/// What the portal showed, and when.
pub fn confirmation(
    out: &mut impl Write,
    portal: &str,
    confirmation: &Confirmation,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let moment = phrase::moment(confirmation.at, zone);
    line(out, &format!("{portal} showed at {moment}:"))?;
    line(out, "")?;
    for text in lines(confirmation) {
        line(out, &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cac_common::time::UtcSeconds;

    fn wizard(at: u32) -> Wizard {
        Wizard {
            portal: "ako".into(),
            steps: ["Sign in", "My Account", "Register\u{1b}[2J"]
                .map(str::to_owned)
                .into(),
            at,
            turn: 1,
            state: WizardState::Working,
            problem: None,
            caution: None,
            since: UtcSeconds(0),
        }
    }

    #[test]
    fn each_step_is_marked_as_done_at_hand_or_ahead() {
        assert_eq!(
            steps(&wizard(1), Marks::Signs),
            [
                "✔  1  Sign in",
                "▶  2  My Account",
                "·  3  Register\u{fffd}[2J"
            ]
        );
        assert_eq!(
            steps(&wizard(3), Marks::Plain),
            [
                "[x]  1  Sign in",
                "[x]  2  My Account",
                "[x]  3  Register\u{fffd}[2J"
            ]
        );
    }

    #[test]
    fn a_step_that_is_not_there_is_no_panic() {
        assert_eq!(step(&wizard(u32::MAX), 7, Marks::Plain), "[x]  8  ");
    }
}
