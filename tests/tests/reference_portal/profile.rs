//! The profile that ships with the portal, held against the pages it serves.

use std::path::Path;

use axum::http::StatusCode;
use cac_common::profile::{AccountKey, Profile};
use cac_common::toml_file::Source;
use cac_tests::portal::authority::Subject;
use cac_tests::portal::{
    AnswerFault, Demand, Fault, Host, IisRefusal, Layout, Renewal, Shown, TiedBy,
};
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

#[tokio::test]
async fn every_page_the_portal_can_show_is_told_by_the_full_profile() {
    let setting = Setting::new(|_| {});
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let profile = setting.portal.full_profile();
    for page in Shown::examples() {
        setting
            .portal
            .set_fault(Fault::Answer(AnswerFault::Page(page)))
            .unwrap();

        let seen = visitor.sign_in().await;

        let result = match page {
            Shown::NoAccount
            | Shown::Unauthorised
            | Shown::LogIn
            | Shown::Iis(IisRefusal::MapperDenied) => Some("needs-wizard"),
            Shown::NotEligible => Some("not-eligible"),
            Shown::NeedsSponsor => Some("needs-sponsor"),
            Shown::NotFound => Some("not-found"),
            Shown::Forbidden | Shown::F5 | Shown::Iis(IisRefusal::TlsRequired) => Some("forbidden"),
            Shown::Locked(_) => Some("locked-out"),
            Shown::Maintenance(_) | Shown::MaintenanceUntil(_) | Shown::MaintenanceNotice => {
                Some("waiting")
            }
            Shown::Iis(_) => Some("rejected"),
            Shown::Unrecognised => None,
        };
        let told = judged(&profile, &seen).map(|(result, _)| result);
        assert_eq!(told.as_deref(), result, "{page}");
    }
}

#[tokio::test]
async fn refusals_of_a_further_card_are_told_by_the_full_profile() {
    for (renewal, most_cards) in [(Renewal::ByHand, None), (Renewal::ByItself, Some(1))] {
        let setting = Setting::new(|config| {
            config.terms.renewal = renewal;
            config.terms.most_cards = most_cards;
        });
        for result in ["registered", "needs-wizard"] {
            let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));

            let page = visitor.sign_in().await;

            let told = judged(&setting.portal.full_profile(), &page);
            assert_eq!(told.map(|(result, _)| result).as_deref(), Some(result));
        }
    }
}

#[tokio::test]
async fn an_account_that_was_logged_in_to_by_password_is_not_told_as_registered() {
    let setting = Setting::new(|_| {});
    setting.portal.set_password("jane.doe", "Secret-1").unwrap();
    let visitor = Visitor::with_card(&setting, setting.card(JANE, JANE_UPN));
    let form = visitor.get("/login").await.unwrap();
    let typed = [("user", "jane.doe"), ("password", "Secret-1")];
    visitor.submit(&form, "#log-in-form", &typed).await;

    let page = visitor.get("/account").await.unwrap();

    assert_eq!(page.text_of("#account-name"), "jane.doe");
    assert_eq!(judged(&setting.portal.full_profile(), &page), None);
}

#[test]
fn the_full_profile_is_one_that_the_daemon_takes() {
    let setting = Setting::new(|config| {
        config.layout = Layout::TwoOrigins;
        "127.0.0.1".clone_into(&mut config.account_name);
        config.terms.tied_by = TiedBy::Edipi;
    });
    let text = setting.portal.full_profile();

    let profile = checked(text);

    let account = setting.portal.origin_of(Host::Account);
    assert_eq!(profile.origin(), setting.portal.origin());
    assert!(profile.allows(&account.parse().unwrap()));
    assert_eq!(profile.account, AccountKey::Edipi);
    assert!(profile.consent.is_some());
    assert_eq!(profile.lockout.unwrap().tries, 3);
    let pages: Vec<String> = profile
        .wizard
        .iter()
        .map(|step| step.page.as_ref().unwrap().to_string())
        .collect();
    let at = |path: &str| format!("{account}{path}");
    assert_eq!(
        pages,
        [
            at("/login"),
            at("/account"),
            at("/account/card"),
            at("/account/card/register")
        ]
    );
}

#[test]
fn a_profile_takes_rules_of_ones_own() {
    let setting = Setting::new(|_| {});
    let rule = "[[outcome]]\nresult = \"rejected\"\nstatus = 418\n";

    let text = setting.portal.profile_with(rule);

    let profile = checked(text);
    assert_eq!(profile.rules.last().unwrap().status, Some(418));
}

fn checked(text: String) -> Profile {
    Profile::check(&Source::new(Path::new("reference.toml"), text)).unwrap()
}
