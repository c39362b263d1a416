//! A small certificate authority: just enough to sign in to the portal without a card.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    DnValue, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, OtherNameValue,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::hex;
use super::tls::ServerIdentity;

/// Microsoft's user principal name.
const UPN: [u64; 10] = [1, 3, 6, 1, 4, 1, 311, 20, 2, 3];

/// A root, and under it the authority that issues.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    issuing: CertifiedIssuer<'static, KeyPair>,
}

/// Whom a client certificate is made out to.
pub struct Subject {
    common_name: String,
    upn: Option<String>,
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFlaw {
    Expired,
    NotYetValid,
    /// It is made out to another host.
    OtherName,
    /// It may sign clients in, and serve nobody.
    ForClients,
    /// It has this serial number, which may stand on a list of revoked ones.
    Numbered(Vec<u8>),
}

/// A client certificate with its key, as a file would hold them.
pub struct Issued {
    /// The certificate, then the one that issued it.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// Upper-case hex.
    pub serial: String,
}

impl Subject {
    pub fn with_upn(common_name: &str, upn: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            upn: Some(upn.to_owned()),
        }
    }

    pub fn without_upn(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            upn: None,
        }
    }
}

impl Authority {
    pub fn new() -> Result<Self, rcgen::Error> {
        Self::named("TEST ROOT CA 1", "TEST ID CA-1")
    }

    /// With common names of its own.
    pub fn named(root: &str, issuing: &str) -> Result<Self, rcgen::Error> {
        let root = CertifiedIssuer::self_signed(authority_params(root), KeyPair::generate()?)?;
        let issuing =
            CertifiedIssuer::signed_by(authority_params(issuing), KeyPair::generate()?, &root)?;
        Ok(Self { root, issuing })
    }

    /// What someone who trusts this authority has to know.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The one that issues.
    pub fn issuing_pem(&self) -> String {
        self.issuing.pem()
    }

    /// The one that issues, DER.
    pub fn issuing_der(&self) -> Vec<u8> {
        self.issuing.der().to_vec()
    }

    /// Signs what is asked for, whatever it is.
    pub fn certify(
        &self,
        params: &CertificateParams,
        key: &KeyPair,
    ) -> Result<Vec<u8>, rcgen::Error> {
        Ok(params.signed_by(key, &self.issuing)?.der().to_vec())
    }

    /// What the root has revoked, which is nothing. PEM.
    pub fn root_revocations(&self) -> Result<String, rcgen::Error> {
        revocations(&[], 2090).signed_by(&self.root)?.pem()
    }

    /// What the issuing authority has revoked, by serial numbers, in a list
    /// that is good until this year. PEM.
    pub fn revocations(&self, serials: &[&[u8]], until: i32) -> Result<String, rcgen::Error> {
        revocations(serials, until).signed_by(&self.issuing)?.pem()
    }

    /// A server certificate for `localhost` and 127.0.0.1.
    pub fn server(&self) -> Result<ServerIdentity, rcgen::Error> {
        self.identity(&server_params()?)
    }

    /// The same with something wrong about it.
    pub fn flawed_server(&self, flaw: &ServerFlaw) -> Result<ServerIdentity, rcgen::Error> {
        let mut params = server_params()?;
        match flaw {
            ServerFlaw::Expired => params.not_after = date_time_ymd(2020, 1, 1),
            ServerFlaw::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
            ServerFlaw::OtherName => {
                let name = "elsewhere.example.mil".to_owned();
                params.subject_alt_names = CertificateParams::new(vec![name])?.subject_alt_names;
            }
            ServerFlaw::ForClients => {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            }
            ServerFlaw::Numbered(serial) => {
                params.serial_number = Some(SerialNumber::from_slice(serial));
            }
        }
        self.identity(&params)
    }

    pub fn issue(&self, subject: &Subject) -> Result<Issued, rcgen::Error> {
        let key = KeyPair::generate()?;
        let serial: [u8; 16] = rand::random();
        // The first bit set, to be met with as real serial numbers have it half the time.
        let serial = [&[0x80 | serial[0]], &serial[1..]].concat();
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name.push(
            DnType::CommonName,
            DnValue::Utf8String(subject.common_name.clone()),
        );
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.subject_alt_names = subject
            .upn
            .iter()
            .map(|upn| SanType::OtherName((UPN.to_vec(), OtherNameValue::Utf8String(upn.clone()))))
            .collect();
        let certificate = params.signed_by(&key, &self.issuing)?;
        Ok(Issued {
            chain: vec![certificate.der().clone(), self.issuing.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            serial: hex(&serial),
        })
    }

    fn identity(&self, params: &CertificateParams) -> Result<ServerIdentity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuing)?;
        Ok(ServerIdentity {
            chain: format!("{}{}", certificate.pem(), self.issuing.pem()),
            key: key.serialize_pem(),
            anchor: self.root_pem(),
        })
    }
}

fn server_params() -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn revocations(serials: &[&[u8]], until: i32) -> CertificateRevocationListParams {
    let revoked = |serial: &&[u8]| RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: date_time_ymd(2020, 6, 1),
        reason_code: None,
        invalidity_date: None,
    };
    CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 6, 2),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    }
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}
