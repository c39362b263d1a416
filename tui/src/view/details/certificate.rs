//! Everything that is known of one certificate, its extensions in words, and
//! why it signs in or does not.

use cac_common::certificate::{CertificateSummary, ChainStatus, Slot};
use cac_common::identity::readable;
use cac_common::snapshot::Stage;

use super::Sheet;
use crate::app::App;
use crate::phrase::certificate::{extensions, signing_in};
use crate::phrase::{self, Tone, times};

/// More names of one chain than this are not told one by one.
const LONGEST_CHAIN: usize = 8;

impl Sheet {
    pub(super) fn certificate(&mut self, app: &App, slot: Slot) {
        let found = app.certificates().iter().find(|one| one.slot == slot);
        let Some(certificate) = found else {
            return self.field("", "That certificate is not there any more.");
        };
        self.field("slot", &certificate.slot.to_string());
        let role = phrase::certificate::role(certificate.role);
        let purpose = phrase::certificate::purpose(certificate);
        self.field("role", &format!("{role}: {purpose}"));
        self.signs_in(app, certificate);
        self.gap();
        self.names(app, certificate);
        self.gap();
        self.validity(app, certificate);
        self.chain(certificate);
        let (tone, revocation) =
            phrase::certificate::revocation(&certificate.revocation, &app.zone);
        self.harmless("revocation", &revocation, tone);
        self.gap();
        self.field("key", &certificate.key);
        self.extension("key usage", &certificate.key_usage, extensions::usage);
        self.extension(
            "extended use",
            &certificate.extended_key_usage,
            extensions::extended_usage,
        );
        self.extension("policies", &certificate.policies, extensions::policy);
        self.gap();
        self.field("serial", &certificate.serial);
        self.field("SHA-256", &certificate.sha256);
        self.field(
            "not shown",
            "what else stands in it, such as the addresses of its OCSP and CRL, its key \
             identifiers and the FASC-N: cacd tells none of it. cacctl card export writes the \
             whole certificate to a file.",
        );
    }

    fn signs_in(&mut self, app: &App, certificate: &CertificateSummary) {
        let card = app.card();
        let login = card.and_then(|card| card.login.as_ref());
        let is_read = card.is_some_and(|card| matches!(card.stage, Stage::Read));
        let told = signing_in::why(certificate, app.certificates(), login, is_read, app.now);
        let tone = if login.is_some_and(|login| login.slot == certificate.slot) {
            Tone::Good
        } else {
            Tone::Quiet
        };
        self.toned("signs in", &told, tone);
    }

    fn names(&mut self, app: &App, certificate: &CertificateSummary) {
        self.field("subject", &app.discreet(&certificate.subject_dn));
        let upn = certificate.upn.as_deref();
        self.if_any("UPN", upn.map(|upn| app.discreet(upn)).as_deref());
        let mail = certificate.mail.iter().map(|mail| app.discreet(mail));
        let mail = phrase::certificate::several(&mail.collect::<Vec<_>>());
        self.harmless("mail", &mail, Tone::Quiet);
        self.field("issuer", &certificate.issuer_dn);
    }

    fn validity(&mut self, app: &App, certificate: &CertificateSummary) {
        let CertificateSummary {
            not_before,
            not_after,
            ..
        } = *certificate;
        self.when("begins", not_before, app);
        self.field("ends", &times::end(app.now, not_after, &app.zone));
        let left = phrase::validity(app.now, (not_before, not_after), &app.zone);
        let tone = phrase::certificate::lifetime(certificate, app.now, &app.zone);
        if tone != Tone::Good {
            self.toned("", &format!("{left}; d shows what to do"), tone);
        }
    }

    /// From its issuer up to the authority that is trusted, one below the other.
    fn chain(&mut self, certificate: &CertificateSummary) {
        if let ChainStatus::Trusted { path } = &certificate.chain
            && !path.is_empty()
        {
            self.toned("chain", "trusted, issued by", Tone::Good);
            for (at, name) in path.iter().take(LONGEST_CHAIN).enumerate() {
                let anchor = if at + 1 == path.len() {
                    ", which is trusted here"
                } else {
                    ""
                };
                self.harmless(
                    "",
                    &format!("{}. {}{anchor}", at + 1, readable(name)),
                    Tone::Quiet,
                );
            }
            if let Some(more @ 1..) = path.len().checked_sub(LONGEST_CHAIN) {
                self.field("", &format!("and {more} more"));
            }
            return;
        }
        let (tone, chain) = phrase::certificate::chain(&certificate.chain);
        self.harmless("chain", &chain, tone);
    }

    /// Each word of an extension with what it means, where that is known.
    fn extension(
        &mut self,
        name: &str,
        words: &[String],
        meaning: impl Fn(&str) -> Option<&'static str>,
    ) {
        if words.is_empty() {
            return self.field(name, "none stands in it");
        }
        for (at, word) in words
            .iter()
            .take(phrase::certificate::MOST_OF_A_LIST)
            .enumerate()
        {
            let word = readable(word);
            let told = match meaning(&word) {
                Some(meaning) => format!("{word}: {meaning}"),
                None => word,
            };
            self.harmless(if at == 0 { name } else { "" }, &told, Tone::Quiet);
        }
        if let Some(more @ 1..) = words.len().checked_sub(phrase::certificate::MOST_OF_A_LIST) {
            self.field("", &format!("and {more} more"));
        }
    }
}
