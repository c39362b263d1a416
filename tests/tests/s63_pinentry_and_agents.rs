//! A PIN may come from pinentry and from the agents of systemd-ask-password.

use std::process::Output;

use anyhow::ensure;
use cac_common::snapshot::PinStatus;
use cac_tests::harness::{
    LIMIT, Lab, Plan, ScriptedPinentry, answer_as_an_agent, appears_in, files_below, jane, john,
    memory_of, nothing_is_asked, question_of,
};
use cac_tests::system_bus::SystemBus;
use cac_tests::terminal::Size;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::wait_until;

/// Of libgpg-error, with pinentry as their source.
const CANCELLED: &str = "ERR 83886179 Operation cancelled <Pinentry>\n";
const TIMEOUT: &str = "ERR 83886142 Timeout <Pinentry>\n";

/// What is answered, and what the person is told.
const NO_PINS: [(&str, &str); 8] = [
    (CANCELLED, "the prompt was cancelled"),
    (TIMEOUT, "nobody typed the PIN within 1 s"),
    // One that keeps no time is ended.
    ("S WAITING\n", "nobody typed the PIN within 1 s"),
    ("OK\n", "no PIN was typed"),
    ("D \nOK\n", "no PIN was typed"),
    ("D 2468a357\nOK\n", "digits alone"),
    ("D 123456789\nOK\n", "no more than eight"),
    ("D 12345\nOK\n", "no fewer than six"),
];

#[test]
fn s63_a_pin_from_pinentry_registers_and_none_leaves_the_card_alone() -> anyhow::Result<()> {
    let (lab, card) = lab(Plan::default())?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), "")?;
    let program = pinentry.program().display().to_string();
    let register = || {
        let mut arguments = vec!["register", "--pin-from", "pinentry", "--pinentry", &program];
        arguments.extend(["--pin-timeout", "1"]);
        lab.cacctl(&arguments)
    };

    for (answer, told) in NO_PINS {
        pinentry.answer(answer)?;
        tells(&register()?, 4, told)?;
    }
    let endless = format!("D {}\nOK\n", "1".repeat(990));
    pinentry.answer(&endless)?;
    tells(&register()?, 4, "no more than eight")?;
    for nonsense in [
        "HELLO\n",
        "D 1234%\nOK\n",
        &"1".repeat(5000),
        &"S x\n".repeat(100),
    ] {
        pinentry.answer(nonsense)?;
        tells(&register()?, 1, "it speaks no Assuan")?;
    }
    let absent = [
        "register",
        "--pin-from",
        "pinentry",
        "--pinentry",
        "/absent",
    ];
    tells(&lab.cacctl(&absent)?, 1, "/absent cannot be started")?;
    assert_eq!(card.log().pin_attempts(), 0);

    // Escaped, as any byte may be.
    pinentry.answer("S PASSPHRASE_FROM_A_PERSON\nD %32468135%37\nOK\n")?;
    let registered = register()?;
    assert!(registered.status.success(), "{registered:?}");
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    let heard = pinentry.heard();
    for told in [
        "SETTITLE cacd",
        "SETDESC ROE, JOHN",
        "tries left",
        "It signs in at",
    ] {
        assert!(heard.contains(told), "{told} in {heard}");
    }
    assert!(heard.contains("\nSETTIMEOUT 1\n"), "{heard}");
    assert!(!heard.contains("external-password-cache"), "{heard}");
    for path in files_below(lab.folder())? {
        let is_there = appears_in(samples::PIN.as_bytes(), &std::fs::read(&path)?);
        assert!(!is_there, "the PIN is in {}", path.display());
    }
    Ok(())
}

