//! Why a portal refused the certificate, where it says so badly or not at all.
//!
//! Servers have one text for every fault of a certificate, or an alert that
//! blames it for what is wrong with their own lists. What is known here of the
//! certificate names the cause; where it does not, what remains is told as
//! what it may be.

use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use der::asn1::ObjectIdentifier;
use der::{DateTime, Decode as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage};
use x509_cert::name::Name;

use super::SignInError;
use super::witness::{Hints, Seen};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
// RFC 5280, 4.2.1.3 and 4.2.1.12.
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// What is known here of a certificate beside what it says of itself.
#[derive(Debug, Clone)]
pub struct Standing {
    /// When it was known: now.
    pub at: UtcSeconds,
    pub chain: ChainStatus,
    pub revocation: Revocation,
}

/// The certificate that signs in, as a portal judges it.
#[derive(Debug)]
pub(super) struct Own {
    standing: Standing,
    not_before: UtcSeconds,
    not_after: UtcSeconds,
    /// Its usages allow client authentication.
    may_sign_in: bool,
    issuer: String,
    /// Certificates of authorities go along with it.
    has_chain: bool,
}

impl Own {
    pub(super) fn new(
        certificate: &[u8],
        has_chain: bool,
        standing: Standing,
    ) -> Result<Self, SignInError> {
        let certificate = Certificate::from_der(certificate).map_err(SignInError::Certificate)?;
        let tbs = certificate.tbs_certificate();
        Ok(Self {
            standing,
            not_before: moment(tbs.validity().not_before.to_unix_duration()),
            not_after: moment(tbs.validity().not_after.to_unix_duration()),
            may_sign_in: may_sign_in(&certificate),
            issuer: title(tbs.issuer()),
            has_chain,
        })
    }

    /// For a portal that has the certificate and does not say what is wrong with it.
    pub(super) fn unsaid(&self, seen: Seen) -> Cause {
        self.fault().unwrap_or_else(|| {
            let guess = self.guess(seen);
            Cause::new(
                Kind::NotSaid,
                format!("the portal does not say why; {guess}"),
            )
        })
    }

    /// For one that closed the connection when it had the certificate.
    pub(super) fn closed(&self, seen: Seen) -> Cause {
        let closed = "the portal closed the connection as soon as it had it";
        match self.fault() {
            Some(fault) => Cause::new(fault.kind, format!("{closed}, and {fault}")),
            None => Cause::new(Kind::NotSaid, format!("{closed}; {}", self.guess(seen))),
        }
    }

    /// For one that answers the certificate with an alert (RFC 8446, 6.2, and
    /// what servers make of it).
    pub(super) fn by_alert(&self, alert: u8, seen: Seen) -> Cause {
        match alert {
            40 | 116 if seen.signed == 0 => Cause::new(
                Kind::NoCertificate,
                "the portal wants a certificate and got none",
            ),
            40 | 42 | 46 => self.unsaid(seen),
            43 => self.fault_of_usage().unwrap_or_else(|| {
                Cause::new(Kind::WrongUse, "it is not of the kind this portal takes")
            }),
            44 => (self.revoked())
                .unwrap_or_else(|| Cause::new(Kind::CertificateRevoked, "it is revoked")),
            45 => self.called_expired(),
            48 => Cause::new(Kind::IssuerUnknown, self.called_unknown(seen)),
            49 => Cause::new(Kind::NoRight, "it is good, but has no right to this portal"),
            51 => Cause::new(
                Kind::SignatureNotVerified,
                format!(
                    "the portal could not verify a signature; the card's is good, so the portal \
                     may know another key of who issued it ({})",
                    self.issuer
                ),
            ),
            other => Cause::new(
                Kind::NotSaid,
                format!("the portal ended the connection with TLS alert {other}"),
            ),
        }
    }

    /// For one that was not sent, since the portal names only other issuers.
    pub(super) fn not_accepted(&self) -> Cause {
        Cause::new(Kind::IssuerNotAccepted, self.why_not_accepted())
    }

    fn why_not_accepted(&self) -> String {
        let issuer = &self.issuer;
        let leads_up = self.has_chain || matches!(self.standing.chain, ChainStatus::Trusted { .. });
        if leads_up {
            return format!("the portal does not accept your card's issuer, {issuer}");
        }
        format!(
            "the portal does not name your card's issuer, {issuer}, among those it accepts; it may \
             accept one above it, but the certificate of {issuer} is not in the folder trust here"
        )
    }

