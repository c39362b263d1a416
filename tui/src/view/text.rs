//! Text made to fit into columns.

use cac_common::identity::{legible, readable};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Text from outside in at most `columns` columns, its end cut off if need be.
pub(crate) fn cut(text: &str, columns: u16) -> String {
    let text = readable(text);
    if width(&text) <= columns {
        return text;
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = char_width(c);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// As [`cut`], filled up with spaces to exactly `columns`.
pub(crate) fn fit(text: &str, columns: u16) -> String {
    let mut text = cut(text, columns);
    for _ in width(&text)..columns {
        text.push(' ');
    }
    text
}

/// As [`fit`], to the right.
pub(super) fn fit_right(text: &str, columns: u16) -> String {
    let text = cut(text, columns);
    let space = columns.saturating_sub(width(&text));
    format!("{}{text}", " ".repeat(usize::from(space)))
}

/// Those rows of a list, by where they stand in the whole of it, that are seen on
/// so many lines: the one under the cursor among them.
pub(super) fn seen(shown: &[usize], cursor: usize, height: u16) -> impl Iterator<Item = usize> {
    let at = shown.iter().position(|row| *row == cursor).unwrap_or(0);
    shown[window(shown.len(), at, height)].iter().copied()
}

/// Lines of at most `columns` columns, broken between words where it can be.
pub(crate) fn wrap(text: &str, columns: u16) -> Vec<String> {
    if columns == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for mut word in text.split_whitespace() {
        let mut wide = width(word);
        loop {
            let space = u16::from(!line.is_empty());
            if wide.saturating_add(used + space) <= columns {
                if space == 1 {
                    line.push(' ');
                }
                line.push_str(word);
                used += space + wide;
                break;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0;
                continue;
            }
            let (head, tail) = word.split_at(break_at(word, columns));
            lines.push(head.to_owned());
            word = tail;
            if word.is_empty() {
                break;
            }
            wide = width(word);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// As [`wrap`] for text from outside, in at most `most` lines; what does not
/// fit is marked as cut off.
pub(super) fn wrap_at_most(text: &str, columns: u16, most: usize) -> Vec<String> {
    let mut lines = wrap(&legible(text), columns);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while width(last) >= columns && last.pop().is_some() {}
            last.push('…');
        }
    }
    lines
}

/// Pieces one after the other with `gap` columns between, on as many lines as
/// it takes.
pub(super) fn flow(pieces: Vec<Vec<Span<'static>>>, columns: u16, gap: u16) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut line: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for piece in pieces {
        let piece = shorten(piece, columns);
        let wide = piece.iter().map(|span| width(&span.content)).sum::<u16>();
        if !line.is_empty() && used + gap + wide > columns {
            lines.push(Line::from(std::mem::take(&mut line)));
            used = 0;
        }
        if !line.is_empty() {
            line.push(Span::raw(" ".repeat(usize::from(gap))));
            used += gap;
        }
        line.extend(piece);
        used = used.saturating_add(wide);
    }
    if !line.is_empty() {
        lines.push(Line::from(line));
    }
    lines
}

/// A piece in at most `columns` columns, its end cut off if need be.
pub(super) fn shorten(piece: Vec<Span<'static>>, columns: u16) -> Vec<Span<'static>> {
    let wide = |spans: &[Span<'_>]| spans.iter().map(|span| width(&span.content)).sum::<u16>();
    if wide(&piece) <= columns {
        return piece;
    }
    let mut kept = Vec::new();
    let mut room = columns.saturating_sub(1);
    for span in piece {
        let text = &span.content;
        let end = if width(text) <= room {
            text.len()
        } else {
            first_columns(text, room)
        };
        room -= width(&text[..end]);
        let is_cut = end < text.len();
        let mut part = text[..end].to_owned();
        if is_cut && columns > 0 {
            part.push('…');
        }
        kept.push(Span::styled(part, span.style));
        if is_cut {
            break;
        }
    }
    kept
}

/// The rows of a list that are seen, so that the cursor is among them, in the
/// middle where possible.
pub(super) fn window(rows: usize, cursor: usize, height: u16) -> std::ops::Range<usize> {
    let height = usize::from(height);
    let first = cursor
        .saturating_sub(height / 2)
        .min(rows.saturating_sub(height));
    first..rows.min(first + height)
}

/// A name and what it is, which is harmless already, wrapped beneath itself.
pub(super) fn field(
    name: &str,
    value: &str,
    columns: u16,
    styles: (Style, Style),
) -> Vec<Line<'static>> {
    const NAME: u16 = 14;
    let (name_style, value_style) = styles;
    let beside = columns > 2 * NAME;
    let room = if beside {
        columns - NAME
    } else {
        columns.saturating_sub(2)
    };
    let mut lines = Vec::new();
    if !beside && !name.is_empty() {
        lines.push(Line::styled(cut(name, columns), name_style));
    }
    for (at, part) in wrap(value, room).into_iter().enumerate() {
        let first = if !beside {
            "  ".to_owned()
        } else if at == 0 {
            fit(name, NAME)
        } else {
            " ".repeat(usize::from(NAME))
        };
        lines.push(Line::from(vec![
            Span::styled(first, name_style),
            Span::styled(part, value_style),
        ]));
    }
    lines
}

fn char_width(c: char) -> u16 {
    u16::try_from(c.width().unwrap_or(0)).unwrap_or(0)
}

/// How many bytes fit into so many columns.
fn first_columns(text: &str, columns: u16) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > columns {
            return at;
        }
    }
    text.len()
}

/// Where a word that is too long is broken: after at least one character.
fn break_at(word: &str, columns: u16) -> usize {
    let mut used = 0;
    for (at, c) in word.char_indices() {
        used += char_width(c);
        if used > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_too_long_is_cut_and_marked() {
        assert_eq!(cut("DOE, JANE Q", 6), "DOE, …");
        assert_eq!(cut("DOE, JANE Q", 11), "DOE, JANE Q");
        assert_eq!(cut("DOE", 0), "");
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(fit("日本", 5), "日本 ");
        assert_eq!(width(&fit("日本語", 4)), 4);
    }

    #[test]
    fn escape_sequences_do_not_come_through() {
        assert!(!cut("\u{1b}[2J", 10).contains('\u{1b}'));
        assert!(
            !wrap_at_most("a \u{1b}[2J", 10, 2)
                .concat()
                .contains('\u{1b}')
        );
    }

    #[test]
    fn text_is_wrapped_between_words_and_within_long_ones() {
        assert_eq!(wrap("put your card in", 8), ["put your", "card in"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
        assert_eq!(wrap("anything", 0), [""; 0]);
    }

    #[test]
    fn what_does_not_fit_is_marked_as_cut_off() {
        let lines = wrap_at_most("one two three four", 9, 1);

        assert_eq!(lines, ["one two…"]);
    }

    #[test]
    fn a_piece_too_long_for_a_line_is_cut_and_marked() {
        let told = |columns| {
            let piece = vec![Span::raw("user "), Span::raw("日本語DOE")];
            let lines = flow(vec![vec![Span::raw("PIV")], piece], columns, 3);
            lines.iter().map(Line::to_string).collect::<Vec<_>>()
        };

        assert_eq!(told(17), ["PIV", "user 日本語DOE"]);
        assert_eq!(told(10), ["PIV", "user 日本…"]);
        assert_eq!(told(9), ["PIV", "user 日…"]);
        assert_eq!(told(5), ["PIV", "user…"]);
        assert_eq!(told(1), ["…", "…"]);
        assert_eq!(told(0), ["", ""]);
    }

    #[test]
    fn the_cursor_is_always_in_the_window() {
        for rows in 0..20 {
            for cursor in 0..rows {
                for height in 1..8 {
                    let seen = window(rows, cursor, height);

                    assert!(seen.contains(&cursor) && seen.end <= rows, "{seen:?}");
                }
            }
        }
    }
}
