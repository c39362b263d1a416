//! SimpleTLV as the CAC edge writes it: tags and lengths in one buffer, values
//! in another (GSC-IS 2.1, §8.3).
//!
//! Each buffer begins with the length of the rest of it, two bytes, the low
//! byte first; [`content`] takes that off.

/// One element: its tag, and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    pub tag: u8,
    pub value: &'a [u8],
}

/// A buffer is shorter than it says, or names values that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a buffer is cut short")]
pub struct CutShort;

/// A length of this size is followed by the real one, two bytes.
const LONG: u8 = 0xFF;

/// What a buffer holds after its length. Bytes beyond the length are left out.
pub fn content(buffer: &[u8]) -> Result<&[u8], CutShort> {
    let (length, rest) = buffer.split_first_chunk().ok_or(CutShort)?;
    rest.get(..usize::from(u16::from_le_bytes(*length)))
        .ok_or(CutShort)
}

/// The elements one after the other, from the contents of both buffers; ends
/// after the first that is cut short.
pub fn elements<'a>(
    mut tags: &'a [u8],
    mut values: &'a [u8],
) -> impl Iterator<Item = Result<Element<'a>, CutShort>> {
    std::iter::from_fn(move || {
        if tags.is_empty() {
            return None;
        }
        if let Some((element, tags_left, values_left)) = first(tags, values) {
            (tags, values) = (tags_left, values_left);
            Some(Ok(element))
        } else {
            tags = &[];
            Some(Err(CutShort))
        }
    })
}

/// Where the value of the first element with this tag lies among the values,
/// and its length.
pub fn place(mut tags: &[u8], tag: u8) -> Option<(usize, usize)> {
    let mut at = 0;
    while !tags.is_empty() {
        let (found, length, rest) = head(tags)?;
        if found == tag {
            return Some((at, length));
        }
        at += length;
        tags = rest;
    }
    None
}

/// Tag and length of the first element, and what follows them.
fn head(tags: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (&tag, rest) = tags.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if length != LONG {
        return Some((tag, usize::from(length), rest));
    }
    let (length, rest) = rest.split_first_chunk()?;
    Some((tag, usize::from(u16::from_le_bytes(*length)), rest))
}

fn first<'a>(tags: &'a [u8], values: &'a [u8]) -> Option<(Element<'a>, &'a [u8], &'a [u8])> {
    let (tag, length, rest) = head(tags)?;
    let (value, values) = values.split_at_checked(length)?;
    Some((Element { tag, value }, rest, values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_taken_one_after_the_other() {
        let tags = content(b"\x04\x00\x01\x04\x03\x03").unwrap();
        let values = content(b"\x07\x00JANEDOE").unwrap();

        let read: Vec<_> = elements(tags, values).map(Result::unwrap).collect();

        assert_eq!((read[0].tag, read[0].value), (0x01, &b"JANE"[..]));
        assert_eq!((read[1].tag, read[1].value), (0x03, &b"DOE"[..]));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn a_long_length_is_two_bytes() {
        let tags = content(b"\x0A\x00\x71\x01\x70\xFF\xB2\x03\x72\x26\xFE\x00").unwrap();
        let values = vec![0; 1 + 0x3B2 + 0x26];

        let lengths: Vec<_> = elements(tags, &values)
            .map(|element| element.map(|element| (element.tag, element.value.len())))
            .map(Result::unwrap)
            .collect();

        assert_eq!(lengths, [(0x71, 1), (0x70, 0x3B2), (0x72, 0x26), (0xFE, 0)]);
    }

    #[test]
    fn a_value_has_its_place_before_it_is_there() {
        let tags = b"\x71\x01\x70\xFF\xB2\x03\x72\x26";

        assert_eq!(place(tags, 0x70), Some((1, 0x3B2)));
        assert_eq!(place(tags, 0x72), Some((1 + 0x3B2, 0x26)));
        assert_eq!(place(tags, 0xFE), None);
        assert_eq!(place(b"\x71", 0x70), None);
    }

    #[test]
    fn what_is_cut_short_is_told() {
        for buffer in [&b""[..], b"\x05", b"\x05\x00abcd"] {
            assert_eq!(content(buffer), Err(CutShort), "{buffer:02X?}");
        }
        for (tags, values) in [
            (&b"\x01"[..], &b"a"[..]),
            (b"\x01\x02", b"a"),
            (b"\x01\xFF\x01", b"a"),
            (b"\x01\x01\x02\x01", b"a"),
        ] {
            assert_eq!(elements(tags, values).last(), Some(Err(CutShort)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_within_their_bounds(
            tags in proptest::collection::vec(any::<u8>(), 0..80),
            values in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let _ = content(&tags);
            let read: usize = elements(&tags, &values).flatten().map(|element| element.value.len()).sum();
            prop_assert!(read <= values.len());
        }
    }
}
