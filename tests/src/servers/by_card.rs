//! Signing in to a server with a card, as the daemon does it, without the
//! daemon around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::profile::Profile;
use cac_common::registration::Outcome;
use cac_common::time::UtcSeconds;
use cac_common::toml_file::Source;
use cacd::portal::{self, Identity, Portal, Signer, SignerFailed, Standing};

use super::nginx::Setup;
use super::{Nginx, Running, ServerError};
use crate::clock;
use crate::portal::ServerIdentity;
use crate::virtual_card::certificate::Validity;
use crate::virtual_card::samples;

/// What nginx answers whoever comes in, and nobody else.
pub const TITLE: &str = "<title>Account</title>";

const RULES: &str = r##"
[[outcome]]
result = "registered"
selector = "main#account"
account_selector = "#name"
"##;

/// An nginx that demands a certificate of the authority behind the sample cards.
pub fn nginx() -> anyhow::Result<Nginx> {
    let authority = samples::authority();
    let certificate =
        authority.issue_server_certificate(&["localhost"], Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: certificate.chain_pem,
        key: certificate.key_pem,
        anchor: authority.root_pem(),
    };
    let account = format!(
        "location / {{ return 200 '{TITLE}<main id=account><b id=name>$ssl_client_s_dn</b></main>'; }}"
    );
    // Clients that send the card's certificate alone come in too.
    let named = authority.root_pem() + &authority.issuing_pem();
    let started: Result<Nginx, ServerError> = Nginx::start(&Setup::new(identity, named, &account));
    Ok(started?)
}

/// Writes the profile of that server, and its anchor as `root.pem` beside it.
pub fn profile_in(folder: &Path, server: &Running) -> anyhow::Result<PathBuf> {
    let anchor = folder.join("root.pem");
    fs::write(&anchor, samples::authority().root_pem())?;
    let text = format!(
        "name = \"nginx\"\ntitle = \"nginx\"\norigin = \"{}\"\nstart = \"/\"\n\
         trust_anchors = [\"{}\"]\n{RULES}",
        server.origin(),
        anchor.display()
    );
    let path = folder.join("nginx.toml");
    fs::write(&path, text)?;
    Ok(path)
}

/// Signs in with this certificate, whose card makes `sign` of a block.
pub fn sign_in(
    profile: &Path,
    certificate: &[u8],
    at: UtcSeconds,
    sign: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> anyhow::Result<Outcome> {
    let text = fs::read_to_string(profile)?;
    let profile = Profile::check(&Source::new(profile, text)).ok();
    let portal = Portal::prepare(profile.context("the profile is broken")?)?;
    let identity = Identity {
        certificate: certificate.to_vec(),
        intermediates: Vec::new(),
        standing: Standing {
            at,
            chain: ChainStatus::NotConfigured,
            revocation: Revocation::NotChecked,
        },
        accepted: Vec::new(),
        signer: Arc::new(Card(sign)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(portal::sign_in(&portal, identity))?)
}

struct Card<S>(S);

impl<S: Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static> Signer for Card<S> {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        (self.0)(block).ok_or(SignerFailed)
    }
}
