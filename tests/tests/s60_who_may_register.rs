//! Who may not register by themselves is told so before a PIN is asked for.

use anyhow::{Context as _, ensure};
use cac_common::eligibility::Way;
use cac_common::registration::RegistrationStatus;
use cac_tests::harness::{Lab, PORTAL, john};
use cac_tests::virtual_card::{CardModel, samples};

const ROUTES: &str = "
[[eligibility]]
question = \"Have you a sponsor at the Army?\"
way = \"guest\"
text = \"Register a guest account.\"

[[eligibility]]
categories = [\"CATEGORY\"]
way = \"sponsor\"
text = \"Ask your Task Monitor.\"
sponsor = { who = \"your Task Monitor\", pays = \"the Service of your sponsor\" }

[[eligibility]]
way = \"self\"
text = \"Put your card in.\"
";

#[test]
fn s60_who_needs_a_sponsor_is_told_before_a_pin_is_asked_for_and_may_insist() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let holder = shown.holder.context("the card names its holder")?;
    let category = holder.standing.category.context("it tells the category")?;
    let profile = lab.portal().profile();
    let routes = ROUTES.replace("CATEGORY", category.value.name());

    lab.write_profile(PORTAL, &format!("{profile}\n{routes}"))?;
    let shown = lab.wait_for_status(0, "needs a sponsor")?;
    let attempts = card.log().pin_attempts();
    let asked = lab.cacctl(&["eligibility"])?;
    let sponsored = lab.cacctl(&["eligibility", "--answer", "no", "--json"])?;
    let guest = lab.cacctl(&["eligibility", "--answer", "yes"])?;
    let letter = lab.cacctl(&["eligibility", "--answer", "no", "--letter", "-"])?;

    let route = shown.registrations[0]
        .route
        .clone()
        .context("a way is told")?;
    assert_eq!(route.way, Way::Sponsor);
    assert_eq!(attempts, 0);
    assert_eq!(asked.status.code(), Some(4));
    let asked = String::from_utf8(asked.stdout)?;
    ensure!(
        asked.contains("Have you a sponsor at the Army?") && asked.contains("--answer"),
        "{asked}"
    );
    let told: serde_json::Value = serde_json::from_slice(&sponsored.stdout)?;
    assert_eq!(told["route"]["way"], "sponsor", "{told}");
    assert_eq!(told["standing"]["category"]["sure"], "good", "{told}");
    let guest = String::from_utf8(guest.stdout)?;
    ensure!(guest.contains("Register a guest account."), "{guest}");
    let letter = String::from_utf8(letter.stdout)?;
    ensure!(
        letter.contains("ROE, JOHN") && letter.contains("the Service of your sponsor"),
        "{letter}"
    );

    // The portal has the last word, where a person wants to hear it.
    let register = cac_common::interface::Register {
        card: shown.id.clone(),
        portal: Some(PORTAL.to_owned()),
    };
    lab.ask(async |client| client.register(&register).await)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    let registered = lab.wait_for_status(0, "registered")?;
    ensure!(
        matches!(
            registered.registrations[0].status,
            RegistrationStatus::Registered { .. }
        ),
        "{registered:?}"
    );
    assert_eq!(card.log().pin_attempts(), 1);

    // Who is registered stays it.
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "registered")?;
    Ok(())
}
