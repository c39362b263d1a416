//! Whatever is open: the terminal changes its size while cards go in and out,
//! the daemon goes and comes back, and a card is read with somebody looking on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context as _, ensure};
use cac_tests::harness::{Lab, PORTAL, Plan, jane, john};
use cac_tests::terminal::{Size, Terminal, without_clocks};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

/// What is open on top of the panes, or in their place.
struct Open {
    keys: &'static str,
    /// What only it shows.
    shows: &'static str,
}

const EVERYTHING: [Open; 5] = [
    Open {
        keys: ":hist",
        shows: ": hist▏",
    },
    Open {
        keys: "/ref",
        shows: "Registration /ref▏",
    },
    Open {
        keys: "?",
        shows: "Help 1 of",
    },
    Open {
        keys: "d",
        shows: "Outlook: what ends, and when",
    },
    Open {
        keys: "t",
        shows: "Checklist",
    },
];

#[test]
fn s84_a_storm_of_sizes_while_a_card_goes_in_and_out_leaves_the_picture_right() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    for open in &EVERYTHING {
        dashboard.shows(&["! needs PIN", "q quit"])?;
        let program = dashboard.program()?;
        dashboard.write(open.keys)?;
        dashboard.shows(&[open.shows])?;

        storm(&dashboard, &mut lab, &card).with_context(|| format!("with {} open", open.shows))?;

        dashboard.resize(Size::ROOMY)?;
        lab.wait_until_whole(0)?;
        ensure!(dashboard.program()? == program, "it has not ended");
        // What a dashboard shows that has been through nothing of it.
        let calm = lab.dashboard(Size::ROOMY)?;
        calm.shows(&["! needs PIN"])?;
        calm.write(open.keys)?;
        calm.shows(&[open.shows])?;
        let mut expected = String::new();
        dashboard
            .wait_for("the picture is right", |screen| {
                expected = calm.text().unwrap_or_default();
                without_clocks(screen) == without_clocks(&expected)
            })
            .with_context(|| format!("not as:\n{expected}"))?;
        dashboard.press("Escape")?;
        dashboard.hides(&[open.shows])?;
    }
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s84_whatever_is_open_stays_when_the_daemon_is_started_again() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["! needs PIN"])?;
    dashboard.write("a")?;
    dashboard.shows(&["APDU nothing has gone to a card since this line was opened"])?;
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    dashboard.shows(&["! needs PIN"])?;

    for open in &EVERYTHING {
        let before = told_so_far(&dashboard.shows(&["APDU ", " so far"])?)?;
        dashboard.write(open.keys)?;
        dashboard.shows(&[open.shows])?;

        lab.kill()?;
        dashboard.shows(&["cacd ○ away", open.shows])?;
        lab.start_again()?;

        dashboard.shows(&["cacd ● just started", open.shows])?;
        lab.wait_until_whole(0)?;
        lab.take_out(0)?;
        lab.insert(0, &card)?;
        lab.wait_until_whole(0)?;
        dashboard.shows(&[open.shows])?;
        dashboard.press("Escape")?;
        dashboard.hides(&[open.shows])?;
        dashboard.shows(&["! needs PIN"])?;
        // What goes to a card is told again, and counted on.
        let screen = dashboard.wait_for("the count goes on", |screen| {
            told_so_far(screen).is_ok_and(|now| now > before)
        })?;
        ensure!(!screen.contains("Cannot connect"), "{screen}");
    }
    dashboard.write("a")?;
    dashboard.hides(&["APDU "])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s84_what_goes_to_a_card_is_shown_without_what_it_is() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["Put yours in"])?;
    dashboard.write("a")?;
    dashboard.shows(&[
        "APDU nothing has gone to a card since this line was opened  ",
        "0 so far",
    ])?;

    let mut seen = Vec::new();
    lab.insert(0, &card)?;
    dashboard.wait_for("the card is read, line by line", |screen| {
        seen.extend(activity(screen).map(str::to_owned));
        screen.contains("! needs PIN") && screen.contains(" APDU Virtual PCD 00 00: ")
    })?;
    lab.wait_until_whole(0)?;
    dashboard.wait_for(
        "every command that the card was read with was told",
        |screen| {
            let count = told_so_far(screen).unwrap_or_default();
            count > 0 && screen.contains(&format!(" {count} APDUs "))
        },
    )?;
    dashboard.write("r")?;
    dashboard.type_pin(samples::PIN)?;
    let mut screens = Vec::new();
    let registered = dashboard.wait_for("the card has signed", |screen| {
        screens.push(screen.to_owned());
        screen.contains("✔ registered") && screen.contains(": sign-in ")
    })?;
    seen.extend(
        screens
            .iter()
            .filter_map(|it| activity(it))
            .map(str::to_owned),
    );
    for screen in &screens {
        ensure!(
            !screen.contains(samples::PIN),
            "the PIN is shown:\n{screen}"
        );
    }
    ensure!(told_so_far(&registered)? > 10, "{registered}");

    seen.dedup();
    let mut told = 0;
    for line in &seen {
        if line.starts_with("nothing has gone") {
            continue;
        }
        told += 1;
        holds_nothing_of_a_card(line)?;
    }
    ensure!(told > 1, "{seen:?}");
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    let left = dashboard.all_text()?;
    ensure!(!left.contains(samples::PIN), "{left}");
    Ok(())
}

