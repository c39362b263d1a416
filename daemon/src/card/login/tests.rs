use cac_common::certificate::Retired;

use super::super::fixtures::{
    CARD_ONLY, CLIENT_AUTH, Draft, ENDS, HARDWARE, LOGON, NOW, PIV_AUTH, TEST, applet,
};
use super::*;

/// The PIV-I hardware, derived and PIV-I authentication policies.
const PIV_I: &str = "2.16.840.1.101.3.2.1.3.18";
const DERIVED: &str = "2.16.840.1.101.3.2.1.3.41";

#[test]
fn of_a_whole_card_the_authentication_certificate_signs_in() {
    let login = chosen_of(&[
        Draft::card(),
        Draft::encryption(),
        Draft::signature(),
        Draft::authentication(),
    ]);

    assert_eq!(
        login.choice.unwrap(),
        LoginChoice {
            slot: Slot::Authentication,
            reason: "it is made for signing in: the PIV Authentication policy stands in it".into()
        }
    );
    let reasons: Vec<_> = login.others.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "it proves the card, never its holder",
            "its key is for decryption",
            "it is for signatures, and used only where a portal asks for it",
        ]
    );
}

#[test]
fn the_choice_goes_from_the_best_to_the_least() {
    // Each is chosen over all that follow it.
    let ranks = [
        with(Draft::authentication(), Slot::Authentication, &[PIV_AUTH]),
        with(Draft::authentication(), applet(0), &[PIV_AUTH]),
        with(Draft::authentication(), applet(2), &[HARDWARE]),
        foreign(with(Draft::authentication(), applet(3), &[])),
        Draft::identity(applet(4)),
        Draft::bare(Slot::Authentication),
    ];
    for from in 0..ranks.len() {
        let mut rest = ranks[from..].to_vec();
        // One slot holds one certificate.
        if from == 0 {
            rest.pop();
        }
        rest.reverse();

        let login = chosen_of(&rest);

        assert_eq!(login.choice.unwrap().slot, ranks[from].slot, "{from}");
        assert_eq!(login.others.len(), rest.len() - 1);
    }
}

#[test]
fn every_choice_says_why() {
    for (draft, reason) in [
        (
            with(Draft::authentication(), Slot::Authentication, &[DERIVED]),
            "it is made for signing in: a derived PIV Authentication policy stands in it",
        ),
        (
            with(Draft::authentication(), Slot::Authentication, &[PIV_I]),
            "it is made for signing in: a PIV-I policy stands in it",
        ),
        (
            with(Draft::authentication(), Slot::Authentication, &[HARDWARE]),
            "it is made for smart card logon, by the DoD's own authority",
        ),
        (
            foreign(with(Draft::authentication(), applet(0), &[])),
            "it is made for signing in to servers",
        ),
        (
            Draft::identity(applet(0)),
            "it is the CAC's older identity certificate, and there is no newer one",
        ),
        (
            Draft::bare(Slot::Authentication),
            "it lies in the slot for signing in, and may sign",
        ),
    ] {
        assert_eq!(chosen_of(&[draft]).choice.unwrap().reason, reason);
    }
}

#[test]
fn what_may_not_sign_in_is_never_chosen_and_says_why_not() {
    let retired = Slot::Retired(Retired::new(1).unwrap());
    let mut cannot_sign = Draft::authentication();
    cannot_sign.usage = Some(x509_cert::ext::pkix::KeyUsages::CRLSign.into());
    for (draft, reason) in [
        (
            with(Draft::authentication(), retired, &[PIV_AUTH]),
            "its key is retired",
        ),
        (
            with(Draft::authentication(), Slot::KeyManagement, &[PIV_AUTH]),
            "its key is for decryption",
        ),
        (
            with(
                Draft::authentication(),
                Slot::CardAuthentication,
                &[PIV_AUTH],
            ),
            "it proves the card, never its holder",
        ),
        (
            with(Draft::authentication(), Slot::Authentication, &[CARD_ONLY]),
            "it proves the card, never its holder",
        ),
        (
            with(
                Draft::authentication(),
                Slot::Authentication,
                &[PIV_AUTH, TEST],
            ),
            "it was issued for tests",
        ),
        (
            with(Draft::signature(), Slot::Authentication, &[HARDWARE]),
            "it is for signatures, and used only where a portal asks for it",
        ),
        (
            with(Draft::encryption(), applet(0), &[HARDWARE]),
            "its key is for decryption",
        ),
        (cannot_sign, "its key may not sign"),
        (
            Draft::bare(Slot::Signature),
            "it does not say what it is for",
        ),
    ] {
        let login = chosen_of(&[draft]);

        assert_eq!(login.choice, Err(NoLogin::NoneFits), "{reason}");
        assert_eq!(login.others[0].reason, reason);
    }
}

