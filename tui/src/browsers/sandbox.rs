//! The sandbox that a browser runs in, as far as it can be seen from outside.

use std::path::{Path, PathBuf};

use cac_common::bounded_file;

use super::modules::Module;
use super::{Home, Packaging, Profile};

/// Where a sandbox keeps what its program writes at home.
const SNAPS: &str = "snap";
const FLATPAKS: &str = ".var/app";

/// Of all users' flatpaks, below the root of the file system.
const FLATPAKS_OF_ALL: &str = "var/lib/flatpak";

/// Lists of permissions have 1 kB.
const LARGEST_FILE: u64 = 64 * 1024;

/// How flatpak calls pcscd's socket (flatpak-metadata(5)), and snapd its plug.
const OF_FLATPAK: &str = "pcsc";
const OF_SNAP: &str = "pcscd";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sandbox {
    packaging: Packaging,
    /// `firefox` of a snap, `org.mozilla.firefox` of a flatpak.
    pub(crate) name: String,
    /// What lies in here the program sees under the same path.
    home: PathBuf,
}

/// Where a module that is listed inside a sandbox lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where both can see it, and it is there.
    Seen,
    /// Where both could see it, and it is not there.
    Missing,
    /// In a part of the file system of which the sandbox has its own.
    Inside,
}

impl Sandbox {
    /// None of a browser that has no sandbox.
    pub(crate) fn of(home: &Path, profile: &Profile) -> Option<Self> {
        let above = match profile.packaging {
            Packaging::Native => return None,
            Packaging::Snap => home.join(SNAPS),
            Packaging::Flatpak => home.join(FLATPAKS),
        };
        let below = profile.folder.strip_prefix(&above).ok()?;
        let name = below.components().next()?.as_os_str().to_str()?;
        Some(Self {
            packaging: profile.packaging,
            name: name.to_owned(),
            home: above.join(name),
        })
    }

    pub(crate) fn place_of(&self, module: &Module) -> Place {
        let library = Path::new(&module.library);
        if !library.starts_with(&self.home) {
            Place::Inside
        } else if library.is_file() {
            Place::Seen
        } else {
            Place::Missing
        }
    }

    /// What tells whether a snap may reach pcscd, and by [`is_connected`] how.
    pub(crate) fn asks_snapd(&self) -> Option<[&str; 2]> {
        (self.packaging == Packaging::Snap).then_some(["connections", &self.name])
    }

    /// What lets it reach pcscd.
    pub(crate) fn command(&self) -> String {
        let name = &self.name;
        match self.packaging {
            Packaging::Snap => format!("sudo snap connect {name}:{OF_SNAP}"),
            Packaging::Native | Packaging::Flatpak => {
                format!("flatpak override --user --socket={OF_FLATPAK} {name}")
            }
        }
    }

    /// Whether a flatpak may reach pcscd, by its own list and what was set
    /// over it; none where no list is found.
    pub(crate) fn flatpak_may(&self, root: &Path, home: &Home) -> Option<bool> {
        let name = &self.name;
        let (all, own) = (root.join(FLATPAKS_OF_ALL), home.data.join("flatpak"));
        let metadata = format!("app/{name}/current/active/metadata");
        let overrides = [&all, &own].into_iter().flat_map(|place| {
            let place = place.join("overrides");
            [place.join("global"), place.join(name)]
        });
        let mut may = None;
        // A user's own counts before that of all.
        let metadata = [own.join(&metadata), all.join(&metadata)];
        if let Some(list) = metadata.iter().find_map(|path| text(path)) {
            may = Some(socket(&list).unwrap_or(false));
        }
        for list in overrides.filter_map(|path| text(&path)) {
            may = socket(&list).or(may);
        }
        may
    }
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(bounded_file::read(path, LARGEST_FILE).ok()?).ok()
}

/// What `[Context]` says of pcscd: `sockets=x11;!pcsc;`.
fn socket(list: &str) -> Option<bool> {
    let lines = list.lines().map(str::trim);
    let context = lines.skip_while(|line| *line != "[Context]").skip(1);
    let context = context.take_while(|line| !line.starts_with('['));
    let mut settings = context.filter_map(|line| line.split_once('='));
    let (_, sockets) = settings.find(|(key, _)| key.trim() == "sockets")?;
    let mut sockets = sockets.split(';').map(str::trim);
    sockets.find_map(|socket| match socket.strip_prefix('!') {
        Some(socket) => (socket == OF_FLATPAK).then_some(false),
        None => (socket == OF_FLATPAK).then_some(true),
    })
}

