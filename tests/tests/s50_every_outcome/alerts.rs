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
fn verdict(row: Row<'_>, alert: Alert) -> Row<'_> {
    let kind = match alert {
        Alert::InternalError => return failing(row),
        Alert::UnsupportedCertificate => Kind::WrongUse,
        Alert::CertificateRevoked => Kind::CertificateRevoked,
        Alert::UnknownCa => Kind::IssuerUnknown,
        Alert::AccessDenied => Kind::NoRight,
        Alert::DecryptError => Kind::SignatureNotVerified,
        Alert::HandshakeFailure
        | Alert::BadCertificate
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::CertificateRequired
        | Alert::ProtocolVersion
        | Alert::InappropriateFallback
        | Alert::NoRenegotiation
        | Alert::MissingExtension
        | Alert::UnrecognizedName => Kind::NotSaid,
    };
    row.rejected(kind)
}

/// The server's trouble, and perhaps over soon.
fn failing(row: Row<'_>) -> Row<'_> {
    let failing = row.is("waiting", 1).because(Kind::PortalFails);
    failing.then(Then::GoesOn)
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

    stage.play(&Alert::ALL.map(|which| verdict(row(which, Moment::Certificate), which)))?;
    stage.play(&[
        // Apache that wants a certificate for a path.
        row(Alert::HandshakeFailure, Moment::Request)
            .is("unsupported", 1)
            .because(Kind::AsksLateRenegotiation),
        row(Alert::NoRenegotiation, Moment::Request)
            .is("unsupported", 1)
            .because(Kind::AsksLateRenegotiation),
        row(Alert::CertificateRevoked, Moment::Request).rejected(Kind::CertificateRevoked),
        failing(row(Alert::InternalError, Moment::Request)),
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

    stage.play(&Alert::ALL.map(|which| verdict(row(which, Moment::Certificate), which)))?;
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
        if which == Alert::InternalError {
            row.unreachable(Kind::PortalFails)
        } else {
            row.unsupported(Kind::TlsTrouble)
        }
    });
    stage.play(&rows)?;

    stage.close()
}
