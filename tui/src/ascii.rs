//! Text in ASCII alone, for terminals and locales without more.
//!
//! Each character becomes as many as it has columns: what is drawn has one of
//! its own, a Latin letter the one beneath its mark, everything else `?`. So
//! columns stay where they are.

use std::sync::atomic::{AtomicBool, Ordering};

use unicode_width::UnicodeWidthChar;

/// Whether standard output takes ASCII alone: a trait of the process, as its
/// locale is.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// From here on, for everything that is printed.
pub fn want() {
    IS_WANTED.store(true, Ordering::Relaxed);
}

pub fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Relaxed)
}

/// The text in ASCII.
pub fn text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            plain.push(c);
            continue;
        }
        // A mark on the character before it has none; nor has what turns text.
        for _ in 0..c.width().unwrap_or(1) {
            plain.push(character(c));
        }
    }
    plain
}

/// What stands for one column of a character.
pub fn character(c: char) -> char {
    match c {
        c if c.is_ascii() => c,
        '─' | '–' | '—' | '·' | '╌' | '┄' | '−' | '‐' | '‑' => '-',
        '━' | '═' | '▬' => '=',
        '│' | '║' | '╎' | '▏' | '▕' => '|',
        '┃' | '█' | '┏' | '┓' | '┗' | '┛' | '╔' | '╗' | '╚' | '╝' | '▉' | '▊' | '▋' | '▓' => {
            '#'
        }
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '╭' | '╮' | '╯' | '╰' | '✔' | '✓' => {
            '+'
        }
        '▶' | '►' | '▸' | '→' | '›' | '»' => '>',
        '◀' | '◄' | '◂' | '←' | '‹' | '«' => '<',
        '▲' | '△' | '▴' | '↑' => '^',
        '▼' | '▽' | '▾' | '↓' => 'v',
        '●' | '•' | '◉' | '◆' | '■' | '★' => '*',
        '○' | '◯' | '◇' | '□' | '°' => 'o',
        '◦' | '░' | '▁' | '▂' => '.',
        '▃' | '▄' | '▅' | '▒' | '▌' | '▐' | '▍' | '▎' => ':',
        '▆' | '▇' => '%',
        '…' => '~',
        '✖' | '✗' | '✕' | '✘' | '×' => 'x',
        '⚠' => '!',
        '“' | '”' | '„' => '"',
        '‘' | '’' | '‚' => '\'',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        c => letter(c).unwrap_or('?'),
    }
}

/// Latin Extended-A, U+0100 to U+017F: the letters beneath the marks.
const EXTENDED: [u8; 128] = *b"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// The letter beneath the mark of a Latin one.
fn letter(c: char) -> Option<char> {
    Some(match c {
        'À'..='Æ' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ð' => 'D',
        'Ñ' => 'N',
        'Ò'..='Ö' | 'Ø' => 'O',
        'Ù'..='Ü' => 'U',
        'Ý' => 'Y',
        'ß' => 's',
        'à'..='æ' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ð' => 'd',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        _ => {
            let place = u32::from(c).checked_sub(0x100)?;
            return EXTENDED
                .get(usize::try_from(place).ok()?)
                .map(|letter| char::from(*letter));
        }
    })
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn a_letter_loses_its_mark_and_a_stranger_becomes_a_question_mark() {
        for (from, to) in [
            ("MÜLLER, ŁUKASZ", "MULLER, LUKASZ"),
            ("ŽIŽKA ŐRSI ſ", "ZIZKA ORSI s"),
            ("civilian · Navy…", "civilian - Navy~"),
            ("日本 Ж", "???? ?"),
            ("e\u{301}", "e"),
        ] {
            assert_eq!(text(from), to);
        }
    }

    #[test]
    fn every_character_becomes_as_many_as_it_has_columns() {
        for c in (0x80..=0x1_FFFF).filter_map(char::from_u32) {
            if c.is_control() {
                continue;
            }
            let plain = text(&c.to_string());

            assert!(plain.is_ascii(), "{c:?}");
            assert_eq!(plain.len(), c.to_string().width(), "{c:?}");
        }
    }

    #[test]
    fn no_two_marks_of_a_status_become_one() {
        use crate::phrase::Tone;
        use crate::theme::Theme;

        let tones = [
            Tone::Good,
            Tone::Quiet,
            Tone::Working,
            Tone::Wanted,
            Tone::Bad,
        ];
        let marks: std::collections::BTreeSet<_> = tones.map(|tone| text(Theme::mark(tone))).into();

        assert_eq!(marks.len(), tones.len());
    }
}
