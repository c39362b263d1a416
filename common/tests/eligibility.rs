//! Who may register, and how: the rules that were published for AKO/DKO, as a
//! table written by hand, against the profile that is shipped.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

use std::path::Path;

use cac_common::eligibility::{
    Answer, Answers, Category, Known, Question, Route, Standing, Sure, Verdict, Way, closed,
    decide, letter,
};
use cac_common::profile::Profile;
use cac_common::toml_file::Source;

use Category::{
    ActiveDuty, Affiliate, Beneficiary, Civilian, Contractor, Family, ForeignAffiliate,
    NationalGuard, OtherCredential, Reserve, Retiree, Uniformed, Veteran,
};

const AKO: &str = include_str!("../../systemd/portals.d/ako.toml.sample");

/// A person as they are, whatever their card tells.
#[derive(Debug, Clone, Copy)]
struct Person {
    category: Category,
    component: &'static str,
    has_army_sponsor: bool,
}

/// Category, whether with the Army, whether with an Army sponsor; and the way.
const TABLE: [(Category, bool, bool, Way); 52] = [
    (Uniformed, true, true, Way::Self_),
    (Uniformed, true, false, Way::Self_),
    (Uniformed, false, true, Way::Self_),
    (Uniformed, false, false, Way::Self_),
    (ActiveDuty, true, true, Way::Self_),
    (ActiveDuty, true, false, Way::Self_),
    (ActiveDuty, false, true, Way::Self_),
    (ActiveDuty, false, false, Way::Self_),
    (NationalGuard, true, true, Way::Self_),
    (NationalGuard, true, false, Way::Self_),
    (NationalGuard, false, true, Way::Self_),
    (NationalGuard, false, false, Way::Self_),
    (Reserve, true, true, Way::Self_),
    (Reserve, true, false, Way::Self_),
    (Reserve, false, true, Way::Self_),
    (Reserve, false, false, Way::Self_),
    (Civilian, true, true, Way::Self_),
    (Civilian, true, false, Way::Self_),
    (Civilian, false, true, Way::Self_),
    (Civilian, false, false, Way::Self_),
    (Contractor, true, true, Way::Guest),
    (Contractor, true, false, Way::Guest),
    (Contractor, false, true, Way::Guest),
    (Contractor, false, false, Way::Sponsor),
    (Affiliate, true, true, Way::Guest),
    (Affiliate, true, false, Way::HelpDesk),
    (Affiliate, false, true, Way::Guest),
    (Affiliate, false, false, Way::HelpDesk),
    (ForeignAffiliate, true, true, Way::Guest),
    (ForeignAffiliate, true, false, Way::HelpDesk),
    (ForeignAffiliate, false, true, Way::Guest),
    (ForeignAffiliate, false, false, Way::HelpDesk),
    (Beneficiary, true, true, Way::Guest),
    (Beneficiary, true, false, Way::HelpDesk),
    (Beneficiary, false, true, Way::Guest),
    (Beneficiary, false, false, Way::HelpDesk),
    (Retiree, true, true, Way::Self_),
    (Retiree, true, false, Way::Self_),
    (Retiree, false, true, Way::Guest),
    (Retiree, false, false, Way::NotAuthorised),
    (Veteran, true, true, Way::Guest),
    (Veteran, true, false, Way::HelpDesk),
    (Veteran, false, true, Way::Guest),
    (Veteran, false, false, Way::HelpDesk),
    (Family, true, true, Way::Guest),
    (Family, true, false, Way::HelpDesk),
    (Family, false, true, Way::Guest),
    (Family, false, false, Way::NotYet),
    (OtherCredential, true, true, Way::Guest),
    (OtherCredential, true, false, Way::HelpDesk),
    (OtherCredential, false, true, Way::Guest),
    (OtherCredential, false, false, Way::HelpDesk),
];

/// How much of a person the card tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Good,
    Hint,
    Wrong,
    Nothing,
}

