//! NSS databases, through NSS's own tools: `modutil` for modules, `certutil`
//! for certificates.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::modules::Module;
use super::tool::{self, ToolFault};

/// Whom a browser believes: servers (TLS), those who send mail, and programs.
/// An authority of the DoD is needed for the first two.
pub(crate) const ANCHOR: &str = "C,C,";

/// Helps to find the way from a card up to an authority, and is not believed by itself.
pub(crate) const INTERMEDIATE: &str = ",,";

/// What NSS calls it where a password is missing.
const BAD_PASSWORD: &str = "SEC_ERROR_BAD_PASSWORD";

/// The heading under which `certutil -L` lists.
const HEADING: &str = "SSL,S/MIME,JAR/XPI";

/// A certificate of a database, by `certutil -L`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) nickname: String,
    pub(crate) trust: String,
}

/// The certificates of a database that have one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) nickname: String,
    /// Of each, in no order that means anything.
    trusts: Vec<String>,
    /// One after the other, DER.
    ders: Vec<u8>,
}

impl Named {
    pub(crate) fn has(&self, der: &[u8]) -> bool {
        self.ders.windows(der.len()).any(|window| window == der)
    }

    /// None where they differ in it.
    pub(crate) fn trust(&self) -> Option<&str> {
        let (first, others) = self.trusts.split_first()?;
        let is_same = others.iter().all(|other| other == first);
        is_same.then_some(first.as_str())
    }
}

/// Whether it is enough for an authority that is to be believed.
pub(crate) fn is_anchor(trust: &str) -> bool {
    let mut uses = trust.split(',');
    let mut is_believed = || uses.next().is_some_and(|of_one| of_one.contains('C'));
    is_believed() && is_believed()
}

/// That of an authority that is to be believed; what else it was trusted for
/// stays, and no distrust (`p`).
pub(crate) fn as_anchor(trust: &str) -> String {
    let mut uses = trust.split(',');
    let mut of_one = || uses.next().unwrap_or_default();
    let believed = |letters: &str| {
        let kept = letters.chars().filter(|it| !"CcPpu".contains(*it));
        std::iter::once('C').chain(kept).collect::<String>()
    };
    let (servers, mail) = (believed(of_one()), believed(of_one()));
    format!("{servers},{mail},{}", of_one())
}

/// The order of the letters of one use says nothing.
pub(crate) fn is_same_trust(one: &str, other: &str) -> bool {
    let sorted = |trust: &str| -> Vec<Vec<char>> {
        let uses = trust.split(',');
        let uses = uses.map(|letters| {
            let mut letters: Vec<char> = letters.trim().chars().collect();
            letters.sort_unstable();
            letters
        });
        uses.collect()
    };
    sorted(one) == sorted(other)
}

/// Without a password, as browsers make it.
pub(crate) async fn create(folder: &Path) -> Result<(), ToolFault> {
    certutil(folder, ["-N", "--empty-password"]).await?;
    Ok(())
}

/// Loads the library to try it.
pub(crate) async fn add_module(folder: &Path, module: &Module) -> Result<(), ToolFault> {
    let add = ["-add", &module.name, "-libfile", &module.library, "-force"];
    modutil(folder, add).await
}

pub(crate) async fn delete_module(folder: &Path, name: &str) -> Result<(), ToolFault> {
    modutil(folder, ["-delete", name, "-force"]).await
}

pub(crate) async fn certificates(folder: &Path) -> Result<Vec<Held>, ToolFault> {
    Ok(listed(&certutil(folder, ["-L"]).await?))
}

/// Those of up to `most` names, each looked at by a program of its own.
pub(crate) async fn named(folder: &Path, most: usize) -> Result<Vec<Named>, ToolFault> {
    let mut trusts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for held in certificates(folder).await? {
        trusts.entry(held.nickname).or_default().push(held.trust);
    }
    let mut named = Vec::new();
    for (nickname, trusts) in trusts.into_iter().take(most) {
        named.push(Named {
            ders: der_of(folder, &nickname).await?,
            nickname,
            trusts,
        });
    }
    Ok(named)
}

