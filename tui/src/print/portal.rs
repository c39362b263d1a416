//! Portals, for a person.

mod tried;

use std::io::Write;
use std::time::Duration;

use cac_common::eligibility::Route;
use cac_common::identity::readable;
use cac_common::interface::PortalDetails;
use cac_common::profile::{AccountKey, Purpose};
use cac_common::snapshot::{HelpDesk, Snapshot};

use self::tried::result;
pub use self::tried::test;
pub(crate) use self::tried::{outcome, request, rules, told_of};
use super::line;
use super::table::{Cell, Table, field as field_of, hanging, paragraph};
use crate::failure::Failure;
use crate::phrase::{self, Tone};
use crate::sheet::Sheet;
use crate::view::text::width;

/// Columns of what a value is called.
const NAME: usize = 16;

/// A line each, and what is wrong with the configuration.
pub fn list(out: &mut impl Write, snapshot: &Snapshot, sheet: Sheet) -> Result<(), Failure> {
    let mut table = Table::new(0, &["NAME", "TITLE", "ORIGIN", "ENABLED"]);
    for portal in &snapshot.portals {
        let enabled = if portal.enabled {
            Cell::toned("yes".into(), Tone::Good)
        } else {
            Cell::toned("no".into(), Tone::Wanted)
        };
        table.row(vec![
            readable(&portal.name).into(),
            readable(&portal.title).into(),
            readable(&portal.origin).into(),
            enabled,
        ]);
    }
    table.print(out, sheet)?;
    if snapshot.portals.is_empty() {
        line(out, "no portal is described")?;
    }
    if snapshot.portals.is_empty() && !sheet.quiet {
        line(
            out,
            "Put a profile into portals.d, such as a copy of portal.toml.sample.",
        )?;
    }
    for problem in &snapshot.problems {
        line(out, "")?;
        for text in problem.lines() {
            // The mark stands under what is wrong.
            let words = text.trim_start();
            let margin = text.len() - words.len();
            line(out, &format!("{:margin$}{}", "", readable(words)))?;
        }
    }
    Ok(())
}

/// All that a profile says, a value a line.
pub fn details(out: &mut impl Write, portal: &PortalDetails, sheet: Sheet) -> Result<(), Failure> {
    for (name, value) in itself(portal) {
        field(out, sheet, name, &value)?;
    }
    if !portal.rules.is_empty() {
        line(out, "")?;
        line(out, "outcomes, of which the first that matches counts")?;
    }
    for (number, rule) in (1..).zip(&portal.rules) {
        let conditions = rule.conditions.iter().map(|it| readable(it));
        let conditions: Vec<String> = conditions.collect();
        let head = format!("{number:>3}  {:<13} ", result(rule.result));
        hanging(out, sheet, &head, &conditions.join(", "))?;
    }
    if !portal.wizard.is_empty() {
        line(out, "")?;
        line(out, "registering by hand")?;
    }
    for (number, step) in (1..).zip(&portal.wizard) {
        let fields: Vec<String> = step.fields.iter().map(|it| readable(it)).collect();
        let asks = if fields.is_empty() {
            String::new()
        } else {
            format!(" ({})", fields.join(", "))
        };
        let head = format!("{number:>3}  ");
        hanging(
            out,
            sheet,
            &head,
            &format!("{}{asks}", readable(&step.title)),
        )?;
    }
    if !portal.eligibility.is_empty() {
        line(out, "")?;
        line(out, "who may register, of which the first that fits counts")?;
    }
    for route in &portal.eligibility {
        paragraph(out, sheet, 5, &who(route))?;
        paragraph(out, sheet, 7, &readable(&route.text))?;
    }
    if !portal.links.is_empty() {
        line(out, "")?;
    }
    let titles = portal.links.iter().map(|link| readable(&link.title));
    let titles: Vec<String> = titles.collect();
    let widest = titles.iter().map(|title| usize::from(width(title))).max();
    let wide = NAME.max(widest.unwrap_or_default() + 2);
    for (title, link) in titles.iter().zip(&portal.links) {
        field_of(out, sheet, "", (title, wide), &readable(&link.url))?;
    }
    Ok(())
}

