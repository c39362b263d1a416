//! Certificates: the portal's own, and the card's as portals judge it.

use std::fs;
use std::path::PathBuf;

use cac_common::cause::Kind;
use cac_tests::clock;
use cac_tests::harness::PORTAL;
use cac_tests::portal::authority::{Authority, ServerFlaw};
use cac_tests::portal::{Demand, ReferencePortal, ServerIdentity, Versions};
use cac_tests::servers::{Apache, Nginx, apache, nginx};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::{issuer, samples};

use crate::row::Row;
use crate::stage::{Stage, portal};

const ACCOUNT: &str = "<title>Account</title><main id=account><b id=name>JOHN</b></main>";

fn shown_by(
    stage: &Stage,
    name: &str,
    identity: ServerIdentity,
) -> anyhow::Result<ReferencePortal> {
    portal(stage, name, |config| config.identity = identity)
}

#[test]
fn s50_a_server_whose_certificate_will_not_do_never_sees_the_card() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let authority = Authority::new()?;
    let flawed = |flaw| authority.flawed_server(&flaw);
    let revoked = vec![0x42];
    let untrusted = ServerIdentity {
        anchor: Authority::named("OTHER ROOT CA 1", "OTHER ID CA-1")?.root_pem(),
        ..authority.server()?
    };
    let expired = shown_by(&stage, "expired", flawed(ServerFlaw::Expired)?)?;
    let early = shown_by(&stage, "early", flawed(ServerFlaw::NotYetValid)?)?;
    let misnamed = shown_by(&stage, "misnamed", flawed(ServerFlaw::OtherName)?)?;
    let client = shown_by(&stage, "client", flawed(ServerFlaw::ForClients)?)?;
    let numbered = shown_by(
        &stage,
        "numbered",
        flawed(ServerFlaw::Numbered(revoked.clone()))?,
    )?;
    let unknown = shown_by(&stage, "unknown", untrusted)?;
    let list = stage.lab.folder().join("revoked.crl");
    fs::write(&list, authority.revocations(&[&revoked], 2090)?)?;
    let with_list = numbered.profile().replace(
        "#revocation_lists = [\"reference-ca.crl\"]",
        &format!("revocation_lists = [\"{}\"]", list.display()),
    );

    stage.play(&[
        Row::at(&expired, "expired")
            .unsupported(Kind::ServerExpired)
            .saying("it has expired"),
        Row::at(&early, "not yet valid")
            .unsupported(Kind::ServerExpired)
            .saying("it is not valid yet"),
        Row::at(&misnamed, "for another name").unsupported(Kind::ServerMisnamed),
        Row::at(&client, "for clients").unsupported(Kind::ServerNotTrusted),
        Row::at(&numbered, "revoked")
            .by(with_list)
            .unsupported(Kind::ServerRevoked),
        Row::at(&unknown, "from an unknown authority")
            .unsupported(Kind::ServerNotTrusted)
            .saying("install the roots"),
    ])?;

    for portal in [&expired, &early, &misnamed, &client, &numbered, &unknown] {
        assert_eq!(portal.requests(), 0);
    }
    stage.close()
}

#[test]
fn s50_a_portal_that_does_not_know_the_cards_issuer_is_told_by_what_it_names() -> anyhow::Result<()>
{
    let mut stage = Stage::open()?;
    let other = Authority::new()?.root_pem();
    let namesake = issuer::Authority::new(clock::now())?.root_pem();
    let names_others = portal(&stage, "others", |config| {
        config.client_roots.clone_from(&other);
    })?;
    let namesakes = portal(&stage, "namesake", |config| {
        config.client_roots.clone_from(&namesake);
    })?;
    let takes_all = portal(&stage, "unverified", |config| {
        config.client_roots.clone_from(&namesake);
        config.demand = Demand::Unverified;
    })?;

    stage.play(&[
        Row::at(&names_others, "names others")
            .is("rejected", 0)
            .because(Kind::IssuerNotAccepted),
        Row::at(&namesakes, "knows another of that name").rejected(Kind::SignatureNotVerified),
        Row::at(&takes_all, "judges on a page")
            .by(takes_all.full_profile())
            .rejected(Kind::SaidByPortal)
            .saying("Certificate Not Verified"),
        Row::at(&takes_all, "the same, without a rule")
            .is("unrecognised", 1)
            .because(Kind::UnknownPage)
            .saying("Certificate Not Verified"),
    ])?;

    stage.close()
}

/// A profile of a server that is not ours: it only knows its account page.
struct Foreign {
    anchor: PathBuf,
    identity: ServerIdentity,
}

impl Foreign {
    fn new(stage: &Stage) -> anyhow::Result<Self> {
        let authority = samples::authority();
        let certificate =
            authority.issue_server_certificate(&["localhost"], Validity::current(clock::now()))?;
        let anchor = stage.lab.folder().join("foreign-ca.pem");
        fs::write(&anchor, authority.root_pem())?;
        Ok(Self {
            anchor,
            identity: ServerIdentity {
                chain: certificate.chain_pem,
                key: certificate.key_pem,
                anchor: authority.root_pem(),
            },
        })
    }

