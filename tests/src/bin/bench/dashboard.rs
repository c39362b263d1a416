//! What the dashboard costs: its start, a change, a frame, doing nothing, and
//! how that grows with the readers and what is on their cards.

mod desk;
mod idle;
mod scene;
mod window;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::paths::SOCKET_VARIABLE;
use cac_tests::clock;
use cac_tests::harness::{Lab, cacctl, jane};
use cac_tests::process::{self, Spent};
use cac_tests::virtual_card::{CardModel, samples};

use self::desk::Desk;
use self::scene::{LARGEST, Scale};
use self::window::Window;

/// Has only this measured.
pub(crate) const WORD: &str = "dashboard";

/// Each thing is done so often; the median counts.
const TIMES: usize = 21;

const DOWN: &str = "\x1b[B";
const UP: &str = "\x1b[A";

/// Screens of which a step down or up draws another part, and the keys that open
/// them from the panes.
const SCREENS: [(&str, &str); 6] = [
    ("panes, readers", "\x1b[Z \x1b[Z \x1b[Z"),
    ("panes, certificates", "\x1b[Z"),
    ("panes, what happened", "\t"),
    ("outlook", "d"),
    ("palette", ":"),
    ("help", "?"),
];

const START: f64 = 50.0;
const CHANGE: f64 = 16.0;
const FRAME: f64 = 2.0;
const RESIDENT: f64 = 16.0;
const ANONYMOUS: f64 = 6.0;

pub(crate) fn print() -> anyhow::Result<()> {
    println!(
        "\nThe dashboard at {}×{}. Times in ms, medians of {TIMES}.",
        window::SIZE.columns,
        window::SIZE.rows,
    );
    head("a key and its frame, of the largest desk");
    for (name, keys) in SCREENS {
        key(name, keys)?;
    }
    head("a picture, from the socket to the screen");
    for scale in scene::SCALES {
        changes(scale)?;
    }
    head("completing a word, from start to end");
    completion()?;
    with_the_daemon()
}

/// What one key costs on a screen, its frame and the writing of it among that.
fn key(name: &str, keys: &str) -> anyhow::Result<()> {
    let desk = Desk::start(LARGEST)?;
    let mut window = Window::open(desk.socket())?;
    window.shows(scene::HOLDER)?;
    window.settles()?;
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        window.press(key)?;
        window.settles()?;
    }
    let mut is_down = false;
    let mut frames = Vec::new();
    let seen = median(|| {
        is_down = !is_down;
        let before = Spent::of(window.pid())?;
        let begun = clock::instant();
        window.press(if is_down { DOWN } else { UP })?;
        let drawn = window.settles()?;
        frames.push(Spent::of(window.pid())?.since(&before).cpu);
        Ok(drawn.at - begun)
    })?;
    frames.sort_unstable_by(f64::total_cmp);
    let frame = frames.get(TIMES / 2).copied();
    println!("{name}");
    within("CPU", frame.context("it was measured")?, FRAME);
    within("from the key to the screen", seen, CHANGE);
    Ok(())
}

/// Start and change, with the desk served by us.
fn changes(scale: Scale) -> anyhow::Result<()> {
    let desk = Desk::start(scale)?;
    let start = median(|| started(desk.socket()))?;
    let mut window = Window::open(desk.socket())?;
    window.shows(scene::HOLDER)?;
    let mut turn = 0;
    let mut written = Vec::new();
    let change = median(|| {
        turn += 1;
        let picture = desk.picture(turn)?;
        let begun = clock::instant();
        desk.show(picture)?;
        let drawn = window.settles()?;
        ensure!(
            !drawn.bytes.is_empty(),
            "nothing was drawn of picture {turn}"
        );
        written.push(drawn.bytes.len());
        Ok(drawn.at - begun)
    })?;
    let memory = process::memory(window.pid())?;
    let kilobytes = desk.picture(0)?.len().div_ceil(1024);
    println!("{scale}, {kilobytes} kB");
    within("start to first picture", start, START);
    within("change", change, CHANGE);
    within("resident, MB", memory.resident, RESIDENT);
    within("anonymous, MB", memory.anonymous, ANONYMOUS);
    Ok(())
}

