//! The daemon's configuration: as written in `cacd.toml`, and as checked.

mod metrics;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_spanned::Spanned;

use self::metrics::MetricsTable;
pub use self::metrics::{Listen, Metrics};
use crate::proxy::{NotAnExcept, Proxy};
use crate::span;
use crate::toml_file::{FileError, Source};
use crate::users::{UserTable, Users};

/// `sign-in` holds a PIN no longer than this.
const SIGN_IN_AT_MOST: Duration = Duration::from_mins(5);

/// How long a PIN is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinKeep {
    /// Until every portal that is due is done or waiting, at most five minutes.
    SignIn,
    /// Until the card is taken out.
    Visit,
    /// This long.
    For(Duration),
}

impl PinKeep {
    /// The longest it may be held, if there is a limit besides the visit.
    pub fn at_most(self) -> Option<Duration> {
        match self {
            Self::SignIn => Some(SIGN_IN_AT_MOST),
            Self::Visit => None,
            Self::For(span) => Some(span),
        }
    }
}

/// What becomes of the session that a card belongs to when the card is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRemoval {
    Nothing,
    Lock,
    Terminate,
}

/// A configuration that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub pin_keep: PinKeep,
    /// Members of this group may act, as root may.
    pub admin_group: String,
    pub on_removal: OnRemoval,
    /// The session is left as it is if the card is back by then.
    pub removal_grace: Duration,
    /// Keep certificates and other open objects of cards in the database.
    pub cache_certificates: bool,
    /// Forget history older than this.
    pub keep_history: Duration,
    /// Forget the oldest history where there are more entries than this.
    pub most_history: u32,
    /// The first wait after a portal could not be reached; it doubles each time.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// Ask the authorities over the network whether certificates were taken back.
    pub check_revocation: bool,
    /// The way to portals, if the environment is not to name it.
    pub proxy: Option<Proxy>,
    /// Where profiles lie, if not in `portals.d` beside the configuration.
    pub portals: Option<PathBuf>,
    /// Whose cards are whose.
    pub users: Users,
    /// Where what is counted is given out.
    pub metrics: Metrics,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pin_keep: PinKeep::SignIn,
            admin_group: "cacd-admin".into(),
            on_removal: OnRemoval::Nothing,
            removal_grace: Duration::from_secs(5),
            cache_certificates: true,
            keep_history: Duration::from_hours(365 * 24),
            most_history: 100_000,
            first_wait: Duration::from_secs(30),
            longest_wait: Duration::from_mins(30),
            check_revocation: true,
            proxy: None,
            portals: None,
            users: Users::default(),
            metrics: Metrics::default(),
        }
    }
}

