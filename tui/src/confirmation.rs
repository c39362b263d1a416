//! What a portal showed when the card was registered by hand.

use std::path::Path;

use cac_common::identity::legible;
use cac_common::wizard::Confirmation;

/// Its lines, harmless to a terminal.
pub fn lines(confirmation: &Confirmation) -> Vec<String> {
    let lines = confirmation.text.trim().lines();
    lines
        .map(|line| legible(&line.replace('\t', " ")))
        .collect()
}

/// To be printed.
pub fn text(confirmation: &Confirmation) -> String {
    let mut text = lines(confirmation).join("\n");
    text.push('\n');
    text
}

/// To be saved: the page as it came in a file named `.html`, else the text.
pub fn contents(confirmation: &Confirmation, path: &Path) -> String {
    let wants_page = path.extension().is_some_and(|extension| {
        ["html", "htm"]
            .iter()
            .any(|name| extension.eq_ignore_ascii_case(name))
    });
    if wants_page {
        confirmation.html.clone()
    } else {
        text(confirmation)
    }
}

/// Where it is saved unless somewhere else is named.
pub fn file_name(portal: &str) -> String {
    format!("~/cac-{}-confirmation.txt", plain(portal))
}

/// The same of a letter to a sponsor.
pub fn letter_name(portal: &str) -> String {
    format!("~/cac-{}-sponsor.txt", plain(portal))
}

/// The same of the report of a sign-in that was tried.
pub fn test_name(portal: &str) -> String {
    format!("~/cac-{}-test.txt", plain(portal))
}

/// Nothing that leads elsewhere.
fn plain(portal: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    portal.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use cac_common::time::UtcSeconds;

    use super::*;

    #[test]
    fn the_text_is_kept_harmless_and_the_page_as_it_came() {
        let confirmation = Confirmation {
            portal: "ako".into(),
            at: UtcSeconds(0),
            text: "Your CAC is registered.\n\tJANE Q\u{1b}[2J DOE\n".into(),
            html: "<p>Your CAC is registered.</p>".into(),
        };
        let text = "Your CAC is registered.\nJANE Q\u{fffd}[2J DOE\n";
        for (name, contents_there) in [
            ("it.txt", text),
            ("it", text),
            ("it.html", "<p>Your CAC is registered.</p>"),
            ("it.HTM", "<p>Your CAC is registered.</p>"),
        ] {
            assert_eq!(
                contents(&confirmation, Path::new(name)),
                contents_there,
                "{name}"
            );
        }
    }

    #[test]
    fn a_file_name_holds_nothing_of_a_portal_that_leads_elsewhere() {
        assert_eq!(file_name("ako"), "~/cac-ako-confirmation.txt");
        assert_eq!(file_name("../a b"), "~/cac----a-b-confirmation.txt");
        assert_eq!(letter_name("ako"), "~/cac-ako-sponsor.txt");
    }
}
