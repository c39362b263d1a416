//! nginx, asking for client certificates.

use std::ops::Deref;
use std::path::Path;

use super::process::{Program, Running};
use super::{ServerError, with_certificates};
use crate::portal::{ServerIdentity, Versions};

pub(super) const NGINX: Program = Program {
    name: "nginx",
    package: "nginx",
    places: &["/usr/sbin/nginx", "/usr/bin/nginx"],
    arguments: |folder| {
        let folder = folder.display();
        [
            "-p",
            &format!("{folder}/"),
            "-c",
            "server.conf",
            "-e",
            "error.log",
        ]
        .map(str::to_owned)
        .to_vec()
    },
};

/// `ssl_verify_client`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verify {
    On,
    Optional,
    OptionalNoCa,
    Off,
}

/// How nginx is set up.
#[derive(Clone)]
pub struct Setup {
    pub identity: ServerIdentity,
    pub verify: Verify,
    pub versions: Versions,
    pub http2: bool,
    /// `ssl_client_certificate`, PEM: trusted, and named to clients.
    pub named: Option<String>,
    /// `ssl_trusted_certificate`, PEM: trusted, and not named.
    pub trusted: Option<String>,
    /// `ssl_crl`, PEM.
    pub crl: Option<String>,
    /// What else stands in the server's block.
    pub server: String,
}

impl Setup {
    /// Asks everybody for a certificate from `named`, and answers them as `server` says.
    pub fn new(identity: ServerIdentity, named: String, server: &str) -> Self {
        Self {
            identity,
            verify: Verify::On,
            versions: Versions::Both,
            http2: false,
            named: Some(named),
            trusted: None,
            crl: None,
            server: server.to_owned(),
        }
    }

    fn configuration(&self, port: u16) -> String {
        let verify = match self.verify {
            Verify::On => "on",
            Verify::Optional => "optional",
            Verify::OptionalNoCa => "optional_no_ca",
            Verify::Off => "off",
        };
        let protocols = match self.versions {
            Versions::Tls12 => "TLSv1.2",
            Versions::Tls13 => "TLSv1.3",
            Versions::Both => "TLSv1.2 TLSv1.3",
        };
        let http2 = if self.http2 { " http2" } else { "" };
        let files = [
            ("ssl_client_certificate named.pem;", &self.named),
            ("ssl_trusted_certificate trusted.pem;", &self.trusted),
            ("ssl_crl crl.pem;", &self.crl),
        ]
        .into_iter()
        .filter_map(|(directive, text)| text.as_ref().and(Some(directive)))
        .collect::<Vec<_>>()
        .join(" ");
        let user = if rustix::process::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let server = &self.server;
        format!(
            "{user}
daemon off;
worker_processes 1;
pid server.pid;
error_log error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type text/html;
    client_body_temp_path tmp;
    proxy_temp_path tmp;
    fastcgi_temp_path tmp;
    uwsgi_temp_path tmp;
    scgi_temp_path tmp;
    server {{
        listen 127.0.0.1:{port} ssl{http2};
        server_name localhost;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        ssl_protocols {protocols};
        ssl_verify_client {verify};
        ssl_verify_depth 3;
        {files}
        {server}
    }}
}}
"
        )
    }
}

/// nginx, until it is dropped.
pub struct Nginx(Running);

impl Nginx {
    pub fn start(setup: &Setup) -> Result<Self, ServerError> {
        let files = with_certificates(
            &setup.identity,
            &[
                ("named.pem", setup.named.as_deref()),
                ("trusted.pem", setup.trusted.as_deref()),
                ("crl.pem", setup.crl.as_deref()),
            ],
        );
        let configuration = |_: &Path, port| setup.configuration(port);
        Running::start(&NGINX, &files, configuration).map(Self)
    }
}

impl Deref for Nginx {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}
