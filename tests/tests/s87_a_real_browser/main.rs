//! Chromium and Firefox, as Debian ships them, sign in with the card to an nginx
//! that demands a certificate: after `cacctl setup` alone, and neither before it, nor
//! with the authorities alone, nor after it is undone.
//!
//! They draw on a screen that nobody sees (Xvfb), and the PIN is typed on its
//! keyboard (xdotool): without a window neither can be given one.

mod screen;

use std::fs;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_tests::harness::{Account, Picture, jane, picture};
use cac_tests::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use cac_tests::servers::{Nginx, by_card};
use cac_tests::virtual_card::vpcd::Insertion;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::{wait_for, wait_until};

use self::screen::Screen;

/// A browser is slow to start, above all beside others.
const LIMIT: Duration = Duration::from_mins(2);

/// Ends the browser as its last window is closed once nobody holds its input, and
/// whatever it has started with it, for it is the first of a list of processes of its own:
/// one that is left behind would have the next start show no window.
const UNTIL_CLOSED: &str = r#""$@" </dev/null & read -r _; kill -TERM $!; wait $!; exit 0"#;

/// How a browser is driven: by what its windows are called.
struct Browser {
    name: &'static str,
    /// The file of its program, by which `cacctl` knows it too.
    program: &'static str,
    arguments: &'static [&'static str],
    /// Where it keeps what is its own, below the home folder.
    folders: &'static [&'static str],
    /// What asks for the PIN.
    asks: &'static str,
    /// Any page; the question which certificate to show is a part of it.
    pages: &'static str,
    distrusts: &'static str,
    /// What nginx says to whoever shows no certificate.
    refused: &'static str,
    signed_in: &'static str,
}

const CHROMIUM: Browser = Browser {
    name: "chromium",
    program: "/usr/bin/chromium",
    // Root has no sandbox for it; and what it may ask at its first start is none of ours.
    arguments: &[
        "--no-sandbox",
        "--no-first-run",
        "--disable-gpu",
        "--password-store=basic",
    ],
    folders: &[".cache", ".config/chromium", ".local/share"],
    asks: "Unlock Security Device",
    pages: " - Chromium",
    distrusts: "Privacy error - Chromium",
    refused: "400 No required SSL certificate was sent - Chromium",
    signed_in: "Account - Chromium",
};

const FIREFOX: Browser = Browser {
    name: "firefox-esr",
    program: "/usr/bin/firefox-esr",
    arguments: &["-no-remote", "-P", "default"],
    folders: &[".cache", ".config", ".mozilla"],
    asks: "Password Required",
    pages: "Mozilla Firefox",
    distrusts: "Warning: Security Risk",
    refused: "400 No required SSL certificate was sent",
    signed_in: "Account — Mozilla Firefox",
};

/// Its question which certificate to show takes no key in its first second, and
/// nothing tells when that is over: it takes the one there is.
const PREFERENCES: &str =
    "user_pref(\"security.default_personal_cert\", \"Select Automatically\");\n";

#[test]
fn s87_chromium_signs_in_with_the_card_after_setup_alone() -> anyhow::Result<()> {
    let account = Account::with_a_browser()?;
    let database = |account: &Account| account.home().join(".pki/nssdb");
    let visits = Visits::new(&CHROMIUM)?;
    let trusting = account.another()?;
    fs::create_dir_all(database(&trusting))?;
    trusting.certutil(&database(&trusting), &["-N", "--empty-password"])?;
    visits.are_refused_with_the_authorities_alone(&trusting, &database(&trusting))?;

    visits.sign_in_after_setup_alone(&account, || {
        ensure!(!account.home().join(".pki").exists(), "there is none");
        Ok(String::new())
    })
}

#[test]
fn s87_firefox_signs_in_with_the_card_after_setup_alone() -> anyhow::Result<()> {
    let account = Account::with_a_browser()?.with_firefox()?;
    let visits = Visits::new(&FIREFOX)?;
    let trusting = account.another()?.with_firefox()?;
    visits.are_refused_with_the_authorities_alone(&trusting, &trusting.firefox())?;

    let profile = account.firefox();
    fs::write(profile.join("user.js"), PREFERENCES)?;
    visits.sign_in_after_setup_alone(&account, || {
        let modules = fs::read_to_string(profile.join("pkcs11.txt"))?;
        let listed = account.certutil(&profile, &["-L"])?;
        Ok(modules + &listed)
    })
}

fn done(output: &Output) -> anyhow::Result<()> {
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}

/// The file of the authorities, beside the home folder.
fn roots(account: &Account) -> anyhow::Result<String> {
    let roots = account.home().with_file_name("roots.pem");
    fs::write(&roots, samples::authority().root_pem())?;
    Ok(roots.display().to_string())
}

/// One browser that goes to one page with one card.
struct Visits {
    browser: &'static Browser,
    screen: Screen,
    nginx: Nginx,
    card: CardHandle,
    _insertion: Insertion,
    pcscd: PrivatePcscd,
}

impl Visits {
    fn new(browser: &'static Browser) -> anyhow::Result<Self> {
        let pcscd = PrivatePcscd::start(1)?;
        let card = jane(CardModel::T1)?;
        Ok(Self {
            browser,
            screen: Screen::start()?,
            nginx: by_card::nginx()?,
            _insertion: Insertion::new(&card, pcscd.port(0))?,
            card,
            pcscd,
        })
    }

