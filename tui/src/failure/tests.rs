use cac_common::interface::Refusal;

use super::*;

#[test]
fn a_refusal_for_want_of_rights_says_which_group_to_join() {
    let failure = Failure::from(ClientError::from(Refusal::PermissionDenied));
    let mut told = Vec::new();

    failure.tell(&mut told);

    assert_eq!(failure.exit(), Exit::Refused);
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("cacd-admin"), "{told}");
}

#[test]
fn only_a_card_that_failed_is_to_be_put_in_again() {
    let told = |refusal| {
        let advice = Failure::from(ClientError::from(refusal)).advice();
        advice.unwrap_or_default()
    };
    let cause = "card does not answer".into();

    assert!(told(Refusal::CardFailed { cause }).contains("take it out"));
    for refusal in [Refusal::NoLogin, Refusal::NoContact, Refusal::PinForgotten] {
        let advice = told(refusal);
        assert!(!advice.is_empty());
        assert!(!advice.contains("take it out"), "{advice}");
    }
}

#[test]
fn an_absent_daemon_is_told_with_its_cause_on_one_line() {
    let failure = Failure::from(ClientError::Unreachable {
        path: "/run/cacd/socket".into(),
        source: io::ErrorKind::NotFound.into(),
    });
    let mut told = Vec::new();

    failure.tell(&mut told);

    assert_eq!(failure.exit(), Exit::Unreachable);
    let told = String::from_utf8(told).unwrap();
    assert!(
        told.starts_with("cacctl: cannot connect to /run/cacd/socket: entity not found\n"),
        "{told}"
    );
}
