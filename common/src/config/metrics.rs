//! `[metrics]`: where what is counted is given out.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::toml_file::{FileError, Source};

/// The only ending that node_exporter's textfile collector reads.
const TEXTFILE_ENDING: &str = "prom";

/// Where what is counted is given out; nowhere, as it comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// A file that is replaced when something has changed.
    pub textfile: Option<PathBuf>,
    pub listen: Option<Listen>,
}

/// Where `GET /metrics` is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Unix(PathBuf),
    /// On the loopback interface.
    Tcp(SocketAddr),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MetricsTable {
    textfile: Option<Spanned<PathBuf>>,
    listen: Option<Spanned<String>>,
}

impl MetricsTable {
    pub(super) fn check(self, source: &Source) -> Result<Metrics, FileError> {
        let textfile = self.textfile.map(|path| {
            let is_read = path.get_ref().is_absolute()
                && path
                    .get_ref()
                    .extension()
                    .is_some_and(|ending| ending == TEXTFILE_ENDING);
            if is_read {
                Ok(path.into_inner())
            } else {
                let fault = "metrics.textfile is an absolute path that ends in .prom";
                Err(source.fault_at(&path, fault))
            }
        });
        let listen = self.listen.map(|text| {
            listen(text.get_ref())
                .map_err(|fault| source.fault_at(&text, &format!("metrics.listen {fault}")))
        });
        Ok(Metrics {
            textfile: textfile.transpose()?,
            listen: listen.transpose()?,
        })
    }
}

fn listen(text: &str) -> Result<Listen, &'static str> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = Path::new(path);
        return if path.is_absolute() && path.file_name().is_some() {
            Ok(Listen::Unix(path.to_owned()))
        } else {
            Err("names a socket by an absolute path, as \"unix:/run/cacd/metrics.sock\"")
        };
    }
    let address: SocketAddr = text.parse().map_err(|_| {
        "is \"unix:\" and a path, or an address and a port, as \"127.0.0.1:9811\" or \"[::1]:9811\""
    })?;
    if !address.ip().is_loopback() {
        return Err(
            "stays on this machine: 127.0.0.1 or [::1]. Let node_exporter or a proxy that checks who asks give it out further",
        );
    }
    if address.port() == 0 {
        return Err("names its port");
    }
    Ok(Listen::Tcp(address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn both_ways_are_read() {
        let metrics = check(
            "[metrics]\ntextfile = \"/var/lib/node_exporter/cacd.prom\"\nlisten = \"[::1]:9811\"\n",
        )
        .unwrap();

        assert_eq!(
            metrics,
            Metrics {
                textfile: Some("/var/lib/node_exporter/cacd.prom".into()),
                listen: Some(Listen::Tcp("[::1]:9811".parse().unwrap())),
            }
        );
        assert_eq!(
            check("[metrics]\nlisten = \"unix:/run/cacd/metrics.sock\"\n").unwrap(),
            Metrics {
                textfile: None,
                listen: Some(Listen::Unix("/run/cacd/metrics.sock".into())),
            }
        );
    }

    #[test]
    fn what_is_not_of_this_machine_is_refused_with_its_line() {
        for listen in [
            "0.0.0.0:9811",
            "[::]:9811",
            "192.0.2.1:9811",
            "[::ffff:127.0.0.1]:9811",
        ] {
            let error = check(&format!("[metrics]\n\nlisten = \"{listen}\"\n")).unwrap_err();

            let expected = "cacd.toml:3:10: metrics.listen stays on this machine";
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line() {
        for (text, fault) in [
            ("listen = \"localhost:9811\"", "metrics.listen is \"unix:\""),
            ("listen = \"9811\"", "metrics.listen is \"unix:\""),
            ("listen = \"127.0.0.1:0\"", "metrics.listen names its port"),
            ("listen = \"unix:metrics.sock\"", "metrics.listen names a"),
            ("listen = \"unix:/\"", "metrics.listen names a socket"),
            ("textfile = \"cacd.prom\"", "metrics.textfile is an"),
            ("textfile = \"/srv/cacd.txt\"", "metrics.textfile is an"),
            ("textfile = \"/srv/.prom\"", "metrics.textfile is an"),
        ] {
            let error = check(&format!("[metrics]\n{text}\n")).unwrap_err();

            let line = error.to_string();
            assert!(line.starts_with("cacd.toml:2:"), "{line}");
            assert!(line.contains(fault), "{line}");
        }
    }

    fn check(text: &str) -> Result<Metrics, FileError> {
        let source = Source::new(Path::new("cacd.toml"), text.into());
        Config::check(&source).map(|config| config.metrics)
    }
}
