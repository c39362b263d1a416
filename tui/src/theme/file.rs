//! A file of a theme.

use std::collections::BTreeMap;

use cac_common::toml_file::{FileError, Source};
use ratatui::style::{Modifier, Style};
use serde::Deserialize;

use super::colour::{Colour, Depth};
use super::{Role, Theme};

/// A theme as its file has it, before it is known what the terminal can show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// What it is for, in a few words.
    pub(super) about: String,
    pub(super) made_for: Background,
    /// A role that is not named looks as in the default theme.
    pub(super) style: BTreeMap<Role, Look>,
}

/// The backgrounds on which a theme can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Background {
    Dark,
    Light,
    Any,
}

impl Background {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Dark => "dark background",
            Self::Light => "light background",
            Self::Any => "any background",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    pub(super) colour: Option<Colour>,
    pub(super) background: Option<Colour>,
    #[serde(default)]
    with: Vec<With>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum With {
    Bold,
    Dim,
    Italic,
    Underlined,
    Reversed,
    CrossedOut,
}

impl File {
    pub(super) fn parse(source: &Source) -> Result<Self, FileError> {
        source.parse()
    }

    pub(super) fn theme(&self, depth: Depth) -> Theme {
        let mut theme = Theme::DEFAULT;
        for (role, look) in &self.style {
            theme.styles[*role as usize] = look.style(depth);
        }
        theme
    }
}

impl Look {
    fn style(&self, depth: Depth) -> Style {
        let shown = |colour: Option<Colour>| colour.and_then(|colour| colour.shown(depth));
        let modifiers = self.with.iter().map(|with| match with {
            With::Bold => Modifier::BOLD,
            With::Dim => Modifier::DIM,
            With::Italic => Modifier::ITALIC,
            With::Underlined => Modifier::UNDERLINED,
            With::Reversed => Modifier::REVERSED,
            With::CrossedOut => Modifier::CROSSED_OUT,
        });
        Style {
            fg: shown(self.colour),
            bg: shown(self.background),
            ..Style::new().add_modifier(modifiers.collect())
        }
    }
}
