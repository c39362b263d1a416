//! cacd's own part, in a process of its own: PC/SC is told by the environment
//! which pcscd it is to ask.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail, ensure};
use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::reader::ReaderName;
use cac_common::registration::Outcome;
use cac_common::snapshot::Visit;
use cac_tests::servers::by_card;
use cac_tests::virtual_card::samples;
use cacd::card::facts::{CardCertificate, CardFacts};
use cacd::card::habits::Habits;
use cacd::card::known::KnownCard;
use cacd::card::logged_in::{Done, Target};
use cacd::card::pcsc::PcscReaders;
use cacd::card::piv::Algorithm;
use cacd::card::read::{Reading, read_card};
use cacd::card::rest::{Missing, read_rest};
use cacd::card::sign::{Order, sign};
use cacd::card::transport::{Readers as _, Transport};
use cacd::event::HeldPin;

use crate::counts::now;
use crate::place::Place;

/// What makes this program serve, before the reader's name.
pub(crate) const WORD: &str = "--serve";

/// A piece of work that cacd does at one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A card that is on no record.
    First,
    /// What can wait.
    Rest,
    /// Both.
    Whole,
    /// The card as it is on record.
    Again,
    Sign,
    /// At the server whose profile it was started with.
    SignIn,
}

const ALL: [Work; 6] = [
    Work::First,
    Work::Rest,
    Work::Whole,
    Work::Again,
    Work::Sign,
    Work::SignIn,
];

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Rest => "rest",
            Self::Whole => "whole",
            Self::Again => "again",
            Self::Sign => "sign",
            Self::SignIn => "sign-in",
        })
    }
}

/// The process, as seen from the one that measures.
pub(crate) struct Ours {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Ours {
    pub(crate) fn start(place: &Place) -> anyhow::Result<Self> {
        Self::start_for(place, Path::new(""))
    }

    /// Knows a server by its profile.
    pub(crate) fn start_for(place: &Place, profile: &Path) -> anyhow::Result<Self> {
        let (variable, socket) = place.variable();
        let mut child = Command::new(std::env::current_exe()?)
            .args([WORD, &place.reader()])
            .arg(profile)
            .env(variable, socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            child,
            input: input.context("it has an input")?,
            output: BufReader::new(output.context("it has an output")?),
        })
    }