#[test]
fn s63_a_real_pinentry_asks_in_the_terminal_and_gives_it_back() -> anyhow::Result<()> {
    let (mut lab, card) = lab(Plan::default())?;
    let terminal = lab.terminal(Size {
        columns: 80,
        rows: 24,
    })?;
    let register = "cacctl register --pin-from pinentry --pinentry pinentry-curses";

    terminal.enter(register)?;
    terminal.shows(&["ROE, JOHN", "tries left", "It signs in at", "PIN:"])?;
    // From the PIN past OK to Cancel.
    for key in ["Tab", "Tab", "Enter"] {
        terminal.press(key)?;
    }
    terminal.shows(&["the prompt was cancelled"])?;
    terminal.is_the_shells_again()?;

    terminal.enter("clear")?;
    terminal.enter(register)?;
    terminal.shows(&["PIN:"])?;
    lab.take_out(0)?;
    terminal.shows(&["card was taken out"])?;
    terminal.is_the_shells_again()?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    assert_eq!(card.log().pin_attempts(), 0);

    terminal.enter("clear")?;
    terminal.enter(register)?;
    terminal.shows(&["PIN:"])?;
    terminal.write(samples::PIN)?;
    terminal.press("Enter")?;
    terminal.shows(&["registered"])?;
    terminal.is_the_shells_again()?;
    let all = terminal.all_text()?;
    assert!(!all.contains(samples::PIN), "{all}");
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s63_an_agent_of_the_system_answers_root() -> anyhow::Result<()> {
    let (lab, card) = lab(Plan::default())?;
    let register = || {
        let mut arguments = vec!["register", "--pin-from", "ask-password"];
        arguments.extend(["--pin-timeout", "1"]);
        lab.cacctl(&arguments)
    };

    tells(&register()?, 4, "nobody typed the PIN within 1 s")?;
    nothing_is_asked()?;
    for (answer, told) in [
        ("-", "nobody gave the PIN"),
        ("+", "no PIN was typed"),
        ("+2468a357", "digits alone"),
        ("+123456789", "no more than eight"),
    ] {
        let agent = answer_as_an_agent(answer);
        tells(&register()?, 4, told)?;
        question_of(agent)?;
        nothing_is_asked()?;
    }
    assert_eq!(card.log().pin_attempts(), 0);

    let agent = answer_as_an_agent(&format!("+{}", samples::PIN));
    let registered = register()?;
    assert!(registered.status.success(), "{registered:?}");
    let question = question_of(agent)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    assert!(question.contains("tries left"), "{question}");
    // It lies there for everyone.
    for word in ["ROE", "JOHN"] {
        assert!(!question.contains(word), "{word} in {question}");
    }
    Ok(())
}

#[test]
fn s63_agents_of_a_user_are_asked_where_systemd_has_them() -> anyhow::Result<()> {
    let (lab, card) = lab(Plan::default().settings("[access]\ngroup = \"games\"\n"))?;
    let terminal = lab.terminal(Size {
        columns: 120,
        rows: 30,
    })?;
    let help = std::process::Command::new("systemd-ask-password")
        .arg("--help")
        .output()?;
    let has_agents = String::from_utf8_lossy(&help.stdout).contains("--user");

    terminal.enter(
        "setpriv --reuid=games --regid=games --clear-groups \
         cacctl register --pin-from ask-password --pin-timeout 1; echo it ends with $?",
    )?;

    if has_agents {
        // Nobody is there to answer.
        terminal.shows(&["the card has not been asked", "it ends with 4"])?;
    } else {
        terminal.shows(&["asks no agents but the system's", "systemd 257"])?;
        terminal.shows(&["it ends with 5"])?;
    }
    assert_eq!(card.log().pin_attempts(), 0);
    Ok(())
}

#[test]
fn s63_the_agent_tells_of_a_wrong_pin_and_asks_once_more() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.welcome(samples::jane())?;
    let (doe, roe) = (jane(CardModel::T1)?, john(CardModel::T1)?);
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), "D 999999\nOK\n")?;
    let program = pinentry.program().display().to_string();
    let _agent = lab.cacctl_in_background(&["agent", "--pinentry", &program])?;

    lab.insert(0, &doe)?;
    lab.wait_for_card(0, "two wrong PINs were typed", |card| {
        card.pin
            == PinStatus::Ready {
                tries_left: Some(1),
            }
    })?;
    pinentry.answer(CANCELLED)?;
    lab.insert(1, &roe)?;
    wait_until("the other card is asked for", LIMIT, || {
        names(&pinentry).iter().any(|name| name == "ROE")
    })?;

    // Nobody was asked for the last try.
    assert_eq!(names(&pinentry), ["DOE", "DOE", "ROE"]);
    let heard = pinentry.heard();
    assert_eq!(heard.matches("SETERROR").count(), 1, "{heard}");
    assert_eq!(doe.log().pin_attempts(), 2);
    Ok(())
}

