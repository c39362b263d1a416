//! What nothing here can test: the person ticks it off.

use super::{By, Check};

const fn stated(
    name: &'static str,
    title: &'static str,
    words: &'static str,
    command: Option<&'static str>,
) -> Check {
    Check {
        name,
        title,
        meaning: words,
        after: &[],
        by: By::Person(words, command),
    }
}

pub(super) const CHECKS: &[Check] = &[
    stated(
        "stated-account",
        "I have an account there",
        "Signing in ties a card to an account that is there. Who may have one, and how to \
             get it, depends on the portal: e in the dashboard asks you.",
        Some("cacctl eligibility"),
    ),
    stated(
        "stated-pin",
        "I know the PIN of my card",
        "It was chosen when the card was issued. An ID card office (RAPIDS) can reset it; \
             bring the card and another photo ID.",
        None,
    ),
    stated(
        "stated-password",
        "user name, password at hand",
        "They are needed only where the card alone is not enough, to register by hand. The \
             portal's help desk resets them.",
        None,
    ),
];
