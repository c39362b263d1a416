//! Inputs to begin with, made from the virtual card and from what lies in this
//! repository: one or more for every target, a few kilobytes each.

use std::io::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use cac_common::certificate::{Applet, Slot};
use cac_common::identity::CardId;
use cac_common::x509::Certificate;
use cacd::card::apdu::Exchange;
use cacd::card::cac::{self, Buffer};
use cacd::card::facts::{CardFacts, Edge};
use cacd::card::habits::Habits;
use cacd::card::known::KnownCard;
use cacd::card::logged_in::Target;
use cacd::card::piv::Algorithm;
use cacd::card::read::{Reading, read_card};
use cacd::card::rest::{Missing, read_rest};
use cacd::card::security_object::SecurityObject;
use cacd::card::sign::{self, Order};
use cacd::trust::cms::{SECURITY_OBJECT_CONTENT, verify_attached};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::scripted::Recorder;
use super::{NOW, part, whole};
use crate::virtual_card::cac::{CacHabits, CertificateForm, Edges};
use crate::virtual_card::card_file::{self, CardFile};
use crate::virtual_card::certificate::Validity;
use crate::virtual_card::issuer::Authority;
use crate::virtual_card::key::KeyAlgorithm;
use crate::virtual_card::person::Person;
use crate::virtual_card::{CardHandle, CardModel, objects, samples};

/// What one target begins with.
pub struct Seed {
    /// Of the target, and so of the folder.
    pub target: &'static str,
    /// Of the file.
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// Makes all seeds anew; no two runs make the same keys.
pub fn make() -> anyhow::Result<Vec<Seed>> {
    let makings = Makings::new()?;
    let mut seeds = makings.objects()?;
    seeds.extend(makings.cards()?);
    seeds.extend(of_data());
    Ok(seeds)
}

/// What seeds are made from.
struct Makings {
    authority: Authority,
    /// RSA, so that it can be on the CAC edge.
    jane: CardFile,
    /// P-256, and so short.
    john: CardFile,
}

/// What stands on the edge of a CAC, as two buffers.
struct Container {
    tags: Vec<u8>,
    values: Vec<u8>,
}

impl Makings {
    fn new() -> anyhow::Result<Self> {
        let now = UNIX_EPOCH + Duration::from_secs(NOW.0.unsigned_abs());
        let authority = Authority::new(now)?;
        let validity = Validity::current(now);
        let issue =
            |person, algorithm| authority.issue_card(&samples::order(person, algorithm, validity));
        Ok(Self {
            jane: issue(Person::jane_doe(), KeyAlgorithm::Rsa2048)?,
            john: issue(Person::john_roe(), KeyAlgorithm::P256)?,
            authority,
        })
    }

