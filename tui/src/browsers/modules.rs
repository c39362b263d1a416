//! `pkcs11.txt`: which PKCS #11 modules a database loads.
//!
//! Written by NSS (`lib/softoken/sdb`): paragraphs of `key=value`, one for each
//! module, parted by empty lines.

use std::path::Path;

/// Those of browsers have less than 1 kB.
pub(crate) const LARGEST_FILE: u64 = 256 * 1024;

const MOST_MODULES: usize = 64;

/// File names of OpenSC's module; the second sees one PIN alone.
pub(crate) const OPENSC: [&str; 2] = ["opensc-pkcs11.so", "onepin-opensc-pkcs11.so"];

/// All that p11-kit knows in one.
pub(crate) const P11_KIT_PROXY: &str = "p11-kit-proxy.so";

/// What beginnings of file names tell of modules that nobody maintains and
/// that take the card for themselves.
const CONFLICTING: [&str; 4] = ["libcoolkeypk11", "coolkey", "libcackey", "cackey"];

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Module {
    pub(crate) name: String,
    /// Empty for what is built in.
    pub(crate) library: String,
}

/// Why the list of modules is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModulesFault {
    #[error("it is no text")]
    NotText,
    #[error("line {number} is no setting")]
    Line { number: usize },
    #[error("the module that ends before line {number} has no name")]
    NoName { number: usize },
    #[error("it lists more than {MOST_MODULES} modules")]
    TooMany,
}

impl Module {
    pub(crate) fn file_name(&self) -> &str {
        let name = Path::new(&self.library).file_name();
        name.and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// On this machine. One without a folder is looked for by the system's loader.
    pub(crate) fn is_there(&self, root: &Path) -> bool {
        let library = Path::new(&self.library);
        let below = library
            .strip_prefix(root)
            .or_else(|_| library.strip_prefix("/"));
        below.is_err() || below.is_ok_and(|below| root.join(below).exists())
    }

    pub(crate) fn is_opensc(&self) -> bool {
        OPENSC.contains(&self.file_name())
    }

    pub(crate) fn is_p11_kit(&self) -> bool {
        self.file_name() == P11_KIT_PROXY
    }

    pub(crate) fn is_conflicting(&self) -> bool {
        let name = self.file_name();
        CONFLICTING.iter().any(|start| name.starts_with(start))
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Module>, ModulesFault> {
    let text = std::str::from_utf8(bytes).map_err(|_| ModulesFault::NotText)?;
    let mut modules = Vec::new();
    let mut open = Paragraph::default();
    let mut number = 0;
    for line in text.lines() {
        number += 1;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            open.close(number, &mut modules)?;
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(ModulesFault::Line { number });
        };
        open.is_begun = true;
        if key.eq_ignore_ascii_case("name") {
            open.name = Some(value.to_owned());
        } else if key.eq_ignore_ascii_case("library") {
            value.clone_into(&mut open.library);
        }
    }
    open.close(number + 1, &mut modules)?;
    Ok(modules)
}

#[derive(Default)]
struct Paragraph {
    is_begun: bool,
    name: Option<String>,
    library: String,
}

impl Paragraph {
    /// Several empty lines in a row end one module.
    fn close(&mut self, number: usize, modules: &mut Vec<Module>) -> Result<(), ModulesFault> {
        let Self {
            is_begun,
            name,
            library,
        } = std::mem::take(self);
        if !is_begun {
            return Ok(());
        }
        if modules.len() == MOST_MODULES {
            return Err(ModulesFault::TooMany);
        }
        let name = name.ok_or(ModulesFault::NoName { number })?;
        modules.push(Module { name, library });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WITH_OPENSC: &str = "\
library=
name=NSS Internal PKCS #11 Module
parameters=configdir='sql:db' certPrefix='' keyPrefix='' secmod='secmod.db' flags= updatedir=''
NSS=Flags=internal,critical trustOrder=75 cipherOrder=100 slotParams=(1={askpw=any timeout=30})

library=/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so
name=CAC Module

";

    #[test]
    fn the_modules_that_modutil_wrote_are_read() {
        let modules = parse(WITH_OPENSC.as_bytes()).unwrap();

        let [internal, opensc] = modules.as_slice() else {
            panic!("{modules:?}");
        };
        assert_eq!(internal.name, "NSS Internal PKCS #11 Module");
        assert!(!internal.is_opensc());
        assert_eq!(opensc.name, "CAC Module");
        assert!(opensc.is_opensc());
    }

    #[test]
    fn modules_are_known_by_the_name_of_their_file() {
        let module = |library: &str| Module {
            name: "any".into(),
            library: library.into(),
        };

        assert!(module("/usr/lib64/pkcs11/onepin-opensc-pkcs11.so").is_opensc());
        assert!(module("p11-kit-proxy.so").is_p11_kit());
        assert!(module("/usr/lib/pkcs11/libcoolkeypk11.so").is_conflicting());
        assert!(module("/usr/lib64/libcackey.so").is_conflicting());
        assert!(!module("/home/coolkey/opensc-pkcs11.so").is_conflicting());
    }

    #[test]
    fn a_list_that_is_broken_says_where() {
        assert_eq!(
            parse(b"library=\nname=a\n\nnonsense\n"),
            Err(ModulesFault::Line { number: 4 })
        );
        assert_eq!(
            parse(b"library=/a.so\n\nname=b\n"),
            Err(ModulesFault::NoName { number: 2 })
        );
        assert_eq!(parse(b"name=\xFF"), Err(ModulesFault::NotText));
        assert_eq!(
            parse("name=a\n\n".repeat(MOST_MODULES + 1).as_bytes()),
            Err(ModulesFault::TooMany)
        );
        assert_eq!(parse(b""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn whatever_a_list_is_it_is_read_or_refused(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