#[test]
fn an_expired_certificate_loses_to_any_that_has_not() {
    let mut expired = Draft::authentication();
    expired.not_after = NOW.0 - 1;
    let drafts = [expired, Draft::identity(applet(0))];

    let login = chosen_of(&drafts);
    let whenever = weigh(&certificates(&drafts), None);

    assert_eq!(login.choice.unwrap().slot, applet(0));
    assert_eq!(login.others[0].reason, "it expired on 2028-08-16");
    assert_eq!(whenever.choice.unwrap().slot, Slot::Authentication);
    assert_eq!(
        whenever.others[0].reason,
        "the one in 9A Authentication fits better"
    );
}

#[test]
fn where_all_have_expired_none_is_chosen_and_that_is_said() {
    let certificates = certificates(&[Draft::authentication(), Draft::signature()]);

    let login = weigh(&certificates, Some(UtcSeconds(ENDS + 1)));
    let on_the_last_second = weigh(&certificates, Some(UtcSeconds(ENDS)));

    assert_eq!(login.choice, Err(NoLogin::Expired));
    assert_eq!(login.others.len(), 2);
    assert!(on_the_last_second.choice.is_ok());
}

#[test]
fn one_that_is_not_valid_yet_is_chosen_only_where_there_is_no_other() {
    let mut early = Draft::authentication();
    early.not_before = NOW.0 + 60;

    let alone = chosen_of(&[early.clone()]);
    let beside_another = chosen_of(&[early, Draft::identity(applet(0))]);

    assert_eq!(alone.choice.unwrap().slot, Slot::Authentication);
    assert_eq!(beside_another.choice.unwrap().slot, applet(0));
}

#[test]
fn a_card_without_certificates_says_so() {
    assert_eq!(chosen_of(&[]).choice, Err(NoLogin::NoCertificate));
    assert_eq!(choose_login(&[], None), None);
}

#[test]
fn the_same_certificate_on_both_edges_is_used_through_piv() {
    let mut again = Draft::authentication();
    again.slot = applet(0);

    let login = chosen_of(&[again, Draft::authentication()]);

    assert_eq!(login.choice.unwrap().slot, Slot::Authentication);
    assert_eq!(
        login.others[0].reason,
        "it is the same as the one in 9A Authentication"
    );
}

#[test]
fn on_an_old_card_the_identity_certificate_signs_in_and_never_the_signature() {
    let mut signature = Draft::signature();
    signature.slot = applet(1);
    signature.extended.extend([CLIENT_AUTH, LOGON]);

    let login = chosen_of(&[signature.clone(), Draft::identity(applet(0))]);
    let without = chosen_of(&[signature]);

    assert_eq!(login.choice.unwrap().slot, applet(0));
    assert_eq!(without.choice, Err(NoLogin::NoneFits));
}

fn with(mut draft: Draft, slot: Slot, policies: &[&'static str]) -> Draft {
    draft.slot = slot;
    draft.policies = policies.to_vec();
    draft
}

fn foreign(mut draft: Draft) -> Draft {
    draft.issuer = "Example CA".into();
    draft
}

fn certificates(drafts: &[Draft]) -> Vec<CardCertificate> {
    drafts.iter().map(Draft::certificate).collect()
}

fn chosen_of(drafts: &[Draft]) -> Login {
    weigh(&certificates(drafts), Some(NOW))
}
