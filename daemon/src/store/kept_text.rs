//! Text on its way into the database and out of it.

use cac_common::identity::readable;

/// Fewer digits in a row cannot hold a DoD ID number, which has ten.
const DOD_ID_DIGITS: usize = 10;

/// How much of a longer run of digits stays readable.
const TAIL: usize = 4;

/// The text as it may be kept and shown: harmless for a terminal, and without
/// DoD ID number, alone or within a longer run of digits (UPN, FASC-N).
pub(super) fn kept_text(text: &str) -> String {
    let text = readable(text);
    let mut kept = String::with_capacity(text.len());
    let mut digits = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
        } else {
            push_masked(&mut kept, &mut digits);
            kept.push(c);
        }
    }
    push_masked(&mut kept, &mut digits);
    kept
}

fn push_masked(kept: &mut String, digits: &mut String) {
    if digits.len() >= DOD_ID_DIGITS {
        let hidden = digits.len() - TAIL;
        kept.extend(std::iter::repeat_n('•', hidden));
        kept.push_str(&digits[hidden..]);
    } else {
        kept.push_str(digits);
    }
    digits.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dod_id_number_keeps_only_its_tail() {
        for (text, kept) in [
            ("DOE, JANE Q", "DOE, JANE Q"),
            ("jane.doe.1234567890", "jane.doe.••••••7890"),
            ("1234567890117001@mil", "••••••••••••7001@mil"),
            ("until 2027-03-01, 123456789", "until 2027-03-01, 123456789"),
            ("\u{1b}[31m1234567890", "\u{FFFD}[31m••••••7890"),
        ] {
            assert_eq!(kept_text(text), kept, "{text}");
        }
    }

    #[test]
    fn what_was_kept_once_is_kept_unchanged() {
        let once = kept_text("account 1234567890 \u{7}");

        assert_eq!(kept_text(&once), once);
    }
}
