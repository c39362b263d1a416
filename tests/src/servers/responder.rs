//! An OCSP responder: OpenSSL's answers, over HTTP of ours.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use der::{DateTime, Decode as _};
use tempfile::{NamedTempFile, TempDir};
use tokio::runtime;
use tokio::sync::oneshot;
use x509_cert::Certificate;

use crate::clock;
use crate::virtual_card::hex::to_hex;
use crate::virtual_card::issuer::Authority;

/// As openssl-ca writes it: what was issued, and what was taken back.
const INDEX: &str = "index.txt";

/// Speaks for the issuer of the certificates for authentication, and answers
/// on loopback until it is dropped.
pub struct Responder {
    folder: TempDir,
    port: u16,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    /// Knows of no certificate yet.
    pub fn start(authority: &Authority) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("ocsp-").tempdir()?;
        authority.save(folder.path())?;
        fs::write(folder.path().join(INDEX), "")?;
        let version = Command::new("openssl").arg("version").output();
        version.context("openssl is missing: install the Debian package openssl")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (end, has_ended) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let place = folder.path().to_owned();
        let thread = thread::Builder::new()
            .name("ocsp".to_owned())
            .spawn(move || {
                let served = runtime.block_on(async {
                    tokio::select! {
                        served = serve(listener, place) => served,
                        _ = has_ended => Ok(()),
                    }
                });
                if let Err(error) = served {
                    tracing::error!(?error, "the OCSP responder has failed");
                }
            })?;
        Ok(Self {
            folder,
            port,
            end: Some(end),
            thread: Some(thread),
        })
    }

    /// The authority that it was started for, whose new cards name it.
    pub fn authority(&self) -> anyhow::Result<Authority> {
        let address = format!("http://127.0.0.1:{}", self.port);
        Ok(Authority::load(self.folder.path())?.answered_by(&address))
    }

    /// Since yesterday, because its key may be known to others.
    pub fn revoke(&self, certificate: &[u8]) -> anyhow::Result<()> {
        let certificate = Certificate::from_der(certificate)?;
        let tbs = certificate.tbs_certificate();
        let serial = tbs.serial_number().as_bytes();
        // A zero in front only keeps it positive.
        let serial = to_hex(serial.strip_prefix(&[0]).unwrap_or(serial));
        let until = time(tbs.validity().not_after.to_system_time())?;
        let since = time(clock::now() - Duration::from_hours(24))?;
        let mut index = OpenOptions::new()
            .append(true)
            .open(self.folder.path().join(INDEX))?;
        writeln!(
            index,
            "R\t{until}\t{since},keyCompromise\t{serial}\tunknown\t/CN=somebody"
        )?;
        Ok(())
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the OCSP responder panicked");
        }
    }
}

async fn serve(listener: TcpListener, folder: PathBuf) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new().fallback(post(answer)).with_state(folder);
    axum::serve(listener, router).await
}

async fn answer(State(folder): State<PathBuf>, request: Bytes) -> Result<Response, StatusCode> {
    let failed = |error: anyhow::Error| {
        tracing::error!(?error, "an OCSP request cannot be answered");
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let answered = tokio::task::spawn_blocking(move || by_openssl(&folder, &request));
    let answered = answered.await.map_err(|error| failed(error.into()))?;
    let headers = [(header::CONTENT_TYPE, "application/ocsp-response")];
    Ok((headers, answered.map_err(failed)?).into_response())
}

fn by_openssl(folder: &Path, request: &[u8]) -> anyhow::Result<Vec<u8>> {
    let (mut question, response) = (NamedTempFile::new()?, NamedTempFile::new()?);
    question.write_all(request)?;
    let issuer = [
        "-CA",
        "id-ca.crt",
        "-rsigner",
        "id-ca.crt",
        "-rkey",
        "id-ca.key",
    ];
    let output = Command::new("openssl")
        .args(["ocsp", "-index", INDEX, "-nmin", "60"])
        .args(issuer)
        .arg("-reqin")
        .arg(question.path())
        .arg("-respout")
        .arg(response.path())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        bail!("openssl: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(fs::read(response.path())?)
}

/// `YYMMDDHHMMSSZ`.
fn time(moment: SystemTime) -> anyhow::Result<String> {
    let it = DateTime::from_system_time(moment)?;
    ensure!((2000..2050).contains(&it.year()), "{it} has four digits");
    Ok(format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        it.year() % 100,
        it.month(),
        it.day(),
        it.hour(),
        it.minutes(),
        it.seconds()
    ))
}