    fn objects(&self) -> anyhow::Result<Vec<Seed>> {
        let content = |tag| {
            let object = self.john.object(tag).unwrap_or_default();
            objects::content(object).to_vec()
        };
        let der = self.john.certificate(card_file::Slot::Authentication);
        let plain = objects::content(&objects::certificate(der)).to_vec();
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(der)?;
        let packed = packed.finish()?;
        let chuid = content(objects::CHUID);
        let security = content(objects::SECURITY_OBJECT);
        let signer = Certificate::parse(self.authority.content_signer_der())?;
        let message = SecurityObject::parse(&security).signed_data;
        let (_, list) = verify_attached(&message, &SECURITY_OBJECT_CONTENT, &[signer])?;
        let fascn = cacd::card::tlv::find(&chuid, 0x30).unwrap_or_default();
        let [ccc, person, personnel, certificate] = self.containers()?;
        let of_cac =
            |container: &Container| [part(&container.tags), part(&container.values)].concat();
        let dual = objects::card_capability_of_a_dual_card(&[7; 16]);
        let facts = [
            part(&chuid),
            part(&content(objects::PRINTED_INFORMATION)),
            of_cac(&person),
            of_cac(&personnel),
            self.certificates(),
        ];
        Ok(vec![
            seed("tlv", "chuid", chuid.clone()),
            seed("tlv", "ccc", content(objects::CARD_CAPABILITY)),
            seed("simple_tlv", "person", of_cac(&person)),
            seed("simple_tlv", "personnel", of_cac(&personnel)),
            seed("fascn", "john", fascn.to_vec()),
            seed("chuid", "signed", chuid),
            seed("certificate", "object", [&[0], &plain[..]].concat()),
            seed(
                "certificate",
                "buffers",
                [&[1][..], &part(&certificate.tags), &certificate.values].concat(),
            ),
            seed("certificate", "gzip", [&[2], &packed[..]].concat()),
            seed("certificate", "der", [&[3], der].concat()),
            seed(
                "ccc",
                "piv",
                [vec![0], content(objects::CARD_CAPABILITY)].concat(),
            ),
            seed("ccc", "dual", [&[0], objects::content(&dual)].concat()),
            seed(
                "ccc",
                "cac",
                [&[1][..], &part(&ccc.tags), &ccc.values].concat(),
            ),
            seed("discovery", "own", content(objects::DISCOVERY)),
            seed(
                "discovery",
                "global",
                objects::content(&objects::discovery(objects::GLOBAL_PIN_FIRST)).to_vec(),
            ),
            seed("key_history", "none", content(objects::KEY_HISTORY)),
            seed(
                "key_history",
                "both",
                objects::content(&objects::key_history(5, 2)).to_vec(),
            ),
            seed(
                "security_object",
                "signed",
                [
                    part(&security),
                    part(&list),
                    vec![0x09, 0x60],
                    b"what is held against it".to_vec(),
                ]
                .concat(),
            ),
            seed("printed", "john", content(objects::PRINTED_INFORMATION)),
            seed("facts", "john", facts.concat()),
            seed("front", "known", [&[64][..], &part(der), &plain].concat()),
        ])
    }

    /// As [`whole::facts`] takes them.
    fn certificates(&self) -> Vec<u8> {
        [
            (Slot::Authentication, card_file::Slot::Authentication),
            (Slot::Signature, card_file::Slot::Signature),
            (Slot::KeyManagement, card_file::Slot::Encryption),
            (
                Slot::CardAuthentication,
                card_file::Slot::CardAuthentication,
            ),
        ]
        .into_iter()
        .flat_map(|(slot, of)| {
            [
                &[whole::byte_of(slot)][..],
                &part(self.john.certificate(of)),
            ]
            .concat()
        })
        .collect()
    }

    /// CCC, person, personnel and one certificate.
    fn containers(&self) -> anyhow::Result<[Container; 4]> {
        let model = CardModel {
            edges: Edges::Cac,
            ..CardModel::T1
        };
        let card = CardHandle::new(&self.jane, model)?;
        let mut transport = card.transport();
        let habits = Habits::default();
        let mut exchange = Exchange::new(&mut transport, &habits);
        let mut read = |aid| -> anyhow::Result<Container> {
            anyhow::ensure!(cac::select(&mut exchange, aid)?);
            let mut buffer = |buffer| cac::read_buffer(&mut exchange, buffer, &mut |_| false);
            Ok(Container {
                tags: buffer(Buffer::Tags)?,
                values: buffer(Buffer::Values)?,
            })
        };
        let first = Applet::new(0).ok_or_else(|| anyhow::anyhow!("there is a first applet"))?;
        Ok([
            read(cac::CCC)?,
            read(cac::PERSON)?,
            read(cac::PERSONNEL)?,
            read(cac::pki(first))?,
        ])
    }