/// The certificates of this name one after the other, DER.
async fn der_of(folder: &Path, nickname: &str) -> Result<Vec<u8>, ToolFault> {
    certutil(folder, ["-L", "-n", nickname, "-r"]).await
}

/// `file` holds it as DER or PEM. One that is there keeps its name, and has
/// this trust from then on.
pub(crate) async fn add_certificate(
    folder: &Path,
    nickname: &str,
    trust: &str,
    file: &Path,
) -> Result<(), ToolFault> {
    let add = ["-A", "-n", nickname, "-t", trust, "-i"];
    let arguments = add.map(OsStr::new).into_iter().chain([file.as_os_str()]);
    certutil(folder, arguments).await?;
    Ok(())
}

pub(crate) async fn delete_certificate(folder: &Path, nickname: &str) -> Result<(), ToolFault> {
    certutil(folder, ["-D", "-n", nickname]).await?;
    Ok(())
}

/// Whether it holds a private key; none where it cannot be opened, as with a
/// password of somebody's.
pub(crate) async fn has_keys(folder: &Path) -> Option<bool> {
    match certutil(folder, ["-K"]).await {
        Ok(_) => Some(true),
        // Without any it says so, and fails.
        Err(ToolFault::Failed { said, .. }) if said.contains("no keys found") => Some(false),
        Err(_) => None,
    }
}

/// Whether somebody has set a password for it. Without that no trust can be
/// given or taken; modules, and certificates without trust, can be added.
pub(crate) async fn is_locked(folder: &Path) -> bool {
    let opened = certutil(folder, ["-K"]).await;
    matches!(opened, Err(ToolFault::Failed { said, .. }) if said.contains(BAD_PASSWORD))
}

async fn certutil<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Vec<u8>, ToolFault> {
    let arguments = with_database("-d", folder, arguments);
    // Where it wants a password it would ask the terminal for it, past its input.
    let none = ["-f", "/dev/null"].map(OsString::from);
    tool::run("certutil", arguments.into_iter().chain(none)).await
}

async fn modutil<A: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<(), ToolFault> {
    tool::run("modutil", with_database("-dbdir", folder, arguments)).await?;
    Ok(())
}

