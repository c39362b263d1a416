//! The colours of a terminal, and what becomes of one that it has not.

use std::ffi::OsString;
use std::str::FromStr;

use ratatui::style::Color;
use serde::Deserialize;

use crate::cli::Options;

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    None,
    Sixteen,
    /// Those of xterm's 256 that no terminal sets otherwise.
    Indexed,
    True,
}

impl Depth {
    /// By the options and the variables NO_COLOR (<https://no-color.org>),
    /// COLORTERM and TERM.
    pub fn wanted(options: &Options, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        if options.no_color {
            Self::None
        } else {
            Self::of_the_terminal(variable)
        }
    }

    fn of_the_terminal(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| {
            variable(name)
                .map(|value| value.to_string_lossy().to_lowercase())
                .filter(|value| !value.is_empty())
        };
        let terminal = value("TERM").unwrap_or_default();
        let has_none = ["", "dumb"].contains(&terminal.as_str()) || terminal.starts_with("vt");
        if value("NO_COLOR").is_some() || has_none {
            return Self::None;
        }
        let more = value("COLORTERM").unwrap_or_default();
        if more == "truecolor" || more == "24bit" || terminal.ends_with("-direct") {
            Self::True
        } else if terminal.contains("256color") {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }
}

/// A colour of a theme: one of the sixteen, which each terminal sets as it
/// likes, or a fixed one with the one of the sixteen that stands in for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Colour {
    pub(super) fixed: Option<(u8, u8, u8)>,
    pub(super) sixteen: Color,
}

/// The text names no colour.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a colour is black, red, green, yellow, blue, magenta, cyan or white, bright- before it or not, or like \"#d55e00 or red\""
)]
pub(super) struct NotAColour;

impl TryFrom<String> for Colour {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Self, NotAColour> {
        text.parse()
    }
}

impl FromStr for Colour {
    type Err = NotAColour;

    fn from_str(text: &str) -> Result<Self, NotAColour> {
        let Some((fixed, sixteen)) = text.split_once(" or ") else {
            return Ok(Self {
                fixed: None,
                sixteen: named(text)?,
            });
        };
        Ok(Self {
            fixed: Some(from_hex(fixed)?),
            sixteen: named(sixteen)?,
        })
    }
}

impl Colour {
    pub(super) fn shown(self, depth: Depth) -> Option<Color> {
        match (depth, self.fixed) {
            (Depth::None, _) => None,
            (Depth::Sixteen, _) | (_, None) => Some(self.sixteen),
            (Depth::Indexed, Some(fixed)) => Some(Color::Indexed(nearest(fixed))),
            (Depth::True, Some((red, green, blue))) => Some(Color::Rgb(red, green, blue)),
        }
    }
}

fn named(text: &str) -> Result<Color, NotAColour> {
    Ok(match text {
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => return Err(NotAColour),
    })
}

fn from_hex(text: &str) -> Result<(u8, u8, u8), NotAColour> {
    let digits = text.strip_prefix('#').ok_or(NotAColour)?;
    let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex {
        return Err(NotAColour);
    }
    let number = u32::from_str_radix(digits, 16).map_err(|_| NotAColour)?;
    let [_, red, green, blue] = number.to_be_bytes();
    Ok((red, green, blue))
}

/// Where xterm's cube of 6×6×6 colours begins, its shades of each, and the
/// greys after it (xterm, 256colres.pl).
const CUBE: u8 = 16;
const SHADES: [u8; 6] = [0, 95, 135, 175, 215, 255];
const GREYS: u8 = 232;

/// The one of the 240 that is nearest.
fn nearest(fixed: (u8, u8, u8)) -> u8 {
    let all = CUBE..=u8::MAX;
    all.min_by_key(|index| {
        let (red, green, blue) = of_index(*index);
        let apart = |one: u8, other: u8| u32::from(one.abs_diff(other)).pow(2);
        apart(red, fixed.0) + apart(green, fixed.1) + apart(blue, fixed.2)
    })
    .unwrap_or(CUBE)
}

/// What is shown for one of the 240.
pub(super) fn of_index(index: u8) -> (u8, u8, u8) {
    if index >= GREYS {
        let grey = 8 + 10 * (index - GREYS);
        return (grey, grey, grey);
    }
    let place = index.saturating_sub(CUBE);
    let shade = |digit: u8| SHADES[usize::from(digit % 6)];
    (shade(place / 36), shade(place / 6), shade(place))
}
