//! What the status words of a card mean to whoever holds it, and what they can
//! do (ISO/IEC 7816-4, SP 800-73pt2-5 §3, GSC-IS 2.1 §5.3).

use std::fmt;

use super::error::StatusWord;

const AGAIN: &str = "take the card out and put it in again";
const OFFICE: &str = "an ID card office can replace the card";
const OFFICE_IF_AGAIN: &str = "if it fails again, an ID card office can replace it";
const OFFICE_CHANGES_IT: &str = "an ID card office can change it";
const SLOT: &str = "put the card into a reader with a slot, chip first";
const OTHERS: &str = "close other programs that use the card";
const ADMINISTRATOR: &str = "tell your administrator";

/// A clause, and another that goes on after it: what to do, where there is more
/// to be said than to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub what: &'static str,
    pub advice: Option<&'static str>,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

/// What a refusal of `command` means. An answer to GET RESPONSE is one to the
/// command whose answer it fetches. What some commands take for no refusal has
/// its words too, so that no answer is without.
pub fn meaning(command: &str, status: StatusWord) -> Meaning {
    let of_the_command = match command {
        "SELECT" => of_select(status),
        "VERIFY" => of_verify(status),
        "CHANGE REFERENCE DATA" => of_a_change(status),
        "GENERAL AUTHENTICATE" | "SIGN/DECRYPT" => of_a_key(command, status),
        "GET DATA" | "READ BUFFER" | "GET CERTIFICATE" | "GET ACR" => of_reading(status),
        _ => None,
    };
    let (what, advice) = of_the_command.unwrap_or_else(|| of_any(status));
    Meaning {
        what,
        advice: match (command, advice) {
            ("SELECT", "") => Some(AGAIN),
            (_, "") => None,
            (_, advice) => Some(advice),
        },
    }
}

/// What it means, and what to do; empty where there is nothing to be said of it.
type Words = (&'static str, &'static str);

fn of_select(status: StatusWord) -> Option<Words> {
    Some(match status.0 {
        0x6982 | 0x6985 => ("the card cannot be opened now", OTHERS),
        _ => return None,
    })
}

fn of_reading(status: StatusWord) -> Option<Words> {
    Some(match status.0 {
        0x6982 => (
            "the card does not show it without a PIN, or not through this reader",
            SLOT,
        ),
        0x6985 => ("the card does not show it now", ""),
        0x6A82 | 0x6A88 => ("the card does not have it", ""),
        _ => return None,
    })
}

/// To a PIN that was sent.
fn of_verify(status: StatusWord) -> Option<Words> {
    Some(match status.0 {
        0x6400 | 0x6581 | 0x6F00 => (
            "the card failed while it looked at the PIN, and may have counted a wrong try",
            OFFICE_IF_AGAIN,
        ),
        0x6700 | 0x6A86 => (
            "the card does not take a PIN in this form, and may have counted a wrong try",
            ADMINISTRATOR,
        ),
        0x6982 | 0x6A81 => ("the card takes no PIN through this reader", SLOT),
        0x6A80 => (
            "the card does not take this for a PIN, and may have counted a wrong try",
            "look at it again before you type it: six to eight digits",
        ),
        0x6A82 | 0x6A88 => (
            "no PIN was ever set on this card, or not the one that it names",
            "an ID card office can set it",
        ),
        0x6D00 | 0x6E00 => (
            "another part of the card answered, which takes no PIN",
            OTHERS,
        ),
        _ => return None,
    })
}

/// To a PIN and another that was to replace it.
fn of_a_change(status: StatusWord) -> Option<Words> {
    Some(match status.0 {
        0x6400 | 0x6581 | 0x6F00 => ("the card failed while it changed the PIN", ""),
        0x6A80 => (
            "the card does not take the new PIN: its issuer may ask for more digits, or for others than before",
            "choose another",
        ),
        0x6982 | 0x6985 => (
            "the card does not let its holder change the PIN, or not through this reader",
            OFFICE_CHANGES_IT,
        ),
        0x6700 | 0x6A81 | 0x6A86 | 0x6A88 => (
            "the card does not change its PIN in this way",
            OFFICE_CHANGES_IT,
        ),
        0x6D00 | 0x6E00 => (
            "another part of the card answered, which changes no PIN",
            OTHERS,
        ),
        _ => return None,
    })
}

fn of_a_key(command: &str, status: StatusWord) -> Option<Words> {
    Some(match status.0 {
        0x6400 | 0x6581 | 0x6F00 => ("the card failed while it signed", OFFICE_IF_AGAIN),
        0x6883 => ("the card did not take in all of what was to be signed", ""),
        0x6700 | 0x6884 => (
            "the card, or its reader, does not take all of what was to be signed",
            "try another reader",
        ),
        0x6982 => (
            "the card forgot the PIN before it signed, as when another program comes between",
            OTHERS,
        ),
        // A CAC has nothing to touch.
        0x6985 if command == "SIGN/DECRYPT" => ("the card is not ready to sign", OTHERS),
        0x6985 => (
            "the card waits for a touch, or is not ready to sign",
            "touch it when it blinks",
        ),
        0x6A80 | 0x6A86 => (
            "the key on the card does not sign in the way that was asked for",
            ADMINISTRATOR,
        ),
        0x6A81 => ("the card does not sign through this reader", SLOT),
        0x6A82 | 0x6A88 => (
            "the card does not have the key of its own certificate",
            OFFICE,
        ),
        0x6D00 | 0x6E00 => (
            "another part of the card answered, which does not sign",
            OTHERS,
        ),
        _ => return None,
    })
}

fn of_any(status: StatusWord) -> Words {
    match status.0 {
        0x6100..=0x61FF => ("the card announces an answer that does not belong here", ""),
        0x6281 | 0x6282 => ("what the card sent is damaged on it", OFFICE),
        0x6283 => (
            "the card, or this part of it, was shut down by its issuer",
            OFFICE,
        ),
        0x6300..=0x63FF => ("the card says that a check failed", ""),
        0x6400 | 0x6581 | 0x6F00 => ("the card failed", OFFICE_IF_AGAIN),
        0x6700 => (
            "the card, or its reader, does not take a command of this length",
            "try another reader",
        ),
        0x6881 => (
            "the card was asked on a channel that it does not have",
            OTHERS,
        ),
        0x6882 | 0x6987 | 0x6988 => (
            "the card wants an encrypted connection, which this program does not have",
            ADMINISTRATOR,
        ),
        0x6883 => ("the card waits for the rest of a command", ""),
        0x6884 => ("the card takes no command in parts", ADMINISTRATOR),
        0x6982 => ("the card wants a PIN, or its contacts, for this", SLOT),
        0x6983 => ("the PIN is blocked", "an ID card office can reset it"),
        0x6985 => ("the card is not ready for this", ""),
        0x6A80 => (
            "the card does not understand what it was sent",
            ADMINISTRATOR,
        ),
        0x6A81 => ("the card cannot do this, or not through this reader", SLOT),
        0x6A82 | 0x6A88 => ("the card does not have what was asked for", OFFICE),
        0x6A84 => ("the card has no memory left", ""),
        0x6A86 => (
            "the card does not know the command in this form",
            ADMINISTRATOR,
        ),
        0x6C00..=0x6CFF => ("the card asks for another length again and again", ""),
        0x6D00 | 0x6E00 => (
            "another part of the card answered, which does not know the command",
            OTHERS,
        ),
        _ => ("the card gave an answer that no standard has", ""),
    }
}
