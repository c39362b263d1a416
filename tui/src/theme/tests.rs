//! What every theme that comes with cacctl has to keep to.

use std::collections::BTreeSet;
use std::path::Path;

use cac_common::toml_file::Source;
use ratatui::style::Color;

use super::colour::{Depth, of_index};
use super::file::{Background, File};
use super::place::{BUILT_IN, find};
use super::*;

const TONES: [Tone; 5] = [
    Tone::Good,
    Tone::Quiet,
    Tone::Working,
    Tone::Wanted,
    Tone::Bad,
];

const FIXED: [Depth; 2] = [Depth::Indexed, Depth::True];

/// The contrast that text needs (WCAG 2.2, 1.4.3), and what is enough for
/// people who see little (1.4.6).
const ENOUGH: f64 = 4.5;
const PLENTY: f64 = 7.0;

/// Colours further apart than this in CIE 1976 L*a*b* are told apart at a
/// glance; one that can just be seen is 2.3 (Mahy and others, 1994).
const APART: f64 = 10.0;

/// What protanopes, deuteranopes and tritanopes see of linear RGB (Machado,
/// Oliveira and Fernandes, "A Physiologically-based Model for Simulation of
/// Color Vision Deficiency", 2009, severity 1.0); and what others see.
const EYES: [[[f64; 3]; 3]; 4] = [
    [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ],
    [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ],
    [
        [1.255_528, -0.076_749, -0.178_779],
        [-0.078_411, 0.930_809, 0.147_602],
        [0.004_733, 0.691_367, 0.303_900],
    ],
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
];

type Linear = [f64; 3];

#[test]
fn the_default_is_what_its_file_says() {
    for depth in [Depth::Sixteen, Depth::True] {
        assert_eq!(built_in("default").theme(depth), Theme::DEFAULT);
    }
}

#[test]
fn every_theme_names_every_role() {
    for (name, _) in BUILT_IN {
        let file = built_in(name);

        for role in Role::ALL {
            assert!(file.style.contains_key(&role), "{name}: {role:?}");
        }
    }
}

#[test]
fn whatever_a_theme_colours_can_be_read_on_what_it_is_made_for() {
    for (name, file, depth) in fixed() {
        let theme = file.theme(depth);
        let enough = if name == "high-contrast" {
            PLENTY
        } else {
            ENOUGH
        };

        for role in Role::ALL {
            let style = theme.style(role);
            let Some(colour) = style.fg.and_then(linear) else {
                continue;
            };
            for behind in backgrounds(theme, file.made_for) {
                let contrast = contrast(colour, behind);
                assert!(
                    contrast >= enough,
                    "{name}, {depth:?}, {role:?}: {contrast:.2}"
                );
            }
        }
    }
}

#[test]
fn a_theme_that_fixes_a_colour_says_for_which_background() {
    for (name, file, depth) in fixed() {
        let theme = file.theme(depth);
        let fixes = |role| theme.style(role).fg.and_then(linear).is_some();

        if file.made_for == Background::Any && theme.text().bg.is_none() {
            assert!(!Role::ALL.into_iter().any(fixes), "{name}");
        }
    }
}

#[test]
fn tones_differ_by_more_than_their_hue() {
    let marks: BTreeSet<_> = TONES.map(Theme::mark).into();
    assert_eq!(marks.len(), TONES.len());

    for (name, _) in BUILT_IN {
        let theme = built_in(name).theme(Depth::None);
        for wanted in [Tone::Wanted, Tone::Bad] {
            for calm in [Tone::Good, Tone::Quiet, Tone::Working] {
                assert_ne!(theme.tone(wanted), theme.tone(calm), "{name}");
            }
        }
        assert_ne!(theme.cursor(), Style::new(), "{name}");
        assert_ne!(theme.border(true), theme.border(false), "{name}");
        assert_ne!(theme.key(), theme.dimmed(), "{name}");
        assert_ne!(theme.found(), theme.text(), "{name}");
    }
}

#[test]
fn with_sixteen_colours_no_two_tones_look_alike() {
    for (name, _) in BUILT_IN
        .into_iter()
        .filter(|(name, _)| *name != "monochrome")
    {
        let theme = built_in(name).theme(Depth::Sixteen);

        for (at, one) in TONES.iter().enumerate() {
            for other in &TONES[at + 1..] {
                assert_ne!(theme.tone(*one), theme.tone(*other), "{name}");
            }
        }
    }
}

