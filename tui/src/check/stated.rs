//! What nothing here can test: the person ticks it off.

use super::{Check, Fix, Known, List, Verdict};

struct Stated {
    name: &'static str,
    what: &'static str,
    /// What to do where it is not so.
    words: &'static str,
    command: Option<&'static str>,
}

const LINES: [Stated; 4] = [
    Stated {
        name: "stated-account",
        what: "I have an account there",
        words: "Signing in ties a card to an account that is there. Who may have one, and how to \
             get it, depends on the portal: e in the dashboard asks you.",
        command: Some("cacctl eligibility"),
    },
    Stated {
        name: "stated-pin",
        what: "I know the PIN of my card",
        words: "It was chosen when the card was issued. An ID card office (RAPIDS) can reset it; \
             bring the card and another photo ID.",
        command: None,
    },
    Stated {
        name: "stated-password",
        what: "user name, password at hand",
        words: "They are needed only where the card alone is not enough, to register by hand. The \
             portal's help desk resets them.",
        command: None,
    },
    Stated {
        name: "stated-middleware",
        what: "my browser can use the card",
        words: "cacd needs no middleware. A browser does, to use the card after you have \
             registered: OpenSC's module, loaded by the browser.",
        command: Some("sudo apt install opensc"),
    },
];

pub(super) fn checks(known: &Known<'_>, list: &mut List) {
    list.checks.extend(LINES.iter().map(|line| {
        let is_so = known.ticked.contains(line.name);
        let (verdict, cause) = if is_so {
            (Verdict::Fine, "so you say")
        } else {
            (Verdict::Unknown, "Space ticks it off")
        };
        Check {
            name: line.name.into(),
            what: line.what.into(),
            verdict,
            cause: cause.into(),
            fix: Some(Fix {
                words: line.words.into(),
                command: line.command.map(str::to_owned),
            }),
            is_stated: true,
        }
    }));
}
