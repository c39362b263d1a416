//! Finds a text by a few of its letters.

/// Where the letters stand in the text, and how good that is: less is better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub rank: usize,
    /// Places of characters, rising.
    pub places: Vec<usize>,
}

/// The letters one after the other, in any case, in the text: together at the
/// beginning of a word, as typed with its blanks or without them, else together
/// anywhere, else each as early as can be.
pub fn find(text: &str, letters: &str) -> Option<Found> {
    let text: Vec<char> = text.chars().map(lower).collect();
    let typed: Vec<char> = letters.trim().chars().map(lower).collect();
    let letters: Vec<char> = typed
        .iter()
        .copied()
        .filter(|c| !c.is_whitespace())
        .collect();
    if letters.is_empty() {
        return Some(Found {
            rank: 0,
            places: Vec::new(),
        });
    }
    let begins_a_word = |at: usize| at == 0 || !text[at - 1].is_alphanumeric();
    let together = |at: usize, letters: &[char]| text[at..].starts_with(letters);
    let found = |rank, at: usize, count: usize| {
        let places = at..at + count;
        Found {
            rank,
            places: places.filter(|at| !text[*at].is_whitespace()).collect(),
        }
    };
    for letters in [&typed, &letters] {
        let mut starts = (0..text.len()).filter(|at| begins_a_word(*at));
        if let Some(at) = starts.find(|at| together(*at, letters)) {
            return Some(found(at, at, letters.len()));
        }
    }
    for letters in [&typed, &letters] {
        if let Some(at) = (0..text.len()).find(|at| together(*at, letters)) {
            return Some(found(text.len() + at, at, letters.len()));
        }
    }
    let mut places = Vec::new();
    let mut from = 0;
    for letter in &letters {
        let at = from + text[from..].iter().position(|c| c == letter)?;
        places.push(at);
        from = at + 1;
    }
    let span = places.last()? - places.first()?;
    // Letters from all over a long text are no find.
    if span > 4 * letters.len() {
        return None;
    }
    Some(Found {
        rank: 2 * text.len() + span,
        places,
    })
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_word_comes_before_the_middle_of_one_and_that_before_single_letters() {
        let rank = |text| find(text, "hi").map(|found| found.rank);

        assert!(rank("the whole history") < rank("with this"));
        assert!(rank("with this") < rank("how it is"));
        assert_eq!(rank("register"), None);
    }

    #[test]
    fn words_that_are_typed_with_their_blank_are_found_together() {
        let rank = |text| find(text, "reader v").map(|found| found.rank);

        assert_eq!(rank("reader Virtual 01: DOE"), Some(0));
        assert!(rank("reader Virtual 01: DOE") < rank("register a device or vault"));
        assert_eq!(find("DoD ID", "dod i").unwrap().places, [0, 1, 2, 4]);
    }

    #[test]
    fn case_and_blanks_do_not_matter_and_no_letter_finds_all() {
        let places = |text, letters| find(text, letters).unwrap().places;

        assert_eq!(places("DoD ID", "dod"), [0, 1, 2]);
        assert_eq!(places("show the DoD ID", "d i d"), [9, 13, 14]);
        assert_eq!(places("anything", ""), [0; 0]);
        assert_eq!(places("ÄÖ", "ö"), [1]);
    }
}