    fn nginx(&self, named: &str, answer: &str) -> nginx::Setup {
        let server = format!("location / {{ {answer} }}");
        nginx::Setup::new(self.identity.clone(), named.to_owned(), &server)
    }

    fn profile(&self, origin: &str) -> String {
        format!(
            "name = \"{PORTAL}\"\ntitle = \"Foreign\"\norigin = \"{origin}\"\n\
             start = \"/sign-in\"\ntrust_anchors = [\"{}\"]\n\
             [[outcome]]\nresult = \"registered\"\nselector = \"main#account\"\n",
            self.anchor.display()
        )
    }
}

#[test]
fn s50_nginx_and_what_it_does_not_say() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let foreign = Foreign::new(&stage)?;
    let other = Authority::new()?.root_pem();
    let ours = samples::authority().root_pem();
    let namesake = issuer::Authority::new(clock::now())?.root_pem();
    let account = format!("return 200 '{ACCOUNT}';");
    let asking_nobody = |answer: &str| nginx::Setup {
        verify: nginx::Verify::Off,
        ..foreign.nginx(&ours, answer)
    };
    let servers = [
        foreign.nginx(&ours, &account),
        foreign.nginx(&other, &account),
        foreign.nginx(&namesake, &account),
        asking_nobody(&account),
        asking_nobody("return 403 '<title>No entry</title>';"),
        asking_nobody("return 401 '<title>Who are you?</title>';"),
        asking_nobody("return 496;"),
        asking_nobody("return 200 '<title>Log in</title><form><input type=password></form>';"),
    ]
    .into_iter()
    .map(|setup| Nginx::start(&setup))
    .collect::<Result<Vec<_>, _>>()?;
    let at = |number: usize, name: &str| {
        let origin = servers[number].origin();
        Row::elsewhere(format!("nginx: {name}"), foreign.profile(&origin))
    };

    stage.play(&[
        at(0, "good"),
        at(1, "names others")
            .is("rejected", 0)
            .because(Kind::IssuerNotAccepted),
        at(2, "knows another of that name")
            .rejected(Kind::NotSaid)
            .saying("the portal does not say why"),
        at(3, "lets everybody in").unsupported(Kind::NeverAsks),
        at(4, "403, and never asks")
            .is("forbidden", 0)
            .because(Kind::NeverAsks),
        at(5, "401, and never asks")
            .is("forbidden", 0)
            .because(Kind::NeverAsks),
        at(6, "wants a certificate, and never asks").unsupported(Kind::NeverAsks),
        at(7, "wants a password").unsupported(Kind::WantsPassword),
    ])?;

    stage.close()
}

#[test]
fn s50_a_server_that_takes_no_signature_of_the_cards_key_is_told_as_such() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let foreign = Foreign::new(&stage)?;
    let ours = samples::authority().root_pem();
    // Of RSA keys alone, and the card's are on a curve.
    let answer = format!(
        "ssl_conf_command ClientSignatureAlgorithms RSA-PSS+SHA256:RSA+SHA256; \
         return 200 '{ACCOUNT}';"
    );
    let nginx = |versions| {
        Nginx::start(&nginx::Setup {
            versions,
            ..nginx::Setup::new(foreign.identity.clone(), ours.clone(), &answer)
        })
    };
    let (old, new) = (nginx(Versions::Tls12)?, nginx(Versions::Tls13)?);
    let row = |name: &str, origin: String| {
        Row::elsewhere(name, foreign.profile(&origin))
            .unsupported(Kind::NoCommonSignature)
            .saying("a kind of signature that the card's key cannot make")
    };

    stage.play(&[row("TLS 1.2", old.origin()), row("TLS 1.3", new.origin())])?;

    stage.close()
}

#[test]
fn s50_a_server_that_asks_for_the_certificate_late_is_told_as_such() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let foreign = Foreign::new(&stage)?;
    let late = "<Location /sign-in>\nSSLVerifyClient require\n</Location>";
    let apache = |versions| {
        let ours = samples::authority().root_pem();
        Apache::start(&apache::Setup {
            versions,
            ..apache::Setup::new(foreign.identity.clone(), ours, late, ACCOUNT)
        })
    };
    let (old, new) = (apache(Versions::Tls12)?, apache(Versions::Tls13)?);

    stage.play(&[
        Row::elsewhere("renegotiation", foreign.profile(&old.origin()))
            .unsupported(Kind::AsksLateRenegotiation),
        Row::elsewhere("post-handshake", foreign.profile(&new.origin()))
            .unsupported(Kind::AsksLatePostHandshake),
    ])?;

    stage.close()
}
