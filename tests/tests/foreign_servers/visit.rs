//! Who visits a server, and what comes of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::profile::Profile;
use cac_common::registration::Outcome;
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;
use cac_tests::portal::ServerIdentity;
use cac_tests::portal::authority::Authority;
use cac_tests::servers::Running;
use cac_tests::servers::pki::Holder;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cacd::portal::{Portal, sign_in};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};
use tempfile::TempDir;

/// The page of somebody who is signed in.
const RULES: &str = r##"
[[outcome]]
result = "registered"
selector = "main#account"
account_selector = "#name"
"##;

/// 2020-06-01, as the revocation lists have it.
const REVOKED_ON: UtcSeconds = UtcSeconds(1_590_969_600);

/// The authority that the servers trust.
pub(crate) fn ours() -> &'static Authority {
    static OURS: OnceLock<Authority> = OnceLock::new();
    OURS.get_or_init(|| Authority::new().unwrap())
}

/// One of the same names that no server trusts.
fn namesake() -> &'static Authority {
    static NAMESAKE: OnceLock<Authority> = OnceLock::new();
    NAMESAKE.get_or_init(|| Authority::new().unwrap())
}

/// One of other names, that no server trusts either.
pub(crate) fn strangers() -> &'static Authority {
    static STRANGERS: OnceLock<Authority> = OnceLock::new();
    STRANGERS.get_or_init(|| Authority::named("OTHER ROOT CA 1", "OTHER ID CA-1").unwrap())
}

pub(crate) fn server() -> ServerIdentity {
    ours().server().unwrap()
}

/// The root, and the authority that issues.
pub(crate) fn whole_chain() -> String {
    ours().root_pem() + &ours().issuing_pem()
}

/// What somebody comes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Card {
    Rsa,
    P256,
    /// The certificate of its issuer is not known here, so it goes alone.
    Alone,
    Expired,
    NotYetValid,
    Revoked,
    /// And that is known here.
    KnownRevoked,
    /// The revocation was asked for here, and there is none.
    KnownGood,
    Namesake,
    /// And that is known here.
    KnownNamesake,
    Stranger,
    /// For e-mail.
    WrongPurpose,
    /// For encryption.
    WrongUsage,
}

impl Card {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rsa => "good, RSA-2048",
            Self::P256 => "good, P-256",
            Self::Alone => "good, its issuer's certificate not known here",
            Self::Expired => "expired",
            Self::NotYetValid => "not valid yet",
            Self::Revoked => "revoked, not known here",
            Self::KnownRevoked => "revoked, known here",
            Self::KnownGood => "good, not revoked as is known here",
            Self::Namesake => "from an unknown authority of the same name",
            Self::KnownNamesake => "the same, not trusted here either",
            Self::Stranger => "from an unknown authority",
            Self::WrongPurpose => "for e-mail alone",
            Self::WrongUsage => "for encryption alone",
        }
    }

    /// Issued anew each time, so that a revocation list can name it alone.
    pub(crate) fn holder(self) -> Holder {
        let issuer = if matches!(self, Self::Namesake | Self::KnownNamesake) {
            namesake()
        } else if self == Self::Stranger {
            strangers()
        } else {
            ours()
        };
        let algorithm = if self == Self::Rsa {
            KeyAlgorithm::Rsa2048
        } else {
            KeyAlgorithm::P256
        };
        let mut holder = Holder::new(issuer, algorithm, |params| {
            if self == Self::Expired {
                params.not_before = date_time_ymd(2019, 1, 1);
                params.not_after = date_time_ymd(2020, 1, 1);
            }
            if self == Self::NotYetValid {
                params.not_before = date_time_ymd(2090, 1, 1);
            }
            if self == Self::WrongPurpose {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
            }
            if self == Self::WrongUsage {
                params.extended_key_usages = Vec::new();
                params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            }
        })
        .unwrap();
        if self == Self::Alone {
            holder.intermediates.clear();
        }
        let standing = &mut holder.standing;
        if self == Self::KnownRevoked {
            standing.revocation = Revocation::Revoked {
                since: REVOKED_ON,
                reason: None,
            };
        }
        if self == Self::KnownGood {
            standing.revocation = Revocation::Good { at: standing.at };
        }
        if self == Self::KnownNamesake {
            standing.chain = ChainStatus::NotTrusted {
                reason: "TEST ID CA-1: its signature is wrong".into(),
            };
        }
        holder
    }

    pub(crate) fn is_revoked(self) -> bool {
        matches!(self, Self::Revoked | Self::KnownRevoked)
    }
}

