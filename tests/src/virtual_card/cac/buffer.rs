//! An object as READ BUFFER shows it: tags and lengths in one buffer, values in the other.

use crate::virtual_card::apdu::StatusWord;

/// Each buffer begins with its own length, two bytes little-endian, which
/// counts neither itself nor (on a hostile card) what is there.
pub(super) struct Buffers {
    tags: Vec<u8>,
    values: Vec<u8>,
}

/// One element of an object: tag and value.
pub(super) type Element = (u8, Vec<u8>);

const TAG_BUFFER: u8 = 0x01;
const VALUE_BUFFER: u8 = 0x02;

/// Begins a length of three bytes.
const LONG_LENGTH: u8 = 0xFF;

impl Buffers {
    pub(super) fn of(elements: &[Element]) -> Self {
        let mut tags = Vec::new();
        let mut values = Vec::new();
        for (tag, value) in elements {
            tags.push(*tag);
            tags.extend(simple_length(value.len()));
            values.extend_from_slice(value);
        }
        Self::raw(&tags, &values)
    }

    /// Buffers with these contents, which need not fit each other.
    pub(super) fn raw(tags: &[u8], values: &[u8]) -> Self {
        Self {
            tags: with_length(tags),
            values: with_length(values),
        }
    }

    /// Lets both claim this much more than they have.
    pub(super) fn claim_more(&mut self, extra: u16) {
        for buffer in [&mut self.tags, &mut self.values] {
            if let Some(length) = buffer.first_chunk_mut::<2>() {
                *length = u16::from_le_bytes(*length)
                    .saturating_add(extra)
                    .to_le_bytes();
            }
        }
    }

    /// Lengths of the two buffers as GET PROPERTIES gives them: with the two bytes in front.
    pub(super) fn lengths(&self) -> [u8; 4] {
        let [t0, t1] = short(self.tags.len()).to_le_bytes();
        let [v0, v1] = short(self.values.len()).to_le_bytes();
        [t0, t1, v0, v1]
    }

    /// Exactly the bytes that were asked for, or none.
    pub(super) fn read(&self, kind: u8, offset: u16, count: u8) -> Result<Vec<u8>, StatusWord> {
        let buffer = match kind {
            TAG_BUFFER => &self.tags,
            VALUE_BUFFER => &self.values,
            _ => return Err(StatusWord::WRONG_DATA),
        };
        if count == 0 {
            return Err(StatusWord::WRONG_DATA);
        }
        let from = usize::from(offset);
        buffer
            .get(from..from + usize::from(count))
            .map(<[u8]>::to_vec)
            .ok_or(StatusWord::WRONG_PARAMETERS)
    }
}

/// SimpleTLV: one byte, or FF and two bytes little-endian (GSC-IS 2.1, section 6.3).
pub(super) fn simple_length(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short) if short < LONG_LENGTH => vec![short],
        Ok(_) | Err(_) => {
            let [low, high] = short(length).to_le_bytes();
            vec![LONG_LENGTH, low, high]
        }
    }
}

/// Tag, length and value in one piece.
pub(super) fn simple_tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    [&[tag][..], &simple_length(value.len()), value].concat()
}

fn with_length(contents: &[u8]) -> Vec<u8> {
    [&short(contents.len()).to_le_bytes()[..], contents].concat()
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_values_lie_apart_and_each_begins_with_its_length() {
        let buffers = Buffers::of(&[(0x01, b"JANE".to_vec()), (0x03, b"DOE".to_vec())]);

        assert_eq!(buffers.tags, [4, 0, 1, 4, 3, 3]);
        assert_eq!(buffers.values, *b"\x07\x00JANEDOE");
    }

    #[test]
    fn a_long_element_takes_three_bytes_of_length() {
        assert_eq!(simple_length(0xFE), [0xFE]);
        assert_eq!(simple_length(0xFF), [0xFF, 0xFF, 0x00]);
        assert_eq!(simple_length(0x03B2), [0xFF, 0xB2, 0x03]);
    }

    #[test]
    fn a_read_past_the_end_gives_nothing() {
        let buffers = Buffers::of(&[(0x01, b"JANE".to_vec())]);

        assert_eq!(buffers.read(1, 0, 4).unwrap(), [2, 0, 1, 4]);
        assert_eq!(buffers.read(1, 1, 4), Err(StatusWord::WRONG_PARAMETERS));
        assert_eq!(buffers.read(3, 0, 1), Err(StatusWord::WRONG_DATA));
    }
}