/// By what `snap connections` says: interface, plug, slot, notes. A plug that
/// is not connected has a hyphen for its slot; a snap that has no such plug
/// never reaches pcscd.
pub(crate) fn is_connected(said: &str) -> bool {
    let lines = said.lines().map(str::split_whitespace);
    let mut plugs = lines.filter(|line| line.clone().next() == Some(OF_SNAP));
    plugs.any(|mut line| line.nth(2).is_some_and(|slot| slot != "-"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::browsers::Family;

    fn profile(packaging: Packaging, folder: &Path) -> Profile {
        Profile {
            title: "A browser".into(),
            family: Family::Firefox,
            packaging,
            folder: folder.to_owned(),
        }
    }

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_sandbox_is_known_by_where_its_profile_lies() {
        let home = Path::new("/home/jane");
        for (packaging, below, name) in [
            (Packaging::Native, ".mozilla/firefox/a", None),
            (
                Packaging::Snap,
                "snap/firefox/common/.mozilla/firefox/a",
                Some("firefox"),
            ),
            (
                Packaging::Flatpak,
                ".var/app/org.mozilla.firefox/.mozilla/firefox/a",
                Some("org.mozilla.firefox"),
            ),
            // A list of profiles may name any path.
            (Packaging::Flatpak, ".mozilla/firefox/a", None),
        ] {
            let sandbox = Sandbox::of(home, &profile(packaging, &home.join(below)));

            assert_eq!(sandbox.as_ref().map(|it| &*it.name), name, "{below}");
        }
    }

    #[test]
    fn a_module_is_seen_from_both_sides_in_the_home_of_the_sandbox_alone() {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("snap/firefox/common");
        let sandbox = Sandbox::of(
            home.path(),
            &profile(Packaging::Snap, &own.join(".mozilla/firefox/a")),
        );
        let sandbox = sandbox.unwrap();
        let module = |library: &Path| Module {
            name: "any".into(),
            library: library.display().to_string(),
        };
        let library = own.join("opensc-pkcs11.so");

        assert_eq!(sandbox.place_of(&module(&library)), Place::Missing);
        write(&library, "");
        assert_eq!(sandbox.place_of(&module(&library)), Place::Seen);
        for elsewhere in ["/usr/lib/opensc-pkcs11.so", "p11-kit-proxy.so"] {
            let place = sandbox.place_of(&module(Path::new(elsewhere)));
            assert_eq!(place, Place::Inside, "{elsewhere}");
        }
    }

    #[test]
    fn a_flatpak_may_what_its_list_says_and_what_was_set_over_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home {
            folder: folder.path().join("home"),
            data: folder.path().join("home/.local/share"),
            programs: Vec::new(),
        };
        let at = home.folder.join(".var/app/org.mozilla.firefox/a");
        let sandbox = Sandbox::of(&home.folder, &profile(Packaging::Flatpak, &at)).unwrap();
        let may = || sandbox.flatpak_may(folder.path(), &home);
        let all = folder.path().join("var/lib/flatpak");
        let own = home.data.join("flatpak");

        assert_eq!(may(), None);
        let metadata = all.join("app/org.mozilla.firefox/current/active/metadata");
        write(
            &metadata,
            "[Application]\nname=a\n\n[Context]\nsockets=x11;\n",
        );
        assert_eq!(may(), Some(false));
        write(&metadata, "[Context]\nshared=ipc;\nsockets=x11;pcsc;\n");
        assert_eq!(may(), Some(true));
        write(&all.join("overrides/global"), "[Context]\nsockets=!pcsc\n");
        assert_eq!(may(), Some(false));
        let set = own.join("overrides/org.mozilla.firefox");
        write(&set, "[Context]\nsockets = pcsc;\n");
        assert_eq!(may(), Some(true));
        write(&set, "[Session Bus Policy]\nsockets=!pcsc\n");
        assert_eq!(may(), Some(false), "it is set for all");
    }

    #[test]
    fn a_snap_may_once_its_plug_has_a_slot() {
        let heading = "Interface  Plug             Slot    Notes\n";
        for (line, may) in [
            ("pcscd      firefox:pcscd    :pcscd  manual", true),
            ("pcscd      firefox:pcscd    -       -", false),
            ("network    firefox:network  :pcscd  -", false),
            ("", false),
        ] {
            assert_eq!(is_connected(&format!("{heading}{line}\n")), may, "{line}");
        }
    }
}
