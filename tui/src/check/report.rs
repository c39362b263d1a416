//! What is written for the help desk: how things stand, and not whose they are.
//!
//! Whatever a check says may quote a card, a file or a machine. So nothing of it
//! goes out but with every name that is known here blotted out, and whatever
//! looks like a number or an address of somebody.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use cac_common::identity::{Edipi, legible};
use cac_common::snapshot::{Card, Snapshot};

use super::Finding;
use crate::users;

/// What stands for what was blotted out.
const BLOT: &str = "[…]";

/// Digits in a row that may be the number of a person, a card or a device.
const MOST_DIGITS: usize = 5;

/// Hexadecimal digits in a row that may be one.
const MOST_HEX: usize = 8;

/// Shorter words are no names.
const SHORTEST_NAME: usize = 2;

/// No more is read of a file that says what system it is.
const LONGEST_FILE: u64 = 16 * 1024;

pub(crate) fn report(findings: &[Finding], snapshot: Option<&Snapshot>) -> String {
    let blots = Blots::of_this_machine(snapshot);
    let system = system(Path::new("/"));
    let kernel = rustix::system::uname();
    let mut text = String::new();
    let mut add = |line: &str| {
        // A string takes whatever is written into it.
        let _ = writeln!(text, "{line}");
    };
    add(&format!("cacctl   {}", env!("CARGO_PKG_VERSION")));
    let daemon = snapshot.map_or("not reached", |it| &it.daemon.version);
    add(&format!("cacd     {}", blots.out(daemon)));
    add(&format!("system   {}", blots.out(&system)));
    let release = kernel.release().to_string_lossy();
    let machine = kernel.machine().to_string_lossy();
    add(&format!("kernel   {} {machine}", blots.out(&release)));
    add("");
    for finding in findings {
        let (verdict, key) = (finding.verdict().title(), blots.out(&finding.key()));
        let cause = blots.out(finding.cause());
        add(&format!("{verdict:<8}  {key:<24}  {cause}"));
    }
    text
}

/// As os-release(5) tells it.
fn system(root: &Path) -> String {
    let mut text = String::new();
    let file = File::open(root.join("etc/os-release"));
    // Without it nothing is told.
    let _ = file.and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text));
    let mut lines = text.lines();
    let name = lines.find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// What is blotted out.
struct Blots {
    /// Whole words, in lower case.
    words: Vec<String>,
    /// Wherever they stand.
    anywhere: Vec<String>,
}

impl Blots {
    fn of_this_machine(snapshot: Option<&Snapshot>) -> Self {
        let mut blots = Self::of(snapshot);
        blots.words(&users::own());
        blots.words(&rustix::system::uname().nodename().to_string_lossy());
        if let Some(home) = std::env::home_dir() {
            blots.anywhere.push(home.to_string_lossy().into_owned());
        }
        blots
    }

    fn of(snapshot: Option<&Snapshot>) -> Self {
        let mut blots = Self {
            words: Vec::new(),
            anywhere: Vec::new(),
        };
        let Some(snapshot) = snapshot else {
            return blots;
        };
        blots.words(&snapshot.daemon.host);
        for known in &snapshot.known {
            blots.words(&known.name);
            blots.anywhere.push(known.card.0.clone());
            blots.anywhere.extend(known.dod_id_tail.clone());
        }
        for card in (snapshot.readers.iter()).filter_map(|reader| reader.card.as_ref()) {
            blots.card(card);
        }
        blots
    }

    fn card(&mut self, card: &Card) {
        self.anywhere.extend(card.id.iter().map(|id| id.0.clone()));
        self.anywhere.extend(card.dod_id.map(Edipi::tail));
        self.words(card.user.as_deref().unwrap_or_default());
        let Some(holder) = &card.holder else {
            return;
        };
        self.words(&holder.name.to_string());
        self.anywhere.extend(holder.upn.clone());
    }

    /// Each of its words, and the whole: an initial alone is no word.
    fn words(&mut self, text: &str) {
        self.anywhere.push(text.to_owned());
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
        let words = words.filter(|word| word.chars().count() >= SHORTEST_NAME);
        self.words.extend(words.map(str::to_lowercase));
    }

    /// The text without what they blot out, harmless and in one line.
    fn out(&self, text: &str) -> String {
        let mut text = legible(text);
        for blotted in self.anywhere.iter().filter(|it| it.len() > 1) {
            text = text.replace(blotted.as_str(), BLOT);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let is_of_a_word = |c: char| c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '.');
            let start = rest.find(is_of_a_word).unwrap_or(rest.len());
            let (between, from) = rest.split_at(start);
            let end = from.find(|c| !is_of_a_word(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            out.push_str(between);
            out.push_str(if self.is_personal(word) { BLOT } else { word });
            rest = after;
        }
        out
    }

    fn is_personal(&self, word: &str) -> bool {
        if word.contains('@') || longest(word, |c| c.is_ascii_digit()) > MOST_DIGITS {
            return true;
        }
        let is_hex = |c: char| c.is_ascii_hexdigit();
        if word.contains(|c: char| c.is_ascii_digit()) && longest(word, is_hex) >= MOST_HEX {
            return true;
        }
        let word = word.to_lowercase();
        let is_blotted = |part: &str| self.words.iter().any(|it| it == part);
        is_blotted(&word) || word.split(['.', '-', '_']).any(is_blotted)
    }
}

/// How many characters in a row are such.
fn longest(word: &str, is_such: impl Fn(char) -> bool) -> usize {
    let runs = word.split(|c| !is_such(c));
    runs.map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn names_numbers_and_addresses_are_blotted_out_and_the_rest_stays() {
        let desk = invented::desk();
        let blots = Blots::of(Some(&desk));
        let card = desk.readers[2].card.as_ref().unwrap();
        let holder = card.holder.as_ref().unwrap();
        let personal = [
            holder.name.to_string(),
            holder.upn.clone().unwrap(),
            card.dod_id.unwrap().to_string(),
            card.dod_id.unwrap().masked(),
            card.id.clone().unwrap().0,
            desk.daemon.host.clone(),
            desk.known[0].name.clone(),
            "0123ABCD4567EF".into(),
            "someone@example.mil".into(),
        ];
        for text in personal {
            let told = blots.out(&format!("it is of {text} alone"));
            let left = told.replace(BLOT, "").replace(['•', ',', ' '], "");
            assert_eq!(left, "itisofalone", "{text}: {told}");
        }
        for text in [
            "no reader is plugged in",
            "cacd is 0.1.0, cacctl 0.2.0",
            "until 2027-11-27",
            "DOD ID CA-73, DoD Root CA 6",
        ] {
            assert_eq!(blots.out(text), text);
        }
    }

    #[test]
    fn a_serial_number_in_the_name_of_a_reader_is_blotted_out() {
        let name = "Identiv SCR33xx [CCID Interface] (21121446200178) 00 00";

        let told = Blots::of(None).out(name);

        assert_eq!(told, "Identiv SCR33xx [CCID Interface] ([…]) 00 00");
    }
}
