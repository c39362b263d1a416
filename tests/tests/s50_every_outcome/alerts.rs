//! TLS alerts: before the certificate was asked for, as the answer to it, and
//! once the handshake is over.

use cac_common::cause::Kind;
use cac_tests::portal::{Alert, ConnectionFault, Fault, Moment, Parting, Versions};

use crate::row::{Row, Then};
use crate::stage::{Stage, portal};

fn alert(alert: Alert, at: Moment) -> Fault {
    let with = Parting::Alert(alert);
    Fault::Connection(ConnectionFault::Parted { with, at })
}

/// What an alert says of a certificate that nothing is wrong with, as is seen from here.
fn verdict(alert: Alert) -> Kind {
    match alert {
        Alert::UnsupportedCertificate => Kind::WrongUse,
        Alert::CertificateRevoked => Kind::CertificateRevoked,
        Alert::UnknownCa => Kind::IssuerUnknown,
        Alert::AccessDenied => Kind::NoRight,
        Alert::DecryptError => Kind::SignatureNotVerified,
        Alert::InternalError => Kind::PortalFails,
        Alert::HandshakeFailure
        | Alert::BadCertificate
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::CertificateRequired
        | Alert::ProtocolVersion
        | Alert::UnrecognizedName => Kind::NotSaid,
    }
}

/// As the answer to the certificate.
fn rows_of_verdicts<'a>(row: impl Fn(Alert, Moment) -> Row<'a>) -> Vec<Row<'a>> {
    let at_once = Alert::ALL.map(|alert| (alert, Moment::Certificate));
    at_once
        .into_iter()
        .map(|(alert, at)| match verdict(alert) {
            Kind::PortalFails => row(alert, at)
                .is("waiting", 1)
                .because(Kind::PortalFails)
                .then(Then::GoesOn),
            kind => row(alert, at).rejected(kind),
        })
        .collect()
}

#[test]
fn s50_an_alert_that_answers_the_certificate_is_told_as_a_verdict_over_tls_1_2()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal-12", |config| {
        config.versions = Versions::Tls12;
    })?;
    let row = |which: Alert, at| {
        Row::at(&portal, format!("alert {which} at {at}")).with(alert(which, at))
    };

    stage.play(&rows_of_verdicts(row))?;
    stage.play(&[
        // Apache that wants a certificate for a path.
        row(Alert::HandshakeFailure, Moment::Request)
            .is("unsupported", 1)
            .because(Kind::AsksLateRenegotiation),
        row(Alert::CertificateRevoked, Moment::Request).rejected(Kind::CertificateRevoked),
        row(Alert::InternalError, Moment::Request)
            .is("waiting", 1)
            .because(Kind::PortalFails)
            .then(Then::GoesOn),
    ])?;

    stage.close()
}

#[test]
fn s50_an_alert_that_answers_the_certificate_is_told_as_a_verdict_over_tls_1_3()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal-13", |config| {
        config.versions = Versions::Tls13;
    })?;
    let row = |which: Alert, at| {
        Row::at(&portal, format!("alert {which} at {at}")).with(alert(which, at))
    };

    stage.play(&rows_of_verdicts(row))?;
    stage.play(&[
        row(Alert::HandshakeFailure, Moment::Request).rejected(Kind::NotSaid),
        row(Alert::CertificateExpired, Moment::Request)
            .rejected(Kind::NotSaid)
            .saying("the portal calls it expired, but it is valid until"),
        row(Alert::UnknownCa, Moment::Request).rejected(Kind::IssuerUnknown),
    ])?;

    stage.close()
}

#[test]
fn s50_an_alert_before_the_certificate_is_asked_for_spends_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;

    let rows = Alert::ALL.map(|which| {
        let row = Row::at(&portal, format!("alert {which} at hello"));
        let row = row.with(alert(which, Moment::Hello));
        match which {
            Alert::InternalError => row.unreachable(Kind::PortalFails),
            _ => row.unsupported(Kind::TlsTrouble),
        }
    });
    stage.play(&rows)?;

    stage.close()
}