    /// Whole cards, read and signed with.
    fn cards(&self) -> anyhow::Result<Vec<Seed>> {
        let cac = CardModel {
            edges: Edges::Cac,
            cac: CacHabits {
                certificates: CertificateForm::Gzip,
                ..CacHabits::USUAL
            },
            ..CardModel::T0
        };
        let (t1, t0) = (CardModel::T1, CardModel::T0);
        Ok(vec![
            seed("read", "t1_rest", read_on(&self.john, t1)?),
            seed("read", "t0_again", read_again(&self.john, t0)?),
            seed("read", "cac_rest", read_on(&self.jane, cac)?),
            seed("sign", "piv", sign(&self.john, t1)?),
            seed("sign", "cac", sign(&self.jane, cac)?),
            seed(
                "status",
                "tries",
                [&[0][..], &part(&[]), &part(&[0x63, 0xC3])].concat(),
            ),
            seed(
                "status",
                "blocked",
                [&[1][..], &part(&[]), &part(&[0x69, 0x83])].concat(),
            ),
            seed(
                "atr",
                "yubikey",
                CardHandle::new(&self.john, CardModel::YUBIKEY)?.atr(),
            ),
            seed(
                "atr",
                "air",
                CardHandle::new(&self.john, CardModel::CONTACTLESS)?.atr(),
            ),
        ])
    }
}

/// What a card says while it is read, and what was read.
fn read(card: &CardHandle, known: &[KnownCard]) -> anyhow::Result<(Vec<u8>, CardFacts)> {
    let mut recorder = Recorder::new(card.transport());
    let facts = read_through(&mut recorder, known)?;
    Ok((recorder.written, facts))
}

fn read_through<T: cacd::card::transport::Transport>(
    recorder: &mut Recorder<T>,
    known: &[KnownCard],
) -> anyhow::Result<CardFacts> {
    let mut reading = Reading {
        at: NOW,
        habits: &Habits::default(),
        recall: &mut |_: &CardId| known.to_vec(),
    };
    Ok(read_card(recorder, &mut reading, &mut |_| {})?)
}

fn read_on(file: &CardFile, model: CardModel) -> anyhow::Result<Vec<u8>> {
    let card = CardHandle::new(file, model)?;
    let mut recorder = Recorder::new(card.transport());
    let facts = read_through(&mut recorder, &[])?;
    if let Some(missing) = Missing::of(&facts) {
        read_rest(&mut recorder, &Habits::default(), &missing)?;
    }
    Ok([&[0], &recorder.written[..]].concat())
}

fn read_again(file: &CardFile, model: CardModel) -> anyhow::Result<Vec<u8>> {
    let card = CardHandle::new(file, model)?;
    let mut recorder = Recorder::new(card.transport());
    let facts = read_through(&mut recorder, &[])?;
    read_through(&mut recorder, &[whole::on_record(&facts)])?;
    Ok([&[1], &recorder.written[..]].concat())
}

fn sign(file: &CardFile, model: CardModel) -> anyhow::Result<Vec<u8>> {
    let card = CardHandle::new(file, model)?;
    let (_, facts) = read(&card, &[])?;
    let login = facts.login.as_ref().map(|login| login.slot);
    let certificate = facts
        .certificates
        .iter()
        .find(|certificate| Some(certificate.summary.slot) == login)
        .ok_or_else(|| anyhow::anyhow!("nothing on the card signs in"))?;
    let algorithm = Algorithm::of_key(&certificate.summary.key)
        .ok_or_else(|| anyhow::anyhow!("no card signs with such a key"))?;
    let order = Order {
        target: Target::of(&facts, certificate),
        algorithm,
        block: whole::block_for(algorithm),
    };
    let mut recorder = Recorder::new(card.transport());
    let pin = whole::pin(&order.target.card, false);
    sign::sign(&mut recorder, &Habits::default(), &order, pin).result?;
    let edge = match order.target.edge {
        Edge::Piv => 0,
        Edge::Cac(_) => 1,
    };
    Ok([
        &[0][..],
        &part(order.target.card.0.as_bytes()),
        &part(&order.target.certificate),
        &[whole::byte_of(order.target.slot), edge, 0],
        &recorder.written,
    ]
    .concat())
}

/// From files of this repository.
fn of_data() -> Vec<Seed> {
    macro_rules! openssl {
        ($name:literal) => {
            &include_bytes!(concat!("../../data/openssl/", $name))[..]
        };
    }
    macro_rules! logind {
        ($name:literal) => {
            &include_bytes!(concat!("../../data/logind/", $name))[..]
        };
    }
    const PROFILE: &str = include_str!("../../../systemd/portals.d/reference.toml.sample");
    const CONFIG: &str = include_str!("../../../systemd/cacd.toml");
    let settings = CONFIG
        .lines()
        .map(|line| line.strip_prefix('#').unwrap_or(line));
    let settings = settings
        .filter(|line| line.starts_with('[') || line.contains(" = ") && !line.starts_with(' '))
        .filter(|line| line.split(' ').nth(1) != Some("is"))
        .collect::<Vec<_>>();
    let lines = PROFILE.lines().filter(|line| !line.starts_with('#'));
    let profile = lines.collect::<Vec<_>>().join("\n");
    let pem = format!(
        "{}{}",
        card_file::pem("CERTIFICATE", openssl!("root.der")),
        card_file::pem("CERTIFICATE", openssl!("authority.der")),
    );
    let page = "<!doctype html><title>My account</title><main id=account>\
        <p>Signed in <b>by</b>&nbsp;card</p><i id=name>DOE, JANE Q</i></main>";
    let form = "<body onload='document.forms[0].submit()'><form method=post \
        action='https&#x3a;//sp.portal.example/acs'><div><input type=hidden name=RelayState \
        value=1><input type=hidden name=SAMLResponse value='PHNhbWw+\n+/=='></div>\
        <noscript><input type=submit value=Continue></noscript></form>";
    let calls = "{\"method\":\"org.cacd1.Monitor\",\"more\":true}\0\
        {\"method\":\"org.cacd1.SubmitPin\",\"parameters\":{\"card\":\"00112233-4455-4677-8899-aabbccddeeff\",\"visit\":7,\"even_the_last_try\":true}}\0\
        {\"method\":\"org.cacd1.GetHistory\",\"parameters\":{\"before\":42,\"limit\":10}}\0";
    vec![
        seed("archive", "info_zip", openssl!("authorities.zip").to_vec()),
        seed(
            "bundle",
            "pem",
            [&[1][..], &part(&[]), pem.as_bytes()].concat(),
        ),
        seed(
            "bundle",
            "cms",
            [
                &[0][..],
                &part(openssl!("card.der")),
                openssl!("detached.cms"),
            ]
            .concat(),
        ),
        seed(
            "cms",
            "detached",
            [&part(openssl!("content")), openssl!("detached.cms")].concat(),
        ),
        seed(
            "cms",
            "attached",
            [&part(&[]), openssl!("attached.cms")].concat(),
        ),
        seed("ocsp", "good", openssl!("good.ocsp").to_vec()),
        seed("ocsp", "revoked", openssl!("revoked.ocsp").to_vec()),
        seed("crl", "empty", [&[99], openssl!("empty.crl")].concat()),
        seed("crl", "revoked", [&[0], openssl!("revoked.crl")].concat()),
        seed("bus", "list", logind!("list").to_vec()),
        seed("bus", "properties", logind!("properties").to_vec()),
        seed("bus", "changed", logind!("changed").to_vec()),
        seed("profile", "reference", profile.into_bytes()),
        seed("config", "all", settings.join("\n").into_bytes()),
        seed("names", "cn", b"DOE.JANE.Q.JR.1234567890".to_vec()),
        seed("names", "upn", b"1234567890157004@mil".to_vec()),
        seed("message", "calls", calls.as_bytes().to_vec()),
        seed(
            "page",
            "account",
            [
                &[1][..],
                &part(b"main#account > i:not(.x)"),
                page.as_bytes(),
            ]
            .concat(),
        ),
        seed(
            "page",
            "form",
            [&[0][..], &part(&[]), form.as_bytes()].concat(),
        ),
    ]
}

fn seed(target: &'static str, name: &'static str, bytes: Vec<u8>) -> Seed {
    Seed {
        target,
        name,
        bytes,
    }
}
