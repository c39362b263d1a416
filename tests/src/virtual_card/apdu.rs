//! Command and answer of ISO/IEC 7816-4, as strict as the protocol in use.

use cacd::card::transport::Protocol;

/// The two bytes that end every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    pub(crate) const OK: Self = Self(0x9000);
    pub(crate) const WRONG_LENGTH: Self = Self(0x6700);
    pub(crate) const CHANNEL_NOT_SUPPORTED: Self = Self(0x6881);
    pub(crate) const CHAINING_NOT_SUPPORTED: Self = Self(0x6884);
    pub(crate) const SECURITY_STATUS: Self = Self(0x6982);
    pub(crate) const BLOCKED: Self = Self(0x6983);
    pub(crate) const CONDITIONS_OF_USE: Self = Self(0x6985);
    pub(crate) const WRONG_DATA: Self = Self(0x6A80);
    pub(crate) const NOT_SUPPORTED: Self = Self(0x6A81);
    pub(crate) const NOT_FOUND: Self = Self(0x6A82);
    pub(crate) const NO_MEMORY: Self = Self(0x6A84);
    pub(crate) const WRONG_PARAMETERS: Self = Self(0x6A86);
    pub(crate) const NO_SUCH_REFERENCE: Self = Self(0x6A88);
    pub(crate) const NO_SUCH_INSTRUCTION: Self = Self(0x6D00);
    pub(crate) const NO_SUCH_CLASS: Self = Self(0x6E00);
    pub(crate) const NO_DIAGNOSIS: Self = Self(0x6F00);
    pub(crate) const WRONG_UNCOUNTED: Self = Self(0x6300);

    pub(crate) fn tries_left(tries: u8) -> Self {
        Self(0x63C0 | u16::from(tries & 0xF))
    }

    /// As old cards wrote it.
    pub(crate) fn tries_left_in_old_form(tries: u8) -> Self {
        Self(0x6300 | u16::from(tries & 0xF))
    }

    /// 61xx, where 00 stands for 256 or more.
    pub(crate) fn more(remaining: usize) -> Self {
        Self(0x6100 | u16::from(u8::try_from(remaining).unwrap_or(0)))
    }

    /// 6Cxx: ask again for exactly this much.
    pub(crate) fn exactly(remaining: usize) -> Self {
        Self(0x6C00 | u16::from(u8::try_from(remaining).unwrap_or(0)))
    }
}

/// A command as the card sees it. Holds a PIN at times, so it has no `Debug`.
pub(crate) struct Command<'a> {
    pub(crate) cla: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    pub(crate) expected: Expected,
    /// Its lengths have two bytes.
    pub(crate) is_extended: bool,
}

/// What the command says about the length of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// No Le.
    Nothing,
    /// Le in a command that cannot be taken for anything else; 256 for Le = 00.
    UpTo(usize),
    /// P3 of a T=0 command without data: Le, or nothing at all if it is 00.
    Perhaps(usize),
}

impl<'a> Command<'a> {
    /// Takes the bytes apart. `None` stands for 6700, and so does an extended
    /// length where the card has none.
    pub(crate) fn parse(protocol: Protocol, has_extended: bool, bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<4>()?;
        let is_extended = matches!(body, [0, _, ..]);
        let (data, expected) = match (body, protocol) {
            ([], _) => (&[][..], Expected::Nothing),
            ([le], Protocol::T1) => (&[][..], Expected::UpTo(length(*le))),
            ([p3], Protocol::T0) => (&[][..], Expected::Perhaps(length(*p3))),
            ([0, extended @ ..], Protocol::T1) if has_extended => Self::extended(extended)?,
            ([0, ..], _) => return None,
            ([lc, rest @ ..], _) => {
                let (data, le) = rest.split_at_checked(usize::from(*lc))?;
                match (le, protocol) {
                    ([], _) => (data, Expected::Nothing),
                    ([le], Protocol::T1) => (data, Expected::UpTo(length(*le))),
                    // T=0 has one length only (ISO/IEC 7816-3, section 12.2), T=1 has two.
                    _ => return None,
                }
            }
        };
        let [cla, ins, p1, p2] = *header;
        Some(Self {
            cla,
            ins,
            p1,
            p2,
            data,
            expected,
            is_extended,
        })
    }

