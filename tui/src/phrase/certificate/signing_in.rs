//! Why a certificate signs in, or why another does: the daemon's choice, with
//! what its rules say of those that it passed over.

use cac_common::certificate::{CertificateSummary, LoginChoice, Role, Slot};
use cac_common::time::UtcSeconds;

use super::{extensions, place};

/// In words, of one certificate among those of its card. `is_read` tells
/// whether the card is read to its end.
pub fn why(
    certificate: &CertificateSummary,
    all: &[CertificateSummary],
    login: Option<&LoginChoice>,
    is_read: bool,
    now: UtcSeconds,
) -> String {
    if let Some(login) = login.filter(|login| login.slot == certificate.slot) {
        return format!("yes, this one: {}", login.reason);
    }
    if let Some(unfit) = unfit(certificate, now) {
        return format!("no: {unfit}");
    }
    let Some(login) = login else {
        return if is_read {
            "no: none of this card does".into()
        } else {
            "not decided yet: the card is not read to its end".into()
        };
    };
    let chosen = all.iter().find(|one| one.slot == login.slot);
    let name = chosen.map_or_else(|| login.slot.to_string(), place);
    if chosen.is_some_and(|chosen| chosen.sha256 == certificate.sha256) {
        return format!("no: it is the same as {name}, which does");
    }
    format!("no: {name} fits better; {}", login.reason)
}

/// What speaks against it, whichever others there are.
fn unfit(certificate: &CertificateSummary, now: UtcSeconds) -> Option<&'static str> {
    let by_place = match certificate.slot {
        Slot::Retired(_) => Some("its key is retired, and opens older mail alone"),
        Slot::KeyManagement => Some("its key is for decryption"),
        Slot::CardAuthentication => Some("it proves the card, never its holder"),
        Slot::Authentication | Slot::Signature | Slot::Applet(_) => None,
    };
    let by_role = match certificate.role {
        Role::Encryption => Some("its key is for decryption"),
        Role::Card => Some("it proves the card, never its holder"),
        Role::ContentSigning => Some("it is for signing what stands on cards"),
        Role::Signature => {
            Some("it is for signatures, and used only where the profile of a portal asks for it")
        }
        Role::Other if certificate.slot != Slot::Authentication => {
            Some("it does not say what it is for")
        }
        Role::Authentication | Role::Identity | Role::Other => None,
    };
    let is_for_tests = certificate
        .policies
        .iter()
        .any(|policy| extensions::is_for_tests(policy));
    by_place
        .or(by_role)
        .or(is_for_tests.then_some("it was issued for tests"))
        .or((certificate.not_after < now).then_some("it has ended"))
        .or((now < certificate.not_before).then_some("it is not valid yet"))
}

#[cfg(test)]
mod tests {
    use cac_common::certificate::{Applet, Retired};

    use super::*;
    use crate::invented::{self, NOW};

    #[test]
    fn each_certificate_is_told_why_it_signs_in_or_not() {
        let desk = invented::checked();
        let card = desk.readers.into_iter().find_map(|one| one.card).unwrap();
        let told = |slot: Slot| {
            let certificate = card.certificates.iter().find(|one| one.slot == slot);
            let login = card.login.as_ref();
            why(certificate.unwrap(), &card.certificates, login, true, NOW)
        };

        for (slot, start) in [
            (
                Slot::Authentication,
                "yes, this one: the authentication certificate",
            ),
            (Slot::Signature, "no: it is for signatures"),
            (Slot::KeyManagement, "no: its key is for decryption"),
            (Slot::CardAuthentication, "no: it proves the card"),
            (
                Slot::Retired(Retired::new(1).unwrap()),
                "no: its key is retired",
            ),
            (
                Slot::Applet(Applet::new(0).unwrap()),
                "no: it is the same as 9A Authentication",
            ),
        ] {
            assert!(told(slot).starts_with(start), "{}", told(slot));
        }
    }

    #[test]
    fn where_nothing_is_chosen_it_is_told_whether_that_is_the_last_word() {
        let desk = invented::desk();
        let card = desk.readers.into_iter().find_map(|one| one.card).unwrap();
        let one = &card.certificates[0];
        let later = UtcSeconds(one.not_after.0 + 1);

        for (is_read, now, told) in [
            (true, NOW, "no: none of this card does"),
            (
                false,
                NOW,
                "not decided yet: the card is not read to its end",
            ),
            (true, later, "no: it has ended"),
        ] {
            assert_eq!(why(one, &card.certificates, None, is_read, now), told);
        }
    }
}
