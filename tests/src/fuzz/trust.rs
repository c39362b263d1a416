//! What vouches for certificates: bundles, signed messages, revocation.

use std::fs;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use cac_common::bundle::{MOST_CERTIFICATES, archive};
use cac_common::certificate::Revocation;
use cac_common::x509::Certificate;
use cacd::card::security_object::HashList;
use cacd::trust::cms::{CHUID_CONTENT, SECURITY_OBJECT_CONTENT, verify_attached, verify_detached};
use cacd::trust::revocation::{Fetch, FetchError, FetchRequest, Revocations};
use cacd::trust::{ANCHORS, Authorities, Question, TrustedPath, Verdict};
use tempfile::TempDir;

use super::{Input, NOW};

const ROOT: &[u8] = include_bytes!("../../data/openssl/root.der");
const AUTHORITY: &[u8] = include_bytes!("../../data/openssl/authority.der");
const CARD: &[u8] = include_bytes!("../../data/openssl/card.der");
const SIGNER: &[u8] = include_bytes!("../../data/openssl/signer.der");

const QUESTION: Question<'static> = Question {
    at: NOW,
    policies: &[],
};

/// What a person hands over, in a ZIP archive or without.
pub(super) fn archive(data: &[u8]) -> bool {
    let Ok(found) = archive::read(data) else {
        return false;
    };
    assert!((1..=MOST_CERTIFICATES).contains(&found.len()));
    for (at, certificate) in found.iter().enumerate() {
        assert!(!found[..at].contains(certificate));
    }
    true
}

/// A file among the anchors or beside them, and a certificate that may lead up
/// to it; none is the card's.
pub(super) fn bundle(data: &[u8]) -> bool {
    static FOLDER: LazyLock<Mutex<TempDir>> = LazyLock::new(|| Mutex::new(folder_with(&[])));
    let mut input = Input(data);
    let is_anchor = input.byte() & 1 == 1;
    let leaf = match input.part() {
        [] => CARD,
        leaf => leaf,
    };
    let folder = FOLDER.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder.path();
    let path = if is_anchor {
        folder.join(ANCHORS).join("fuzz.p7b")
    } else {
        folder.join("fuzz.p7b")
    };
    fs::write(&path, input.rest()).expect("a file can be written");
    let (authorities, problems) = Authorities::read(folder);
    fs::remove_file(&path).expect("it was just written");
    let verdict = authorities.judge(leaf, QUESTION);
    if let Verdict::Trusted(path) = verdict {
        assert!(authorities.has_anchors());
        assert_eq!(path.certificate().der(), leaf);
        assert!(path.steps().count() <= 16);
    }
    assert!(authorities.chain_for(leaf).len() <= 16);
    problems.is_empty()
}

/// A message and what it signs, if that stands apart from it.
pub(super) fn cms(data: &[u8]) -> bool {
    static OTHERS: LazyLock<Vec<Certificate>> =
        LazyLock::new(|| [SIGNER, CARD].map(parse).to_vec());
    let mut input = Input(data);
    let content = input.part();
    let message = input.rest();
    let detached = verify_detached(message, content, CHUID_CONTENT, &OTHERS);
    let attached = verify_attached(message, &SECURITY_OBJECT_CONTENT, &OTHERS);
    assert!(detached.is_err() || attached.is_err());
    if let Ok((_, content)) = &attached {
        let _ = HashList::parse(content);
    }
    detached.is_ok() || attached.is_ok()
}

pub(super) fn ocsp(data: &[u8]) -> bool {
    is_an_answer(&Answers {
        ocsp: Some(data),
        crl: None,
        piece: usize::MAX,
    })
}

/// The list comes in pieces of the size that the first byte says.
pub(super) fn crl(data: &[u8]) -> bool {
    let mut input = Input(data);
    let piece = usize::from(input.byte()) + 1;
    is_an_answer(&Answers {
        ocsp: None,
        crl: Some(input.rest()),
        piece,
    })
}

fn is_an_answer(answers: &Answers<'_>) -> bool {
    static PATH: LazyLock<TrustedPath> = LazyLock::new(path_of_card);
    let revocations = Revocations::new(answers);
    let check = pin!(revocations.check(&PATH, NOW));
    let Poll::Ready(revocation) = check.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nothing is waited for");
    };
    match revocation {
        Revocation::Good { at } => assert!(at <= NOW.after(std::time::Duration::from_hours(1))),
        Revocation::Revoked { .. } => {}
        Revocation::Offline { .. } => panic!("an answer came"),
        Revocation::NotChecked => panic!("it was asked"),
        Revocation::Unknown { why } => {
            assert!(!why.is_empty());
            return false;
        }
    }
    true
}

/// What comes from the network, of the card and of its authority alike.
struct Answers<'a> {
    ocsp: Option<&'a [u8]>,
    crl: Option<&'a [u8]>,
    piece: usize,
}

impl Fetch for &Answers<'_> {
    async fn fetch(
        &self,
        request: FetchRequest,
        take: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> Result<(), FetchError> {
        let answer = match request.post {
            Some(_) => self.ocsp,
            None => self.crl,
        };
        let Some(answer) = answer else {
            return Err(FetchError::TimedOut {
                host: "nowhere.example".into(),
            });
        };
        for piece in answer.chunks(self.piece) {
            if take(piece).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn path_of_card() -> TrustedPath {
    let folder = folder_with(&[("anchors/root.der", ROOT), ("authority.der", AUTHORITY)]);
    let (authorities, problems) = Authorities::read(folder.path());
    assert!(problems.is_empty(), "{problems:?}");
    let Verdict::Trusted(path) = authorities.judge(CARD, QUESTION) else {
        panic!("the card leads up to the root");
    };
    path
}

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().expect("a folder can be made");
    fs::create_dir(folder.path().join(ANCHORS)).expect("a folder can be made");
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).expect("a file can be written");
    }
    folder
}

fn parse(der: &[u8]) -> Certificate {
    Certificate::parse(der).expect("it is a certificate")
}