#[test]
fn everyone_is_shown_the_way_that_was_published_whatever_the_card_tells() {
    let routes = routes();
    for (category, with_the_army, has_army_sponsor, way) in TABLE {
        let person = Person {
            category,
            component: if with_the_army { "Army" } else { "Navy" },
            has_army_sponsor,
        };
        for of_category in [Told::Good, Told::Hint, Told::Wrong, Told::Nothing] {
            for of_component in [Told::Good, Told::Hint, Told::Wrong, Told::Nothing] {
                let standing = Standing {
                    category: told(of_category, category, Civilian),
                    component: told(of_component, person.component.to_owned(), "Army".into()),
                };

                let (route, asked) = ask(&routes, &standing, person);

                let what = format!("{person:?}, {of_category:?}, {of_component:?}, {asked:?}");
                assert_eq!(route.way, way, "{what}");
                // Which beneficiary counts for some of the routes.
                if category != Beneficiary {
                    let is_asked = asked.contains(&"category");
                    assert_eq!(is_asked, of_category != Told::Good, "{what}");
                }
                let by_component = matches!(category, Contractor | Retiree | Family | Beneficiary);
                let is_asked = asked.contains(&"component");
                assert!(
                    !is_asked || (of_component != Told::Good && by_component),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn who_may_register_by_themselves_is_asked_nothing() {
    let routes = routes();
    for category in [Uniformed, ActiveDuty, NationalGuard, Reserve, Civilian] {
        let standing = Standing {
            category: Some(Known::good(category, "FASC-N")),
            component: None,
        };

        let verdict = decide(&routes, &standing, &Answers::default());

        assert!(
            matches!(verdict, Verdict::Open(route) if route.way == Way::Self_),
            "{category:?}"
        );
        assert_eq!(closed(&routes, &standing), None, "{category:?}");
    }
}

#[test]
fn who_cannot_by_any_answer_is_told_before_and_nobody_else() {
    let routes = routes();
    for category in Category::ALL {
        for component in [None, Some("Army"), Some("Navy")] {
            let standing = |sure| Standing {
                category: Some(known(sure, category)),
                component: component.map(|it| known(Sure::Good, it.to_owned())),
            };

            let told = closed(&routes, &standing(Sure::Good)).map(|route| route.way);

            let way = match (category, component) {
                // Retirees of the Army may, and may be among them.
                (Uniformed | ActiveDuty | NationalGuard | Reserve | Civilian, _)
                | (Retiree | Beneficiary, None | Some("Army")) => None,
                (Retiree, _) => Some(Way::NotAuthorised),
                (Contractor, Some("Army")) => Some(Way::Guest),
                (Contractor, _) => Some(Way::Sponsor),
                (Family, Some("Army")) => Some(Way::HelpDesk),
                (Family, _) => Some(Way::NotYet),
                (Affiliate | ForeignAffiliate | Beneficiary | Veteran | OtherCredential, _) => {
                    Some(Way::HelpDesk)
                }
            };
            assert_eq!(told, way, "{category:?} {component:?}");
            assert_eq!(closed(&routes, &standing(Sure::Hint)), None, "{category:?}");
        }
    }
    assert_eq!(closed(&routes, &Standing::default()), None);
    let named = &routes[..1];
    let contractor = Standing {
        category: Some(Known::good(Contractor, "FASC-N")),
        component: None,
    };
    assert_eq!(closed(named, &contractor), None, "no route is for them");
    assert_eq!(
        decide(named, &contractor, &Answers::default()),
        Verdict::Nothing
    );
}

#[test]
fn an_answer_does_not_contradict_the_card() {
    let standing = Standing {
        category: Some(Known::good(Contractor, "FASC-N")),
        component: Some(Known::good("Navy".into(), "subject")),
    };
    let answers = Answers {
        category: Some(Answer::Is(Civilian)),
        component: Some(Answer::Is("Army".into())),
        said: [(question(&routes()), false)].into(),
    };

    let routes = routes();
    let verdict = decide(&routes, &standing, &answers);

    assert!(matches!(verdict, Verdict::Open(route) if route.way == Way::Sponsor));
}

#[test]
fn the_sponsor_is_told_all_that_was_published() {
    let routes = routes();
    let route = routes
        .iter()
        .find(|route| route.way == Way::Sponsor)
        .unwrap();

    let text = letter(route, "AKO/DKO", Some("DOE, JANE Q")).unwrap();

    for part in [
        "DOE, JANE Q",
        "AKO/DKO",
        "Task Monitor",
        "Contracting Officer Representative",
        "an account of their own, before",
        "own programme or organisation",
        "financially responsible",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(letter(&routes[0], "AKO/DKO", None), None);
}

/// Asks the person until the way is clear; the kinds of questions too.
fn ask<'a>(
    routes: &'a [Route],
    standing: &Standing,
    person: Person,
) -> (&'a Route, Vec<&'static str>) {
    let mut answers = Answers::default();
    let mut asked = Vec::new();
    loop {
        let kind = match decide(routes, standing, &answers) {
            Verdict::Open(route) => return (route, asked),
            Verdict::Nothing => panic!("the last route is anyone's"),
            Verdict::Ask(Question::Category(offered)) => {
                let mut fitting: Vec<Category> = offered
                    .into_iter()
                    .filter(|offered| offered.includes(person.category))
                    .collect();
                answers.category = Some(match fitting.pop() {
                    Some(category) => Answer::Is(category),
                    None => Answer::NoneOfThese,
                });
                "category"
            }
            Verdict::Ask(Question::Component(offered)) => {
                let is_offered = offered.contains(&person.component);
                answers.component = Some(if is_offered {
                    Answer::Is(person.component.to_owned())
                } else {
                    Answer::NoneOfThese
                });
                "component"
            }
            Verdict::Ask(Question::YesOrNo(text)) => {
                answers
                    .said
                    .insert(text.to_owned(), person.has_army_sponsor);
                "sponsor"
            }
        };
        assert!(!asked.contains(&kind), "{kind} is asked twice");
        asked.push(kind);
    }
}

fn told<T>(told: Told, right: T, wrong: T) -> Option<Known<T>> {
    match told {
        Told::Good => Some(known(Sure::Good, right)),
        Told::Hint => Some(known(Sure::Hint, right)),
        Told::Wrong => Some(known(Sure::Hint, wrong)),
        Told::Nothing => None,
    }
}

fn known<T>(sure: Sure, value: T) -> Known<T> {
    Known {
        value,
        sure,
        source: "the card".into(),
    }
}

fn question(routes: &[Route]) -> String {
    let mut questions = routes.iter().filter_map(|route| route.question.clone());
    questions.next().unwrap()
}

fn routes() -> Vec<Route> {
    let source = Source::new(Path::new("/etc/cacd/portals.d/ako.toml"), AKO.into());
    Profile::check(&source).unwrap().eligibility
}
