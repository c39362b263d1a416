//! How things look: a style for each role, from one of the files in `themes`
//! or from one of the user's own.
//!
//! No status is told by colour alone: each has a mark and a word too.

mod colour;
mod file;
mod place;
#[cfg(test)]
mod tests;

use std::ffi::OsString;

use ratatui::style::{Color, Modifier, Style};

pub use self::colour::Depth;
pub use self::place::{ThemeError, all, check, list};

use crate::cli::Options;
use crate::phrase::Tone;

/// What a style is for. A file of a theme names them as they are spelled here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Good,
    Quiet,
    Working,
    Wanted,
    Bad,
    /// Whatever has no style of its own, and what lies behind it.
    Text,
    Label,
    Strong,
    Key,
    Cursor,
    Border,
    /// The border of what the keys are about.
    Focus,
    Dimmed,
    Old,
    Found,
}

impl Role {
    #[cfg(test)]
    const ALL: [Self; ROLES] = [
        Self::Good,
        Self::Quiet,
        Self::Working,
        Self::Wanted,
        Self::Bad,
        Self::Text,
        Self::Label,
        Self::Strong,
        Self::Key,
        Self::Cursor,
        Self::Border,
        Self::Focus,
        Self::Dimmed,
        Self::Old,
        Self::Found,
    ];
}

const ROLES: usize = Role::Found as usize + 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub ascii: bool,
    styles: [Style; ROLES],
}

impl Theme {
    /// As `themes/default.toml` has it.
    pub const DEFAULT: Self = Self {
        ascii: false,
        styles: default_styles(),
    };

    /// The same without its colours. What only measures a drawing takes this one.
    pub const MONOCHROME: Self = Self::DEFAULT.without_colour();

    /// As the options say, the variable CACCTL_THEME, or the user's settings; in the
    /// colours that the terminal has, and none with NO_COLOR (<https://no-color.org>).
    pub fn chosen(
        options: &Options,
        setting: Option<&str>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ThemeError> {
        let depth = Depth::wanted(options, &variable);
        let named = place::named(options, setting, &variable)?;
        let theme = named.map_or(Self::DEFAULT, |named| named.theme(depth));
        let theme = if depth == Depth::None {
            theme.without_colour()
        } else {
            theme
        };
        Ok(Self {
            ascii: only_ascii(options, variable),
            ..theme
        })
    }

    /// Without colour, for what is written line by line: no theme can be wrong there.
    pub fn bare(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            ascii: only_ascii(options, variable),
            ..Self::MONOCHROME
        }
    }
    #[must_use]
    pub const fn in_ascii(self) -> Self {
        Self {
            ascii: true,
            ..self
        }
    }

    /// Bold, dim, underlined and reversed stay.
    #[must_use]
    pub const fn without_colour(mut self) -> Self {
        let mut at = 0;
        while at < ROLES {
            self.styles[at].fg = None;
            self.styles[at].bg = None;
            at += 1;
        }
        self
    }

    pub fn tone(self, tone: Tone) -> Style {
        self.style(match tone {
            Tone::Good => Role::Good,
            Tone::Quiet => Role::Quiet,
            Tone::Working => Role::Working,
            Tone::Wanted => Role::Wanted,
            Tone::Bad => Role::Bad,
        })
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

    /// What the whole screen is drawn on.
    pub fn text(self) -> Style {
        self.style(Role::Text)
    }

    /// Names of things, beside what they are.
    pub fn label(self) -> Style {
        self.style(Role::Label)
    }

    pub fn strong(self) -> Style {
        self.style(Role::Strong)
    }

    /// A key one can press.
    pub fn key(self) -> Style {
        self.style(Role::Key)
    }

    /// The row that the keys are about.
    pub fn cursor(self) -> Style {
        self.style(Role::Cursor)
    }

    /// What is not possible now.
    pub fn dimmed(self) -> Style {
        self.style(Role::Dimmed)
    }

    /// What may not be true any more.
    pub fn old(self) -> Style {
        self.style(Role::Old)
    }

    /// The part of a text that was looked for.
    pub fn found(self) -> Style {
        self.style(Role::Found)
    }

    pub fn border(self, has_focus: bool) -> Style {
        self.style(if has_focus { Role::Focus } else { Role::Border })
    }

    fn style(self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

/// By the options; else by the locale.
pub fn only_ascii(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let knows_utf8 = locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    options.ascii || !knows_utf8
}

const fn default_styles() -> [Style; ROLES] {
    let mut styles = [Style::new(); ROLES];
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let dim = Style::new().add_modifier(Modifier::DIM);
    styles[Role::Good as usize] = Style::new().fg(Color::Green);
    styles[Role::Working as usize] = Style::new().fg(Color::Cyan);
    styles[Role::Wanted as usize] = bold.fg(Color::Yellow);
    styles[Role::Bad as usize] = bold.fg(Color::Red);
    styles[Role::Label as usize] = dim;
    styles[Role::Strong as usize] = bold;
    styles[Role::Key as usize] = bold.fg(Color::Cyan);
    styles[Role::Cursor as usize] = Style::new().add_modifier(Modifier::REVERSED);
    styles[Role::Border as usize] = dim;
    styles[Role::Focus as usize] = bold.fg(Color::Cyan);
    styles[Role::Dimmed as usize] = dim;
    styles[Role::Old as usize] = dim;
    styles[Role::Found as usize] = bold.add_modifier(Modifier::UNDERLINED).fg(Color::Yellow);
    styles
}
