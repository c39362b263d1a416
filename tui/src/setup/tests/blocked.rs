//! One place that cannot be used stops nothing else.

use super::*;

/// A folder where a file is to be.
fn put_a_folder(path: &Path) {
    fs::create_dir_all(path.join("of somebody")).unwrap();
}

fn standing(lines: &[Line], step: &str) -> (Standing, String) {
    let line = lines.iter().find(|line| line.step == step);
    let line = line.unwrap_or_else(|| panic!("{step}: {lines:?}"));
    (line.state, line.text.join("; "))
}

#[tokio::test]
async fn a_place_at_home_that_cannot_be_used_is_told_and_the_rest_is_done() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    let gone = bench.home(".mozilla/firefox/b.default");
    fs::create_dir_all(&gone).unwrap();
    let list = bench.home(".mozilla/firefox/profiles.ini");
    let both = fs::read_to_string(&list).unwrap()
        + "[Profile1]\nName=other\nIsRelative=1\nPath=b.default\n";
    fs::write(&list, both).unwrap();
    put_a_folder(&gone.join(database::MODULES));
    put_a_folder(&bench.home(".config/pkcs11/modules/opensc.module"));
    put_a_folder(&bench.home(".gnupg/scdaemon.conf"));
    scdaemon::install(&bench);

    let done = bench.set_up(Scope::User, Some(&roots)).await;
    let undone = bench.undo(Force::Own).await;

    for (step, part) in [
        (
            "p11-kit",
            "opensc.module cannot be read: not a regular file",
        ),
        (
            "scdaemon",
            "scdaemon.conf cannot be read: not a regular file",
        ),
    ] {
        let (state, text) = standing(&done, step);
        assert_eq!(state, Standing::Blocked, "{text}");
        assert!(text.contains(part), "{text}");
    }
    for step in ["authorities", "browsers"] {
        let of_it = of_firefox(&done).into_iter();
        let of_it = of_it.filter(|line| line.step == step);
        let states: Vec<Standing> = of_it.map(|line| line.state).collect();
        assert_eq!(states, [Standing::Done, Standing::Blocked], "{done:?}");
    }
    let blocked = of_firefox(&done).pop().unwrap();
    assert!(
        blocked.text[0].contains("b.default cannot be looked into"),
        "{blocked:?}"
    );
    assert_eq!(of_firefox(&undone).len(), 2, "{undone:?}");
}

#[tokio::test]
async fn a_place_of_the_system_that_cannot_be_used_is_told_and_the_rest_is_done() {
    let bench = Bench::new();
    let roots = bench.roots();
    let system = |below: &str| bench.places.system(below);
    put_a_folder(&system("etc/firefox/policies/policies.json"));
    // Debian's; its program is on this machine, and is not run.
    let store = system("usr/local/share/ca-certificates");
    let short = roots::short(&roots.anchors[0]);
    let planned = bench.plan(Scope::System, Some(&roots)).await;
    assert!(matches!(
        planned.last().map(|step| &step.state),
        Some(State::Blocked { .. })
    ));
    fs::create_dir_all(&store).unwrap();
    let places = Places {
        home: Home {
            programs: vec!["/usr/sbin".into()],
            ..bench.places.home.clone()
        },
        ..bench.places.clone()
    };
    let wanted = Wanted {
        scope: Scope::System,
        roots: Some(&roots),
        system_store: true,
        only: &[],
    };
    let name = plan(&places, wanted).await.iter().find_map(|step| {
        let State::ToDo {
            action: plan::Action::Write { files, .. },
            ..
        } = &step.state
        else {
            return None;
        };
        let path = files.first()?.path.clone();
        path.starts_with(&store).then_some(path)
    });
    let name = name.expect("the store is written to");
    assert!(name.display().to_string().contains(&short), "{name:?}");
    put_a_folder(&name);

    let done = carry_out(&places, plan(&places, wanted).await, |_| Ok(()))
        .await
        .unwrap();

    let states: Vec<(&str, Standing)> = standings(&done);
    assert_eq!(
        states,
        [
            ("module", Standing::There),
            ("p11-kit", Standing::Done),
            ("firefox-policy", Standing::Blocked),
            ("system-store", Standing::Blocked),
        ],
        "{done:?}"
    );
    let (_, text) = standing(&done, "firefox-policy");
    assert!(text.contains("policies.json cannot be read"), "{text}");
}
