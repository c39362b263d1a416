use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::config::Config;
use cac_common::identity::CardId;
use cac_common::reader::ReaderName;
use cac_common::registration::{Notice, Outcome};
use cac_common::snapshot::{KnownPersona, Visit};
use cac_common::time::UtcSeconds;

use super::*;
use crate::card::transport::{Report, SeenReader};
use crate::event::{Event, Memory, Now, SignInResult};
use crate::metrics::Queues;
use crate::metrics::catalogue::{ALL, OUTCOMES};
use crate::metrics::counts::Counts;
use crate::metrics::exposition::{BOUNDS, Type};
use crate::state::tests::fixtures::{facts, portal};
use crate::state::{DaemonFacts, State};

const NOW: Now = Now {
    utc: UtcSeconds(1_000),
    monotonic: Duration::ZERO,
    random: 0,
};

/// Of the one who holds the card, the card, the reader and the machine.
const WHO: [&str; 6] = [
    "DOE",
    "JANE",
    "1234567890",
    "7890",
    "card-0",
    "Gemalto 4C1B9DFA",
];

struct Daemon {
    state: State,
    counts: Counts,
    refused: Refused,
}

impl Daemon {
    /// With one card, read to its end, and two portals.
    fn with_a_card() -> Self {
        let facts_of_it = DaemonFacts {
            version: "1.2.3".into(),
            host: "JANES-DESK".into(),
            started_at: UtcSeconds(500),
        };
        let mut daemon = Self {
            state: State::new(facts_of_it, Config::default()),
            counts: Counts::default(),
            refused: Refused::default(),
        };
        daemon.step(Event::Configured {
            config: Box::default(),
            portals: vec![portal("first", "/"), portal("third", "/")],
            problems: Vec::new(),
        });
        daemon.step(Event::Readers(Report {
            service: ServiceStatus::Running,
            readers: vec![SeenReader {
                name: ReaderName("Gemalto 4C1B9DFA".into()),
                status: ReaderStatus::Card,
                changes: 1,
            }],
        }));
        daemon.step(Event::CardRead {
            visit: Visit(1),
            result: Box::new(Ok(facts(0, 0))),
        });
        daemon.step(Event::CardRemembered {
            visit: Visit(1),
            memory: Memory::default(),
        });
        daemon
    }

    fn step(&mut self, event: Event) {
        let before = self.state.snapshot(NOW);
        self.counts.take_event(&event, NOW);
        self.state.step(event, NOW);
        self.counts.take_change(&before, &self.state.snapshot(NOW));
    }

    fn text(&self) -> String {
        let answered = Answered {
            counts: self.counts.clone(),
            queues: Queues {
                events: 1,
                requests: 2,
                card: 3,
                keeper: 4,
            },
        };
        render(&Known {
            answered: &answered,
            snapshot: &self.state.snapshot(NOW),
            refused: &self.refused,
            figures: Some(Figures {
                bytes: 4096,
                history_entries: 12,
            }),
        })
    }
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "{line}\n{text}");
}

