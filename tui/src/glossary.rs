//! The words of the field, each in a sentence or two.

pub struct Term {
    pub term: &'static str,
    pub meaning: &'static str,
}

const fn term(term: &'static str, meaning: &'static str) -> Term {
    Term { term, meaning }
}

/// In the order of the alphabet, numbers first.
pub const GLOSSARY: &[Term] = &[
    term(
        "9A, 9C, 9D, 9E",
        "The four places for keys on a PIV card. 9A signs you in, 9C signs documents and mail, 9D opens what was encrypted for you, and 9E proves the card without a PIN.",
    ),
    term(
        "APDU",
        "One command to the card and its answer. A card takes some 20 milliseconds for each, so the fewer the faster.",
    ),
    term(
        "ATR",
        "The first bytes that a card sends when it is powered up. They tell what kind of card it is, and not whose.",
    ),
    term(
        "CA",
        "A certification authority: it issues certificates and stands behind what they say. Those for DoD cards have names like DOD ID CA-73.",
    ),
    term(
        "CAC",
        "The Common Access Card, which the Department of Defense gives its people. Today's CACs are PIV cards.",
    ),
    term(
        "CAC applet",
        "An older way to lay certificates on a CAC. cacd reads it where a card has nothing newer.",
    ),
    term(
        "certificate",
        "A signed statement that a key belongs to a person or a card, and until when. It is public; the key never leaves the card.",
    ),
    term(
        "chain",
        "The certificates from yours up to an authority that is trusted here. If one is missing or ended, yours is not trusted.",
    ),
    term(
        "CHUID",
        "The Card Holder Unique Identifier: an object on the card that anyone may read, with the FASC-N, the card's own number and the day it ends.",
    ),
    term(
        "CRL",
        "A certificate revocation list: the numbers of all certificates that an authority has taken back before their end.",
    ),
    term(
        "DoD ID (EDIPI)",
        "The ten digits that name a person in the DoD. It is no secret, but it names you, so it stays hidden until you press x.",
    ),
    term(
        "eligibility",
        "Whether people of your category may register at a portal by themselves, through a sponsor, or not at all.",
    ),
    term(
        "FASC-N",
        "The Federal Agency Smart Credential Number: agency, system, credential and person in 25 bytes. It names one card of one person.",
    ),
    term(
        "ID card office",
        "Where a CAC is issued, exchanged and its PIN reset, with RAPIDS. Bring the card and another photo ID.",
    ),
    term(
        "notice",
        "A text that a portal shows before it lets anybody in. A person reads and accepts it, once for each text.",
    ),
    term(
        "OCSP",
        "The Online Certificate Status Protocol: asks an authority whether one certificate was taken back, and is answered at once.",
    ),
    term(
        "pcscd",
        "The smart card service of Linux. Every program that uses a reader goes through it.",
    ),
    term(
        "persona",
        "A person in a role. Who is both a civilian and a reservist has two cards, and may have two accounts.",
    ),
    term(
        "PIN",
        "Six to eight digits that only you know. The card alone checks it, and nothing keeps it.",
    ),
    term(
        "PIN tries",
        "How many wrong PINs the card still takes before it blocks. A right PIN sets the count back; an ID card office can reset a blocked one.",
    ),
    term(
        "PIV",
        "Personal Identity Verification: the standard for cards of the federal government (FIPS 201, SP 800-73).",
    ),
    term(
        "portal",
        "A web site that lets people in by the certificate on their card.",
    ),
    term(
        "portal profile",
        "The file that describes one portal: where it is, how its answers are told apart, who may register, and whom to ask.",
    ),
    term(
        "RAPIDS",
        "The Real-time Automated Personnel Identification System, with which ID card offices issue and exchange cards.",
    ),
    term(
        "reader",
        "What a card is put into: part of a keyboard or a laptop, or a small box on a USB cable.",
    ),
    term(
        "registered",
        "A portal said that it knows you by this certificate, and that was written down here.",
    ),
    term(
        "retired key",
        "An earlier encryption key that the card keeps so that older mail can still be opened.",
    ),
    term(
        "revoked",
        "Taken back by the authority before its end, for example because the card was lost. Portals refuse such a certificate.",
    ),
    term(
        "sponsor",
        "A government representative with an account of their own who vouches for somebody at a portal.",
    ),
    term(
        "status word",
        "The two bytes that end every answer of a card: 9000 means done, 63C2 a wrong PIN with two tries left.",
    ),
    term(
        "trust anchor",
        "The certificate of an authority that is trusted here by decision, and to which a chain has to lead.",
    ),
    term(
        "UPN",
        "The user principal name in a certificate: digits and a domain such as @mil, by which many portals find your account.",
    ),
    term(
        "wizard",
        "Registering by hand, step by step, with user name and password, where the card alone is not enough.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_in_order_and_each_stands_once() {
        let folded: Vec<String> = GLOSSARY.iter().map(|it| it.term.to_lowercase()).collect();

        assert!(folded.is_sorted_by(|one, next| one < next), "{folded:?}");
    }

    #[test]
    fn each_is_told_in_one_or_two_sentences() {
        for Term { term, meaning } in GLOSSARY {
            let sentences = meaning.split_inclusive(". ").count();

            assert!(meaning.ends_with('.') && sentences <= 2, "{term}");
            assert!(meaning.len() <= 200, "{term}");
        }
    }
}
