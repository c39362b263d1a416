//! Whether a person may register at a portal, and how.

use std::io::Write;

use cac_common::eligibility::{Question, Route, Sponsor, Standing, Sure, Verdict, Way};
use cac_common::identity::readable;
use cac_common::interface::PortalDetails;
use cac_common::snapshot::Holder;
use serde::Serialize;

use super::line;
use super::table::{field, paragraph};
use crate::failure::Failure;
use crate::sheet::Sheet;

/// For a program: either is there, or neither where the profile names no way.
#[derive(Serialize)]
struct Told<'a> {
    portal: &'a str,
    standing: &'a Standing,
    route: Option<&'a Route>,
    question: Option<Asked<'a>>,
}

/// What `--category`, `--component` and `--answer` answer.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Asked<'a> {
    Category { choices: Vec<&'static str> },
    Component { choices: &'a [&'a str] },
    Answer { text: &'a str },
}

pub fn json(
    out: &mut impl Write,
    portal: &str,
    standing: &Standing,
    verdict: &Verdict<'_>,
) -> Result<(), Failure> {
    let route = match verdict {
        Verdict::Open(route) => Some(*route),
        Verdict::Ask(_) | Verdict::Nothing => None,
    };
    let question = match verdict {
        Verdict::Ask(Question::Category(offered)) => Some(Asked::Category {
            choices: offered.iter().map(|category| category.name()).collect(),
        }),
        Verdict::Ask(Question::Component(offered)) => Some(Asked::Component { choices: offered }),
        Verdict::Ask(Question::YesOrNo(text)) => Some(Asked::Answer { text }),
        Verdict::Open(_) | Verdict::Nothing => None,
    };
    let told = Told {
        portal,
        standing,
        route,
        question,
    };
    super::json(out, &told)
}

pub fn told(
    out: &mut impl Write,
    portal: &PortalDetails,
    holder: Option<&Holder>,
    standing: &Standing,
    verdict: &Verdict<'_>,
    sheet: Sheet,
) -> Result<(), Failure> {
    line(out, &readable(&portal.title))?;
    match holder {
        Some(holder) => line(out, &format!("  {}", readable(&holder.name.to_string())))?,
        None => line(out, "  no card is in a reader; what it would tell is asked")?,
    }
    for text in evidence(standing) {
        paragraph(out, sheet, 2, &text)?;
    }
    line(out, "")?;
    match verdict {
        Verdict::Open(route) => open(out, route, sheet)?,
        Verdict::Ask(question) => unanswered(out, question, sheet)?,
        Verdict::Nothing => paragraph(out, sheet, 0, nothing(portal))?,
    }
    let desk = portal.help_desk.as_ref();
    if let Some(desk) = desk.filter(|_| !is_by_oneself(verdict)) {
        line(out, "")?;
        paragraph(out, sheet, 0, &super::portal::desk(desk))?;
    }
    Ok(())
}

/// Where no way is named.
pub fn nothing(portal: &PortalDetails) -> &'static str {
    if portal.eligibility.is_empty() {
        "Its profile does not say who may register: sign in with your card to find out."
    } else {
        "Its profile names no way for you: ask its help desk before you try."
    }
}

/// What a sponsor has to be told, each with what it is.
pub fn terms(sponsor: &Sponsor) -> Vec<(&'static str, &str)> {
    [
        ("who may sponsor you", Some(&sponsor.who)),
        ("what they need", sponsor.needs.as_ref()),
        ("whom they may sponsor", sponsor.limits.as_ref()),
        ("who pays", sponsor.pays.as_ref()),
    ]
    .into_iter()
    .filter_map(|(what, text)| Some((what, text?.as_str())))
    .collect()
}

fn is_by_oneself(verdict: &Verdict<'_>) -> bool {
    matches!(verdict, Verdict::Open(route) if route.way == Way::Self_)
}

fn open(out: &mut impl Write, route: &Route, sheet: Sheet) -> Result<(), Failure> {
    paragraph(out, sheet, 0, route.way.sentence())?;
    paragraph(out, sheet, 0, &readable(&route.text))?;
    let Some(sponsor) = &route.sponsor else {
        return Ok(());
    };
    line(out, "")?;
    for (what, text) in terms(sponsor) {
        field(out, sheet, "  ", (what, 23), &readable(text))?;
    }
    if sheet.quiet {
        return Ok(());
    }
    line(out, "")?;
    line(
        out,
        "A letter to your sponsor: cacctl eligibility --letter FILE",
    )
}