/// Nothing but what runs on a workstation: cacd, one card, and the dashboard.
fn with_the_daemon() -> anyhow::Result<()> {
    let (lab, told) = (registered(None)?, tempfile::tempdir()?);
    head("with cacd and one card");
    within(
        "start to first picture",
        median(|| started(&lab.socket()))?,
        START,
    );
    let mut window = Window::open(&lab.socket())?;
    window.shows(scene::HOLDER)?;
    let memory = process::memory(window.pid())?;
    within("resident, MB", memory.resident, RESIDENT);
    within("anonymous, MB", memory.anonymous, ANONYMOUS);
    let with_metrics = registered(Some(told.path()))?;
    idle::print(&lab, window.pid(), &with_metrics)
}

/// One card, signed in once; with metrics in a file and on a socket in a folder.
fn registered(metrics: Option<&Path>) -> anyhow::Result<Lab> {
    let mut lab = Lab::start()?;
    if let Some(folder) = metrics {
        let folder = folder.display();
        lab.reconfigure(&format!(
            "[metrics]\ntextfile = \"{folder}/cacd.prom\"\nlisten = \"unix:{folder}/socket\"\n"
        ))?;
    }
    lab.welcome(samples::jane())?;
    lab.register(0, &jane(CardModel::T1)?, samples::PIN)?;
    lab.wait_until_whole(0)?;
    Ok(lab)
}

fn started(socket: &Path) -> anyhow::Result<Duration> {
    let begun = clock::instant();
    let mut window = Window::open(socket)?;
    window.shows(scene::HOLDER)?;
    let drawn = window.settles()?;
    Ok(drawn.at - begun)
}

/// What a shell waits for at a Tab.
fn completion() -> anyhow::Result<()> {
    let desk = Desk::start(LARGEST)?;
    let took = median(|| {
        let begun = clock::instant();
        let output = Command::new(cacctl()?)
            .args(["--", "cacctl", "card", "show", "--reader", ""])
            .envs([
                ("CACCTL_COMPLETE", "bash"),
                ("_CLAP_COMPLETE_INDEX", "4"),
                ("_CLAP_COMPLETE_COMP_TYPE", "9"),
                ("_CLAP_COMPLETE_SPACE", "false"),
                ("_CLAP_IFS", "\n"),
            ])
            .env(SOCKET_VARIABLE, desk.socket())
            .output()?;
        let took = begun.elapsed();
        let offered = String::from_utf8_lossy(&output.stdout);
        ensure!(
            offered.contains(scene::READER),
            "completion offers {offered}"
        );
        Ok(took)
    })?;
    println!("{:<34} {:>8.2}", "  every reader", milliseconds(took));
    Ok(())
}

fn median(once: impl FnMut() -> anyhow::Result<Duration>) -> anyhow::Result<Duration> {
    let mut times: Vec<Duration> = std::iter::repeat_with(once)
        .take(TIMES)
        .collect::<Result<_, _>>()?;
    times.sort_unstable();
    times.get(TIMES / 2).copied().context("it was measured")
}

fn head(title: &str) {
    println!("{title:<34} {:>8} {:>8} {:>8}", "found", "budget", "ratio");
}

/// Something that has a budget.
fn within(name: &str, found: impl Into<Figure>, budget: f64) {
    let Figure(found) = found.into();
    let mark = if found > budget { " !" } else { "" };
    println!(
        "  {name:<32} {found:>8.2} {budget:>8.0} {:>8.2}{mark}",
        found / budget
    );
}

/// In whatever unit it is told.
struct Figure(f64);

impl From<f64> for Figure {
    fn from(figure: f64) -> Self {
        Self(figure)
    }
}

impl From<Duration> for Figure {
    fn from(time: Duration) -> Self {
        Self(milliseconds(time))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
