//! What the name of an issuer tells: a hint, and no proof. Whether a
//! certificate is to be believed is for the chain above it to say.

use cac_common::certificate::CertificateSummary;

/// Who issued a certificate, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// `DOD ID CA-64`: authentication and identity certificates.
    DodIdentity,
    /// `DOD EMAIL CA-64`: signature and encryption certificates.
    DodMail,
    /// `DOD SW CA-66`: keys that lie in no card.
    DodSoftware,
    /// `DERILITY CA-3`: derived credentials, for phones.
    DodDerived,
    /// The DoD's interoperability test command, or GSA's test cards.
    Test,
    /// The authorities of national security systems, whose tokens belong to a
    /// classified network.
    ClassifiedNetwork,
    Other,
}

impl Issuer {
    pub fn of(summary: &CertificateSummary) -> Self {
        let name = &summary.issuer;
        let is_test = name.to_ascii_uppercase().contains("JITC")
            || summary.issuer_dn.contains("ICAM Test Card");
        if is_test {
            return Self::Test;
        }
        let is_classified =
            name.starts_with("NSS ") || summary.issuer_dn.split(',').any(|part| part == "OU=NSS");
        if is_classified {
            return Self::ClassifiedNetwork;
        }
        [
            ("DOD ID CA-", Self::DodIdentity),
            ("DOD EMAIL CA-", Self::DodMail),
            ("DOD SW CA-", Self::DodSoftware),
            // Spelt so, and with or without the first word.
            ("DOD DERILITY CA-", Self::DodDerived),
            ("DERILITY CA-", Self::DodDerived),
        ]
        .into_iter()
        .find(|(prefix, _)| name.strip_prefix(prefix).is_some_and(is_number))
        .map_or(Self::Other, |(_, issuer)| issuer)
    }

    pub fn is_dod(self) -> bool {
        match self {
            Self::DodIdentity | Self::DodMail | Self::DodSoftware | Self::DodDerived => true,
            Self::Test | Self::ClassifiedNetwork | Self::Other => false,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::Draft;
    use super::*;

    #[test]
    fn issuers_are_told_apart_by_name() {
        for (name, issuer) in [
            ("DOD ID CA-64", Issuer::DodIdentity),
            ("DOD ID CA-9901", Issuer::DodIdentity),
            ("DOD EMAIL CA-71", Issuer::DodMail),
            ("DOD SW CA-66", Issuer::DodSoftware),
            ("DERILITY CA-1", Issuer::DodDerived),
            ("DOD DERILITY CA-1", Issuer::DodDerived),
            ("DOD JITC ID CA-63", Issuer::Test),
            ("DoD JITC Root CA 6", Issuer::Test),
            ("ICAM Test Card PIV Signing CA", Issuer::Test),
            ("NSS Example CA 1", Issuer::ClassifiedNetwork),
            ("DOD ID CA-", Issuer::Other),
            ("DOD ID CA-6x", Issuer::Other),
            ("XDOD ID CA-64", Issuer::Other),
            ("DOD ID CA-64 ", Issuer::DodIdentity),
            ("Example CA", Issuer::Other),
            ("", Issuer::Other),
        ] {
            let mut draft = Draft::authentication();
            draft.issuer = name.into();

            assert_eq!(Issuer::of(&draft.certificate().summary), issuer, "{name}");
        }
    }

    #[test]
    fn an_authority_of_national_security_systems_is_known_by_its_unit() {
        let mut summary = Draft::authentication().certificate().summary;
        summary.issuer_dn = "CN=Example CA,OU=NSS,OU=DoD,O=Example Government,C=US".into();

        assert_eq!(Issuer::of(&summary), Issuer::ClassifiedNetwork);
    }
}