    /// What follows the zero that begins an extended length.
    fn extended(body: &'a [u8]) -> Option<(&'a [u8], Expected)> {
        let (first, rest) = body.split_first_chunk::<2>()?;
        if rest.is_empty() {
            return Some((&[], Expected::UpTo(extended_length(*first))));
        }
        let lc = usize::from(u16::from_be_bytes(*first));
        let (data, le) = rest.split_at_checked(lc)?;
        match le {
            _ if lc == 0 => None,
            [] => Some((data, Expected::Nothing)),
            [high, low] => Some((data, Expected::UpTo(extended_length([*high, *low])))),
            _ => None,
        }
    }

    /// Whether this can be a command that neither brings nor asks for anything.
    pub(crate) fn is_bare(&self) -> bool {
        self.data.is_empty() && matches!(self.expected, Expected::Nothing | Expected::Perhaps(256))
    }
}

fn length(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended_length(le: [u8; 2]) -> usize {
    match u16::from_be_bytes(le) {
        0 => 65_536,
        le => usize::from(le),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(protocol: Protocol, bytes: &[u8]) -> Option<(usize, Expected)> {
        Command::parse(protocol, false, bytes).map(|command| (command.data.len(), command.expected))
    }

    #[test]
    fn t1_takes_data_and_expected_length_together() {
        let t1 = Protocol::T1;

        assert_eq!(shape(t1, &[0, 0x20, 0, 0x80]), Some((0, Expected::Nothing)));
        assert_eq!(
            shape(t1, &[0, 0xC0, 0, 0, 0]),
            Some((0, Expected::UpTo(256)))
        );
        assert_eq!(
            shape(t1, &[0, 0xCB, 0, 0, 1, 9]),
            Some((1, Expected::Nothing))
        );
        assert_eq!(
            shape(t1, &[0, 0xCB, 0, 0, 1, 9, 8]),
            Some((1, Expected::UpTo(8)))
        );
    }

    #[test]
    fn t0_takes_one_length_only() {
        let t0 = Protocol::T0;

        assert_eq!(
            shape(t0, &[0, 0xC0, 0, 0, 8]),
            Some((0, Expected::Perhaps(8)))
        );
        assert_eq!(
            shape(t0, &[0, 0xCB, 0, 0, 1, 9]),
            Some((1, Expected::Nothing))
        );
        assert_eq!(shape(t0, &[0, 0xCB, 0, 0, 1, 9, 0]), None);
    }

    #[test]
    fn extended_lengths_have_two_bytes() {
        let shape = |bytes| {
            let command = Command::parse(Protocol::T1, true, bytes)?;
            Some((command.data.len(), command.expected, command.is_extended))
        };

        let all = Expected::UpTo(65_536);
        assert_eq!(shape(&[0, 0xC0, 0, 0, 0, 0, 0]), Some((0, all, true)));
        let with_data = [0, 0xCB, 0, 0, 0, 0, 1, 9];
        assert_eq!(shape(&with_data), Some((1, Expected::Nothing, true)));
        let with_both = [0, 0xCB, 0, 0, 0, 0, 1, 9, 1, 0];
        assert_eq!(shape(&with_both), Some((1, Expected::UpTo(256), true)));
        assert_eq!(
            shape(&[0, 0xC0, 0, 0, 0]),
            Some((0, Expected::UpTo(256), false))
        );
        for wrong in [
            &[0, 0xCB, 0, 0, 0, 0][..],
            &[0, 0xCB, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0xCB, 0, 0, 0, 0, 2, 9],
            &[0, 0xCB, 0, 0, 0, 0, 1, 9, 0],
            &[0, 0xCB, 0, 0, 0, 0, 1, 9, 0, 0, 0],
        ] {
            assert_eq!(shape(wrong), None, "{wrong:02X?}");
        }
        let t0 = Command::parse(Protocol::T0, true, &with_data);
        assert!(t0.is_none(), "T=0 has no extended lengths");
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        for bytes in [
            &[][..],
            &[0],
            &[0, 1, 2],
            &[0, 1, 2, 3, 2, 9],
            &[0, 1, 2, 3, 1, 9, 0, 0],
            &[0, 1, 2, 3, 0, 0, 1, 9],
        ] {
            assert_eq!(shape(Protocol::T1, bytes), None, "{bytes:02X?}");
        }
    }
}
