//! Printed Information: what stands on the card's face, for whoever has given
//! the PIN (SP 800-73pt1-5 §3.3.1).

use cac_common::finding::Finding;
use cac_common::identity::readable;

use super::date::Date;
use super::habits::Habits;
use super::logged_in::{Done, Target, while_logged_in};
use super::tlv;
use super::transport::Transport;
use crate::event::HeldPin;

/// How it is named in findings.
const NAME: &str = "Printed Information";

/// The most each field may hold (SP 800-73pt1-5 appendix A).
const LONGEST_NAME: usize = 125;
const LONGEST_LINE: usize = 20;
const LONGEST_ISSUER: usize = 15;

/// Reads the content of the object; `None` if the card has none.
pub fn read_printed(
    transport: &mut dyn Transport,
    habits: &Habits,
    target: &Target,
    pin: HeldPin,
) -> Done<Option<Vec<u8>>> {
    while_logged_in(transport, habits, target, pin, |way, exchange| {
        way.printed(exchange)
    })
}

/// What is printed. Everything is optional, since cards leave things out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    pub name: Option<String>,
    /// `CIVILIAN`, in words of the issuer's own.
    pub affiliation: Option<String>,
    pub expires: Option<Date>,
    /// The serial number that the agency gave the card.
    pub serial: Option<String>,
    pub issuer: Option<String>,
    /// Up to two lines.
    pub organisation: Vec<String>,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

impl Printed {
    /// Reads the content of the object, without its outer tag.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut printed = Self::default();
        for element in tlv::elements(bytes) {
            let Ok(element) = element else {
                printed.findings.push(note("it is cut short"));
                break;
            };
            printed.take(element);
        }
        printed
    }

    fn take(&mut self, element: tlv::Element<'_>) {
        let value = element.value;
        match element.tag {
            0x01 => self.name = self.text(value, LONGEST_NAME, "the name in it"),
            0x02 => self.affiliation = self.text(value, LONGEST_LINE, "the affiliation in it"),
            0x04 => {
                self.expires = Date::from_printed(value);
                if self.expires.is_none() {
                    self.findings.push(note("its expiry date is no date"));
                }
            }
            0x05 => self.serial = self.text(value, LONGEST_LINE, "the card's number in it"),
            0x06 => self.issuer = self.text(value, LONGEST_ISSUER, "the issuer in it"),
            0x07 | 0x08 if self.organisation.len() < 2 => {
                let line = self.text(value, LONGEST_LINE, "the organisation in it");
                self.organisation.extend(line);
            }
            _ => {}
        }
    }

    fn text(&mut self, value: &[u8], longest: usize, what: &str) -> Option<String> {
        let Some(text) = std::str::from_utf8(value)
            .ok()
            .filter(|_| value.len() <= longest)
        else {
            self.findings.push(note(&format!("{what} cannot be read")));
            return None;
        };
        Some(readable(text)).filter(|text| !text.is_empty())
    }
}

fn note(fault: &str) -> Finding {
    Finding::note(
        NAME,
        fault,
        "What is printed on the card counts; signing in does not depend on it.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &[u8] = b"\x01\x0BDOE, JANE Q\x02\x08CIVILIAN\x04\x092030DEC31\x05\x06000123\x06\x0FDOD970000000001\xFE\x00";

    #[test]
    fn what_is_printed_is_read() {
        let printed = Printed::parse(EXAMPLE);

        assert_eq!(printed.name.as_deref(), Some("DOE, JANE Q"));
        assert_eq!(printed.affiliation.as_deref(), Some("CIVILIAN"));
        assert_eq!(printed.expires, Date::from_iso("2030-12-31"));
        assert_eq!(printed.serial.as_deref(), Some("000123"));
        assert_eq!(printed.issuer.as_deref(), Some("DOD970000000001"));
        assert!(printed.organisation.is_empty());
        assert!(printed.findings.is_empty(), "{:?}", printed.findings);
    }

    #[test]
    fn an_organisation_has_two_lines_at_most() {
        let printed = Printed::parse(b"\x07\x01A\x08\x01B\x08\x01C");

        assert_eq!(printed.organisation, ["A", "B"]);
    }

    #[test]
    fn what_is_malformed_is_told_and_the_rest_is_read() {
        let long = [&b"\x02\x15"[..], &[b'A'; 0x15], b"\x05\x011"].concat();
        for content in [
            &b"\x01\x01\xFF\x05\x011"[..],
            b"\x04\x092030XXX31\x05\x011",
            b"\x05\x011\x01\x05a",
            &long,
        ] {
            let printed = Printed::parse(content);

            assert_eq!(printed.serial.as_deref(), Some("1"), "{content:02X?}");
            assert_eq!(printed.findings.len(), 1, "{content:02X?}");
        }
    }

    #[test]
    fn escape_sequences_are_made_harmless() {
        let printed = Printed::parse(b"\x01\x05\x1B[2JA");

        assert_eq!(printed.name.as_deref(), Some("\u{FFFD}[2JA"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Printed::parse(&bytes);
        }
    }
}
