//! A certificate that its authority has taken back, as this machine learns by itself.

use std::fs;

use anyhow::Context as _;
use cac_common::cause::Kind;
use cac_common::certificate::{self, Revocation};
use cac_tests::clock;
use cac_tests::portal::AnswerFault;
use cac_tests::portal::{Alert, ConnectionFault, Fault, IisRefusal, Moment, Parting, Shown};
use cac_tests::servers::Responder;
use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::row::Row;
use crate::stage::{Stage, portal};

#[test]
fn s50_a_revoked_certificate_is_told_before_a_pin_is_typed_and_named_where_a_portal_is_silent()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let responder = Responder::start(samples::authority())?;
    let validity = Validity::current(clock::now());
    let order = samples::order(Person::john_roe(), KeyAlgorithm::P256, validity);
    let card = responder.authority()?.issue_card(&order)?;
    responder.revoke(card.certificate(Slot::Authentication))?;
    let anchors = stage.lab.folder().join("config/trust/anchors");
    fs::create_dir(&anchors)?;
    fs::write(anchors.join("root.pem"), samples::authority().root_pem())?;

    stage.put_in(CardHandle::new(&card, CardModel::T1)?)?;
    let told = stage
        .lab
        .wait_for_card(0, "its authority took it back", |card| {
            card.certificates.iter().any(|certificate| {
                certificate.slot == certificate::Slot::Authentication
                    && matches!(certificate.revocation, Revocation::Revoked { .. })
            })
        })?;

    let mut findings = told.findings.iter();
    let finding = findings
        .find(|finding| finding.fault.starts_with("it was revoked"))
        .context("it is said")?;
    assert_eq!(
        finding.fault,
        "it was revoked: its key may be known to others"
    );
    assert!(finding.meaning.contains("ID card office"), "{finding:?}");
    assert_eq!(stage.card.log().pin_attempts(), 0);

    // A portal that has not heard of it may take it all the same.
    stage.register()?;
    let row = |name: &str, fault| {
        Row::at(&portal, name)
            .with(fault)
            .rejected(Kind::CertificateRevoked)
    };
    let parted = |with| {
        Fault::Connection(ConnectionFault::Parted {
            with,
            at: Moment::Certificate,
        })
    };
    let iis = Shown::Iis(IisRefusal::CertificateRevoked);
    stage.play(&[
        row("says so", parted(Parting::Alert(Alert::CertificateRevoked)))
            .saying("it was revoked on "),
        row(
            "says nothing",
            parted(Parting::Alert(Alert::CertificateUnknown)),
        )
        .saying("it was revoked on "),
        row("breaks off", parted(Parting::Close))
            .saying("closed the connection as soon as it had it, and it was revoked on "),
        row("may not know", Fault::Answer(AnswerFault::Page(iis))).saying("RAPIDS"),
    ])?;

    stage.close()
}
