//! Chromium, as Debian ships it, signs in with the card to an nginx that demands
//! a certificate: after `cacctl setup` alone, and neither before it nor after
//! it is undone.
//!
//! It draws on a screen that nobody sees (Xvfb), and the PIN is typed on its
//! keyboard (xdotool): without a window Chromium asks for none.

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

/// What asks for the PIN, and what the windows of pages are called.
const ASKS: &str = "^Unlock Security Device$";
const PAGES: &str = " - Chromium$";
const REFUSED: &str = "^Privacy error - Chromium$";
const SIGNED_IN: &str = "^Account - Chromium$";

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

    /// The number of a window whose name fits.
    fn window(&self, name: &str) -> Option<String> {
        let found = self.xdotool(&["search", "--name", name]).ok().flatten()?;
        found.lines().next().map(str::to_owned)
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

struct Chromium(Child);

impl Chromium {
    fn visit(
        screen: &Screen,
        account: &Account,
        pcscd: &PrivatePcscd,
        origin: &str,
    ) -> anyhow::Result<Self> {
        let chromium = Command::new("/usr/bin/chromium")
            // Root has no sandbox for it; and what it may ask at its first start is none of ours.
            .args(["--no-sandbox", "--no-first-run", "--disable-gpu"])
            .arg("--password-store=basic")
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
            .context("Chromium cannot be started: install the Debian package chromium")?;
        Ok(Self(chromium))
    }

    /// As its last window is closed.
    fn close(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        wait_until("Chromium has ended", LIMIT, || {
            !matches!(self.0.try_wait(), Ok(None))
        })?;
        Ok(())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn s87_chromium_signs_in_with_the_card_after_setup_alone() -> anyhow::Result<()> {
    let pcscd = PrivatePcscd::start(1)?;
    let card = jane(CardModel::T1)?;
    let _insertion = Insertion::new(&card, pcscd.port(0))?;
    let nginx = by_card::nginx()?;
    let account = Account::new()?;
    let roots = account.home().with_file_name("roots.pem");
    fs::write(&roots, samples::authority().root_pem())?;
    let roots = roots.display().to_string();
    let planned = account.setup(&["--dry-run", "--json", "--roots", &roots])?;
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout)?;
    let digest = planned["roots"]["digest"].as_str().context("it is told")?;
    let screen = Screen::start()?;
    let visit = || Chromium::visit(&screen, &account, &pcscd, &nginx.origin());
    let refused = || -> anyhow::Result<()> {
        let chromium = visit()?;
        wait_for("the page is refused", LIMIT, || screen.window(REFUSED))?;
        ensure!(screen.window(ASKS).is_none(), "no PIN is asked for");
        chromium.close()
    };

    refused().context("before setup")?;
    let before = (card.log().pin_attempts(), card.log().key_operations());

    let done = account.setup(&["--yes", "--roots", &roots, "--digest", digest])?;
    ensure!(done.status.success(), "{done:?}");
    let chromium = visit()?;
    let asks = wait_for("the PIN is asked for", LIMIT, || screen.window(ASKS))?;
    screen.type_into(&asks, &[&["type", samples::PIN], &["key", "Return"]])?;
    wait_until("the PIN is taken", LIMIT, || screen.window(ASKS).is_none())?;
    wait_until("Chromium has signed in", LIMIT, || {
        // The question which certificate to show is a part of the page's window.
        let page = screen.window(PAGES);
        page.is_some_and(|page| screen.type_into(&page, &[&["key", "Return"]]).is_ok())
            && screen.window(SIGNED_IN).is_some()
    })?;
    let signed_in = (card.log().pin_attempts(), card.log().key_operations());

    let while_it_runs = account.setup(&["--undo", "--yes"])?;
    chromium.close()?;
    let undone = account.setup(&["--undo", "--yes"])?;
    refused().context("after it is undone")?;

    assert_eq!(before, (0, 0));
    assert_eq!(signed_in, (1, 1));
    assert_eq!(while_it_runs.status.code(), Some(1), "{while_it_runs:?}");
    let told = String::from_utf8_lossy(&while_it_runs.stdout).into_owned();
    assert!(told.contains("chromium runs"), "{told}");
    assert!(undone.status.success(), "{undone:?}");
    assert!(!account.home().join(".pki").exists(), "nothing is left");
    assert_eq!(card.log().pin_attempts(), 1, "and no PIN was sent again");
    Ok(())
}
