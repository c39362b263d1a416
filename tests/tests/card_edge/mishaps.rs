//! What others do to a card while it is worked with, at every APDU of it:
//! pulled, swapped for another, reset, another applet selected.

mod reading;
mod signing;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use cac_common::certificate::Applet;
use cac_tests::virtual_card::cac::Edges;
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::fault::Moment;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::*;

/// What the card is made to sign.
const MESSAGE: &[u8] = b"what a portal has to say";

/// DigestInfo of a SHA-256 digest, up to the digest (RFC 8017, 9.2, note 1).
const SHA256_INFO: &[u8] =
    b"\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// A card as it comes, and the place of the key that is to sign.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    file: fn() -> &'static CardFile,
    model: CardModel,
    /// None: the one that is chosen for signing in.
    slot: Option<Slot>,
}

/// Every edge over both protocols, and both kinds of key where the edge has them.
fn kinds() -> Vec<Kind> {
    let over = |edges, model| CardModel {
        edges,
        is_dual: edges == Edges::Dual,
        ..model
    };
    let identity = Slot::Applet(Applet::all().next().unwrap());
    let rsa = samples::jane as fn() -> _;
    let p256 = samples::john as fn() -> _;
    let mut kinds = Vec::new();
    for model in [CardModel::T1, CardModel::T0] {
        for (name, file, edges, slot) in [
            ("PIV, RSA", rsa, Edges::Piv, None),
            ("PIV, P-256", p256, Edges::Piv, None),
            ("dual, its PIV key", rsa, Edges::Dual, None),
            ("dual, its PIV key on P-256", p256, Edges::Dual, None),
            ("dual, its CAC key", rsa, Edges::Dual, Some(identity)),
            ("CAC", rsa, Edges::Cac, None),
            ("alternate token", rsa, Edges::Alt, None),
            ("bare token", rsa, Edges::Bare, None),
            ("first CAC", rsa, Edges::Cac1, None),
        ] {
            kinds.push(Kind {
                name,
                file,
                model: over(edges, model),
                slot,
            });
        }
        kinds.push(Kind {
            name: "PIV without a logout",
            file: p256,
            model: no_logout(model),
            slot: None,
        });
    }
    kinds
}

impl Kind {
    fn card(&self) -> CardHandle {
        CardHandle::new((self.file)(), self.model).unwrap()
    }

    /// Cards that may come in its place. All have the same PIN, which is worst.
    fn others(&self) -> [&'static CardFile; 2] {
        // The next card of the same holder, and one with keys of the other
        // kind, of which there is nothing to be seen on a CAC edge.
        let next = match self.model.edges {
            Edges::Piv | Edges::Dual => samples::expired(),
            Edges::Cac | Edges::Alt | Edges::Bare | Edges::Cac1 => samples::john(),
        };
        [samples::janes_cac(), next]
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {:?}", self.name, self.model.protocol)
    }
}

/// All that is on a card, and so what no mishap may make different.
fn read_whole(card: &CardHandle) -> CardFacts {
    let mut facts = read(card);
    if Missing::of(&facts).is_some() {
        facts.take_rest(rest_of(card, &facts), now());
    }
    facts
}

/// The moment right before the command with this number, from 0, of those to come.
fn before(number: usize) -> Moment {
    Moment::next_of_any().after(number)
}

fn order_for(facts: &CardFacts, slot: Slot) -> Order {
    let certificate = facts
        .certificates
        .iter()
        .find(|certificate| certificate.summary.slot == slot)
        .unwrap();
    let algorithm = Algorithm::of_key(&certificate.summary.key).unwrap();
    let digest = digest(&SHA256, MESSAGE);
    Order {
        target: Target::of(facts, certificate),
        algorithm,
        block: match algorithm {
            Algorithm::P256 => digest.as_ref().to_vec(),
            Algorithm::Rsa2048 => {
                let end = [&[0x00], SHA256_INFO, digest.as_ref()].concat();
                let filling = vec![0xFF; 256 - 2 - end.len()];
                [&[0x00, 0x01], &filling[..], &end].concat()
            }
            Algorithm::Rsa3072 | Algorithm::P384 => unreachable!("no sample has such a key"),
        },
    }
}

/// Whether it was made by the key of this certificate.
fn verifies(certificate: &[u8], signature: &[u8]) -> bool {
    let certificate = Certificate::from_der(certificate).unwrap();
    let key = certificate.tbs_certificate().subject_public_key_info();
    let key = key.subject_public_key.raw_bytes();
    // An RSA key is far longer than a point.
    let way: &dyn VerificationAlgorithm = match key.len() {
        65 => &ECDSA_P256_SHA256_ASN1,
        _ => &RSA_PKCS1_2048_8192_SHA256,
    };
    UnparsedPublicKey::new(way, key)
        .verify(MESSAGE, signature)
        .is_ok()
}
