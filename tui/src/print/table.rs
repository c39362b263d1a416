//! Text that is set for a terminal: tables, paragraphs, and names with what they are.

use std::io::Write;

use super::line;
use crate::failure::Failure;
use crate::phrase::Tone;
use crate::sheet::Sheet;
use crate::view::text::{cut, width, wrap};

/// Between two columns.
const GAP: usize = 2;

/// A column is made no narrower than this, or than its head.
const NARROWEST: usize = 8;

/// A paragraph that has less room is not broken: the terminal does it as well.
const ROOM: usize = 20;

/// Rows under their heads, each column as wide as what stands in it.
pub(super) struct Table {
    margin: usize,
    heads: Vec<&'static str>,
    rows: Vec<Row>,
}

pub(super) struct Row {
    cells: Vec<Cell>,
    /// What is said of it: behind the last column, or below where that has no room.
    note: Option<String>,
}

/// Harmless text.
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// The tone is seen where there are colours; the text says it too.
    pub(super) fn toned(text: String, tone: Tone) -> Self {
        Self { text, tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::toned(text, Tone::Quiet)
    }
}

impl Table {
    pub(super) fn new(margin: usize, heads: &[&'static str]) -> Self {
        Self {
            margin,
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(Row { cells, note: None });
    }

    pub(super) fn row_with_note(&mut self, cells: Vec<Cell>, note: Option<String>) {
        self.rows.push(Row { cells, note });
    }

    /// Nothing where there is no row.
    pub(super) fn print(&self, out: &mut impl Write, sheet: Sheet) -> Result<(), Failure> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let widths = self.widths(sheet);
        let heads = self.heads.iter();
        let heads: Vec<Cell> = heads.map(|head| Cell::from((*head).to_owned())).collect();
        line(
            out,
            &sheet.strong(&self.text_of(&heads, &widths, Sheet::PLAIN)),
        )?;
        for row in &self.rows {
            let text = self.text_of(&row.cells, &widths, sheet);
            let Some(note) = &row.note else {
                line(out, &text)?;
                continue;
            };
            let before = self.margin + widths.iter().map(|width| width + GAP).sum::<usize>();
            let has_room = |columns| before + usize::from(width(note)) <= columns;
            if sheet.columns.is_none_or(has_room) {
                let plain = self.text_of(&row.cells, &widths, Sheet::PLAIN);
                let filled = before.saturating_sub(usize::from(width(&plain)));
                line(out, &format!("{text}{:filled$}{note}", ""))?;
            } else {
                line(out, &text)?;
                paragraph(out, sheet, self.margin + GAP, note)?;
            }
        }
        Ok(())
    }

    /// As wide as what stands in each, and less where all together are wider
    /// than the terminal: the widest gives way first.
    fn widths(&self, sheet: Sheet) -> Vec<usize> {
        let least: Vec<usize> = self
            .heads
            .iter()
            .map(|head| usize::from(width(head)))
            .collect();
        let mut widths = least.clone();
        for row in &self.rows {
            for (wide, cell) in widths.iter_mut().zip(&row.cells) {
                *wide = (*wide).max(usize::from(width(&cell.text)));
            }
        }
        let Some(columns) = sheet.columns else {
            return widths;
        };
        let taken = |widths: &[usize]| {
            let gaps = GAP * widths.len().saturating_sub(1);
            self.margin + gaps + widths.iter().sum::<usize>()
        };
        while taken(&widths) > columns {
            let shrinks = widths
                .iter_mut()
                .zip(&least)
                .filter(|(wide, least)| **wide > NARROWEST.max(**least))
                .max_by_key(|(wide, _)| **wide);
            match shrinks {
                Some((wide, _)) => *wide -= 1,
                None => break,
            }
        }
        widths
    }

    /// Without spaces at its end.
    fn text_of(&self, cells: &[Cell], widths: &[usize], sheet: Sheet) -> String {
        let mut text = " ".repeat(self.margin);
        let mut owed = 0;
        for (cell, wide) in cells.iter().zip(widths) {
            let shown = match sheet.columns {
                Some(_) => cut(&cell.text, u16::try_from(*wide).unwrap_or(u16::MAX)),
                None => cell.text.clone(),
            };
            if !shown.is_empty() {
                text.push_str(&" ".repeat(owed));
                owed = 0;
            }
            owed += (wide + GAP).saturating_sub(usize::from(width(&shown)));
            text.push_str(&sheet.paint(cell.tone, &shown));
        }
        text
    }
}

/// On a terminal broken between words, with a margin before each line.
pub(crate) fn paragraph(
    out: &mut impl Write,
    sheet: Sheet,
    margin: usize,
    text: &str,
) -> Result<(), Failure> {
    hanging(out, sheet, &" ".repeat(margin), text)
}

/// What is not there has no line.
pub(super) fn field(
    out: &mut impl Write,
    sheet: Sheet,
    margin: &str,
    (name, wide): (&str, usize),
    value: &str,
) -> Result<(), Failure> {
    field_toned(out, sheet, margin, (name, wide, Tone::Quiet), value)
}

/// The tone is that of the name.
pub(super) fn field_toned(
    out: &mut impl Write,
    sheet: Sheet,
    margin: &str,
    (name, wide, tone): (&str, usize, Tone),
    value: &str,
) -> Result<(), Failure> {
    if value.is_empty() {
        return Ok(());
    }
    let filled = wide.saturating_sub(usize::from(width(name)));
    let head = format!("{margin}{name}{:filled$}", "");
    let painted = format!("{margin}{}{:filled$}", sheet.paint(tone, name), "");
    set(out, sheet, (&head, &painted), value)
}

/// On a terminal all lines of the text stand beneath the first.
pub(crate) fn hanging(
    out: &mut impl Write,
    sheet: Sheet,
    head: &str,
    text: &str,
) -> Result<(), Failure> {
    set(out, sheet, (head, head), text)
}

/// The head takes as much room as it does without colours.
pub(super) fn set(
    out: &mut impl Write,
    sheet: Sheet,
    (head, painted): (&str, &str),
    text: &str,
) -> Result<(), Failure> {
    let indent = usize::from(width(head));
    let room = sheet.columns.map(|columns| columns.saturating_sub(indent));
    let Some(room) = room.filter(|room| *room >= ROOM) else {
        return line(out, &format!("{painted}{text}"));
    };
    let parts = wrap(text, u16::try_from(room).unwrap_or(u16::MAX));
    for (at, part) in parts.iter().enumerate() {
        if at == 0 {
            line(out, &format!("{painted}{part}"))?;
        } else {
            line(out, &format!("{:indent$}{part}", ""))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: Sheet = Sheet {
        columns: Some(40),
        ..Sheet::PLAIN
    };

    fn printed(table: &Table, sheet: Sheet) -> String {
        let mut out = Vec::new();
        table.print(&mut out, sheet).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn table() -> Table {
        let mut table = Table::new(2, &["NAME", "STATUS"]);
        let good = Cell::toned("registered".into(), Tone::Good);
        table.row(vec!["AKO".to_owned().into(), good]);
        let wanted = Cell::toned("needs PIN".into(), Tone::Wanted);
        let cells = vec!["日本語の門".to_owned().into(), wanted];
        table.row_with_note(cells, Some("Type the PIN that you chose.".into()));
        table
    }

    #[test]
    fn columns_stand_under_each_other_by_what_is_seen() {
        assert_eq!(
            printed(&table(), Sheet::PLAIN),
            "  NAME        STATUS\n  \
             AKO         registered\n  \
             日本語の門  needs PIN   Type the PIN that you chose.\n"
        );
    }

    #[test]
    fn on_a_terminal_a_note_without_room_stands_below() {
        assert_eq!(
            printed(&table(), NARROW),
            "  NAME        STATUS\n  \
             AKO         registered\n  \
             日本語の門  needs PIN\n    \
             Type the PIN that you chose.\n"
        );
    }

    #[test]
    fn a_terminal_too_narrow_cuts_what_is_widest_and_a_pipe_nothing() {
        let long = "A portal with a name that goes on and on".to_owned();
        let mut table = Table::new(0, &["NAME", "STATUS"]);
        table.row(vec![
            long.clone().into(),
            "needs PIN (3 left)".to_owned().into(),
        ]);

        let told = printed(&table, NARROW);

        for text in told.lines() {
            assert!(usize::from(width(text)) <= 40, "{text}");
        }
        assert!(told.contains("A portal with a nam…"), "{told}");
        assert!(told.contains("needs PIN (3 left)"), "{told}");
        assert!(printed(&table, Sheet::PLAIN).contains(&long));
    }

    #[test]
    fn however_narrow_it_is_it_ends() {
        for columns in 0..60 {
            let sheet = Sheet {
                columns: Some(columns),
                colour: true,
                ..Sheet::PLAIN
            };
            assert!(!printed(&table(), sheet).is_empty());
        }
    }

    #[test]
    fn colours_stand_around_words_and_change_no_column() {
        let coloured = Sheet {
            colour: true,
            ..Sheet::PLAIN
        };

        let told = printed(&table(), coloured);

        assert!(told.contains("\u{1b}[32mregistered\u{1b}[0m\n"), "{told:?}");
        let mut plain = told;
        for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[32m", "\u{1b}[1;33m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, printed(&table(), Sheet::PLAIN));
    }

    #[test]
    fn a_paragraph_is_broken_on_a_terminal_alone() {
        let told = |sheet| {
            let mut out = Vec::new();
            hanging(&mut out, sheet, "fault  ", &"word ".repeat(10)).unwrap();
            String::from_utf8(out).unwrap()
        };

        assert_eq!(told(Sheet::PLAIN).lines().count(), 1);
        let broken = told(NARROW);
        assert!(
            broken
                .lines()
                .all(|text| text.len() <= 40 && !text.is_empty()),
            "{broken}"
        );
        assert!(broken.contains("\n       word"), "{broken}");
    }
}
