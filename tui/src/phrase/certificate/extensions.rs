//! What the words of a certificate's extensions mean.

/// Key usage (RFC 5280 §4.2.1.3).
pub fn usage(word: &str) -> Option<&'static str> {
    Some(match word {
        "digitalSignature" => "may sign, as signing in does",
        "nonRepudiation" => "what it signs binds its holder",
        "keyEncipherment" => "may open keys that were encrypted for it",
        "dataEncipherment" => "may open data that was encrypted for it",
        "keyAgreement" => "may agree on a key with somebody",
        "keyCertSign" => "may issue certificates",
        "cRLSign" => "may sign lists of revoked certificates",
        _ => return None,
    })
}

/// Extended key usage (RFC 5280 §4.2.1.12, and those of PIV and Microsoft).
pub fn extended_usage(word: &str) -> Option<&'static str> {
    Some(match word {
        "clientAuth" => "signs in to servers",
        "serverAuth" => "proves a server",
        "emailProtection" => "signs and opens mail",
        "smartcardLogon" => "signs in to Windows",
        "pkinit-KPClientAuth" => "signs in to Kerberos",
        "id-PIV-cardAuth" => "proves the card, not its holder",
        "id-PIV-content-signing" => "signs what stands on cards",
        "anyExtendedKeyUsage" => "whatever its key usage allows",
        "OCSPSigning" => "says which certificates are revoked",
        _ => return None,
    })
}

/// Policies of the Federal PKI and of the DoD, by name or OID.
pub fn policy(word: &str) -> Option<&'static str> {
    Some(match word {
        "id-fpki-common-authentication" => "signs in its holder, whose PIN the card has checked",
        "id-fpki-common-cardAuth"
        | "id-fpki-common-pivi-cardAuth"
        | "id-fpki-certpcy-pivi-cardAuth" => "proves the card alone",
        "id-fpki-common-hardware" => "its key never leaves the card",
        "id-fpki-common-derived-pivAuth" | "id-fpki-common-derived-pivAuth-hardware" => {
            "signs in its holder from another device"
        }
        "id-fpki-common-pivi-authentication" => {
            "signs in its holder, whom a PIV-I issuer has checked"
        }
        _ if word.starts_with("2.16.840.1.101.2.1.11.") => "a policy of the DoD",
        _ if is_for_tests(word) => "for tests alone",
        _ => return None,
    })
}

/// Of the arc of test policies (NIST, Computer Security Objects Register).
pub fn is_for_tests(word: &str) -> bool {
    word.starts_with("2.16.840.1.101.3.2.1.48.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_told_by_its_number_alone() {
        assert_eq!(usage("encipherOnly"), None);
        assert_eq!(extended_usage("1.2.3.4"), None);
        assert_eq!(policy("1.2.3.4"), None);
        assert_eq!(
            policy("2.16.840.1.101.2.1.11.42"),
            Some("a policy of the DoD")
        );
        assert_eq!(
            policy("2.16.840.1.101.3.2.1.48.11"),
            Some("for tests alone")
        );
        assert_eq!(policy("2.16.840.1.101.2.1.110"), None);
    }
}