    /// `databases` is what the browser's hold; its own files are changed by itself.
    fn sign_in_after_setup_alone(
        &self,
        account: &Account,
        databases: impl Fn() -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let roots = roots(account)?;
        let planned = account.setup(&["--dry-run", "--json", "--roots", &roots])?;
        let planned: serde_json::Value = serde_json::from_slice(&planned.stdout)?;
        let digest = planned["roots"]["digest"].as_str().context("it is told")?;
        let refused = self.ends_at(account, self.browser.distrusts);
        refused.context("before setup")?;
        let before = (databases()?, self.others_files(account)?);

        done(&account.setup(&["--yes", "--roots", &roots, "--digest", digest])?)?;
        let running = self.begin(account)?;
        self.sign_in()?;
        assert_eq!(self.of_the_card(), (1, 1));
        let while_it_runs = account.setup(&["--undo", "--yes"])?;
        assert_eq!(while_it_runs.status.code(), Some(1), "{while_it_runs:?}");
        let told = String::from_utf8_lossy(&while_it_runs.stdout).into_owned();
        let runs = format!("{} runs", self.browser.name);
        assert!(told.contains(&runs), "{told}");
        running.close()?;

        done(&account.setup(&["--undo", "--yes"])?)?;
        assert_eq!((databases()?, self.others_files(account)?), before);
        let refused = self.ends_at(account, self.browser.distrusts);
        refused.context("after it is undone")?;
        assert_eq!(self.of_the_card(), (1, 1), "no PIN was sent again");
        Ok(())
    }

    /// The portal is trusted by hand, and the card is out of reach.
    fn are_refused_with_the_authorities_alone(
        &self,
        account: &Account,
        database: &Path,
    ) -> anyhow::Result<()> {
        let added = ["-A", "-n", "root", "-t", "C,,", "-i", &roots(account)?];
        account.certutil(database, &added)?;
        let refused = self.ends_at(account, self.browser.refused);
        refused.context("with the authorities alone")?;
        assert_eq!(self.of_the_card(), (0, 0));
        Ok(())
    }

    fn begin(&self, account: &Account) -> anyhow::Result<Running> {
        let mut running = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", UNTIL_CLOSED, "sh", self.browser.program])
            .args(self.browser.arguments)
            .arg(self.nginx.origin())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", account.home())
            .env("DISPLAY", &self.screen.display)
            // Else each would start one, and leave a note of it at home.
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .env(SOCKET_VARIABLE, self.pcscd.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let held = running.stdin.take();
        Ok(Running { running, held })
    }

    /// There and back, without a question for the PIN.
    fn ends_at(&self, account: &Account, title: &str) -> anyhow::Result<()> {
        let running = self.begin(account)?;
        let page = wait_for("the page is shown", LIMIT, || self.screen.window(title));
        page.with_context(|| format!("{:?}", self.screen.windows()))?;
        let asks = self.screen.window(self.browser.asks);
        ensure!(asks.is_none(), "no PIN is asked for");
        running.close()
    }

    fn sign_in(&self) -> anyhow::Result<()> {
        let screen = &self.screen;
        let seen = || format!("{:?}", screen.windows());
        let answer = [&["type", samples::PIN][..], &["key", "Return"]];
        let asked = wait_until("the PIN is asked for", LIMIT, || {
            let asks = screen.window(self.browser.asks);
            asks.is_some_and(|asks| screen.type_into(&asks, &answer).unwrap_or_default())
        });
        asked.with_context(seen)?;
        let taken = wait_until("the PIN is taken", LIMIT, || {
            screen.window(self.browser.asks).is_none()
        });
        taken.with_context(seen)?;
        let signed_in = wait_until("it has signed in", LIMIT, || {
            // Whatever is asked now has the right answer chosen.
            let page = screen.window(self.browser.pages);
            let typed = page.map(|page| screen.type_into(&page, &[&["key", "Return"]]));
            typed.is_some_and(|typed| typed.is_ok())
                && screen.window(self.browser.signed_in).is_some()
        });
        signed_in.with_context(seen)?;
        Ok(())
    }

    /// PINs and signatures.
    fn of_the_card(&self) -> (usize, usize) {
        let log = self.card.log();
        (log.pin_attempts(), log.key_operations())
    }

    /// All that is at home and not the browser's own.
    fn others_files(&self, account: &Account) -> anyhow::Result<Picture> {
        let home = account.home();
        let mut files = picture(&home)?;
        let folders = self.browser.folders.iter();
        let own: Vec<_> = folders.map(|folder| home.join(folder)).collect();
        files.retain(|path, _| !own.iter().any(|folder| path.starts_with(folder)));
        Ok(files)
    }
}

struct Running {
    running: Child,
    held: Option<ChildStdin>,
}

impl Running {
    fn close(mut self) -> anyhow::Result<()> {
        drop(self.held.take());
        wait_until("the browser has ended", LIMIT, || {
            !matches!(self.running.try_wait(), Ok(None))
        })?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        self.running.kill().ok();
        self.running.wait().ok();
    }
}