#[test]
fn s84_it_opens_at_the_card_and_portal_that_are_named() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    lab.insert(1, &card)?;
    let id = lab.wait_until_whole(1)?.id.context("the card is known")?;
    let terminal = lab.terminal(Size::ROOMY)?;
    let at = |card: &str, portal: &str| format!("cacctl --card {card} --portal {portal}");

    terminal.enter(&at(&id.0, PORTAL))?;
    terminal.shows(&["╔ Registration", "needs PIN"])?;
    terminal.press("Escape")?;
    terminal.hides(&["╔ Registration"])?;
    terminal.shows(&["▶! Virtual PCD 00 01", "┏ Registration"])?;
    terminal.write("q")?;
    terminal.is_the_shells_again()?;

    // A card that is put in later is none that was meant.
    lab.take_out(1)?;
    terminal.enter(&format!("clear; {}", at(&id.0, PORTAL)))?;
    terminal.shows(&["╔ Registration"])?;
    terminal.press("Escape")?;
    terminal.hides(&["╔ Registration"])?;
    terminal.shows(&["▶◦ ROE, JOHN"])?;
    terminal.write("q")?;
    terminal.is_the_shells_again()?;

    for (card, portal, said) in [
        (
            "nobodys",
            PORTAL,
            "The card that was meant is in no reader, and was never seen.",
        ),
        (&id.0, "moon", "Nothing is known of this card at moon."),
    ] {
        terminal.enter(&format!("clear; {}", at(card, portal)))?;
        let screen = terminal.shows(&[said, "q quit"])?;
        ensure!(!screen.contains("╔ "), "nothing is open:\n{screen}");
        terminal.write("q")?;
        terminal.is_the_shells_again()?;
    }
    Ok(())
}

#[test]
fn s84_themes_and_what_the_terminal_is_said_not_to_have_are_kept_to() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    lab.register(0, &jane(CardModel::T1)?, samples::PIN)?;
    lab.wait_until_whole(0)?;
    let terminal = lab.terminal(Size::ROOMY)?;

    let coloured = |command| -> anyhow::Result<Vec<String>> {
        let pictures = look_through(&terminal, command)?;
        for (_, picture) in &pictures {
            ensure!(has_colour(picture), "{command}: {picture}");
        }
        Ok(pictures.into_iter().map(|(_, picture)| picture).collect())
    };
    let usual = coloured("cacctl")?;
    let light = coloured("cacctl --theme light")?;
    let by_variable = coloured("CACCTL_THEME=light cacctl")?;
    for (usual, light) in usual.iter().zip(&light) {
        ensure!(usual != light, "the theme changes nothing:\n{usual}");
    }
    ensure!(light.first().map(|it| styles(it)) == by_variable.first().map(|it| styles(it)));

    for command in [
        "NO_COLOR=1 cacctl",
        "cacctl --no-color",
        "NO_COLOR=1 cacctl --theme light",
        "cacctl --theme monochrome",
    ] {
        for (text, picture) in look_through(&terminal, command)? {
            ensure!(!has_colour(&picture), "{command}: {picture}");
            // What is told by colour is told without too.
            ensure!(picture.contains("\x1b["), "{command}: {picture}");
            ensure!(text.contains('●'), "{command}: {text}");
        }
    }

    for command in ["cacctl --ascii", "LC_ALL=C cacctl"] {
        for (text, _) in look_through(&terminal, command)? {
            ensure!(text.is_ascii(), "{command}:\n{text}");
        }
    }

    terminal.enter("clear; cacctl --theme nope; echo ended with $?")?;
    let screen = terminal.shows(&["no theme has the name \"nope\"", "ended with "])?;
    ensure!(!screen.contains("ended with 0"), "{screen}");
    terminal.is_the_shells_again()?;
    Ok(())
}

