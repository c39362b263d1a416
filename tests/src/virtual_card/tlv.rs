//! Tag, length, value: the form of everything on the card and in a certificate.

/// One element, with a definite length in the shortest form.
pub(crate) fn tlv(tag: &[u8], value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let mut out = tag.to_vec();
    if value.len() < 0x80 {
        out.push(length[length.len() - 1]);
    } else {
        let skipped = length.iter().take_while(|byte| **byte == 0).count();
        let significant = &length[skipped..];
        out.push(0x80 | u8::try_from(significant.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(significant);
    }
    out.extend_from_slice(value);
    out
}

/// One element around the others.
pub(crate) fn constructed(tag: &[u8], parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

/// Takes the first element with a one-byte tag off `input`.
pub(crate) fn take(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        0x81 => {
            let (&length, rest) = rest.split_first()?;
            (usize::from(length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        0x80 | 0x83..=0xFF => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(tlv(&[0x53], &[])[..], [0x53, 0x00]);
        assert_eq!(tlv(&[0x53], &[0; 0x7F])[..2], [0x53, 0x7F]);
        assert_eq!(tlv(&[0x53], &[0; 0x80])[..3], [0x53, 0x81, 0x80]);
        assert_eq!(tlv(&[0x53], &[0; 0x100])[..4], [0x53, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn what_was_written_is_read_back() {
        for length in [0, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF] {
            let written = [tlv(&[0x70], &vec![7; length]), vec![0xFE, 0x00]].concat();

            let (tag, value, rest) = take(&written).unwrap();

            assert_eq!((tag, value.len(), rest), (0x70, length, &[0xFE, 0x00][..]));
        }
    }

    #[test]
    fn an_element_longer_than_its_input_is_refused() {
        for input in [
            &[][..],
            &[0x7C],
            &[0x7C, 2, 0],
            &[0x7C, 0x82, 1],
            &[0x7C, 0x80],
        ] {
            assert!(take(input).is_none(), "{input:02X?}");
        }
    }
}