#[test]
fn s63_the_agent_asks_once_for_each_card_and_never_beside_a_dashboard() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    for card in [samples::jane(), samples::john()] {
        lab.welcome(card)?;
    }
    let (doe, roe) = (jane(CardModel::T1)?, john(CardModel::T1)?);
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), CANCELLED)?;
    let program = pinentry.program().display().to_string();
    let agent = lab.cacctl_in_background(&["agent", "--pinentry", &program])?;
    let asked = |about: &[&str]| {
        wait_until("somebody is asked", LIMIT, || {
            names(&pinentry).len() >= about.len()
        })?;
        assert_eq!(names(&pinentry), about);
        anyhow::Ok(())
    };

    // Once: what comes after it in its order was looked at after it.
    lab.insert(0, &roe)?;
    asked(&["ROE"])?;
    agent.wait_until_it_says("the prompt was cancelled")?;
    lab.insert(1, &doe)?;
    asked(&["ROE", "DOE"])?;
    lab.take_out(1)?;

    // Beside a dashboard never, and not when it is closed.
    let dashboard = lab.terminal(Size {
        columns: 80,
        rows: 24,
    })?;
    dashboard.enter(&format!(
        "XDG_RUNTIME_DIR={} cacctl",
        lab.folder().display()
    ))?;
    dashboard.shows(&["ROE, JOHN", "q quit"])?;
    lab.insert(1, &doe)?;
    lab.wait_for_status(1, "needs PIN")?;
    dashboard.shows(&["2 cards need you"])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    lab.take_out(0)?;
    lab.insert(0, &roe)?;
    asked(&["ROE", "DOE", "ROE"])?;

    // A daemon that was away is found again; a PIN registers.
    lab.take_out(0)?;
    lab.take_out(1)?;
    lab.stop()?;
    agent.wait_until_it_says("trying again by itself")?;
    lab.start_again()?;
    pinentry.answer(&format!("D {}\nOK\n", samples::PIN))?;
    lab.insert(0, &roe)?;
    lab.wait_for_status(0, "registered")?;
    lab.take_out(0)?;

    // Not for the last try, and not where nothing is due.
    lab.insert(0, &roe)?;
    lab.wait_for_status(0, "registered")?;
    pinentry.answer(CANCELLED)?;
    lab.insert(1, &doe)?;
    asked(&["ROE", "DOE", "ROE", "ROE", "DOE"])?;
    for tries in [2, 1] {
        lab.wait_for_status(1, "needs PIN")?;
        lab.type_pin(1, "11111111")?;
        wait_until("a try is spent", LIMIT, || doe.tries_left() == tries)?;
    }
    lab.wait_for_card(1, "one try is left", |card| {
        card.pin
            == PinStatus::Ready {
                tries_left: Some(1),
            }
    })?;
    lab.take_out(1)?;
    lab.insert(1, &doe)?;
    lab.wait_for_status(1, "needs PIN")?;
    let other = jane(CardModel::T1)?;
    lab.take_out(0)?;
    lab.insert(0, &other)?;
    asked(&["ROE", "DOE", "ROE", "ROE", "DOE", "DOE"])?;
    assert_eq!(doe.tries_left(), 1);
    assert_eq!(roe.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s63_the_agent_asks_again_when_the_holder_is_back_and_keeps_nothing() -> anyhow::Result<()> {
    // An agent asks its own user alone.
    let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
    let bus = SystemBus::start()?;
    bus.add_session("first", 0, &user)?;
    let settings = format!("[[user]]\nname = \"{user}\"\nedipi = \"1234567890\"\n");
    let mut lab = Plan::default().settings(&settings).bus(&bus).start()?;
    lab.welcome(samples::jane())?;
    bus.wait_until_followed()?;
    let card = jane(CardModel::T1)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), CANCELLED)?;
    let program = pinentry.program().display().to_string();
    let agent = lab.cacctl_in_background(&["agent", "--pinentry", &program])?;
    lab.insert(0, &card)?;
    wait_until("the holder is asked", LIMIT, || pinentry.starts() == 1)?;
    agent.wait_until_it_says("the prompt was cancelled")?;

    pinentry.answer(&format!("D {}\nOK\n", samples::PIN))?;
    bus.set_locked("first", true)?;
    bus.set_locked("first", false)?;
    lab.wait_for_status(0, "registered")?;

    assert_eq!(pinentry.starts(), 2);
    assert_eq!(card.log().pin_attempts(), 1);
    let memory = memory_of(agent.pid())?;
    let is_there = |text: &str| {
        let mut pieces = memory.iter();
        pieces.any(|piece| appears_in(text.as_bytes(), piece))
    };
    assert!(is_there(&program), "what it does hold is found");
    assert!(!is_there(samples::PIN), "the agent has kept the PIN");
    Ok(())
}

/// Who was named in each question so far.
fn names(pinentry: &ScriptedPinentry) -> Vec<String> {
    let heard = pinentry.heard();
    let questions = heard
        .lines()
        .filter_map(|line| line.strip_prefix("SETDESC "));
    questions
        .filter_map(|text| Some(text.split_once(',')?.0.to_owned()))
        .collect()
}

/// John's card, which needs its PIN.
fn lab(plan: Plan) -> anyhow::Result<(Lab, CardHandle)> {
    let mut lab = plan.start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    Ok((lab, card))
}

fn tells(output: &Output, code: i32, told: &str) -> anyhow::Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(code) && said.contains(told),
        "{code} and {told:?} are expected: {output:?}"
    );
    Ok(())
}
