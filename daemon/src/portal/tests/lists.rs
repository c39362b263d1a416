//! Lists of revoked server certificates.

use cac_common::cause::{Cause, Kind as Why};
use cac_common::registration::Outcome;
use cac_common::trace::Trace;
use rcgen::{
    CertificateRevocationList, CertificateRevocationListParams, KeyIdMethod, RevokedCertParams,
    SerialNumber, date_time_ymd,
};
use rustls::version::{TLS12, TLS13};

use super::holder::{Holder, Kind};
use super::server::{self, AUTHORITY, Asks, Authority, SERIAL, Server};
use super::{ACCOUNT, RULES, portal_with_lists, registered};
use crate::portal::sign_in_traced;

const NO_LIST: &str = "no revocation list is from who issued the server's certificate";
const TOO_OLD: &str = "the revocation list for the server's certificate is too old";
const NOT_SIGNED: &str =
    "the revocation list for the server's certificate is not signed by who issued it";

#[tokio::test]
async fn a_server_that_is_on_a_list_never_sees_the_certificate() {
    let ca = Authority::new("Test CA");
    for lists in [
        vec![list(&ca, SERIAL)],
        vec![old_list(&ca, SERIAL)],
        vec![list(&ca, 5), list(&ca, SERIAL)],
        vec![list(&Authority::new("Test CA"), 5), list(&ca, SERIAL)],
        vec![[pem_list(&ca, 5), pem_list(&ca, SERIAL)].concat()],
    ] {
        let (outcome, _) = sign_in(&ca, &ca, &lists).await;

        assert_eq!(outcome, revoked());
    }
}

#[tokio::test]
async fn an_authority_that_is_on_a_list_is_not_trusted_for_its_servers() {
    let root = Authority::new("Test Root");
    let ca = Authority::under(&root, "Test CA");

    let (outcome, _) = sign_in(&root, &ca, &[list(&root, AUTHORITY)]).await;

    assert_eq!(outcome, revoked());
}

#[tokio::test]
async fn what_is_not_known_is_told_and_locks_nobody_out() {
    let (ca, other) = (Authority::new("Test CA"), Authority::new("Other CA"));
    let namesake = Authority::new("Test CA");
    for (lists, doubt) in [
        (vec![list(&ca, 5)], None),
        (vec![list(&other, SERIAL), pem_list(&ca, 5)], None),
        (vec![old_list(&ca, 5), list(&ca, 5)], None),
        (vec![list(&ca, 5), list(&namesake, 5)], None),
        (vec![list(&other, SERIAL)], Some(NO_LIST)),
        (vec![old_list(&ca, 5)], Some(TOO_OLD)),
        (vec![list(&namesake, SERIAL)], Some(NOT_SIGNED)),
    ] {
        let (outcome, told) = sign_in(&ca, &ca, &lists).await;

        assert_eq!(outcome, registered());
        assert_eq!(told.as_deref(), doubt);
    }
}

#[test]
fn a_list_of_no_use_is_named_and_left_out() {
    let ca = Authority::new("Test CA");
    for (bytes, fault) in [
        (b"".to_vec(), "1.crl is empty"),
        (b"junk".to_vec(), "1.crl: list 1 cannot be used: "),
        (
            [pem_list(&ca, 5), b"-----BEGIN X509 CRL-----\nAAAA".to_vec()].concat(),
            "1.crl: list 2 cannot be used: ",
        ),
        (ca.certificate.pem().into_bytes(), "1.crl is empty"),
    ] {
        let portal = portal_with_lists("https://a.example", &ca, RULES, &[bytes]);

        let [told] = portal.list_faults() else {
            panic!("{:?}", portal.list_faults());
        };
        assert!(told.to_string().contains(fault), "{told}");
    }
}

async fn sign_in(root: &Authority, ca: &Authority, lists: &[Vec<u8>]) -> (Outcome, Option<String>) {
    let mut ended = None;
    for version in [&TLS12, &TLS13] {
        let config = server::config(ca, version, &Asks::Quietly(ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, ca);
        let portal = portal_with_lists(&server.origin(), root, RULES, lists);
        let mut trace = Trace::default();

        let outcome = sign_in_traced(&portal, holder.identity(), &mut trace).await;

        let outcome = outcome.unwrap();
        let signed = usize::from(matches!(outcome, Outcome::Registered { .. }));
        assert_eq!(holder.signed(), signed, "{version:?}");
        let now = (outcome, trace.hops.pop().unwrap().doubt);
        assert!(ended.is_none_or(|before| before == now), "{version:?}");
        ended = Some(now);
    }
    ended.unwrap()
}

fn revoked() -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Why::ServerRevoked,
            "the own certificate of 127.0.0.1 is not trusted: it is revoked",
        ),
    }
}

/// In DER.
fn list(authority: &Authority, serial: u64) -> Vec<u8> {
    list_until(2049, authority, serial).der().to_vec()
}

fn pem_list(authority: &Authority, serial: u64) -> Vec<u8> {
    list_until(2049, authority, serial).pem().unwrap().into()
}

fn old_list(authority: &Authority, serial: u64) -> Vec<u8> {
    list_until(2021, authority, serial).der().to_vec()
}

/// With one certificate on it.
fn list_until(year: i32, authority: &Authority, serial: u64) -> CertificateRevocationList {
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(year, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&authority.issuer).unwrap()
}
