//! Apache with mod_ssl, asking for client certificates.

use std::ops::Deref;
use std::path::Path;

use super::process::{Program, Running};
use super::{ServerError, with_certificates};
use crate::portal::{ServerIdentity, Versions};

pub(super) const APACHE: Program = Program {
    name: "apache2",
    package: "apache2-bin",
    places: &["/usr/sbin/apache2", "/usr/sbin/httpd"],
    arguments: |folder| {
        let folder = folder.display();
        ["-D", "FOREGROUND", "-f", &format!("{folder}/server.conf")]
            .map(str::to_owned)
            .to_vec()
    },
};

const MODULES: [&str; 8] = [
    "mpm_event",
    "authn_core",
    "authz_core",
    "authz_user",
    "dir",
    "include",
    "socache_shmcb",
    "ssl",
];

const MODULE_FOLDER: &str = "/usr/lib/apache2/modules";

/// Whom it serves as, where it is started as root: it refuses to be root itself.
const NOBODY: &str = "User nobody\nGroup nogroup\n";

/// How Apache is set up.
#[derive(Clone)]
pub struct Setup {
    pub identity: ServerIdentity,
    pub versions: Versions,
    /// `SSLCACertificateFile`, PEM: trusted, and named to clients.
    pub trusted: Option<String>,
    /// `SSLCADNRequestFile`, PEM: named to clients instead.
    pub named: Option<String>,
    /// `SSLCARevocationFile`, PEM, each authority of a chain having to have one.
    pub crl: Option<String>,
    /// What stands in the virtual host: `SSLVerifyClient`, `<Location>`, and so on.
    pub host: String,
    /// What every path shows; may hold server-side includes.
    pub page: String,
}

impl Setup {
    pub fn new(identity: ServerIdentity, trusted: String, host: &str, page: &str) -> Self {
        Self {
            identity,
            versions: Versions::Both,
            trusted: Some(trusted),
            named: None,
            crl: None,
            host: host.to_owned(),
            page: page.to_owned(),
        }
    }

    fn configuration(&self, folder: &Path, port: u16) -> String {
        let protocols = match self.versions {
            Versions::Tls12 => "TLSv1.2",
            Versions::Tls13 => "TLSv1.3",
            Versions::Both => "-all +TLSv1.2 +TLSv1.3",
        };
        let is_root = rustix::process::geteuid().is_root();
        let user = if is_root { NOBODY } else { "" };
        let modules = MODULES
            .map(|name| format!("LoadModule {name}_module {MODULE_FOLDER}/mod_{name}.so"))
            .join("\n");
        let files = [
            ("SSLCACertificateFile trusted.pem", &self.trusted),
            ("SSLCADNRequestFile named.pem", &self.named),
            (
                "SSLCARevocationCheck chain\nSSLCARevocationFile crl.pem",
                &self.crl,
            ),
        ]
        .into_iter()
        .filter_map(|(directives, text)| text.as_ref().and(Some(directives)))
        .collect::<Vec<_>>()
        .join("\n");
        let host = &self.host;
        let folder = folder.display();
        format!(
            "ServerRoot {folder}
ServerName localhost
PidFile server.pid
ErrorLog error.log
LogLevel warn ssl:info
Mutex file:{folder} default
{modules}
{user}
StartServers 1
ServerLimit 1
ThreadsPerChild 4
MaxRequestWorkers 4
Listen 127.0.0.1:{port}
DocumentRoot {folder}/pages
FallbackResource /index.shtml
<Directory {folder}/pages>
    Options +Includes
    ForceType text/html
    SetOutputFilter INCLUDES
    Require all granted
</Directory>
<VirtualHost 127.0.0.1:{port}>
    SSLEngine on
    SSLProtocol {protocols}
    SSLCertificateFile server.pem
    SSLCertificateKeyFile server.key
    SSLOptions +StdEnvVars
    SSLVerifyDepth 3
    {files}
    {host}
</VirtualHost>
"
        )
    }
}

/// Apache, until it is dropped.
pub struct Apache(Running);

impl Apache {
    pub fn start(setup: &Setup) -> Result<Self, ServerError> {
        let files = with_certificates(
            &setup.identity,
            &[
                ("trusted.pem", setup.trusted.as_deref()),
                ("named.pem", setup.named.as_deref()),
                ("crl.pem", setup.crl.as_deref()),
                ("pages/index.shtml", Some(&setup.page)),
            ],
        );
        let configuration = |folder: &Path, port| setup.configuration(folder, port);
        Running::start(&APACHE, &files, configuration).map(Self)
    }
}

impl Deref for Apache {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.0
    }
}
