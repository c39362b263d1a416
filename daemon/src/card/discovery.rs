//! The Discovery Object: which PIN is the holder's (SP 800-73pt1-5 §3.3.2).

use cac_common::finding::Finding;
use cac_common::snapshot::PinReference;

use super::tlv;

/// How it is named in findings.
const NAME: &str = "Discovery Object";

/// Bits of the first byte of the PIN usage policy.
const PIV_PIN: u8 = 0x40;
const GLOBAL_PIN: u8 = 0x20;
const ON_CARD_COMPARISON: u8 = 0x10;
const VIRTUAL_CONTACT: u8 = 0x08;
const NO_PAIRING_CODE: u8 = 0x04;
/// The first bytes that a card may say (SP 800-73pt1-5 §3.3.2).
const LEGAL: [u8; 12] = [
    0x40, 0x48, 0x4C, 0x50, 0x58, 0x5C, 0x60, 0x68, 0x6C, 0x70, 0x78, 0x7C,
];
/// The second byte, where the card has both PINs.
const PIV_PIN_FIRST: u8 = 0x10;
const GLOBAL_PIN_FIRST: u8 = 0x20;

/// What a Discovery Object says. A card without one has the PIN of its PIV
/// application alone, as by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// The PIN to ask for, and to send.
    pub pin: PinReference,
    /// The card compares a finger itself, in place of a PIN.
    pub has_on_card_comparison: bool,
    /// The card can be used without contact as with it.
    pub has_virtual_contact: bool,
    /// That needs the pairing code first.
    pub needs_pairing_code: bool,
    /// What could not be read, in words.
    pub findings: Vec<Finding>,
}

impl Discovery {
    /// Reads the content of the object, without its outer tag. Whatever is not
    /// exactly as the standard has it leaves the PIN that every card has: a
    /// PIN sent to the wrong place costs a try.
    pub fn parse(bytes: &[u8]) -> Self {
        let Some(policy) = tlv::find(bytes, 0x5F2F) else {
            return Self::faulty("it does not say which PIN is used");
        };
        let &[usage, preference] = policy else {
            return Self::faulty("its PIN usage policy is not two bytes");
        };
        if !LEGAL.contains(&usage) {
            return Self::faulty("its PIN usage policy is none that the standard knows");
        }
        let has = |bit| usage & bit == bit;
        debug_assert!(has(PIV_PIN), "every legal policy has it");
        let (pin, is_clear) = match (has(GLOBAL_PIN), preference) {
            (true, GLOBAL_PIN_FIRST) => (PinReference::Global, true),
            (true, PIV_PIN_FIRST) | (false, 0) => (PinReference::Application, true),
            (true | false, _) => (PinReference::Application, false),
        };
        let unclear = note("it does not say which of two PINs comes first");
        Self {
            pin,
            has_on_card_comparison: has(ON_CARD_COMPARISON),
            has_virtual_contact: has(VIRTUAL_CONTACT),
            needs_pairing_code: has(VIRTUAL_CONTACT) && !has(NO_PAIRING_CODE),
            findings: Some(unclear).filter(|_| !is_clear).into_iter().collect(),
        }
    }

    fn faulty(fault: &str) -> Self {
        Self {
            findings: vec![note(fault)],
            ..Self::default()
        }
    }
}

/// It could not be read on a card that has a Global PIN too: the tries of the
/// other may not be those of the holder's PIN, and none is spent unasked.
pub(super) fn unread() -> Finding {
    note("it cannot be read, and the card has two PINs")
}

fn note(fault: &str) -> Finding {
    Finding::note(
        NAME,
        fault,
        "The card's own PIN is used, as on a card that says nothing. If a right PIN is refused, stop: it may be another one.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AID: &[u8] = b"\x4F\x0B\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x01\x00";

    #[test]
    fn the_global_pin_is_used_only_where_the_card_has_it_and_puts_it_first() {
        use PinReference::{Application, Global};
        for (policy, pin) in [
            ([0x40, 0x00], Application),
            ([0x60, 0x10], Application),
            ([0x60, 0x20], Global),
            ([0x7C, 0x20], Global),
        ] {
            let discovery = Discovery::parse(&object(&policy));

            assert_eq!(discovery.pin, pin, "{policy:02X?}");
            assert!(discovery.findings.is_empty(), "{policy:02X?}");
        }
        assert_eq!(Application.key_reference(), 0x80);
        assert_eq!(Global.key_reference(), 0x00);
    }

    #[test]
    fn what_is_not_as_the_standard_has_it_is_told_and_leaves_the_cards_own_pin() {
        for content in [
            object(&[0x40, 0x20]),
            object(&[0x60, 0x00]),
            object(&[0x60, 0x30]),
            object(&[0x20, 0x20]),
            object(&[0xE0, 0x20]),
            object(&[0x44, 0x00]),
            object(&[0x60]),
            object(&[0x60, 0x20, 0x00]),
            AID.to_vec(),
            Vec::new(),
        ] {
            let discovery = Discovery::parse(&content);

            assert_eq!(discovery.pin, PinReference::Application, "{content:02X?}");
            assert_eq!(discovery.findings.len(), 1, "{content:02X?}");
        }
    }

    #[test]
    fn the_other_bits_say_what_else_the_card_can_do() {
        let plain = Discovery::parse(&object(&[0x40, 0x00]));
        let paired = Discovery::parse(&object(&[0x58, 0x00]));
        let unpaired = Discovery::parse(&object(&[0x4C, 0x00]));

        assert!(!plain.has_on_card_comparison && !plain.has_virtual_contact);
        assert!(paired.has_on_card_comparison && paired.has_virtual_contact);
        assert!(paired.needs_pairing_code && !unpaired.needs_pairing_code);
        assert!(unpaired.has_virtual_contact);
    }

    #[test]
    fn of_all_policies_only_the_legal_ones_are_taken() {
        let legal = (0..=u8::MAX)
            .filter(|usage| {
                let discovery = Discovery::parse(&object(&[*usage, 0x20]));
                discovery.pin == PinReference::Global
            })
            .collect::<Vec<_>>();

        assert_eq!(legal, [0x60, 0x68, 0x6C, 0x70, 0x78, 0x7C]);
    }

    fn object(policy: &[u8]) -> Vec<u8> {
        let length = u8::try_from(policy.len()).unwrap();
        [AID, b"\x5F\x2F", &[length], policy].concat()
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Discovery::parse(&bytes);
        }
    }
}
