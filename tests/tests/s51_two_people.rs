//! Two people at one machine, who come and go and type their PINs in any
//! order: each is registered as who they are.

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Card;
use cac_tests::clock;
use cac_tests::harness::{Lab, Plan, pin_for, portal_person, the_card_of};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rusqlite::{Connection, OpenFlags};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

/// How many pairs come, if [`COUNT_VARIABLE`] does not say.
const COUNT: u64 = 20;
const COUNT_VARIABLE: &str = "CACD_PAIRS_COUNT";
const SEED_VARIABLE: &str = "CACD_PAIRS_SEED";

#[test]
fn s51_two_people_at_one_machine_are_each_registered_as_themselves() -> anyhow::Result<()> {
    let number = |variable, otherwise: u64| match env::var(variable) {
        Ok(number) => number.parse(),
        Err(_) => Ok(otherwise),
    };
    let count = number(COUNT_VARIABLE, COUNT)?;
    let seed = number(SEED_VARIABLE, rand::random())?;
    println!("{SEED_VARIABLE}={seed} {COUNT_VARIABLE}={count}");
    let begin = clock::instant();
    let mut lab = Plan::default().readers(2).start()?;
    let mut everybody = Vec::new();
    let mut done = Done::default();

    for pair in 0..count {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(pair));
        let pair = [Somebody::new(2 * pair)?, Somebody::new(2 * pair + 1)?];
        for somebody in &pair {
            lab.welcome(&somebody.file)?;
        }
        let mut desk = Desk {
            lab: &mut lab,
            pair: &pair,
            at: [None, None],
            done: &mut done,
        };
        desk.play(&mut random)
            .and_then(|()| desk.end())
            .with_context(|| format!("in the pair after {} people", everybody.len()))?;
        everybody.extend(pair);
    }

    println!("{count} pairs in {:.0?}: {done:?}", begin.elapsed());
    ensure!(done.exchanged > 0 && done.typed_late > 0, "{done:?}");
    portal_knows(&lab, &everybody)?;
    database_knows(&lab, &everybody)
}

/// One of two people, with a card and a PIN that nobody else has.
struct Somebody {
    file: CardFile,
    card: CardHandle,
    pin: String,
}

impl Somebody {
    fn new(number: u64) -> anyhow::Result<Self> {
        let base = match number % 2 {
            0 => Person::jane_doe(),
            _ => Person::john_roe(),
        };
        let person = Person {
            first: format!("{}{number}", base.first),
            edipi: 2_000_000_000 + number,
            ..base
        };
        let pin = format!("{:08}", 10_000_000 + number);
        let file = the_card_of(person, KeyAlgorithm::P256, &pin)?;
        Ok(Self {
            card: CardHandle::new(&file, CardModel::T1)?,
            file,
            pin,
        })
    }

    fn is_theirs(&self, card: &Card) -> bool {
        let holder = card.holder.as_ref();
        let dod_id = holder.and_then(|holder| holder.dod_id.as_ref());
        dod_id.is_some_and(|it| it.to_string() == format!("{:010}", self.file.person.edipi))
    }

    /// As the portal has it on its list.
    fn account(&self) -> String {
        let name = portal_person(&self.file).name;
        name.to_lowercase().replace(' ', ".")
    }
}

/// What was done in all.
#[derive(Debug, Default)]
struct Done {
    typed: u32,
    /// With the cards exchanged between looking and typing.
    typed_late: u32,
    exchanged: u32,
    pulled: u32,
}

/// Two readers, and two people in front of them.
struct Desk<'a> {
    lab: &'a mut Lab,
    pair: &'a [Somebody; 2],
    /// In which reader the card of each is.
    at: [Option<usize>; 2],
    done: &'a mut Done,
}