/// `cacd.toml`, as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    pin: PinTable,
    access: AccessTable,
    session: SessionTable,
    store: StoreTable,
    retry: RetryTable,
    trust: TrustTable,
    network: NetworkTable,
    portals: PortalsTable,
    metrics: MetricsTable,
    user: Vec<UserTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PinTable {
    keep: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AccessTable {
    group: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SessionTable {
    on_removal: Option<Spanned<String>>,
    removal_grace: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StoreTable {
    cache_certificates: Option<bool>,
    keep_history: Option<Spanned<String>>,
    most_history: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetryTable {
    first_wait: Option<Spanned<String>>,
    longest_wait: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TrustTable {
    check_revocation: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NetworkTable {
    proxy: Option<Spanned<String>>,
    no_proxy: Vec<Spanned<String>>,
}

impl NetworkTable {
    fn check(&self, source: &Source) -> Result<Option<Proxy>, FileError> {
        let mut except = Vec::new();
        for text in &self.no_proxy {
            let one = text.get_ref().parse();
            except.push(one.map_err(|error: NotAnExcept| {
                source.fault_at(text, &format!("network.no_proxy: {error}"))
            })?);
        }
        match (&self.proxy, self.no_proxy.first()) {
            (Some(address), _) => Proxy::new(address.get_ref(), except)
                .map(Some)
                .map_err(|error| source.fault_at(address, &format!("network.proxy: {error}"))),
            (None, Some(first)) => Err(source.fault_at(
                first,
                "network.no_proxy counts for network.proxy, which is not set",
            )),
            (None, None) => Ok(None),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PortalsTable {
    folder: Option<Spanned<PathBuf>>,
}

impl Config {
    /// Reads `cacd.toml`; a file that is not there is all defaults.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        match Source::read(path) {
            Err(FileError::Unreadable { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(Self::default())
            }
            Err(error) => Err(error),
            Ok(source) => Self::check(&source),
        }
    }

    pub fn check(source: &Source) -> Result<Self, FileError> {
        let file: ConfigFile = source.parse()?;
        let default = Self::default();
        let length = |written: Option<Spanned<String>>, otherwise| {
            written.map_or(Ok(otherwise), |text| {
                span::parse(text.get_ref())
                    .map_err(|error| source.fault_at(&text, &error.to_string()))
            })
        };

        let pin_keep = match file.pin.keep {
            None => default.pin_keep,
            Some(text) => match text.get_ref().as_str() {
                "sign-in" => PinKeep::SignIn,
                "visit" => PinKeep::Visit,
                other => PinKeep::For(span::parse(other).map_err(|_| {
                    source.fault_at(
                        &text,
                        "pin.keep is \"sign-in\", \"visit\" or a length of time such as \"5m\"",
                    )
                })?),
            },
        };
        let admin_group = match file.access.group {
            None => default.admin_group,
            Some(text) if text.get_ref().is_empty() => {
                return Err(source.fault_at(&text, "access.group names a group"));
            }
            Some(text) => text.into_inner(),
        };
        let on_removal = match file.session.on_removal {
            None => default.on_removal,
            Some(text) => match text.get_ref().as_str() {
                "nothing" => OnRemoval::Nothing,
                "lock" => OnRemoval::Lock,
                "terminate" => OnRemoval::Terminate,
                _ => {
                    return Err(source.fault_at(
                        &text,
                        "session.on_removal is \"nothing\", \"lock\" or \"terminate\"",
                    ));
                }
            },
        };
        let longest_wait_span = file.retry.longest_wait.as_ref().map(Spanned::span);
        let first_wait = length(file.retry.first_wait, default.first_wait)?;
        let longest_wait = length(
            file.retry.longest_wait,
            default.longest_wait.max(first_wait),
        )?;
        if first_wait.is_zero() || longest_wait < first_wait {
            return Err(source.fault(
                longest_wait_span.unwrap_or(0..0),
                "retry.first_wait has to be more than nothing, and retry.longest_wait not shorter",
            ));
        }
        Ok(Self {
            pin_keep,
            admin_group,
            on_removal,
            removal_grace: length(file.session.removal_grace, default.removal_grace)?,
            cache_certificates: file
                .store
                .cache_certificates
                .unwrap_or(default.cache_certificates),
            keep_history: length(file.store.keep_history, default.keep_history)?,
            most_history: file.store.most_history.unwrap_or(default.most_history),
            first_wait,
            longest_wait,
            check_revocation: file
                .trust
                .check_revocation
                .unwrap_or(default.check_revocation),
            proxy: file.network.check(source)?,
            portals: match file.portals.folder {
                Some(folder) if folder.get_ref().is_relative() => {
                    return Err(source.fault_at(&folder, "portals.folder is an absolute path"));
                }
                folder => folder.map(Spanned::into_inner),
            },
            users: Users::check(file.user, source)?,
            metrics: file.metrics.check(source)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(check("").unwrap(), Config::default());
    }

    #[test]
    fn every_setting_is_read() {
        let config = check(
            "[pin]\nkeep = \"visit\"\n[access]\ngroup = \"wheel\"\n\
             [session]\non_removal = \"lock\"\nremoval_grace = \"0s\"\n[store]\ncache_certificates = false\n\
             keep_history = \"30d\"\nmost_history = 500\n[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1m\"\n\
             [trust]\ncheck_revocation = false\n[network]\nproxy = \"http://a.example:1\"\n\
             no_proxy = [\"b.example\"]\n[portals]\nfolder = \"/srv/portals\"\n",
        )
        .unwrap();

        assert_eq!(
            config,
            Config {
                pin_keep: PinKeep::Visit,
                admin_group: "wheel".into(),
                on_removal: OnRemoval::Lock,
                removal_grace: Duration::ZERO,
                cache_certificates: false,
                check_revocation: false,
                keep_history: Duration::from_hours(30 * 24),
                most_history: 500,
                first_wait: Duration::from_secs(1),
                longest_wait: Duration::from_mins(1),
                proxy: Proxy::new("http://a.example:1", vec!["b.example".parse().unwrap()]).ok(),
                portals: Some("/srv/portals".into()),
                users: Users::default(),
                metrics: Metrics::default(),
            }
        );
    }

    #[test]
    fn the_sample_is_taken_and_changes_nothing() {
        let sample = include_str!("../../systemd/cacd.toml");
        let setting = |line: &str| {
            line.strip_prefix('#').is_some_and(|rest| {
                rest.starts_with('[')
                    || rest.contains(" = ") && !rest.starts_with(' ') && !rest.contains(" is ")
            })
        };
        let every: String = sample
            .lines()
            .map(|line| if setting(line) { &line[1..] } else { line })
            .flat_map(|line| [line, "\n"])
            .collect();

        assert_eq!(check(sample).unwrap(), Config::default());
        let jane = "1234567890".parse().ok();
        assert_eq!(
            check(&every).unwrap().users.of(None, jane, None),
            Some("jane")
        );
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (text, place) in [
            ("[pin]\nkeep = \"always\"\n", "cacd.toml:2:8: pin.keep is"),
            (
                "[pin]\nkep = \"visit\"\n",
                "cacd.toml:2:1: unknown field `kep`",
            ),
            (
                "[session]\non_removal = \"logout\"\n",
                "cacd.toml:2:14: session.on_removal is",
            ),
            (
                "[retry]\nfirst_wait = \"5\"\n",
                "cacd.toml:2:14: a length of time is",
            ),
            (
                "[retry]\nfirst_wait = \"5m\"\nlongest_wait = \"1m\"\n",
                "cacd.toml:3:16: retry.first_wait",
            ),
            (
                "[store]\nmost_history = -1\n",
                "cacd.toml:2:16: invalid value: integer `-1`, expected u32",
            ),
            (
                "[portals]\nfolder = \"here\"\n",
                "cacd.toml:2:10: portals.folder is",
            ),
            (
                "[network]\nproxy = \"https://a\"\n",
                "cacd.toml:2:9: network.proxy: a proxy is an address such as",
            ),
            (
                "[network]\nproxy = \"http://a\"\nno_proxy = [\"b\", \"/\"]\n",
                "cacd.toml:3:18: network.no_proxy: what needs no proxy is",
            ),
            (
                "[network]\nno_proxy = [\"b\"]\n",
                "cacd.toml:2:13: network.no_proxy counts for",
            ),
        ] {
            let error = check(text).unwrap_err().to_string();

            assert!(error.starts_with(place), "{error}");
        }
    }

    fn check(text: &str) -> Result<Config, FileError> {
        Config::check(&Source::new(Path::new("cacd.toml"), text.into()))
    }
}
