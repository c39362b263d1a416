//! A network made for one test, and a responder on it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use der::asn1::AnyRef;
use der::{Decode as _, Reader as _, SliceReader};
use rcgen::{KeyPair, SigningKey as _};

use super::pki::{Authority, oid, parse, tlv};
use crate::trust::revocation::{Fetch, FetchError, FetchRequest};

type Answering = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Answers by host; whoever is not there cannot be reached.
#[derive(Default)]
pub(super) struct Net {
    pub(super) ocsp: Option<Answering>,
    pub(super) crl: Option<Vec<u8>>,
    asked: Mutex<Vec<String>>,
}

impl Net {
    pub(super) fn with_ocsp(
        mut self,
        answering: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        self.ocsp = Some(Box::new(answering));
        self
    }

    pub(super) fn with_crl(mut self, crl: Vec<u8>) -> Self {
        self.crl = Some(crl);
        self
    }

    /// The hosts that were asked, one after the other.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetch for Arc<Net> {
    async fn fetch(
        &self,
        request: FetchRequest,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<(), FetchError> {
        let host = request.url.host_str().unwrap().to_owned();
        self.asked.lock().unwrap().push(host.clone());
        // Others may ask meanwhile.
        tokio::task::yield_now().await;
        let body = match (host.as_str(), request.post) {
            ("ocsp.example", Some(post)) => self.ocsp.as_ref().map(|answer| answer(&post.body)),
            ("crl.example", None) => self.crl.clone(),
            other => panic!("{other:?}"),
        };
        let Some(body) = body else {
            return Err(FetchError::TimedOut { host });
        };
        for piece in body.chunks(7) {
            if take(piece).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Nonce {
    Echoed,
    Left,
    Wrong,
}

/// How a responder calls itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum CallsItself {
    ByName,
    ByKey,
}

pub(super) struct Responder {
    pub(super) status: Vec<u8>,
    pub(super) this_update: &'static str,
    pub(super) next_update: Option<&'static str>,
    pub(super) nonce: Nonce,
    pub(super) calls_itself: CallsItself,
    /// Its certificate, and its key.
    pub(super) own: Vec<u8>,
    pub(super) key: KeyPair,
    /// Sent along.
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) change_id: fn(&mut Vec<u8>),
}

pub(super) fn good() -> Vec<u8> {
    vec![0x80, 0]
}

pub(super) fn unknown() -> Vec<u8> {
    vec![0x82, 0]
}

/// On 2026-05-01, for keyCompromise.
pub(super) fn revoked() -> Vec<u8> {
    tlv(
        0xA1,
        &[&time("20260501000000Z"), &tlv(0xA0, &[&[0x0A, 1, 1]])],
    )
}

impl Responder {
    /// The authority answers itself, from a day before until a day after.
    pub(super) fn of(authority: &Authority, status: Vec<u8>) -> Self {
        Self {
            status,
            this_update: "20260531000000Z",
            next_update: Some("20260602000000Z"),
            nonce: Nonce::Echoed,
            calls_itself: CallsItself::ByName,
            own: authority.der.clone(),
            key: authority.key(),
            certificates: Vec::new(),
            change_id: |_| {},
        }
    }

    pub(super) fn answer(&self, request: &[u8]) -> Vec<u8> {
        let content = children(&children(request)[0]);
        let single = children(&content[0]);
        let mut id = children(&single[0])[0].clone();
        (self.change_id)(&mut id);
        let mut response = vec![id, self.status.clone(), time(self.this_update)];
        if let Some(next) = self.next_update {
            response.push(tlv(0xA0, &[&time(next)]));
        }
        let own = parse(&self.own);
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, own.key.bytes());
        let called = match self.calls_itself {
            CallsItself::ByName => tlv(0xA1, &[&own.subject.der]),
            CallsItself::ByKey => tlv(0xA2, &[&tlv(4, &[sha1.as_ref()])]),
        };
        let mut data = vec![
            called,
            time(self.this_update),
            tlv(0x30, &[&tlv(0x30, &[&response.concat()])]),
        ];
        let mut nonce = children(&content[1])[0].clone();
        match self.nonce {
            Nonce::Echoed => data.push(tlv(0xA1, &[&nonce])),
            Nonce::Wrong => {
                *nonce.last_mut().unwrap() ^= 1;
                data.push(tlv(0xA1, &[&nonce]));
            }
            Nonce::Left => {}
        }
        let data = tlv(0x30, &[&data.concat()]);
        let signature = self.key.sign(&data).unwrap();
        let mut basic = vec![
            data,
            tlv(0x30, &[&oid("1.2.840.10045.4.3.2")]),
            tlv(3, &[&[0], &signature]),
        ];
        if !self.certificates.is_empty() {
            let certificates = tlv(0x30, &[&self.certificates.concat()]);
            basic.push(tlv(0xA0, &[&certificates]));
        }
        let basic = tlv(4, &[&tlv(0x30, &[&basic.concat()])]);
        let bytes = tlv(0x30, &[&oid("1.3.6.1.5.5.7.48.1.1"), &basic]);
        tlv(0x30, &[&[0x0A, 1, 0], &tlv(0xA0, &[&bytes])])
    }
}

fn time(text: &str) -> Vec<u8> {
    tlv(0x18, &[text.as_bytes()])
}

/// The elements of an element.
pub(super) fn children(der: &[u8]) -> Vec<Vec<u8>> {
    let element = AnyRef::from_der(der).unwrap();
    let mut reader = SliceReader::new(element.value()).unwrap();
    let mut children = Vec::new();
    while !reader.is_finished() {
        children.push(reader.tlv_bytes().unwrap().to_vec());
    }
    children
}
