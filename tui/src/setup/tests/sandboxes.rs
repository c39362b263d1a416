//! What is told of browsers in a sandbox.

use super::*;

const FIREFOX: &str = ".var/app/org.mozilla.firefox";

#[tokio::test]
async fn a_sandbox_is_looked_into_and_told_as_it_is() {
    let bench = Bench::new();
    let firefox = bench.home(FIREFOX).join(".mozilla/firefox");
    let profile = firefox.join("a.default");
    fs::create_dir_all(&profile).unwrap();
    let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
    fs::write(firefox.join("profiles.ini"), list).unwrap();
    let told = async || {
        let lines: Vec<Line> = bench
            .plan(Scope::User, None)
            .await
            .iter()
            .map(Line::from)
            .collect();
        let found = lines.into_iter().find(|line| line.step == "sandboxes");
        found.expect("it is told")
    };

    let unknown = told().await;
    let metadata = bench
        .places
        .system("var/lib/flatpak/app/org.mozilla.firefox/current/active/metadata");
    fs::create_dir_all(metadata.parent().unwrap()).unwrap();
    fs::write(&metadata, "[Context]\nsockets=x11;\n").unwrap();
    let kept_away = told().await;
    fs::write(&metadata, "[Context]\nsockets=x11;pcsc;\n").unwrap();
    let without = told().await;
    let module = bench.home(FIREFOX).join("data/opensc-pkcs11.so");
    let modules = format!("name=CAC\nlibrary={}\n", module.display());
    fs::write(profile.join(database::MODULES), modules).unwrap();
    let gone = told().await;
    fs::create_dir_all(module.parent().unwrap()).unwrap();
    fs::write(&module, "").unwrap();
    let fine = told().await;

    let command = "flatpak override --user --socket=pcsc org.mozilla.firefox";
    for (line, state, part, fix) in [
        (&unknown, Standing::Told, "is not known", Some(command)),
        (
            &kept_away,
            Standing::Told,
            "keeps it from pcscd",
            Some(command),
        ),
        (&without, Standing::Told, "names no module", None),
        (&gone, Standing::Told, "which is not there", None),
        (&fine, Standing::There, "may reach pcscd", None),
    ] {
        assert_eq!(line.state, state, "{line:?}");
        assert!(line.text[0].contains(part), "{line:?}");
        assert_eq!(line.fix.as_deref(), fix, "{line:?}");
    }
}
