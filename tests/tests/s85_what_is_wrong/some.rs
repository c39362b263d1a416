//! Some checks alone, one card of several, and programs that hang.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use cac_tests::harness::{Lab, Plan, jane};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::checked::Checked;

#[test]
fn s85_a_check_alone_says_what_it_waits_for_and_ends_by_that() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;

    let no_card = Checked::with(&lab, &["--only", "pin-tries"], &[])?;
    assert_eq!(no_card.checks(), ["card", "pin-tries"], "{no_card:#?}");
    assert_eq!(no_card.verdict("card")?, "failed");
    assert_eq!(no_card.verdict("pin-tries")?, "not_applicable");
    let waits_for = no_card.of_check("pin-tries", "cause")?;
    assert_eq!(waits_for, "after: a card is in, and answers");
    assert_eq!(no_card.exit, Some(1));

    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    let fine = Checked::with(&lab, &["--only", "pin-tries"], &[])?;
    assert_eq!((fine.checks(), fine.exit), (vec!["pin-tries"], Some(0)));

    lab.kill()?;
    let away = Checked::with(&lab, &["--only", "portal", "pin-tries"], &[])?;
    assert_eq!(away.checks(), ["service", "pin-tries", "portal"]);
    assert_eq!(away.exit, Some(3));
    Ok(())
}

#[test]
fn s85_of_several_cards_the_one_that_is_named_is_checked() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.welcome(samples::jane())?;
    let expired = CardHandle::new(samples::expired(), CardModel::T1)?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.insert(1, &expired)?;
    let ids = [lab.wait_until_whole(0)?, lab.wait_until_whole(1)?]
        .map(|card| card.id.map(|id| id.0).unwrap_or_default());

    let verdicts = ids.each_ref().map(|id| {
        let checked = Checked::with(&lab, &["--only", "card-expiry", "--card", id], &[])?;
        checked.verdict("card-expiry").map(str::to_owned)
    });
    let [in_date, ended] = verdicts;
    assert_eq!((&*in_date?, &*ended?), ("fine", "failed"));

    let refused = lab.cacctl(&["check", "--card", "no-such-card"])?;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8(refused.stderr)?;
    for id in ["no-such-card", &ids[0], &ids[1]] {
        assert!(said.contains(id), "{id}: {said}");
    }
    Ok(())
}

#[test]
fn s85_what_is_not_wanted_is_not_looked_up() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let folder = lab.folder().join("told");
    fs::create_dir_all(&folder)?;
    for program in ["timedatectl", "pkcs11-tool", "openssl"] {
        let path = folder.join(program);
        fs::write(&path, "#!/bin/sh\ntouch \"$0.called\"\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let path = format!("{}:{}", folder.display(), std::env::var("PATH")?);

    Checked::with(&lab, &["--only", "clock-synchronised"], &[("PATH", &path)])?;

    assert!(folder.join("timedatectl.called").exists());
    for program in ["pkcs11-tool", "openssl"] {
        assert!(
            !folder.join(format!("{program}.called")).exists(),
            "{program}"
        );
    }
    Ok(())
}

#[test]
fn s85_whatever_program_hangs_it_ends_and_says_which() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let folder = lab.folder().join("hanging");
    fs::create_dir_all(&folder)?;
    for program in [
        "systemctl",
        "timedatectl",
        "pkcs11-tool",
        "openssl",
        "certutil",
    ] {
        let path = folder.join(program);
        fs::write(&path, "#!/bin/sh\nexec tail -f /dev/null\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    let others = std::env::var("PATH")?;
    let path = format!("{}:{others}", folder.display());

    // No longer than on any machine: that is looked at there.
    let checked = Checked::with(&lab, &[], &[("PATH", &path)])?;

    for (check, verdict, says) in [
        (
            "clock-synchronised",
            "unknown",
            "timedatectl: it did not end within",
        ),
        ("pkcs11-card", "failed", "it did not end within"),
        (
            "portal-reached",
            "unknown",
            "openssl: it did not end within",
        ),
    ] {
        assert_eq!(checked.verdict(check)?, verdict, "{checked:#?}");
        let cause = checked.of_check(check, "cause")?;
        assert!(cause.contains(says), "{check}: {cause}");
    }
    assert_eq!(checked.verdict("card-read")?, "fine");
    Ok(())
}