fn with_database<A: AsRef<OsStr>>(
    option: &str,
    folder: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Vec<OsString> {
    let mut database = OsString::from("sql:");
    database.push(folder);
    let arguments = arguments.into_iter();
    [option.into(), database]
        .into_iter()
        .chain(arguments.map(|argument| argument.as_ref().to_owned()))
        .collect()
}

/// A name, spaces, and the trust, which has two commas and ends in spaces.
pub(crate) fn listed(output: &[u8]) -> Vec<Held> {
    let text = String::from_utf8_lossy(output);
    text.lines()
        .skip_while(|line| line.trim() != HEADING)
        .skip(1)
        .filter_map(|line| {
            let (nickname, trust) = line.trim_end().rsplit_once(' ')?;
            Some(Held {
                nickname: nickname.trim_end().to_owned(),
                trust: trust.to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::super::database::{self, Database};
    use super::*;

    #[test]
    fn names_may_have_spaces() {
        let output = b"
Certificate Nickname                                         Trust Attributes
                                                             SSL,S/MIME,JAR/XPI

DoD Root CA 3                                                C,C, 
A name  that goes on and on for longer than there is room, which is sixty letters ,,   
";

        let held = listed(output);

        assert_eq!(held.len(), 2);
        assert_eq!(held[0].nickname, "DoD Root CA 3");
        assert_eq!(held[0].trust, ANCHOR);
        assert!(held[1].nickname.ends_with("sixty letters"));
        assert_eq!(held[1].trust, INTERMEDIATE);
    }

    #[test]
    fn trust_is_enough_or_made_so_and_keeps_the_rest() {
        for (trust, is_enough, made) in [
            ("C,C,", true, "C,C,"),
            ("CT,C,C", true, "CT,C,C"),
            (",,", false, "C,C,"),
            ("C,,", false, "C,C,"),
            ("c,c,", false, "C,C,"),
            ("p,p,p", false, "C,C,p"),
            ("T,,C", false, "CT,C,C"),
            ("", false, "C,C,"),
        ] {
            assert_eq!(is_anchor(trust), is_enough, "{trust}");
            assert_eq!(as_anchor(trust), made, "{trust}");
            assert!(is_anchor(made), "{made}");
        }
        assert!(is_same_trust("CT,C,", "TC,C,"));
        assert!(!is_same_trust("C,C,", "C,C"));
        assert!(!is_same_trust("C,C,", "C,,C"));
    }

    #[test]
    fn of_one_name_the_trust_is_known_where_it_is_one() {
        let named = |trusts: &[&str]| Named {
            nickname: "A".into(),
            trusts: trusts.iter().map(|&it| it.into()).collect(),
            ders: b"abc".to_vec(),
        };

        assert_eq!(named(&["C,C,", "C,C,"]).trust(), Some("C,C,"));
        assert_eq!(named(&["C,C,", ",,"]).trust(), None);
        assert!(named(&[]).has(b"bc") && !named(&[]).has(b"cb"));
    }

    #[tokio::test]
    async fn a_database_with_a_password_is_locked_and_takes_a_module() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        create(path).await.unwrap();
        assert!(!is_locked(path).await);
        let locked = path.join("locked");
        fs::create_dir(&locked).unwrap();
        let password = path.join("password");
        fs::write(&password, "a primary password\n").unwrap();
        let made = Command::new("certutil")
            .args(["-N", "-d", &format!("sql:{}", locked.display()), "-f"])
            .arg(&password)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let module = Module {
            name: "A module".into(),
            library: "p11-kit-proxy.so".into(),
        };

        assert!(is_locked(&locked).await);
        add_module(&locked, &module).await.unwrap();
        delete_module(&locked, &module.name).await.unwrap();
    }

    #[tokio::test]
    async fn a_module_comes_and_goes_and_leaves_the_database_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        // NSS tries what it is to load; this one is on every machine that has NSS.
        let module = Module {
            name: "A module".into(),
            library: "p11-kit-proxy.so".into(),
        };

        create(path).await.unwrap();
        let before = fs::read(path.join(database::MODULES)).unwrap();
        add_module(path, &module).await.unwrap();
        let Database::Present(modules) = database::look(path).unwrap() else {
            panic!("it is there");
        };
        delete_module(path, &module.name).await.unwrap();

        assert_eq!(modules.last(), Some(&module));
        assert_eq!(fs::read(path.join(database::MODULES)).unwrap(), before);
    }

    #[tokio::test]
    async fn a_certificate_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let file = path.join("root.der");
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
            ])
            .args(["-subj", "/CN=A Root", "-outform", "DER", "-out"])
            .arg(&file)
            .arg("-keyout")
            .arg(path.join("root.key"))
            .output()
            .unwrap();
        assert!(made.status.success());

        create(path).await.unwrap();
        add_certificate(path, "A Root (1)", ANCHOR, &file)
            .await
            .unwrap();
        let held = certificates(path).await.unwrap();
        let der = der_of(path, "A Root (1)").await.unwrap();
        delete_certificate(path, "A Root (1)").await.unwrap();

        assert_eq!(
            held,
            [Held {
                nickname: "A Root (1)".into(),
                trust: ANCHOR.into()
            }]
        );
        assert_eq!(der, fs::read(&file).unwrap());
        assert_eq!(certificates(path).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_library_that_is_none_is_not_added() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("none.so");
        fs::write(&library, "none").unwrap();
        let module = Module {
            name: "None".into(),
            library: library.display().to_string(),
        };

        create(folder.path()).await.unwrap();
        let refused = add_module(folder.path(), &module).await;

        assert!(matches!(refused, Err(ToolFault::Failed { .. })));
    }
}
