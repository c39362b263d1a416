//! Chromium and Firefox, as Debian ships them, sign in with the card to an nginx
//! that demands a certificate: after `cacctl setup` alone, and neither before it nor after
//! it is undone.
//!
//! They draw on a screen that nobody sees (Xvfb), and the PIN is typed on its
//! keyboard (xdotool): without a window neither can be given one.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_tests::harness::{Account, jane};
use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::servers::by_card;
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait::{wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

/// A browser is slow to start, above all beside others.
const LIMIT: Duration = Duration::from_mins(1);

/// How a browser is driven: by what its windows are called.
struct Browser {
    name: &'static str,
    package: &'static str,
    /// The file of its program, by which `cacctl` knows it too.
    program: &'static str,
    arguments: &'static [&'static str],
    /// What asks for the PIN.
    asks: &'static str,
    /// Any page; the question which certificate to show is a part of it.
    pages: &'static str,
    refused: &'static str,
    signed_in: &'static str,
}

const CHROMIUM: Browser = Browser {
    name: "chromium",
    package: "chromium",
    program: "/usr/bin/chromium",
    // Root has no sandbox for it; and what it may ask at its first start is none of ours.
    arguments: &[
        "--no-sandbox",
        "--no-first-run",
        "--disable-gpu",
        "--password-store=basic",
    ],
    asks: "Unlock Security Device",
    pages: " - Chromium",
    refused: "Privacy error - Chromium",
    signed_in: "Account - Chromium",
};

const FIREFOX: Browser = Browser {
    name: "firefox-esr",
    package: "firefox-esr",
    program: "/usr/bin/firefox-esr",
    arguments: &["-no-remote", "-P", "default"],
    asks: "Password Required - Mozilla Firefox",
    pages: "Mozilla Firefox",
    refused: "Warning: Security Risk — Mozilla Firefox",
    signed_in: "Account — Mozilla Firefox",
};

struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn start() -> anyhow::Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp"])
            .args(["-screen", "0", "1280x800x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb cannot be started: install the Debian package xvfb")?;
        let output = server.stdout.take().context("it has an output")?;
        let mut number = String::new();
        // It says which it took as soon as it can be drawn on.
        BufReader::new(output).read_line(&mut number)?;
        ensure!(!number.is_empty(), "Xvfb takes no display");
        Ok(Self {
            server,
            display: format!(":{}", number.trim()),
        })
    }

    /// What xdotool says, if it found or did it.
    fn xdotool<S: AsRef<OsStr>>(&self, arguments: &[S]) -> anyhow::Result<Option<String>> {
        let done = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .context("xdotool cannot be started: install the Debian package xdotool")?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        Ok(done.status.success().then_some(said))
    }

    /// The number of a window, by a part of its title.
    fn window(&self, title: &str) -> Option<String> {
        let mut windows = self.windows().into_iter();
        let found = windows.find(|(_, its)| its.contains(title));
        found.map(|(number, _)| number)
    }

    /// Number and title of each. What xdotool itself looks for titles in is
    /// older than titles that are not ASCII.
    fn windows(&self) -> Vec<(String, String)> {
        let numbers = self.xdotool(&["search", "--name", "."]).ok().flatten();
        let numbers = numbers.unwrap_or_default();
        let windows = numbers.lines().filter_map(|number| {
            let title = self.xdotool(&["getwindowname", number]).ok().flatten()?;
            Some((number.to_owned(), title))
        });
        windows.collect()
    }

    fn type_into(&self, window: &str, keys: &[&[&str]]) -> anyhow::Result<()> {
        self.xdotool(&["windowfocus", window])?;
        for keys in keys {
            self.xdotool(keys)?;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody looks at it any more.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

struct Running(Child);

impl Running {
    fn visit(
        browser: &Browser,
        screen: &Screen,
        account: &Account,
        pcscd: &PrivatePcscd,
        origin: &str,
    ) -> anyhow::Result<Self> {
        let running = Command::new(browser.program)
            .args(browser.arguments)
            .arg(origin)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", account.home())
            .env("DISPLAY", &screen.display)
            .env(SOCKET_VARIABLE, pcscd.socket())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("install the Debian package {}", browser.package))?;
        Ok(Self(running))
    }

    /// As its last window is closed.
    fn close(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        wait_until("the browser has ended", LIMIT, || {
            !matches!(self.0.try_wait(), Ok(None))
        })?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn s87_chromium_signs_in_with_the_card_after_setup_alone() -> anyhow::Result<()> {
    signs_in_after_setup_alone(&CHROMIUM, &Account::with_a_browser()?)
}

#[test]
fn s87_firefox_signs_in_with_the_card_after_setup_alone() -> anyhow::Result<()> {
    signs_in_after_setup_alone(&FIREFOX, &Account::with_a_browser()?.with_firefox()?)
}

fn signs_in_after_setup_alone(browser: &Browser, account: &Account) -> anyhow::Result<()> {
    let pcscd = PrivatePcscd::start(1)?;
    let card = jane(CardModel::T1)?;
    let _insertion = Insertion::new(&card, pcscd.port(0))?;
    let nginx = by_card::nginx()?;
    let roots = account.home().with_file_name("roots.pem");
    fs::write(&roots, samples::authority().root_pem())?;
    let roots = roots.display().to_string();
    let planned = account.setup(&["--dry-run", "--json", "--roots", &roots])?;
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout)?;
    let digest = planned["roots"]["digest"].as_str().context("it is told")?;
    let screen = Screen::start()?;
    let visit = || Running::visit(browser, &screen, account, &pcscd, &nginx.origin());
    let refused = || -> anyhow::Result<()> {
        let running = visit()?;
        wait_for("the page is refused", LIMIT, || {
            screen.window(browser.refused)
        })
        .with_context(|| format!("{:?}", screen.windows()))?;
        ensure!(screen.window(browser.asks).is_none(), "no PIN is asked for");
        running.close()
    };

    refused().context("before setup")?;
    let before = (card.log().pin_attempts(), card.log().key_operations());

    let done = account.setup(&["--yes", "--roots", &roots, "--digest", digest])?;
    ensure!(done.status.success(), "{done:?}");
    let running = visit()?;
    let asks = wait_for("the PIN is asked for", LIMIT, || {
        screen.window(browser.asks)
    })?;
    screen.type_into(&asks, &[&["type", samples::PIN], &["key", "Return"]])?;
    wait_until("the PIN is taken", LIMIT, || {
        screen.window(browser.asks).is_none()
    })?;
    wait_until("it has signed in", LIMIT, || {
        let page = screen.window(browser.pages);
        page.is_some_and(|page| screen.type_into(&page, &[&["key", "Return"]]).is_ok())
            && screen.window(browser.signed_in).is_some()
    })?;
    let signed_in = (card.log().pin_attempts(), card.log().key_operations());

    let while_it_runs = account.setup(&["--undo", "--yes"])?;
    running.close()?;
    let undone = account.setup(&["--undo", "--yes"])?;
    refused().context("after it is undone")?;

    assert_eq!(before, (0, 0));
    assert_eq!(signed_in, (1, 1));
    assert_eq!(while_it_runs.status.code(), Some(1), "{while_it_runs:?}");
    let told = String::from_utf8_lossy(&while_it_runs.stdout).into_owned();
    assert!(told.contains(&format!("{} runs", browser.name)), "{told}");
    assert!(undone.status.success(), "{undone:?}");
    assert!(!account.home().join(".pki").exists(), "nothing is left");
    assert_eq!(card.log().pin_attempts(), 1, "and no PIN was sent again");
    Ok(())
}