/// Where nobody can be asked.
fn unanswered(out: &mut impl Write, question: &Question<'_>, sheet: Sheet) -> Result<(), Failure> {
    match question {
        Question::Category(offered) => {
            line(
                out,
                "It depends on who you are. Say so with --category and one of",
            )?;
            for category in offered {
                line(
                    out,
                    &format!("  {:17}  {}", category.name(), category.title()),
                )?;
            }
            Ok(())
        }
        Question::Component(offered) => {
            let offered: Vec<String> = offered.iter().map(|it| readable(it)).collect();
            let text = format!(
                "It depends on where you belong: {}, or another. Say so with --component.",
                offered.join(", ")
            );
            paragraph(out, sheet, 0, &text)
        }
        Question::YesOrNo(text) => {
            paragraph(out, sheet, 0, &readable(text))?;
            line(out, "Say so with --answer yes or --answer no.")
        }
    }
}

/// What the card tells, and how sure that is.
fn evidence(standing: &Standing) -> Vec<String> {
    let told = |what: &str, value: &str, sure: Sure, source: &str| {
        let sure = match sure {
            Sure::Good => "",
            Sure::Hint => ", a hint only",
        };
        format!(
            "{what}: {} (by the {}{sure})",
            readable(value),
            readable(source)
        )
    };
    let category = standing.category.as_ref();
    let component = standing.component.as_ref();
    [
        category.map(|it| told("category", it.value.title(), it.sure, &it.source)),
        component.map(|it| told("component", &it.value, it.sure, &it.source)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use cac_common::eligibility::{Answer, Answers, Category, Known, decide};
    use cac_common::identity::HolderName;
    use cac_common::profile::Profile;
    use cac_common::toml_file::Source;

    use super::*;

    const AKO: &str = include_str!("../../../systemd/portals.d/ako.toml.sample");

    fn portal() -> PortalDetails {
        let source = Source::new(std::path::Path::new("/etc/ako.toml"), AKO.into());
        PortalDetails::from(&Profile::check(&source).unwrap())
    }

    fn jane(standing: &Standing) -> Holder {
        let (name, dod_id) = HolderName::from_common_name("DOE.JANE.Q.1234567890");
        Holder {
            name,
            dod_id,
            upn: None,
            category: None,
            standing: standing.clone(),
        }
    }

    fn said(standing: &Standing, answers: &Answers, has_card: bool) -> String {
        let (portal, jane) = (portal(), jane(standing));
        let verdict = decide(&portal.eligibility, standing, answers);
        let holder = has_card.then_some(&jane);
        let mut out = Vec::new();
        told(&mut out, &portal, holder, standing, &verdict, Sheet::PLAIN).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn contractor() -> Standing {
        Standing {
            category: Some(Known::good(Category::Contractor, "FASC-N")),
            component: Some(Known::good("Navy".into(), "subject")),
        }
    }

    #[test]
    fn a_contractor_is_told_all_about_sponsors() {
        let question = portal().eligibility.into_iter().find_map(|it| it.question);
        let answers = Answers {
            said: [(question.unwrap(), false)].into(),
            ..Answers::default()
        };

        insta::assert_snapshot!(said(&contractor(), &answers, true));
    }

    #[test]
    fn a_question_is_told_with_how_to_answer_it() {
        insta::assert_snapshot!(said(&contractor(), &Answers::default(), true));
    }

    #[test]
    fn without_a_card_all_is_asked() {
        insta::assert_snapshot!(said(&Standing::default(), &Answers::default(), false));
    }

    #[test]
    fn a_hint_is_told_as_one() {
        let standing = Standing {
            category: Some(Known::hint(Category::Civilian, "mail address")),
            component: None,
        };
        let answers = Answers {
            category: Some(Answer::Is(Category::Civilian)),
            ..Answers::default()
        };

        insta::assert_snapshot!(said(&standing, &answers, true));
    }

    #[test]
    fn a_program_is_told_what_to_answer() {
        let portal = portal();
        let verdict = decide(
            &portal.eligibility,
            &Standing::default(),
            &Answers::default(),
        );
        let mut out = Vec::new();

        json(&mut out, "ako", &Standing::default(), &verdict).unwrap();

        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
