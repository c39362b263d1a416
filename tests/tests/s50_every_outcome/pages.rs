//! What HTTP says, by the profile's rules and where it has none.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::http::StatusCode;
use cac_common::cause::Kind;
use cac_tests::portal::{AnswerFault, Fault, IisRefusal, Shown};

use crate::row::{Row, Then};
use crate::stage::{Stage, portal};

const A_MINUTE: Duration = Duration::from_mins(1);

fn page(page: Shown) -> Fault {
    Fault::Answer(AnswerFault::Page(page))
}

fn status(code: StatusCode, retry_after: Option<Duration>) -> Fault {
    Fault::Status { code, retry_after }
}

#[test]
fn s50_each_page_that_the_profile_knows_is_told_as_it_says() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let row = |shown: Shown| {
        Row::at(&portal, shown.to_string())
            .by(portal.full_profile())
            .with(page(shown))
    };
    let iis = |refusal| row(Shown::Iis(refusal));

    stage.play(&[
        row(Shown::NoAccount).is("needs the wizard", 1),
        row(Shown::NotEligible).is("not eligible", 1),
        row(Shown::NeedsSponsor).is("needs a sponsor", 1),
        row(Shown::NotFound).is("not found", 1).saying("help desk"),
        row(Shown::Forbidden).forbidden(Kind::Forbidden),
        row(Shown::Unauthorised).is("needs the wizard", 1),
        row(Shown::Locked(A_MINUTE)).is("locked out", 1),
        row(Shown::Maintenance(A_MINUTE))
            .busy()
            .then(Then::Waits(A_MINUTE)),
        row(Shown::MaintenanceUntil(A_MINUTE))
            .busy()
            .then(Then::Waits(A_MINUTE)),
        row(Shown::MaintenanceNotice).busy(),
        row(Shown::LogIn).is("needs the wizard", 1),
        row(Shown::Unrecognised)
            .is("unrecognised", 1)
            .because(Kind::UnknownPage)
            .saying("\u{201C}Wel"),
        row(Shown::F5).forbidden(Kind::Forbidden),
        iis(IisRefusal::TlsRequired).forbidden(Kind::Forbidden),
        iis(IisRefusal::CertificateRequired).rejected(Kind::NoCertificate),
        iis(IisRefusal::MapperDenied).is("needs the wizard", 1),
        iis(IisRefusal::CertificateRevoked).rejected(Kind::RevocationNotKnown),
        iis(IisRefusal::CertificateUntrusted).rejected(Kind::IssuerUnknown),
        iis(IisRefusal::CertificateExpired).rejected(Kind::CertificateNotYetValid),
    ])?;

    stage.close()
}

#[test]
fn s50_each_page_that_the_profile_does_not_know_is_told_by_what_servers_mean_by_it()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let row = |shown: Shown| Row::at(&portal, shown.to_string()).with(page(shown));
    let iis = |refusal| row(Shown::Iis(refusal));

    stage.play(&[
        row(Shown::Unauthorised)
            .forbidden(Kind::NotKnown)
            .saying("does not know this certificate"),
        row(Shown::Maintenance(A_MINUTE))
            .busy()
            .then(Then::Waits(A_MINUTE)),
        row(Shown::MaintenanceNotice)
            .is("unrecognised", 1)
            .because(Kind::UnknownPage)
            .saying("Scheduled Maintenance"),
        row(Shown::LogIn)
            .is("unrecognised", 1)
            .because(Kind::LogInForm),
        row(Shown::F5)
            .forbidden(Kind::Forbidden)
            .saying("BIG-IP logout page"),
        iis(IisRefusal::TlsRequired)
            .forbidden(Kind::Forbidden)
            .saying("Detailed Error - 403.4"),
        iis(IisRefusal::CertificateRequired).rejected(Kind::NoCertificate),
        iis(IisRefusal::MapperDenied).forbidden(Kind::NotKnown),
        iis(IisRefusal::CertificateRevoked).rejected(Kind::RevocationNotKnown),
        iis(IisRefusal::CertificateUntrusted).rejected(Kind::IssuerUnknown),
        iis(IisRefusal::CertificateExpired)
            .rejected(Kind::CertificateNotYetValid)
            .saying("a clock may be wrong"),
    ])?;

    stage.close()
}

#[test]
fn s50_each_status_of_http_is_told_as_what_it_is() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let row = |code: StatusCode| Row::at(&portal, code.to_string()).with(status(code, None));
    let asking = |code: StatusCode| {
        Row::at(&portal, format!("{code} in a minute"))
            .with(status(code, Some(A_MINUTE)))
            .busy()
            .then(Then::Waits(A_MINUTE))
    };

    stage.play(&[
        row(StatusCode::REQUEST_TIMEOUT).busy(),
        row(StatusCode::TOO_EARLY).busy(),
        row(StatusCode::TOO_MANY_REQUESTS).busy(),
        row(StatusCode::INTERNAL_SERVER_ERROR)
            .busy()
            .because(Kind::PortalError),
        row(StatusCode::BAD_GATEWAY).busy(),
        row(StatusCode::SERVICE_UNAVAILABLE).busy(),
        row(StatusCode::GATEWAY_TIMEOUT).busy(),
        asking(StatusCode::TOO_MANY_REQUESTS),
        asking(StatusCode::SERVICE_UNAVAILABLE),
        row(StatusCode::UNAUTHORIZED).forbidden(Kind::NotKnown),
        row(StatusCode::FORBIDDEN).forbidden(Kind::Forbidden),
        row(StatusCode::BAD_REQUEST)
            .is("unrecognised", 1)
            .because(Kind::UnknownPage),
        row(StatusCode::NOT_FOUND)
            .is("unrecognised", 1)
            .because(Kind::UnknownPage),
    ])?;

    stage.close()
}

#[test]
fn s50_answers_that_lead_nowhere_end() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let foreign = TcpListener::bind(("127.0.0.1", 0))?;
    foreign.set_nonblocking(true)?;
    let port = foreign.local_addr()?.port();
    let row = |name: &str, fault| Row::at(&portal, name).with(fault);
    let answer = |name: &str, fault| row(name, Fault::Answer(fault));

    stage.play(&[
        row("old session", Fault::StaleCookies).is("registered", 2),
        row("slow", Fault::Slow(Duration::from_millis(500))),
        answer("redirect loop", AnswerFault::RedirectLoop)
            .is("unsupported", 1)
            .because(Kind::RedirectsEndlessly),
        answer("redirect away", AnswerFault::RedirectAway { port })
            .is("unsupported", 1)
            .because(Kind::RedirectsAway)
            .saying("https://127.0.0.1:"),
        answer("endless page", AnswerFault::Endless)
            .is("unrecognised", 1)
            .because(Kind::UnknownPage)
            .saying("more than 1 MiB"),
        answer("huge header", AnswerFault::HugeHeader { bytes: 4 << 20 })
            .is("unrecognised", 1)
            .because(Kind::UnknownPage)
            .saying("an answer that cannot be read"),
    ])?;

    let came = foreign.accept().err().context("somebody came")?;
    ensure!(came.kind() == std::io::ErrorKind::WouldBlock, "{came}");
    stage.close()
}
