//! Bytes as text, for files and for comparison with published examples.

/// Upper case, without separators.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xF])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .map(|digit| digit.to_ascii_uppercase())
        .collect()
}

/// Either case; `None` for anything that is not whole bytes.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(high << 4 | low).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_round_trip() {
        assert_eq!(to_hex(&[0x00, 0x5F, 0xC1]), "005FC1");
        assert_eq!(from_hex("005fC1"), Some(vec![0x00, 0x5F, 0xC1]));
    }

    #[test]
    fn half_a_byte_and_other_letters_are_refused() {
        for text in ["0", "0x", "zz", "+1"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }
}
