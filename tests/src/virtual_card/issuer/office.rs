//! One authority: its name, its certificate and its key.

use std::path::{Path, PathBuf};

use super::{FAKE_ORGANISATION, IssueError};
use crate::virtual_card::card_file::{self, CardFileError};
use crate::virtual_card::certificate::{
    COMMON_NAME, COUNTRY, CertificateError, KeyUsage, Name, ORGANISATION, Role, Statement, UNIT,
    Validity,
};
use crate::virtual_card::cms::{Content, Signer};
use crate::virtual_card::key::{KeyAlgorithm, PrivateKey};

/// id-PIV-content-signing, and the policy for those who do it.
const CONTENT_SIGNING: &str = "2.16.840.1.101.3.6.7";
const COMMON_CONTENT_SIGNING: &str = "2.16.840.1.101.3.2.1.3.39";

/// Where nobody answers.
const RESPONDER: &str = "http://ocsp.test.invalid";

/// An authority that signs.
pub(super) struct Office {
    pub(super) title: Title,
    pub(super) certificate: Vec<u8>,
    key: PrivateKey,
    /// Which OCSP responder its certificates name.
    pub(super) responder: String,
}

/// How an authority is called, and in which files it is kept.
#[derive(Clone, Copy)]
pub(super) struct Title {
    common_name: &'static str,
    pub(super) published_as: &'static str,
    file: &'static str,
}

pub(super) const ROOT: Title = Title {
    common_name: "DoD Root CA 99",
    published_as: "DODROOTCA99",
    file: "root",
};
pub(super) const ID_CA: Title = Title {
    common_name: "DOD ID CA-9901",
    published_as: "DODIDCA_9901",
    file: "id-ca",
};
pub(super) const EMAIL_CA: Title = Title {
    common_name: "DOD EMAIL CA-9901",
    published_as: "DODEMAILCA_9901",
    file: "email-ca",
};
pub(super) const CONTENT_SIGNER: Title = Title {
    common_name: "DOD PIV CONTENT SIGNER-9901",
    published_as: "DODPIVCONTENTSIGNER_9901",
    file: "content-signer",
};

impl Office {
    pub(super) fn root(validity: Validity) -> Result<Self, IssueError> {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048)?;
        let name = ROOT.name();
        let certificate =
            authority_statement(&name, &key.public_key()?, validity, Role::Root, None)
                .sign(&name, &key, RESPONDER)?;
        Ok(Self {
            title: ROOT,
            certificate,
            key,
            responder: RESPONDER.to_owned(),
        })
    }

    pub(super) fn appoint(&self, title: Title, validity: Validity) -> Result<Self, IssueError> {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048)?;
        let issuer_file = Some(self.title.published_as);
        let certificate = self.sign(authority_statement(
            &title.name(),
            &key.public_key()?,
            validity,
            Role::Issuing,
            issuer_file,
        ))?;
        Ok(Self {
            title,
            certificate,
            key,
            responder: RESPONDER.to_owned(),
        })
    }

    /// Somebody who signs what is on the cards, and no certificates.
    pub(super) fn appoint_content_signer(&self, validity: Validity) -> Result<Self, IssueError> {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048)?;
        let name = CONTENT_SIGNER.name();
        let public_key = key.public_key()?;
        let statement = content_signer_statement(&name, &public_key, validity);
        let certificate = self.sign(Statement {
            issuer_file: Some(self.title.published_as),
            ..statement
        })?;
        Ok(Self {
            title: CONTENT_SIGNER,
            certificate,
            key,
            responder: RESPONDER.to_owned(),
        })
    }

    /// The same name, vouched for by nobody else.
    pub(super) fn impostor(validity: Validity) -> Result<Self, IssueError> {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048)?;
        let name = CONTENT_SIGNER.name();
        let public_key = key.public_key()?;
        let certificate =
            content_signer_statement(&name, &public_key, validity).sign(&name, &key, RESPONDER)?;
        Ok(Self {
            title: CONTENT_SIGNER,
            certificate,
            key,
            responder: RESPONDER.to_owned(),
        })
    }

    /// Signs an object of the card. The Security Object goes without the
    /// certificate, which the CHUID brings (SP 800-73pt1-5, section 3.1.7).
    pub(super) fn sign_content(
        &self,
        content_type: &str,
        bytes: &[u8],
        content: Content,
    ) -> Result<Vec<u8>, CertificateError> {
        let signer = Signer {
            certificate: &self.certificate,
            key: &self.key,
            is_enclosed: content == Content::Detached,
        };
        signer.sign(content_type, bytes, content)
    }

    pub(super) fn sign(&self, statement: Statement<'_>) -> Result<Vec<u8>, CertificateError> {
        statement.sign(&self.title.name(), &self.key, &self.responder)
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), CardFileError> {
        let (certificate, key) = self.title.files(folder);
        card_file::write(
            &certificate,
            card_file::pem("CERTIFICATE", &self.certificate).as_bytes(),
        )?;
        let pkcs8 = self.key.to_pkcs8()?;
        card_file::write(&key, card_file::pem("PRIVATE KEY", &pkcs8).as_bytes())
    }

    pub(super) fn load(title: Title, folder: &Path) -> Result<Self, CardFileError> {
        let (certificate, key) = title.files(folder);
        let pkcs8 = card_file::read_pem(&key)?;
        Ok(Self {
            title,
            certificate: card_file::read_pem(&certificate)?,
            key: PrivateKey::from_pkcs8(KeyAlgorithm::Rsa2048, &pkcs8)?,
            responder: RESPONDER.to_owned(),
        })
    }
}

impl Title {
    fn name(self) -> Name {
        dod_name(&[(COMMON_NAME, self.common_name)])
    }

    pub(super) fn files(self, folder: &Path) -> (PathBuf, PathBuf) {
        (
            folder.join(format!("{}.crt", self.file)),
            folder.join(format!("{}.key", self.file)),
        )
    }
}

fn authority_statement<'a>(
    name: &'a Name,
    public_key: &'a [u8],
    validity: Validity,
    role: Role,
    issuer_file: Option<&'a str>,
) -> Statement<'a> {
    Statement {
        subject: name,
        public_key,
        serial: rand::random(),
        validity,
        role,
        key_usage: &[
            KeyUsage::KeyCertSign,
            KeyUsage::CrlSign,
            KeyUsage::DigitalSignature,
        ],
        extended_key_usage: &[],
        policies: &[],
        alt_names: &[],
        more: Vec::new(),
        issuer_file,
    }
}

fn content_signer_statement<'a>(
    name: &'a Name,
    public_key: &'a [u8],
    validity: Validity,
) -> Statement<'a> {
    Statement {
        role: Role::EndEntity,
        key_usage: &[KeyUsage::DigitalSignature],
        extended_key_usage: &[CONTENT_SIGNING],
        policies: &[COMMON_CONTENT_SIGNING],
        ..authority_statement(name, public_key, validity, Role::EndEntity, None)
    }
}

pub(super) fn dod_name(tail: &[(&'static str, &str)]) -> Name {
    let head = [
        (COUNTRY, "US"),
        (ORGANISATION, FAKE_ORGANISATION),
        (UNIT, "DoD"),
        (UNIT, "PKI"),
    ];
    Name(
        head.iter()
            .chain(tail)
            .map(|(attribute, value)| (*attribute, (*value).to_owned()))
            .collect(),
    )
}