fn itself(portal: &PortalDetails) -> Vec<(&'static str, String)> {
    let several = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| readable(text)).collect();
        texts.join(", ")
    };
    let anchors = if portal.trust_anchors.is_empty() {
        "those of the system".into()
    } else {
        several(&portal.trust_anchors)
    };
    let lockout = portal.lockout_tries.map(|tries| {
        let wait = portal.lockout_wait.map(Duration::from_secs);
        let wait = wait.map_or_else(|| "until somebody unlocks it".into(), phrase::span);
        let tries = phrase::counted(u64::from(tries), "wrong password", "wrong passwords");
        format!("after {tries}, {wait}")
    });
    vec![
        ("portal", readable(&portal.title)),
        ("name", readable(&portal.name)),
        ("enabled", if portal.enabled { "yes" } else { "no" }.into()),
        ("signing in", readable(&portal.start)),
        ("redirects to", several(&portal.redirect_origins)),
        (
            "certificate",
            match portal.certificate {
                Purpose::Authentication => "authentication",
                Purpose::Signature => "signature",
            }
            .into(),
        ),
        (
            "account by",
            match portal.account {
                AccountKey::Upn => "UPN",
                AccountKey::Edipi => "DoD ID",
                AccountKey::Subject => "subject",
            }
            .into(),
        ),
        ("trusted by", anchors),
        ("revocation", several(&portal.revocation_lists)),
        (
            "checked again",
            phrase::span(Duration::from_secs(portal.recheck)),
        ),
        (
            "notice",
            if portal.has_consent {
                "to be accepted before it goes on".into()
            } else {
                String::new()
            },
        ),
        ("locks accounts", lockout.unwrap_or_default()),
        (
            "help desk",
            portal.help_desk.as_ref().map(help_desk).unwrap_or_default(),
        ),
    ]
}

/// `help desk: Desk, 555-0100`.
pub(crate) fn desk(desk: &HelpDesk) -> String {
    format!("help desk: {}", help_desk(desk))
}

fn help_desk(desk: &HelpDesk) -> String {
    let parts = [&desk.name, &desk.phone, &desk.email, &desk.url];
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| readable(part))
        .collect();
    parts.join(", ")
}

fn who(route: &Route) -> String {
    let categories = route.categories.iter();
    let who = either(categories.map(|category| category.title().to_owned()));
    let components = route.components.iter();
    let of = either(components.map(|component| readable(component)));
    let of = of.map_or_else(String::new, |of| format!(" of {of}"));
    let question = route.question.as_ref();
    let asked = question.map_or_else(String::new, |text| format!(" ({})", readable(text)));
    let who = who.as_deref().unwrap_or("anyone");
    format!("{who}{of}{asked}: {}", route.way.title())
}

fn either(words: impl Iterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(" or "))
}

fn field(out: &mut impl Write, sheet: Sheet, name: &str, value: &str) -> Result<(), Failure> {
    field_of(out, sheet, "", (name, NAME), value)
}

#[cfg(test)]
mod tests {
    use cac_common::profile::Profile;
    use cac_common::toml_file::Source;

    use super::*;
    use crate::invented;

    const WHOLE: &str = r##"
name = "whole"
title = "Whole portal"
origin = "https://whole.example"
start = "/sign-in"
trust_anchors = ["ca.pem"]
redirect_origins = ["https://accounts.example"]

[help_desk]
name = "Desk"
phone = "555-0100"

[consent]
selector = "#notice"
form = "#accept"

[lockout]
tries = 3
wait = "15m"

[[outcome]]
result = "registered"
status = 200
selector = "#account"

[[outcome]]
result = "not-found"
text = "User Not Found"

[[eligibility]]
categories = ["contractor"]
components = ["Army"]
way = "sponsor"
text = "Ask your Task Monitor."

[[eligibility]]
way = "self"
text = "Put your card in."

[[wizard]]
title = "Sign in"
page = "/login"
form = "form"
fields = [{ name = "user", label = "User name" }, { name = "pw", label = "Password", kind = "password" }]
proof = "#in"

[[links]]
title = "Help"
url = "https://whole.example/help"
"##;

    fn told(print: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_profile_is_told_with_all_that_it_says() {
        let source = Source::new(std::path::Path::new("/etc/p.toml"), WHOLE.into());
        let portal = PortalDetails::from(&Profile::check(&source).unwrap());

        insta::assert_snapshot!(told(|out| details(out, &portal, Sheet::PLAIN)));
    }

    #[test]
    fn portals_are_listed_with_what_is_wrong() {
        let mut snapshot = invented::desk();
        snapshot.problems = vec!["p.toml:1:1: bad\n  |\n1 | x".into()];

        insta::assert_snapshot!(told(|out| list(out, &snapshot, Sheet::PLAIN)));
        snapshot.portals.clear();
        assert!(told(|out| list(out, &snapshot, Sheet::PLAIN)).contains("no portal is described"));
    }
}
