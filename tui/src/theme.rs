//! How things look: sixteen colours at most, and none if none are wanted.
//!
//! No status is told by colour alone: each has a mark and a word too.

use std::ffi::OsString;

use ratatui::style::{Color, Modifier, Style};

use crate::cli::Options;
use crate::phrase::Tone;

#[derive(Debug, Clone, Copy)]
pub struct Theme {
    pub colour: bool,
    pub ascii: bool,
}

impl Theme {
    pub const DEFAULT: Self = Self {
        colour: true,
        ascii: false,
    };

    /// No colour at all. What only measures a drawing takes this one.
    pub const MONOCHROME: Self = Self {
        colour: false,
        ascii: false,
    };

    #[must_use]
    pub const fn in_ascii(self) -> Self {
        Self {
            ascii: true,
            ..self
        }
    }

    /// As the options say; else by NO_COLOR (<https://no-color.org>) and the locale.
    pub fn chosen(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let knows_utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_string_lossy().to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        Self {
            colour: !options.no_color && !is_set("NO_COLOR"),
            ascii: options.ascii || !knows_utf8,
        }
    }

    pub fn tone(self, tone: Tone) -> Style {
        let style = Style::new();
        match tone {
            Tone::Good => self.coloured(style, Color::Green),
            Tone::Quiet => style,
            Tone::Working => self.coloured(style, Color::Cyan),
            Tone::Wanted => self.coloured(style, Color::Yellow).bold(),
            Tone::Bad => self.coloured(style, Color::Red).bold(),
        }
    }

    pub fn mark(tone: Tone) -> &'static str {
        match tone {
            Tone::Good => "✔",
            Tone::Quiet => "·",
            Tone::Working => "…",
            Tone::Wanted => "!",
            Tone::Bad => "✖",
        }
    }

    /// Names of things, beside what they are.
    pub fn label(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A key one can press.
    pub fn key(self) -> Style {
        self.coloured(self.strong(), Color::Cyan)
    }

    /// The row that the keys are about.
    pub fn cursor(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What is not possible now.
    pub fn dimmed(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The part of a text that was looked for.
    pub fn found(self) -> Style {
        let style = self.strong().add_modifier(Modifier::UNDERLINED);
        self.coloured(style, Color::Yellow)
    }

    pub fn border(self, has_focus: bool) -> Style {
        if has_focus {
            self.coloured(self.strong(), Color::Cyan)
        } else {
            self.label()
        }
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        if self.colour { style.fg(colour) } else { style }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING_SAID: Options = Options {
        socket: None,
        ascii: false,
        no_color: false,
    };

    #[test]
    fn no_color_takes_every_colour_away() {
        let theme = Theme::chosen(&NOTHING_SAID, |name| {
            (name == "NO_COLOR").then(|| "1".into())
        });

        for tone in [
            Tone::Good,
            Tone::Quiet,
            Tone::Working,
            Tone::Wanted,
            Tone::Bad,
        ] {
            assert_eq!(theme.tone(tone).fg, None);
        }
        assert_eq!(theme.border(true).fg, None);
        assert_eq!(theme.key().fg, None);
    }

    #[test]
    fn a_locale_without_utf8_is_drawn_in_ascii() {
        for (locale, ascii) in [("C", true), ("en_US.UTF-8", false), ("C.utf8", false)] {
            let theme = Theme::chosen(&NOTHING_SAID, |name| {
                (name == "LANG").then(|| locale.into())
            });

            assert_eq!(theme.ascii, ascii, "{locale}");
        }
    }
}
