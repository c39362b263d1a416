//! What is made of the metrics speaks of those there are: the document, the
//! alert rules and the dashboard.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cacd::metrics::catalogue::{ALL, OUTCOMES};
use cacd::metrics::exposition::Type;
use serde_json::Value;

const BEGIN: &str = "<!-- Made from daemon/src/metrics/catalogue.rs: UPDATE_DOCS=1 cargo test -p cacd --test monitoring -->\n";
const END: &str = "<!-- Made up to here. -->\n";

#[test]
fn the_document_has_every_metric_and_says_what_the_catalogue_says() {
    let file = place("docs/metrics.md");
    let written = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = written.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let text = [before, BEGIN, &table(), END, after].concat();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }

    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    speaks_of_what_there_is(before);
    speaks_of_what_there_is(after);
}

#[test]
fn the_rules_are_good_and_each_alert_is_tried() {
    let rules = std::fs::read_to_string(place("systemd/monitoring/alerts.yml")).unwrap();
    let tests = std::fs::read_to_string(place("systemd/monitoring/alerts.test.yml")).unwrap();

    promtool(&["check", "rules", "alerts.yml"]);
    promtool(&["test", "rules", "alerts.test.yml"]);

    speaks_of_what_there_is(&rules);
    speaks_of_what_there_is(&tests);
    let alerts = after_each(&rules, "- alert: ");
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in &alerts {
        let line = format!("alertname: {alert}\n");
        let tried = tests.matches(&line).count();
        assert_eq!(tried, 2, "{alert}: when it comes, and when not");
    }
    let tried: BTreeSet<&str> = after_each(&tests, "alertname: ").into_iter().collect();
    assert_eq!(tried, alerts.into_iter().collect());
}

#[test]
fn the_dashboard_shows_what_there_is_from_any_source_of_data() {
    let text = std::fs::read_to_string(place("systemd/monitoring/dashboard.json")).unwrap();

    let dashboard: Value = serde_json::from_str(&text).unwrap();

    speaks_of_what_there_is(&text);
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let is_source = |variable: &&Value| variable["type"] == "datasource";
    assert_eq!(
        variables.iter().find(is_source).unwrap()["name"],
        "datasource"
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut expressions = 0;
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            assert!(!names(expression).is_empty(), "{expression}");
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            expressions += 1;
        }
    }
    assert!(expressions > 15, "{expressions}");
    let variables: BTreeSet<&str> = variables
        .iter()
        .map(|variable| variable["name"].as_str().unwrap())
        .collect();
    for used in after_each(&text, "\\\"$") {
        let used = used.split(['"', '\\', ' ']).next().unwrap();
        assert!(variables.contains(used), "{used}");
    }
    // What only a histogram, or only something that counts, can be asked for.
    is_taken_by_prometheus(&dashboard);
}

/// As rules, so that Prometheus' own parser reads each expression.
fn is_taken_by_prometheus(dashboard: &Value) {
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    for (number, target) in targets.enumerate() {
        let expression = target["expr"].as_str().unwrap();
        let plain = expression
            .replace("$__rate_interval", "5m")
            .replace("$__range", "1h");
        let quoted = serde_json::to_string(&plain).unwrap();
        writeln!(rules, "  - record: panel_{number}\n    expr: {quoted}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.yml");
    std::fs::write(&file, rules).unwrap();

    promtool(&["check", "rules", "--lint=none", file.to_str().unwrap()]);
}

fn table() -> String {
    let mut text = String::from("\n| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for metric in ALL {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {}. |",
            metric.name,
            metric.of.name(),
            labels.join(", "),
            metric.help
        )
        .unwrap();
    }
    let outcomes = OUTCOMES.map(|outcome| format!("`{outcome}`")).join(", ");
    writeln!(text, "\nOutcomes: {outcomes}.\n").unwrap();
    text
}

/// Every name in a text is one that cacd gives out, and every outcome one that there is.
fn speaks_of_what_there_is(text: &str) {
    for name in names(text) {
        let is_known = ALL.iter().any(|metric| {
            let of_histogram = ["_bucket", "_sum", "_count"].iter().any(|suffix| {
                metric.of == Type::Histogram && name.strip_suffix(suffix) == Some(metric.name)
            });
            name == metric.name && metric.of != Type::Histogram || of_histogram
        });
        assert!(is_known, "{name}");
    }
    for matcher in ["outcome=\"", "outcome=~\"", "outcome!=\""] {
        for rest in after_each(&text.replace("\\\"", "\""), matcher) {
            for outcome in rest.split('"').next().unwrap().split('|') {
                assert!(OUTCOMES.contains(&outcome), "{outcome}");
            }
        }
    }
}

fn names(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .filter(|word| word.starts_with("cacd_") && *word != "cacd_")
        .collect()
}

/// What follows each of them, to the end of the line.
fn after_each<'a>(text: &'a str, what: &str) -> Vec<&'a str> {
    text.lines()
        .flat_map(|line| line.split(what).skip(1))
        .collect()
}

fn promtool(arguments: &[&str]) {
    let judged = Command::new("promtool")
        .args(arguments)
        .current_dir(place("systemd/monitoring"))
        .output()
        .expect("promtool is in Debian's package prometheus: make deps");

    assert!(
        judged.status.success(),
        "{}{}",
        String::from_utf8_lossy(&judged.stdout),
        String::from_utf8_lossy(&judged.stderr)
    );
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}
