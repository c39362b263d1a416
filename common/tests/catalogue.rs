//! The documents say what the catalogue says.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

use std::fmt::Write as _;
use std::path::Path;

use cac_common::cause::Kind;

#[path = "support/statuses.rs"]
mod statuses;

use statuses::statuses;

const HEAD: &str = "\
# What a sign-in can come to

Made from the catalogue that `cacd` and `cacctl` share (`common/src/cause.rs`,
`common/src/registration.rs`); `UPDATE_DOCS=1 cargo test -p cac-common --test catalogue`
writes it anew.
";

#[test]
fn the_document_says_what_the_catalogue_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/outcomes.md");
    let text = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }

    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Where a card stands at a portal\n\n");
    text.push_str("| status | what it says |\n|---|---|\n");
    for status in statuses() {
        let advice = status.advice().unwrap_or_else(|| "Nothing to do.".into());
        writeln!(text, "| {} | {advice} |", status.label()).unwrap();
    }
    text.push_str("\n## Causes\n\n");
    text.push_str(
        "Where a status says *what happened*, what that means and what to do about it follow, in the \
         words below instead of those above. The name stands in the journal and in what `--json` \
         prints.\n\n",
    );
    text.push_str("| name | cause | what it means | what to do |\n|---|---|---|---|\n");
    for kind in Kind::ALL {
        let entry = kind.entry();
        writeln!(
            text,
            "| `{kind}` | {} | {} | {} |",
            entry.cause, entry.means, entry.next
        )
        .unwrap();
    }
    text
}