/// Prometheus' own judge; without it there is no judgement.
fn promtool(text: &str) -> (bool, String) {
    let mut judge = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is in Debian's package prometheus: make deps");
    let mut input = judge.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = judge.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn what_can_be_seen_of_the_state_is_told() {
    let text = Daemon::with_a_card().text();

    for line in [
        "cacd_up 1",
        "cacd_build_info{version=\"1.2.3\"} 1",
        "cacd_start_time_seconds 500",
        "cacd_pcscd_up 1",
        "cacd_readers{status=\"card\"} 1",
        "cacd_readers{status=\"empty\"} 0",
        "cacd_cards{stage=\"read\"} 1",
        "cacd_cards{stage=\"held\"} 0",
        "cacd_registrations{portal=\"first\",status=\"needs_pin\"} 1",
        "cacd_registrations{portal=\"first\",status=\"registered\"} 0",
        "cacd_pin_prompts_total 1",
        "cacd_sign_ins_total{portal=\"third\",outcome=\"rejected\"} 0",
        "cacd_requests_refused_total{reason=\"PermissionDenied\"} 0",
        "cacd_queue_length{queue=\"events\"} 1",
        "cacd_queue_length{queue=\"requests\"} 2",
        "cacd_queue_length{queue=\"card\"} 3",
        "cacd_queue_length{queue=\"keeper\"} 4",
        "cacd_database_up 1",
        "cacd_database_size_bytes 4096",
        "cacd_history_entries 12",
        "cacd_configuration_loads_total{result=\"ok\"} 1",
        "cacd_configuration_last_load_successful 1",
    ] {
        has(&text, line);
    }
}

/// The certificate of the invented card ends at second 1 000 000.
#[test]
fn of_a_certificates_end_only_the_day_is_told() {
    let text = Daemon::with_a_card().text();

    has(
        &text,
        "cacd_first_certificate_expiry_timestamp_seconds 950400",
    );
    assert_eq!(950_400 % DAY, 0);
}

#[test]
fn who_is_known_counts_where_they_stood_and_a_card_that_is_there_where_it_stands() {
    let mut daemon = Daemon::with_a_card();
    let known = |card: &str, status| KnownPersona {
        persona: cac_common::identity::PersonaId("p".into()),
        card: CardId(card.into()),
        name: "DOE, JANE Q".into(),
        dod_id_tail: Some("7890".into()),
        last_seen: UtcSeconds(0),
        registrations: vec![Registration {
            portal: "first".into(),
            status,
            since: UtcSeconds(0),
            route: None,
        }],
    };
    daemon.step(Event::Known(vec![
        known("card-0", RegistrationStatus::NotFound),
        known("card-1", RegistrationStatus::NeedsWizard),
        known("card-2", RegistrationStatus::NeedsWizard),
    ]));

    let text = daemon.text();

    has(
        &text,
        "cacd_registrations{portal=\"first\",status=\"needs_wizard\"} 2",
    );
    has(
        &text,
        "cacd_registrations{portal=\"first\",status=\"needs_pin\"} 1",
    );
    assert!(!text.contains("not_found\"} 1"), "{text}");
}

#[test]
fn a_status_is_called_as_in_json() {
    let cause = || Cause::from("x");
    let tries_left = None;
    let all = [
        RegistrationStatus::NotSeen,
        RegistrationStatus::NeedsPin { tries_left },
        RegistrationStatus::SigningIn,
        RegistrationStatus::Registered {
            since: UtcSeconds(0),
            checked_at: UtcSeconds(0),
            account: None,
            recheck_due: false,
        },
        RegistrationStatus::RegisteredNotSaved {
            account: None,
            reason: "x".into(),
        },
        RegistrationStatus::OutOfDate { tries_left },
        RegistrationStatus::NeedsConsent {
            notice: Notice {
                text: String::new(),
                sha256: String::new(),
            },
        },
        RegistrationStatus::NeedsWizard,
        RegistrationStatus::NotEligible,
        RegistrationStatus::NeedsSponsor,
        RegistrationStatus::NotFound,
        RegistrationStatus::Forbidden { cause: cause() },
        RegistrationStatus::Rejected { cause: cause() },
        RegistrationStatus::Waiting {
            until: UtcSeconds(0),
            attempt: 1,
            cause: cause(),
        },
        RegistrationStatus::PinBlocked,
        RegistrationStatus::LockedOut { until: None },
        RegistrationStatus::Unsupported { cause: cause() },
        RegistrationStatus::Unrecognised { cause: cause() },
        RegistrationStatus::CardFailed { cause: cause() },
    ];
    for status in all {
        let json = serde_json::to_value(&status).unwrap();

        assert_eq!(json["state"], name(&status));
    }
}

#[test]
fn prometheus_takes_all_of_it_and_finds_nothing_to_improve() {
    let mut daemon = Daemon::with_a_card();
    let at_first = daemon.text();
    daemon.refused.requests.insert("NoSuchCard".into(), 3);
    daemon.fill_every_series();

    for text in [at_first, daemon.text(), last_words()] {
        let (is_good, said) = promtool(&text);

        assert!(is_good && said.is_empty(), "{said}\n{text}");
    }
    let (is_good, said) = promtool("# TYPE cacd_x counter\ncacd_x 1\n");
    assert!(!is_good && said.contains("cacd_x"), "the judge judges");
}

#[test]
fn each_metric_of_the_catalogue_is_told_as_it_says() {
    let mut daemon = Daemon::with_a_card();
    daemon.fill_every_series();
    let text = daemon.text();

    for metric in ALL {
        let of = metric.of.name();
        has(&text, &format!("# TYPE {} {of}", metric.name));
        let suffix = if metric.of == Type::Histogram {
            "_count"
        } else {
            ""
        };
        let sample = format!("{}{suffix}", metric.name);
        let line = text.lines().find(|line| {
            line.strip_prefix(&sample)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let line = line.unwrap_or_else(|| panic!("{sample}\n{text}"));
        let labels = line
            .split_once('{')
            .and_then(|(_, rest)| rest.split_once('}'))
            .map_or("", |(labels, _)| labels);
        let names: Vec<&str> = labels
            .split(',')
            .filter_map(|label| Some(label.split_once('=')?.0))
            .collect();
        assert_eq!(names, metric.labels, "{line}");
    }
    let told = text.lines().filter(|line| line.starts_with("# TYPE"));
    assert_eq!(told.count(), ALL.len());
}

#[test]
fn nothing_names_a_person_a_card_a_reader_or_the_machine() {
    let mut daemon = Daemon::with_a_card();
    daemon.fill_every_series();
    let text = daemon.text();

    for who in WHO.into_iter().chain(["JANES-DESK"]) {
        assert!(!text.contains(who), "{who}\n{text}");
    }
}

/// What docs/metrics.md says of how many there are.
#[test]
fn there_are_no_more_series_than_the_documentation_says() {
    let mut daemon = Daemon::with_a_card();
    let series = |daemon: &Daemon| {
        let text = daemon.text();
        text.lines().filter(|line| !line.starts_with('#')).count()
    };
    let with_two = series(&daemon);
    daemon.step(Event::Configured {
        config: Box::default(),
        portals: vec![portal("first", "/")],
        problems: Vec::new(),
    });
    let with_one = series(&daemon);

    // Outcomes, buckets with the last of them, sum and count, "registered" and
    // where the card stands.
    let each = OUTCOMES.len() + BOUNDS.len() + 3 + 2;
    assert_eq!(with_two - with_one, each);
    assert_eq!(each, 29);
    assert_eq!(with_one - each, 28);
    assert_eq!(Kind::ALL.len(), 43);
}

impl Daemon {
    /// Has something happen that only then has a series.
    fn fill_every_series(&mut self) {
        let failed = SignInResult::Portal(Outcome::Rejected {
            cause: Cause::new(Kind::CertificateExpired, "it expired"),
        });
        self.counts.pretend_a_sign_in("first");
        self.step(Event::SignInEnded {
            visit: Visit(1),
            number: 1,
            result: failed,
            pin: None,
            tries: None,
        });
        has(
            &self.text(),
            "cacd_sign_in_failures_total{portal=\"first\",cause=\"certificate-expired\"} 1",
        );
    }
}
