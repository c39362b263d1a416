//! Why a sign-in did not lead to a registration: one catalogue of causes, of
//! what each means for the person, and of what to do next.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A cause, with what is particular to this case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    pub kind: Kind,
    /// A clause: `it expired on 2030-12-31`.
    pub detail: String,
    /// The page that nothing was known of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<PageSeen>,
}

/// What is kept of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageSeen {
    /// The HTTP status.
    pub status: u16,
    /// Of its bytes, hexadecimal: the same page again, or another.
    pub sha256: String,
}

/// What something has as its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    NameUnknown,
    ConnectionRefused,
    NoRoute,
    NoAnswer,
    ConnectionClosed,
    ProxyRefuses,
    PortalBusy,
    PortalError,
    PortalFails,
    ServerNotTrusted,
    ServerExpired,
    ServerMisnamed,
    ServerRevoked,
    TlsTrouble,
    AsksLateRenegotiation,
    AsksLatePostHandshake,
    NeverAsks,
    WantsPassword,
    RedirectsAway,
    RedirectsEndlessly,
    NoticeNotAcceptable,
    NoCommonSignature,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateRevoked,
    RevocationNotKnown,
    WrongUse,
    IssuerUnknown,
    IssuerNotAccepted,
    NoCertificate,
    NoRight,
    SignatureNotVerified,
    NotSaid,
    NotKnown,
    Forbidden,
    SaidByPortal,
    UnknownPage,
    LogInForm,
    OtherPage,
    NoticeFirst,
    PinBlocked,
    CardFailed,
    FailedHere,
    /// Written down before there was a catalogue.
    #[serde(other)]
    Other,
}

/// What the catalogue says of a kind of cause: sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub cause: &'static str,
    /// For the one who wants in.
    pub means: &'static str,
    pub next: &'static str,
}

impl Cause {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            page: None,
        }
    }

    #[must_use]
    pub fn on_page(self, status: u16, sha256: String) -> Self {
        Self {
            page: Some(PageSeen { status, sha256 }),
            ..self
        }
    }

    /// What it means, and what to do next; empty where nothing is known.
    pub fn advice(&self) -> String {
        let Entry { means, next, .. } = self.kind.entry();
        [means, next]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<&str> for Cause {
    fn from(detail: &str) -> Self {
        Self::new(Kind::Other, detail)
    }
}

impl From<String> for Cause {
    fn from(detail: String) -> Self {
        Self::new(Kind::Other, detail)
    }
}

/// Also a mere text, as it was written before there was a catalogue.
impl<'de> Deserialize<'de> for Cause {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Whole {
                kind: Kind,
                detail: String,
                #[serde(default)]
                page: Option<PageSeen>,
            },
            Text(String),
        }

        Ok(match Written::deserialize(deserializer)? {
            Written::Whole { kind, detail, page } => Self { kind, detail, page },
            Written::Text(detail) => detail.into(),
        })
    }
}

/// The name in the journal, on the socket and in the documents.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

const WAIT: &str = "Wait; if it lasts, ask the portal's help desk.";
const OFFICE: &str = "Go to an ID card office (RAPIDS); make an appointment first.";
const ADMINISTRATOR: &str = "Tell your administrator.";
const BROWSER: &str = "Use a browser for this portal.";

impl Kind {
    /// All but [`Kind::Other`], in the order of the documents.
    pub const ALL: [Self; 43] = [
        Self::NameUnknown,
        Self::ConnectionRefused,
        Self::NoRoute,
        Self::NoAnswer,
        Self::ConnectionClosed,
        Self::ProxyRefuses,
        Self::PortalBusy,
        Self::PortalError,
        Self::PortalFails,
        Self::ServerNotTrusted,
        Self::ServerExpired,
        Self::ServerMisnamed,
        Self::ServerRevoked,
        Self::TlsTrouble,
        Self::AsksLateRenegotiation,
        Self::AsksLatePostHandshake,
        Self::NeverAsks,
        Self::WantsPassword,
        Self::RedirectsAway,
        Self::RedirectsEndlessly,
        Self::NoticeNotAcceptable,
        Self::NoCommonSignature,
        Self::CertificateExpired,
        Self::CertificateNotYetValid,
        Self::CertificateRevoked,
        Self::RevocationNotKnown,
        Self::WrongUse,
        Self::IssuerUnknown,
        Self::IssuerNotAccepted,
        Self::NoCertificate,
        Self::NoRight,
        Self::SignatureNotVerified,
        Self::NotSaid,
        Self::NotKnown,
        Self::Forbidden,
        Self::SaidByPortal,
        Self::UnknownPage,
        Self::LogInForm,
        Self::OtherPage,
        Self::NoticeFirst,
        Self::PinBlocked,
        Self::CardFailed,
        Self::FailedHere,
    ];

