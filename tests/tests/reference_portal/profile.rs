//! The profile that ships with the portal, held against the pages it serves.

use std::path::Path;

use axum::http::StatusCode;
use cac_tests::portal::authority::Subject;
use cac_tests::portal::{Demand, Fault};
use toml::Table;

use crate::visitor::{JANE, JANE_UPN, Page, Setting, Visitor};

/// The result of the first rule that matches, and the account's name if that rule finds one.
fn judged(profile: &str, page: &Page) -> Option<(String, Option<String>)> {
    let profile: Table = profile.parse().unwrap();
    let rule = profile["outcome"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule.as_table().unwrap())
        .find(|rule| {
            rule.iter()
                .all(|(condition, wanted)| match condition.as_str() {
                    "result" | "account_selector" => true,
                    "status" => wanted.as_integer() == Some(page.status.as_u16().into()),
                    "path" => page.path.starts_with(wanted.as_str().unwrap()),
                    "selector" => page.find(wanted.as_str().unwrap()).is_some(),
                    "text" => page.text_of("body").contains(wanted.as_str().unwrap()),
                    other => panic!("{other} is no condition"),
                })
        })?;
    let account = rule
        .get("account_selector")
        .map(|selector| page.text_of(selector.as_str().unwrap()));
    Some((rule["result"].as_str().unwrap().to_owned(), account))
}

#[tokio::test]
async fn a_registered_card_is_told_with_its_account_the_first_time_and_later() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);
    let registered = Some(("registered".to_owned(), Some("jane.doe".to_owned())));

    for _ in 0..2 {
        let page = visitor.sign_in().await;

        assert_eq!(judged(&setting.portal.profile(), &page), registered);
    }
}

#[tokio::test]
async fn every_other_page_that_ends_a_sign_in_is_told_by_its_rule() {
    let setting = Setting::new(|config| config.demand = Demand::Optional);
    setting.add("DOE.JOHN.1000000001:1000000001117001@mil");
    setting.add("ROE.JANE.1000000002:1000000002117001@mil:account=jane.roe:forbidden");
    for (subject, result) in [
        (
            Some(Subject::with_upn("A.B.1000000009", "1000000009117001@mil")),
            "not-found",
        ),
        (
            Some(Subject::with_upn(
                "DOE.JOHN.1000000001",
                "1000000001117001@mil",
            )),
            "needs-wizard",
        ),
        (
            Some(Subject::with_upn(
                "ROE.JANE.1000000002",
                "1000000002117001@mil",
            )),
            "forbidden",
        ),
        (Some(Subject::without_upn(JANE)), "rejected"),
        (None, "rejected"),
    ] {
        let visitor = match subject {
            Some(subject) => {
                Visitor::with_card(&setting, setting.authority.issue(&subject).unwrap())
            }
            None => Visitor::without_card(&setting),
        };

        let page = visitor.sign_in().await;

        let told = judged(&setting.portal.profile(), &page);
        assert_eq!(told, Some((result.to_owned(), None)), "{page}");
    }
}

#[tokio::test]
async fn a_page_that_says_nothing_of_the_card_matches_no_rule() {
    let setting = Setting::new(|_| {});
    let card = setting.card(JANE, JANE_UPN);
    let visitor = Visitor::with_card(&setting, card);

    for path in ["/", "/help", "/account", "/nowhere"] {
        let page = visitor.get(path).await.unwrap();

        assert_eq!(judged(&setting.portal.profile(), &page), None, "{page}");
    }

    setting
        .portal
        .set_fault(Fault::Status {
            code: StatusCode::BAD_GATEWAY,
            retry_after: None,
        })
        .unwrap();
    let page = visitor.sign_in().await;

    assert_eq!(judged(&setting.portal.profile(), &page), None, "{page}");
}

#[tokio::test]
async fn the_profile_leads_to_this_portal_and_to_its_trust_anchor() {
    let setting = Setting::new(|_| {});

    let profile: Table = setting.portal.profile().parse().unwrap();

    assert_eq!(
        profile["origin"].as_str(),
        Some(setting.portal.origin().as_str())
    );
    let anchors = profile["trust_anchors"].as_array().unwrap();
    let anchor = Path::new(anchors[0].as_str().unwrap());
    assert_eq!(
        std::fs::read_to_string(anchor).unwrap(),
        setting.authority.root_pem()
    );
}