    pub(crate) fn ask(&mut self, work: Work) -> anyhow::Result<()> {
        writeln!(self.input, "{work}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        ensure!(answer == DONE, "cacd's own part failed at {work}");
        Ok(())
    }
}

const DONE: &str = "done\n";

impl Drop for Ours {
    fn drop(&mut self) {
        // It has said what went wrong, if anything did.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Does one piece of work for each line that names one.
pub(crate) fn serve(reader: &str, profile: &str) -> anyhow::Result<()> {
    let mut desk = Desk {
        readers: Arc::new(PcscReaders::default()),
        profile: PathBuf::from(profile),
        reader: ReaderName(reader.to_owned()),
        habits: Habits::default(),
        facts: None,
    };
    for line in stdin().lines() {
        let line = line?;
        let work = ALL.into_iter().find(|work| work.to_string() == line);
        desk.work(work.with_context(|| format!("no such work: {line}"))?)?;
        stdout().write_all(DONE.as_bytes())?;
        stdout().flush()?;
    }
    Ok(())
}

/// What cacd keeps from one piece of work to the next.
#[derive(Clone)]
struct Desk {
    readers: Arc<PcscReaders>,
    reader: ReaderName,
    /// Of the server to sign in to.
    profile: PathBuf,
    habits: Habits,
    facts: Option<CardFacts>,
}

impl Desk {
    fn work(&mut self, work: Work) -> anyhow::Result<()> {
        match work {
            Work::First => self.read(&[]),
            Work::Rest => self.read_rest(),
            Work::Whole => {
                self.read(&[])?;
                self.read_rest()
            }
            Work::Again => {
                let known = on_record(self.facts()?);
                self.read(&[known])
            }
            Work::Sign => self.sign(&block()).map(drop),
            Work::SignIn => self.sign_in(),
        }
    }

    fn read(&mut self, known: &[KnownCard]) -> anyhow::Result<()> {
        let habits = self.habits.clone();
        let facts = self.with_card(|transport| read(transport, &habits, known))??;
        self.facts = Some(facts);
        Ok(())
    }

    fn read_rest(&mut self) -> anyhow::Result<()> {
        let missing = Missing::of(self.facts()?).context("everything is read")?;
        let rest = self.with_card(|transport| read_rest(transport, &self.habits, &missing))??;
        let facts = self.facts.as_mut().context("no card was read")?;
        facts.take_rest(rest, now());
        Ok(())
    }

    fn sign(&self, block: &[u8]) -> anyhow::Result<Vec<u8>> {
        let facts = self.facts()?;
        let signed =
            self.with_card(|transport| sign_with(transport, &self.habits, facts, block))??;
        Ok(signed.result?)
    }

    fn sign_in(&self) -> anyhow::Result<()> {
        let certificate = login(self.facts()?)?.der.clone();
        let card = self.clone();
        let outcome = by_card::sign_in(&self.profile, &certificate, now(), move |block| {
            let signed = card.sign(block);
            signed
                .inspect_err(|error| eprintln!("bench: {error:#}"))
                .ok()
        })?;
        ensure!(
            matches!(outcome, Outcome::Registered { .. }),
            "the server says {outcome:?}"
        );
        Ok(())
    }

    fn facts(&self) -> anyhow::Result<&CardFacts> {
        self.facts.as_ref().context("no card was read")
    }

    fn with_card<T>(&self, mut work: impl FnMut(&mut dyn Transport) -> T) -> anyhow::Result<T> {
        let mut done = None;
        self.readers
            .with_card(&self.reader, &mut |transport| done = Some(work(transport)))?;
        done.context("the card was not reached")
    }
}

pub(crate) fn read(
    transport: &mut dyn Transport,
    habits: &Habits,
    known: &[KnownCard],
) -> anyhow::Result<CardFacts> {
    let mut reading = Reading {
        at: now(),
        habits,
        recall: &mut |_| known.to_vec(),
    };
    let facts = read_card(transport, &mut reading, &mut |_| {})?;
    if let Some(finding) = facts.unread.first() {
        bail!("{} was not read: {}", finding.object, finding.fault);
    }
    Ok(facts)
}

/// As the database has it after a read.
pub(crate) fn on_record(facts: &CardFacts) -> KnownCard {
    let certificates = facts.certificates.iter();
    KnownCard {
        certificates: certificates
            .map(|certificate| (certificate.summary.slot, certificate.der.clone()))
            .collect(),
        objects: facts.objects.clone(),
    }
}

/// As long as an RSA key of 2048 bits wants it.
pub(crate) fn block() -> Vec<u8> {
    [&[0x00, 0x01][..], &[0xFF; 254]].concat()
}

fn login(facts: &CardFacts) -> anyhow::Result<&CardCertificate> {
    let login = facts.certificates.iter();
    login
        .filter(|certificate| certificate.summary.slot == Slot::Authentication)
        .find(|certificate| certificate.summary.key == "RSA-2048")
        .context("the card has no RSA key to sign in with")
}

/// Signs with the certificate for signing in, an RSA key of 2048 bits.
pub(crate) fn sign_with(
    transport: &mut dyn Transport,
    habits: &Habits,
    facts: &CardFacts,
    block: &[u8],
) -> anyhow::Result<Done<Vec<u8>>> {
    let order = Order {
        target: Target::of(facts, login(facts)?),
        algorithm: Algorithm::Rsa2048,
        block: block.to_vec(),
    };
    Ok(sign(transport, habits, &order, pin(&facts.id)?))
}

fn pin(card: &CardId) -> anyhow::Result<HeldPin> {
    let mut locked = Locked::new()?;
    locked.bytes_mut()[..samples::PIN.len()].copy_from_slice(samples::PIN.as_bytes());
    let typed_for = PinFor {
        uid: 0,
        card: card.clone(),
        visit: Visit(1),
        even_the_last_try: false,
        by_login: false,
    };
    let pin = Pin::new(locked, samples::PIN.len(), typed_for);
    pin.map(HeldPin::Unsent)
        .map_err(|error| anyhow!("the sample's PIN: {error}"))
}
