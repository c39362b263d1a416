//! BER-TLV as cards write it: tags of one to three bytes, definite lengths (ISO/IEC 7816-4 annex E).

/// One element: its tag as a number, and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    pub tag: u32,
    pub value: &'a [u8],
}

/// The bytes are no element, or an element is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an element is cut short or malformed")]
pub struct Malformed;

/// Takes one element off the front; gives it and what follows.
pub fn first(bytes: &[u8]) -> Result<(Element<'_>, &[u8]), Malformed> {
    let (tag, rest) = tag(bytes)?;
    let (length, rest) = length(rest)?;
    let value = rest.get(..length).ok_or(Malformed)?;
    Ok((Element { tag, value }, &rest[length..]))
}

/// Tag and length of an element that may be cut short, and what follows them.
pub fn open(bytes: &[u8]) -> Result<(u32, usize, &[u8]), Malformed> {
    let (tag, rest) = tag(bytes)?;
    let (length, rest) = length(rest)?;
    Ok((tag, length, rest))
}

/// The elements one after the other; ends after the first that is malformed.
pub fn elements(mut bytes: &[u8]) -> impl Iterator<Item = Result<Element<'_>, Malformed>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        match first(bytes) {
            Ok((element, rest)) => {
                bytes = rest;
                Some(Ok(element))
            }
            Err(malformed) => {
                bytes = &[];
                Some(Err(malformed))
            }
        }
    })
}

/// The value of the first element with this tag, if it comes before anything malformed.
pub fn find(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    elements(bytes)
        .map_while(Result::ok)
        .find(|element| element.tag == tag)
        .map(|element| element.value)
}

/// An element, written. For commands, which are short: lengths up to 65 535.
pub fn write(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = u16::try_from(value.len()).expect("what we send to a card is short");
    let [high, low] = length.to_be_bytes();
    match length {
        0..=0x7F => bytes.push(low),
        0x80..=0xFF => bytes.extend([0x81, low]),
        0x100.. => bytes.extend([0x82, high, low]),
    }
    bytes.extend_from_slice(value);
    bytes
}

fn tag(bytes: &[u8]) -> Result<(u32, &[u8]), Malformed> {
    let (&head, mut rest) = bytes.split_first().ok_or(Malformed)?;
    let mut tag = u32::from(head);
    if head & 0x1F != 0x1F {
        return Ok((tag, rest));
    }
    for _ in 0..2 {
        let (&next, after) = rest.split_first().ok_or(Malformed)?;
        tag = tag << 8 | u32::from(next);
        rest = after;
        if next & 0x80 == 0 {
            return Ok((tag, rest));
        }
    }
    Err(Malformed)
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (&head, rest) = bytes.split_first().ok_or(Malformed)?;
    let count = match head {
        0..=0x7F => return Ok((usize::from(head), rest)),
        0x81..=0x83 => usize::from(head & 0x7F),
        _ => return Err(Malformed),
    };
    let digits = rest.get(..count).ok_or(Malformed)?;
    let length = digits
        .iter()
        .fold(0, |length, digit| length << 8 | usize::from(*digit));
    Ok((length, &rest[count..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_and_lengths_of_every_size_are_read() {
        let long = [&b"\x53\x82\x01\x00"[..], &[7; 256]].concat();
        for (bytes, tag, length) in [
            (&b"\x53\x00"[..], 0x53, 0),
            (b"\x5F\x2F\x02ab", 0x5F2F, 2),
            (b"\x7F\x61\x81\x01a", 0x7F61, 1),
            (&long, 0x53, 256),
        ] {
            let (element, rest) = first(bytes).unwrap();

            assert_eq!((element.tag, element.value.len()), (tag, length));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_value_that_is_cut_short_is_refused() {
        for bytes in [
            &b""[..],
            b"\x53",
            b"\x53\x05abcd",
            b"\x53\x80",
            b"\x53\x84\0\0\0\x01a",
            b"\x5F",
            b"\x5F\xFF\xFF\x01a",
        ] {
            assert_eq!(first(bytes), Err(Malformed), "{bytes:02X?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_within_their_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let read: usize = elements(&bytes).flatten().map(|element| element.value.len()).sum();
            prop_assert!(read <= bytes.len());
        }

        #[test]
        fn what_is_written_is_read_again(value in proptest::collection::vec(any::<u8>(), 0..700)) {
            let written = write(0x53, &value);
            let (element, rest) = first(&written).unwrap();
            prop_assert_eq!(element.value, &value[..]);
            prop_assert!(rest.is_empty());
        }
    }
}