    #[expect(
        clippy::too_many_lines,
        reason = "a table, which the compiler holds against the kinds there are"
    )]
    pub fn entry(self) -> Entry {
        let (cause, means, next) = match self {
            Self::NameUnknown => (
                "The network does not know the portal's name.",
                "There is no network, or the portal can be seen only from some, such as the DoD's own or its VPN.",
                "Check the network and the VPN.",
            ),
            Self::ConnectionRefused => (
                "Nothing listens at the portal's address.",
                "The portal is down, or its profile names another port than it has.",
                WAIT,
            ),
            Self::NoRoute => (
                "No network leads to the portal.",
                "This machine is not connected, or not to the network that the portal is in.",
                "Check the network and the VPN.",
            ),
            Self::NoAnswer => (
                "The portal has not answered in time.",
                "It is slow or down, or does not answer networks like yours: many DoD sites take no calls from home or from abroad.",
                "Check the VPN; if it lasts, ask the portal's help desk.",
            ),
            Self::ConnectionClosed => (
                "The portal closed the connection without an answer.",
                "The trouble is most likely the portal's, not your card's.",
                WAIT,
            ),
            Self::ProxyRefuses => (
                "The proxy does not lead to the portal.",
                "The proxy is down, wants to be signed in to, or does not allow this portal.",
                ADMINISTRATOR,
            ),
            Self::PortalBusy => (
                "The portal is busy, or down for maintenance.",
                "The trouble is the portal's, not your card's.",
                WAIT,
            ),
            Self::PortalError => (
                "The portal has an error of its own.",
                "The trouble is the portal's, not your card's.",
                WAIT,
            ),
            Self::PortalFails => (
                "The portal failed while the connection was made.",
                "It may not have been able to look up whether your certificate was revoked.",
                WAIT,
            ),
            Self::ServerNotTrusted => (
                "Nobody who is trusted here vouches for the portal's own certificate.",
                "The roots of the DoD are missing on this machine, or this is not the portal. Nothing of yours was sent to it.",
                "Ask your administrator to install the roots, or to name them in the portal's profile.",
            ),
            Self::ServerExpired => (
                "The portal's own certificate is not valid today.",
                "The portal has let it expire, or the clock of this machine is wrong. Nothing of yours was sent to it.",
                "Check date and time; if they are right, wait until the portal has a new one.",
            ),
            Self::ServerMisnamed => (
                "The portal's own certificate is for another name.",
                "The address in the profile is wrong, or somebody stands in between. Nothing of yours was sent to it.",
                ADMINISTRATOR,
            ),
            Self::ServerRevoked => (
                "The portal's own certificate was revoked.",
                "Its key may be known to others. Nothing of yours was sent to it.",
                "Do not sign in there with a browser either; ask the help desk.",
            ),
            Self::TlsTrouble => (
                "The portal speaks TLS in a way that cacd does not.",
                "That is no fault of your card.",
                "Use a browser for this portal, and tell your administrator.",
            ),
            Self::AsksLateRenegotiation => (
                "The portal asks for the certificate late, by negotiating anew (TLS 1.2).",
                "That is no fault of your card; cacd cannot answer it.",
                BROWSER,
            ),
            Self::AsksLatePostHandshake => (
                "The portal asks for the certificate late, after the handshake (TLS 1.3).",
                "That is no fault of your card; hardly any browser can answer it either.",
                "Use Firefox with security.tls.enable_post_handshake_auth switched on.",
            ),
            Self::NeverAsks => (
                "The portal does not ask for a certificate when the connection is made.",
                "The start address in the profile may not be the one for cards.",
                ADMINISTRATOR,
            ),
            Self::WantsPassword => (
                "The portal asks for a password, and not for the card.",
                "The start address in the profile may not be the one for cards.",
                ADMINISTRATOR,
            ),
            Self::RedirectsAway => (
                "The portal sends us to an address that its profile does not name.",
                "Nothing was sent there.",
                "If the address belongs to the portal, your administrator can add it to redirect_origins.",
            ),
            Self::RedirectsEndlessly => (
                "The portal sends us in a circle.",
                "It may want a cookie that it did not get, or not know what to do with the certificate.",
                BROWSER,
            ),
            Self::NoticeNotAcceptable => (
                "The portal shows a notice that cannot be accepted from here.",
                "Its profile does not name the form that accepts it, or that asks for more.",
                "Use a browser for this portal, and tell your administrator.",
            ),
            Self::NoCommonSignature => (
                "The portal takes no signature that the card's key can make.",
                "The card is too new for the portal, or the other way round.",
                "Ask the portal's help desk.",
            ),
            Self::CertificateExpired => (
                "The certificate has expired.",
                "No portal lets anyone in with it.",
                OFFICE,
            ),
            Self::CertificateNotYetValid => (
                "The certificate is not valid yet.",
                "Most often the clock of this machine, or of the portal, is wrong.",
                "Check date and time; if they are right, it works from that day on.",
            ),
            Self::CertificateRevoked => (
                "The certificate was revoked.",
                "The card was reported lost, replaced by a newer one, or your place has changed. No portal lets anyone in with it.",
                OFFICE,
            ),
            Self::RevocationNotKnown => (
                "The portal could not find out whether the certificate was revoked.",
                "Either it was, or the portal's own connection to whoever knows has failed.",
                "Try again later; if it lasts, ask at an ID card office.",
            ),
            Self::WrongUse => (
                "The certificate is not for signing in.",
                "A card has several; this portal is given the wrong one.",
                "Your administrator can set certificate in the profile to authentication or signature.",
            ),
            Self::IssuerUnknown => (
                "The portal does not know who issued the certificate.",
                "Your card may be newer than the portal's list of authorities. The card itself is good.",
                "Ask the portal's help desk; name the issuer that cacctl card show tells.",
            ),
            Self::IssuerNotAccepted => (
                "The portal does not name the issuer of the certificate among those it accepts.",
                "The card was not used. Your card may be newer than the portal's list, or the portal may not be for your kind of card.",
                "Ask the portal's help desk; name the issuer that cacctl card show tells.",
            ),
            Self::NoCertificate => (
                "No certificate reached the portal.",
                "The connection was made, but without the card.",
                "Try again; if it lasts, tell your administrator.",
            ),
            Self::NoRight => (
                "The certificate is good, and has no right to this portal.",
                "The portal knows who you are and does not let you in.",
                "Ask the portal's help desk for access.",
            ),
            Self::SignatureNotVerified => (
                "The portal could not verify the card's signature.",
                "The signature was checked here and is good; the portal may know another key of the issuer.",
                "Ask the portal's help desk.",
            ),
            Self::NotSaid => (
                "The portal refuses the certificate and does not say why.",
                "To try again would change nothing by itself.",
                "Compare with a browser; if that is refused too, ask the portal's help desk.",
            ),
            Self::NotKnown => (
                "The portal does not know the certificate.",
                "It is good, but tied to no account there.",
                "Register the card by hand with your user name and password: cacctl wizard, or w in the dashboard.",
            ),
            Self::Forbidden => (
                "The portal refuses access, and does not say more.",
                "An old session, a card that is not registered, or no right to be there. A fresh session was tried.",
                "Wait 15 minutes and try again; else register the card by hand (cacctl wizard).",
            ),
            Self::SaidByPortal => (
                "The portal says so on its page.",
                "The portal's profile knows this page.",
                "Do as the page says, or ask the portal's help desk.",
            ),
            Self::UnknownPage => (
                "The portal answered with a page that its profile does not describe.",
                "It cannot be told whether you are registered.",
                "Your administrator can see more with cacctl portal test.",
            ),
            Self::LogInForm => (
                "The portal had the certificate, and shows a log-in form all the same.",
                "The card is most likely not tied to an account.",
                "Register the card by hand: cacctl wizard, or w in the dashboard.",
            ),
            Self::OtherPage => (
                "The portal shows another page than this step of its profile expects.",
                "The portal may have been changed since its profile was written. Nothing more was sent.",
                "Try the step again, or do it in a browser; tell your administrator what was seen.",
            ),
            Self::NoticeFirst => (
                "The portal shows a notice that has to be accepted first.",
                "It is there to be read now, as one that is shown when you sign in.",
                "Read and accept it with cacctl register or in the dashboard, and try the step again.",
            ),
            Self::PinBlocked => (
                "No PIN tries are left.",
                "The card takes no PIN any more until it is reset.",
                "An ID card office (RAPIDS) can reset the PIN; bring the card and another photo ID.",
            ),
            Self::CardFailed => (
                "The card did not do its part.",
                "Nothing is wrong with your account.",
                "Take the card out, put it in again and type the PIN once more.",
            ),
            Self::FailedHere => (
                "This machine could not even begin.",
                "Neither your card nor the portal is at fault.",
                ADMINISTRATOR,
            ),
            Self::Other => ("", "", ""),
        };
        Entry { cause, means, next }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_sentences_and_a_name_of_its_own() {
        let names: BTreeSet<String> = Kind::ALL.iter().map(ToString::to_string).collect();

        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            let Entry { cause, means, next } = kind.entry();
            for text in [cause, means, next] {
                assert!(text.ends_with('.'), "{kind}: {text}");
            }
            let again: Kind = serde_json::from_value(kind.to_string().into()).unwrap();
            assert_eq!(again, kind);
        }
    }

    #[test]
    fn what_was_written_before_there_was_a_catalogue_is_read() {
        let old: Cause = serde_json::from_str("\"it has expired\"").unwrap();
        let new: Cause =
            serde_json::from_str(r#"{"kind":"certificate-expired","detail":"x"}"#).unwrap();
        let future: Cause = serde_json::from_str(r#"{"kind":"moon-phase","detail":"x"}"#).unwrap();

        assert_eq!(old, Cause::new(Kind::Other, "it has expired"));
        assert_eq!(old.advice(), "");
        assert_eq!(new.kind, Kind::CertificateExpired);
        assert_eq!(future.kind, Kind::Other);
    }
}