    /// OpenSSL says the same of its list of revoked certificates.
    fn called_expired(&self) -> Cause {
        self.fault_of_dates().unwrap_or_else(|| {
            let day = day(self.not_after);
            let why = format!(
                "the portal calls it expired, but it is valid until {day}: an authority's \
                 certificate or list of revoked certificates may have expired, or a clock may be \
                 wrong"
            );
            Cause::new(Kind::NotSaid, why)
        })
    }

    /// OpenSSL says the same where it lacks a list of revoked certificates.
    fn called_unknown(&self, seen: Seen) -> String {
        let issuer = &self.issuer;
        match seen.hints {
            Hints::Ours => format!(
                "the portal does not know who issued it, although it names {issuer} or one above \
                 it as accepted: it may know another key of that name, or lack a list of revoked \
                 certificates"
            ),
            Hints::Nobody => format!("the portal does not know who issued it ({issuer})"),
        }
    }

    /// What is wrong with it for certain.
    pub(super) fn fault(&self) -> Option<Cause> {
        let faults = [self.fault_of_dates(), self.fault_of_usage(), self.revoked()];
        faults.into_iter().flatten().reduce(|first, next| {
            let both = format!("{first}, and {next}");
            Cause::new(first.kind, both)
        })
    }

    pub(super) fn fault_of_dates(&self) -> Option<Cause> {
        if self.standing.at > self.not_after {
            let day = day(self.not_after);
            let why = format!("it expired on {day}");
            return Some(Cause::new(Kind::CertificateExpired, why));
        }
        (self.standing.at < self.not_before).then(|| {
            let day = day(self.not_before);
            let why = format!("it is not valid before {day}");
            Cause::new(Kind::CertificateNotYetValid, why)
        })
    }

    fn fault_of_usage(&self) -> Option<Cause> {
        let why = "it is not meant for signing in to web sites";
        (!self.may_sign_in).then(|| Cause::new(Kind::WrongUse, why))
    }

    pub(super) fn revoked(&self) -> Option<Cause> {
        let Revocation::Revoked { since, .. } = &self.standing.revocation else {
            return None;
        };
        let why = format!("it was revoked on {}", day(*since));
        Some(Cause::new(Kind::CertificateRevoked, why))
    }

    /// What may be wrong, where nothing is known to be.
    fn guess(&self, seen: Seen) -> String {
        let from_here = match &self.standing.chain {
            ChainStatus::NotTrusted { reason } => {
                format!("it is not trusted here either ({reason}), or")
            }
            ChainStatus::Test { authority } => {
                format!("it is from an authority for tests ({authority}), or")
            }
            ChainStatus::NotChecked | ChainStatus::NotConfigured | ChainStatus::Trusted { .. } => {
                "seen from here nothing is wrong with it, but".into()
            }
        };
        let mut suspicions = Vec::new();
        if !matches!(self.standing.revocation, Revocation::Good { .. }) {
            suspicions.push("it may be revoked".to_owned());
        }
        if seen.hints == Hints::Nobody {
            suspicions.push(format!(
                "the portal may not know who issued it ({})",
                self.issuer
            ));
        }
        suspicions.push(
            "the portal's lists of authorities or of revoked certificates may be old or incomplete"
                .into(),
        );
        format!("{from_here} {}", suspicions.join(", or "))
    }
}

/// Without a usage, every use is allowed. A portal takes a signature, so of
/// the key usages it wants digitalSignature or, as OpenSSL does, keyAgreement.
fn may_sign_in(certificate: &Certificate) -> bool {
    let extensions = certificate.tbs_certificate().extensions();
    let value = |wanted| {
        let extension = extensions?.iter().find(|one| one.extn_id == wanted)?;
        Some(extension.extn_value.as_bytes())
    };
    let by_key = value(KEY_USAGE)
        .and_then(|value| KeyUsage::from_der(value).ok())
        .is_none_or(|usage| usage.digital_signature() || usage.key_agreement());
    let by_purpose = value(EXTENDED_KEY_USAGE)
        .and_then(|value| ExtendedKeyUsage::from_der(value).ok())
        .is_none_or(|ExtendedKeyUsage(purposes)| purposes.contains(&CLIENT_AUTH));
    by_key && by_purpose
}

/// The common name; the whole name where there is none.
fn title(name: &Name) -> String {
    let common = name
        .iter()
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
        .last();
    common.map_or_else(|| readable(&name.to_string()), readable)
}

fn moment(since_1970: Duration) -> UtcSeconds {
    UtcSeconds(0).after(since_1970)
}