/// Sizes as fast as tmux takes them, and a card that is taken out and put in meanwhile.
fn storm(dashboard: &Terminal, lab: &mut Lab, card: &CardHandle) -> anyhow::Result<()> {
    let is_over = AtomicBool::new(false);
    thread::scope(|threads| {
        let sizes = threads.spawn(|| -> anyhow::Result<u16> {
            let mut step: u16 = 0;
            while !is_over.load(Ordering::Relaxed) {
                step = step.wrapping_add(1);
                dashboard.resize(Size {
                    columns: 1 + step.wrapping_mul(37) % 140,
                    rows: 1 + step.wrapping_mul(11) % 50,
                })?;
            }
            Ok(step)
        });
        let cards = (0..2).try_for_each(|_| {
            lab.take_out(0)?;
            lab.insert(0, card)?;
            lab.wait_for_status(0, "needs PIN").map(|_| ())
        });
        is_over.store(true, Ordering::Relaxed);
        let sizes = sizes
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        cards?;
        let count = sizes?;
        ensure!(count > 2, "{count} sizes are no storm");
        Ok(())
    })
}

/// The screen and its picture of the panes and whatever can be opened over them.
fn look_through(terminal: &Terminal, command: &str) -> anyhow::Result<Vec<(String, String)>> {
    terminal.enter(&format!("clear; {command}"))?;
    terminal.shows(&[" registered", "Account jane.q.doe", "q quit"])?;
    let mut seen = vec![(terminal.text()?, terminal.picture()?)];
    for (key, shows) in [
        (":", " Actions "),
        ("?", " Help 1 of"),
        ("d", " Outlook: what ends"),
        ("t", " Checklist"),
        ("y", " History (1 of"),
        ("c", " Clear what is kept"),
    ] {
        terminal.write(key)?;
        terminal.shows(&[shows])?;
        seen.push((terminal.text()?, terminal.picture()?));
        terminal.press("Escape")?;
        terminal.hides(&[shows])?;
    }
    terminal.write("q")?;
    terminal.is_the_shells_again()?;
    Ok(seen)
}

/// The parameters of every SGR sequence (ECMA-48, 8.3.117).
fn styles(picture: &str) -> Vec<Vec<u16>> {
    let sequences = picture.split("\x1b[").skip(1);
    sequences
        .filter_map(|sequence| sequence.split_once('m'))
        .map(|(numbers, _)| {
            let numbers = numbers.split([';', ':']);
            numbers.filter_map(|number| number.parse().ok()).collect()
        })
        .collect()
}

/// Whether any character or what lies behind it has a colour of its own.
fn has_colour(picture: &str) -> bool {
    let mut numbers = styles(picture).into_iter().flatten();
    numbers.any(|number| matches!(number, 30..=38 | 40..=48 | 90..=97 | 100..=107))
}

/// The line of what goes to the cards.
fn activity(screen: &str) -> Option<&str> {
    let line = screen
        .lines()
        .find_map(|line| line.strip_prefix(" APDU "))?;
    Some(line.trim())
}

/// How many commands have gone to cards.
fn told_so_far(screen: &str) -> anyhow::Result<u64> {
    let line = activity(screen).context("the line is there")?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "so");
    let count = at.and_then(|at| words.get(at.checked_sub(1)?));
    count.context("it counts")?.parse().context("a number")
}

/// A command is told by its name, by how long it and its answer were, by the
/// status word, and by the time that it took.
fn holds_nothing_of_a_card(line: &str) -> anyhow::Result<()> {
    for word in line.split_whitespace() {
        let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
        ensure!(digits < 6 || digits < word.len(), "{word} in {line}");
    }
    for content in ["DOE", "JANE", "1234567890", samples::PIN] {
        ensure!(!line.contains(content), "{content} in {line}");
    }
    ensure!(line.contains(" bytes ") && line.contains(" ms"), "{line}");
    Ok(())
}
