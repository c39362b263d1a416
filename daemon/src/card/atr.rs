//! What a card's answer to reset gives away (ISO/IEC 7816-3 §8.2, 7816-4 §12.1).

/// Whether the historical bytes say that the card takes extended length:
/// COMPACT-TLV, tag 7, bit 7 of the third byte (ISO/IEC 7816-4 §12.1.1.9).
pub fn says_extended_length(atr: &[u8]) -> bool {
    let Some((&category, mut rest)) = historical(atr).and_then(<[u8]>::split_first) else {
        return false;
    };
    // With category 00, the last three bytes are a status, without a tag.
    match category {
        0x80 => {}
        0x00 if rest.len() >= 3 => rest = &rest[..rest.len() - 3],
        _ => return false,
    }
    while let Some((&head, after)) = rest.split_first() {
        let Some((value, next)) = after.split_at_checked(usize::from(head & 0x0F)) else {
            return false;
        };
        if head >> 4 == 7 {
            return value.get(2).is_some_and(|byte| byte & 0x40 != 0);
        }
        rest = next;
    }
    false
}

/// Whether the card lies on a contactless reader, whose answer to reset is
/// made up by the reader (PC/SC part 3 §3.1.3.2.3.1).
pub fn is_contactless(atr: &[u8]) -> bool {
    matches!(atr, [0x3B, 0x80..=0x8F, 0x80, 0x01, ..])
}

fn historical(atr: &[u8]) -> Option<&[u8]> {
    let (&format, mut rest) = atr.get(1..)?.split_first()?;
    let mut more = format >> 4;
    while more != 0 {
        let count = more.count_ones() as usize;
        let (interface, after) = rest.split_at_checked(count)?;
        rest = after;
        // The last of them says which follow.
        more = if more & 0x8 == 0 {
            0
        } else {
            interface.last()? >> 4
        };
    }
    rest.get(..usize::from(format & 0x0F))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// ID-One PIV 2.4.1, over contacts.
    const PLAIN: &[u8] = b"\x3B\xD6\x96\x00\x81\xB1\xFE\x45\x1F\x87\x80\x31\xC1\x52\x41\x1A\x2A";

    #[test]
    fn extended_length_is_said_in_the_third_byte_of_tag_7() {
        let with =
            |third: u8| [b"\x3B\x86\x80\x01\x80\x73\xC0\x21", &[third][..], b"\x00"].concat();

        assert!(says_extended_length(&with(0xC0)));
        assert!(!says_extended_length(&with(0x80)));
        assert!(!says_extended_length(PLAIN));
    }

    #[test]
    fn a_contactless_reader_is_told_by_what_it_makes_up() {
        assert!(is_contactless(
            b"\x3B\x86\x80\x01\x80\x31\xC1\x52\x41\x1A\x7E"
        ));
        assert!(!is_contactless(PLAIN));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (says_extended_length(&bytes), is_contactless(&bytes));
        }
    }
}