#[test]
fn without_one_of_the_three_cones_the_tones_stay_apart() {
    for (name, file, depth) in fixed() {
        if !name.starts_with("colour-blind") {
            continue;
        }
        let theme = file.theme(depth);
        let quiet = match file.made_for {
            Background::Dark | Background::Any => [1.0; 3],
            Background::Light => [0.0; 3],
        };
        let seen = TONES.map(|tone| theme.tone(tone).fg.and_then(linear).unwrap_or(quiet));

        for eyes in EYES {
            for (at, one) in seen.iter().enumerate() {
                for other in &seen[at + 1..] {
                    let apart = difference(through(eyes, *one), through(eyes, *other));
                    assert!(
                        apart >= APART,
                        "{name}, {depth:?}: {one:?} and {other:?} are {apart:.1} apart"
                    );
                }
            }
        }
    }
}

#[test]
fn no_color_takes_every_colour_away_from_every_theme() {
    for (name, _) in BUILT_IN {
        for (options, variable) in [
            (wanting(name), Some("1")),
            (
                Options {
                    no_color: true,
                    ..wanting(name)
                },
                None,
            ),
        ] {
            let theme = Theme::chosen(&options, None, |name| match name {
                "NO_COLOR" => variable.map(Into::into),
                "COLORTERM" => Some("truecolor".into()),
                _ => None,
            })
            .unwrap();

            for role in Role::ALL {
                let style = theme.style(role);
                assert_eq!((style.fg, style.bg), (None, None), "{name}: {role:?}");
            }
        }
    }
}

#[test]
fn colours_are_those_that_the_terminal_has() {
    for (terminal, more, shown) in [
        ("xterm-256color", "truecolor", Color::Rgb(0xd5, 0x5e, 0)),
        ("xterm-direct", "", Color::Rgb(0xd5, 0x5e, 0)),
        ("xterm-256color", "", Color::Indexed(166)),
        ("linux", "", Color::Red),
    ] {
        let theme = Theme::chosen(&wanting("colour-blind"), None, |name| match name {
            "TERM" => Some(terminal.into()),
            "COLORTERM" => Some(more.into()),
            _ => None,
        })
        .unwrap();

        assert_eq!(theme.tone(Tone::Bad).fg, Some(shown), "{terminal} {more}");
    }
    for terminal in ["", "dumb", "vt220"] {
        let theme = Theme::chosen(&wanting("colour-blind"), None, |name| {
            (name == "TERM").then(|| terminal.into())
        })
        .unwrap();

        assert_eq!(theme.tone(Tone::Bad).fg, None, "{terminal}");
    }
}

#[test]
fn the_option_goes_before_the_variable_and_that_before_the_setting() {
    let variable = |name: &str| match name {
        "CACCTL_THEME" => Some("monochrome".into()),
        "TERM" => Some("xterm".into()),
        _ => None,
    };

    let by_variable = Theme::chosen(&NOTHING_SAID, None, variable).unwrap();
    let by_option = Theme::chosen(&wanting("default"), None, variable).unwrap();

    let by_setting = Theme::chosen(&NOTHING_SAID, Some("default"), |name| {
        (name == "TERM").then(|| "xterm".into())
    })
    .unwrap();
    let variable_first = Theme::chosen(&NOTHING_SAID, Some("default"), variable).unwrap();

    assert_eq!(by_variable.tone(Tone::Good).fg, None);
    assert_eq!(variable_first.tone(Tone::Good).fg, None);
    assert_eq!(by_setting.tone(Tone::Good).fg, Some(Color::Green));
    assert_eq!(by_option.tone(Tone::Good).fg, Some(Color::Green));
}

#[test]
fn a_locale_without_utf8_is_drawn_in_ascii() {
    for (locale, ascii) in [("C", true), ("en_US.UTF-8", false), ("C.utf8", false)] {
        let theme = Theme::chosen(&NOTHING_SAID, None, |name| {
            (name == "LANG").then(|| locale.into())
        })
        .unwrap();

        assert_eq!(theme.ascii, ascii, "{locale}");
    }
}