/// `2030-12-31`.
fn day(moment: UtcSeconds) -> String {
    DateTime::from_unix_duration(moment.since(UtcSeconds(0))).map_or_else(
        |_| "a day out of reach".into(),
        |it| format!("{:04}-{:02}-{:02}", it.year(), it.month(), it.day()),
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};

    use super::*;
    use crate::portal::witness::Version;

    /// 2026-01-01
    const NOW: UtcSeconds = UtcSeconds(1_767_225_600);

    const SENT: Seen = Seen {
        asked: 1,
        signed: 1,
        version: Some(Version::Tls13),
        hints: Hints::Nobody,
        withheld: None,
        fault: None,
    };

    #[test]
    fn what_an_alert_blames_the_certificate_for_is_held_against_what_is_known() {
        let named = Seen {
            hints: Hints::Ours,
            ..SENT
        };
        let good = own(NOW, ChainStatus::NotChecked, Revocation::NotChecked);
        let expired = own(after(NOW), ChainStatus::NotChecked, Revocation::NotChecked);
        let since = NOW;
        let revoked = own(
            NOW,
            ChainStatus::NotChecked,
            Revocation::Revoked {
                since,
                reason: None,
            },
        );
        for (own, alert, seen, words) in [
            (
                &good,
                45,
                SENT,
                "the portal calls it expired, but it is valid until 2027-01-01",
            ),
            (&expired, 45, SENT, "it expired on 2027-01-01"),
            (&expired, 42, SENT, "it expired on 2027-01-01"),
            (&revoked, 46, SENT, "it was revoked on 2026-01-01"),
            (&revoked, 40, SENT, "it was revoked on 2026-01-01"),
            (&good, 44, SENT, "it is revoked"),
            (&good, 43, SENT, "it is not of the kind this portal takes"),
            (
                &good,
                48,
                SENT,
                "the portal does not know who issued it (TEST CA)",
            ),
            (
                &good,
                48,
                named,
                "the portal does not know who issued it, although it names TEST CA",
            ),
            (
                &good,
                51,
                named,
                "the portal could not verify a signature; the card's is good",
            ),
            (
                &good,
                49,
                named,
                "it is good, but has no right to this portal",
            ),
            (
                &good,
                116,
                Seen { signed: 0, ..SENT },
                "the portal wants a certificate and got none",
            ),
            (
                &good,
                200,
                SENT,
                "the portal ended the connection with TLS alert 200",
            ),
        ] {
            let said = own.by_alert(alert, seen);

            assert!(said.detail.starts_with(words), "{alert}: {said}");
        }
    }

    #[test]
    fn every_fault_that_is_known_is_named() {
        let own = Own {
            may_sign_in: false,
            ..own(after(NOW), ChainStatus::NotChecked, Revocation::NotChecked)
        };

        assert_eq!(
            own.unsaid(SENT),
            Cause::new(
                Kind::CertificateExpired,
                "it expired on 2027-01-01, and it is not meant for signing in to web sites"
            )
        );
    }

    #[test]
    fn what_is_ruled_out_is_not_suspected() {
        let good_since = Revocation::Good { at: NOW };
        let lists = "the portal's lists of authorities or of revoked certificates may be old or \
                     incomplete";
        let untrusted = ChainStatus::NotTrusted {
            reason: "TEST CA has expired".into(),
        };
        let test = ChainStatus::Test {
            authority: "DOD JITC CA".into(),
        };
        for (chain, revocation, hints, words) in [
            (
                ChainStatus::NotChecked,
                good_since.clone(),
                Hints::Ours,
                format!("seen from here nothing is wrong with it, but {lists}"),
            ),
            (
                ChainStatus::NotChecked,
                good_since.clone(),
                Hints::Nobody,
                format!(
                    "seen from here nothing is wrong with it, but the portal may not know who \
                     issued it (TEST CA), or {lists}"
                ),
            ),
            (
                untrusted,
                Revocation::NotChecked,
                Hints::Ours,
                format!(
                    "it is not trusted here either (TEST CA has expired), or it may be revoked, \
                     or {lists}"
                ),
            ),
            (
                test,
                good_since,
                Hints::Ours,
                format!("it is from an authority for tests (DOD JITC CA), or {lists}"),
            ),
        ] {
            let said = own(NOW, chain, revocation).unsaid(Seen { hints, ..SENT });

            assert_eq!(said.kind, Kind::NotSaid);
            assert_eq!(said.detail, format!("the portal does not say why; {words}"));
        }
    }

    /// Past the end of the certificate.
    fn after(now: UtcSeconds) -> UtcSeconds {
        now.after(Duration::from_hours(24 * 366))
    }

    fn own(at: UtcSeconds, chain: ChainStatus, revocation: Revocation) -> Own {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, "TEST CA");
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let standing = Standing {
            at,
            chain,
            revocation,
        };
        Own::new(certificate.der(), true, standing).unwrap()
    }
}
