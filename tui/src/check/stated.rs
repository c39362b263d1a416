//! What nothing here can test: the person ticks it off.

use super::outcome::outcomes;
use super::{By, Check};

const SAID: &str = "so you say";
const OPEN: &str = "yours to say";

const ACCOUNT: &str = "Signing in ties a card to an account that is there. Who may have one, and how \
     to get it, depends on the portal: e in the dashboard asks you.";
const ELIGIBILITY: &str = "cacctl eligibility";

const PIN: &str = "It was chosen when the card was issued. An ID card office (RAPIDS) can reset it; \
     bring the card and another photo ID.";

const PASSWORD: &str = "They are needed only where the card alone is not enough, to register by hand. \
     The portal's help desk resets them.";

outcomes! {
    account {
        SAID: Outcome::fine(super::SAID).by(super::ACCOUNT, super::ELIGIBILITY);
        OPEN: Outcome::unknown(super::OPEN).by(super::ACCOUNT, super::ELIGIBILITY);
    }
}

outcomes! {
    pin {
        SAID: Outcome::fine(super::SAID).mended(super::PIN);
        OPEN: Outcome::unknown(super::OPEN).mended(super::PIN);
    }
}

outcomes! {
    password {
        SAID: Outcome::fine(super::SAID).mended(super::PASSWORD);
        OPEN: Outcome::unknown(super::OPEN).mended(super::PASSWORD);
    }
}

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "stated-account",
        title: "I have an account there",
        meaning: ACCOUNT,
        after: &[],
        by: By::Person {
            said: account::SAID,
            open: account::OPEN,
        },
        outcomes: account::ALL,
    },
    Check {
        name: "stated-pin",
        title: "I know the PIN of my card",
        meaning: PIN,
        after: &[],
        by: By::Person {
            said: pin::SAID,
            open: pin::OPEN,
        },
        outcomes: pin::ALL,
    },
    Check {
        name: "stated-password",
        title: "user name, password at hand",
        meaning: PASSWORD,
        after: &[],
        by: By::Person {
            said: password::SAID,
            open: password::OPEN,
        },
        outcomes: password::ALL,
    },
];