/// What came of a visit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) curl: String,
    pub(crate) cacd: String,
    /// How often the key signed for cacd.
    pub(crate) signed: usize,
}

/// Visits a server twice: with curl, and as the daemon does.
pub(crate) fn visit(server: &Running, holder: &Holder) -> Met {
    visit_within(server, &[], holder)
}

/// The same, at a portal that has these origins too.
pub(crate) fn visit_within(server: &Running, more: &[String], holder: &Holder) -> Met {
    let folder = tempfile::tempdir().unwrap();
    let anchor = write(&folder, "ca.pem", &ours().root_pem());
    let certificate = write(&folder, "card.pem", &holder.pem());
    let curl = curl(server, &anchor, Some(&certificate));

    let before = holder.signed();
    let portal = portal(&server.origin(), more, &anchor);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime
        .block_on(sign_in(&portal, holder.identity()))
        .unwrap_or_else(|error| panic!("{error}: {}", server.log()));
    Met {
        curl,
        cacd: in_words(&outcome),
        signed: holder.signed() - before,
    }
}

/// What curl sees that has no certificate.
pub(crate) fn visit_without(server: &Running) -> String {
    let folder = tempfile::tempdir().unwrap();
    let anchor = write(&folder, "ca.pem", &ours().root_pem());
    curl(server, &anchor, None)
}

fn portal(origin: &str, more: &[String], anchor: &Path) -> Portal {
    let text = format!(
        "name = \"foreign\"\ntitle = \"Foreign\"\norigin = \"{origin}\"\nstart = \"/sign-in\"\n\
         redirect_origins = {more:?}\n{RULES}"
    );
    let source = Source::new(Path::new("/etc/cacd/portals.d/foreign.toml"), text);
    let mut profile = Profile::check(&source).unwrap();
    profile.trust_anchors = vec![anchor.to_owned()];
    Portal::prepare(profile).unwrap()
}

fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Registered { account } => {
            format!("registered: {}", account.as_deref().unwrap_or("-"))
        }
        Outcome::Forbidden { cause } => format!("forbidden: {cause}"),
        Outcome::NeedsConsent { .. } => "needs consent".into(),
        Outcome::Rejected { cause } => format!("rejected: {cause}"),
        Outcome::Unavailable { cause, .. } => format!("unavailable: {cause}"),
        Outcome::Unsupported { cause } => format!("unsupported: {cause}"),
        Outcome::Unrecognised { cause } => format!("unrecognised: {cause}"),
        Outcome::NeedsWizard
        | Outcome::NotEligible
        | Outcome::NeedsSponsor
        | Outcome::NotFound
        | Outcome::LockedOut => format!("{outcome:?}"),
    }
}

/// Status and title of the page, or how the connection ended.
fn curl(server: &Running, anchor: &Path, certificate: Option<&Path>) -> String {
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "--noproxy",
            "*",
        ])
        .args(["--location", "--write-out", "\n%{http_code}", "--cacert"])
        .arg(anchor);
    if let Some(certificate) = certificate {
        command.arg("--cert").arg(certificate);
    }
    let output = command
        .arg(format!("{}/sign-in", server.origin()))
        .output()
        .expect("curl is there: install the Debian package curl");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return match errors.split_once(" alert ") {
            Some((_, alert)) => {
                let words = alert.split(',').next().unwrap();
                format!("alert: {}", words.trim())
            }
            None if errors.contains("reset by peer") => "connection reset".into(),
            None if errors.contains("Empty reply") => "connection closed".into(),
            None => errors.lines().next().unwrap_or_default().to_owned(),
        };
    }
    let (page, status) = text.rsplit_once('\n').unwrap();
    let title = page
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"))
        .map_or("no title", |(title, _)| title.trim());
    // nginx and Apache have the status in the title, too.
    match title.strip_prefix(status) {
        Some(_) => title.to_owned(),
        None => format!("{status} {title}"),
    }
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}