#[test]
fn a_fault_in_a_theme_of_ones_own_is_shown_with_its_line() {
    const HEAD: &str = "about = \"\"\nmade-for = \"dark\"\n[style]\n";
    for (line, fault) in [
        ("good = { colour = \"grean\" }", "a colour is black, red"),
        (
            "good = { colour = \"#12345 or red\" }",
            "a colour is black, red",
        ),
        ("good = { colour = \"#123456\" }", "a colour is black, red"),
        ("goood = {}", "unknown variant `goood`"),
        ("good = { color = \"red\" }", "unknown field `color`"),
        ("good = { with = [\"loud\"] }", "unknown variant `loud`"),
        ("good = 3", "expected struct Look"),
    ] {
        let source = Source::new(Path::new("mine.toml"), format!("{HEAD}{line}\n"));

        let told = File::parse(&source).unwrap_err().to_string();

        assert!(told.starts_with("mine.toml:4:"), "{told}");
        assert!(told.contains(fault) && told.contains(line), "{told}");
    }
}

#[test]
fn a_theme_of_ones_own_changes_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let themes = folder.path().join("cacctl/themes");
    std::fs::create_dir_all(&themes).unwrap();
    let text = "about = \"mine\"\nmade-for = \"any\"\n[style]\ngood = { colour = \"blue\" }\n";
    std::fs::write(themes.join("mine.toml"), text).unwrap();
    std::fs::write(themes.join("broken.toml"), "about = 1\n").unwrap();
    let variable = |name: &str| match name {
        "XDG_CONFIG_HOME" => Some(folder.path().as_os_str().to_owned()),
        "TERM" => Some("xterm".into()),
        _ => None,
    };

    let theme = Theme::chosen(&wanting("mine"), None, variable).unwrap();
    let mut listed = Vec::new();
    list(&mut listed, variable).unwrap();

    assert_eq!(theme.tone(Tone::Good).fg, Some(Color::Blue));
    assert_eq!(theme.tone(Tone::Bad), Theme::DEFAULT.tone(Tone::Bad));
    let listed = String::from_utf8(listed).unwrap();
    assert_eq!(listed.lines().count(), BUILT_IN.len() + 2, "{listed}");
    assert!(listed.contains("mine (any background)"), "{listed}");
    assert!(listed.contains("cannot be used"), "{listed}");
}

#[test]
fn a_name_is_no_way_to_another_folder() {
    let theme = |name: &str| find(name, Some(Path::new("/"))).map(|_| ());

    for name in ["", "../default", "a/b", "a.b", "ä", &"x".repeat(65)] {
        assert!(matches!(theme(name), Err(ThemeError::NotAName)), "{name}");
    }
    assert!(matches!(theme("nothing"), Err(ThemeError::NoSuch { .. })));
}

const NOTHING_SAID: Options = Options {
    socket: None,
    ascii: false,
    no_color: false,
    plain: false,
    theme: None,
};

fn wanting(theme: &str) -> Options {
    Options {
        theme: Some(theme.into()),
        ..NOTHING_SAID
    }
}

fn built_in(name: &str) -> File {
    find(name, None).unwrap()
}

fn fixed() -> impl Iterator<Item = (&'static str, File, Depth)> {
    let of = |(name, _)| FIXED.map(|depth| (name, built_in(name), depth));
    BUILT_IN.into_iter().flat_map(of)
}

/// What can lie behind: the theme's own, or what it is made for.
fn backgrounds(theme: Theme, made_for: Background) -> Vec<Linear> {
    if let Some(own) = theme.text().bg.and_then(linear) {
        return vec![own];
    }
    match made_for {
        Background::Dark => vec![[0.0; 3]],
        Background::Light => vec![[1.0; 3]],
        Background::Any => vec![[0.0; 3], [1.0; 3]],
    }
}

/// `None` for what the terminal sets as it likes. sRGB (IEC 61966-2-1).
fn linear(colour: Color) -> Option<Linear> {
    let (red, green, blue) = if let Color::Rgb(red, green, blue) = colour {
        (red, green, blue)
    } else if let Color::Indexed(index) = colour {
        of_index(index)
    } else {
        return None;
    };
    Some([red, green, blue].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    }))
}

fn luminance([red, green, blue]: Linear) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// WCAG 2.2, "contrast ratio".
fn contrast(one: Linear, other: Linear) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn through(eyes: [[f64; 3]; 3], colour: Linear) -> Linear {
    eyes.map(|row| {
        let sum: f64 = row
            .iter()
            .zip(colour)
            .map(|(part, value)| part * value)
            .sum();
        sum.clamp(0.0, 1.0)
    })
}

/// How far apart two colours are in CIE 1976 L*a*b*, with white point D65.
fn difference(one: Linear, other: Linear) -> f64 {
    let (one, other) = (lab(one), lab(other));
    let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

fn lab([red, green, blue]: Linear) -> [f64; 3] {
    let f = |t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    let x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    let y = f(luminance([red, green, blue]));
    let z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}