impl Desk<'_> {
    /// Whatever comes to their minds.
    fn play(&mut self, random: &mut StdRng) -> anyhow::Result<()> {
        let mut readers = [0, 1];
        readers.shuffle(random);
        let first = random.random_range(0..2);
        self.put_in(first, readers[0])?;
        if random.random() {
            self.see(first)?;
            self.type_pin(first)?;
        }
        self.put_in(1 - first, readers[1])?;
        for _ in 0..random.random_range(2..7) {
            let who = random.random_range(0..2);
            match random.random_range(0..8) {
                0..=2 => self.type_pin(who)?,
                3 | 4 => {
                    self.see(who)?;
                    self.type_pin(who)?;
                }
                5 => self.type_after_exchange(who)?,
                6 => self.exchange()?,
                _ => {
                    let reader = self.at[who].context("it is in a reader")?;
                    self.lab.take_out(reader)?;
                    self.put_in(who, reader)?;
                    self.done.pulled += 1;
                }
            }
        }
        Ok(())
    }

    /// Each comes once more, so that all are registered; and nothing went wrong before.
    fn end(&mut self) -> anyhow::Result<()> {
        // What came of an exchange in the midst of it is over with the visit.
        let readers = self.readers()?;
        for reader in readers {
            self.lab.take_out(reader)?;
        }
        for (who, reader) in readers.into_iter().enumerate() {
            self.put_in(who, reader)?;
        }
        for reader in readers {
            self.lab
                .wait_for_card(reader, "the card is known", |card| {
                    let mut labels = card.registrations.iter().map(|it| it.status.label());
                    labels.any(|label| ["needs PIN", "registered"].contains(&label))
                })?;
        }
        // Both at once.
        for who in 0..2 {
            self.type_pin(who)?;
        }
        for (who, reader) in readers.into_iter().enumerate() {
            let shown = self.lab.wait_for_status(reader, "registered")?;
            let status = &shown.registrations[0].status;
            let RegistrationStatus::Registered { account, .. } = status else {
                anyhow::bail!("{status:?}");
            };
            assert!(self.pair[who].is_theirs(&shown), "{shown:?}");
            assert_eq!(account.as_deref(), Some(&*self.pair[who].account()));
        }
        for who in 0..2 {
            let card = &self.pair[who].card;
            let log = card.log();
            let pins = log.entries().iter().filter(|apdu| apdu.carries_pin);
            let answers: Vec<u16> = pins.map(|apdu| apdu.sw.0).collect();
            // The other's would have been wrong here.
            assert!(answers.iter().all(|sw| *sw == 0x9000), "{answers:04X?}");
            assert_eq!(card.tries_left(), 3);
            self.lab
                .take_out(self.at[who].context("it is in a reader")?)?;
        }
        Ok(())
    }

    fn put_in(&mut self, who: usize, reader: usize) -> anyhow::Result<()> {
        self.lab.insert(reader, &self.pair[who].card)?;
        self.at[who] = Some(reader);
        Ok(())
    }

    /// The cards change places.
    fn exchange(&mut self) -> anyhow::Result<()> {
        let [here, there] = self.readers()?;
        self.lab.take_out(here)?;
        self.lab.take_out(there)?;
        self.put_in(0, there)?;
        self.put_in(1, here)?;
        self.done.exchanged += 1;
        Ok(())
    }

    /// They change places, one of them faster than pcscd looks, and one of the
    /// people types for the card that was seen where now the other is.
    fn type_after_exchange(&mut self, who: usize) -> anyhow::Result<()> {
        let seen = self.see(who)?;
        let [here, there] = self.readers()?;
        self.lab.take_out(here)?;
        self.lab.swap(there, &self.pair[0].card)?;
        self.put_in(1, here)?;
        self.submit(who, &seen);
        self.done.typed_late += 1;
        self.lab.wait_for("no sign-in goes on", |snapshot| {
            self.lab.label(snapshot, there) != Some("signing in")
        })?;
        // As nobody may have noticed.
        self.lab.take_out(there)?;
        self.put_in(0, there)
    }

    fn readers(&self) -> anyhow::Result<[usize; 2]> {
        let [Some(here), Some(there)] = self.at else {
            anyhow::bail!("{:?}: both cards are in readers", self.at);
        };
        Ok([here, there])
    }

    /// Waits until the card is shown, whatever is shown of it.
    fn see(&mut self, who: usize) -> anyhow::Result<Card> {
        let reader = self.at[who].context("it is in a reader")?;
        let somebody = &self.pair[who];
        self.lab.wait_for_card(reader, "the card is read", |card| {
            somebody.is_theirs(card) && !card.registrations.is_empty()
        })
    }

    /// For their card, if it is shown anywhere.
    fn type_pin(&mut self, who: usize) -> anyhow::Result<()> {
        let snapshot = self.lab.snapshot()?;
        let mut cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
        if let Some(card) = cards.find(|card| self.pair[who].is_theirs(card)) {
            self.submit(who, card);
        }
        Ok(())
    }

    /// It may well be refused: the card is gone, or there is nothing to do.
    fn submit(&mut self, who: usize, seen: &Card) {
        if let Ok(request) = pin_for(seen) {
            let taken = self.lab.submit(request, &self.pair[who].pin).is_ok();
            self.done.typed += u32::from(taken);
        }
    }
}

fn portal_knows(lab: &Lab, everybody: &[Somebody]) -> anyhow::Result<()> {
    let mut known = BTreeMap::new();
    for registration in lab.portal().registrations()? {
        let earlier = known.insert(
            registration.account,
            (registration.upn, registration.serial.to_lowercase()),
        );
        ensure!(earlier.is_none(), "two cards of {earlier:?}");
    }
    let mut expected = BTreeMap::new();
    for somebody in everybody {
        let certificate = Certificate::from_der(somebody.file.certificate(Slot::Authentication))?;
        let serial = certificate.tbs_certificate().serial_number();
        let serial = hex(serial.as_bytes());
        expected.insert(somebody.account(), (somebody.file.person.upn(), serial));
    }
    assert_eq!(known, expected);
    Ok(())
}

fn database_knows(lab: &Lab, everybody: &[Somebody]) -> anyhow::Result<()> {
    let database = Connection::open_with_flags(lab.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut query = database.prepare("SELECT certificate_sha256, status FROM registration")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut kept = BTreeMap::new();
    for row in rows {
        let (certificate, status): (String, String) = row?;
        let RegistrationStatus::Registered { account, .. } = serde_json::from_str(&status)? else {
            anyhow::bail!("{status} is in the database");
        };
        kept.insert(certificate, account);
    }
    let expected = everybody.iter().map(|somebody| {
        let hash = digest(&SHA256, somebody.file.certificate(Slot::Authentication));
        (hex(hash.as_ref()), Some(somebody.account()))
    });
    assert_eq!(kept, expected.collect());
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
