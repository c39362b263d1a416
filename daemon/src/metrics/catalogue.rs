//! Every metric there is. docs/metrics.md is made from it.

use super::exposition::{Metric, Type};

/// Every outcome of a sign-in, so that each is there before it first happens.
pub const OUTCOMES: [&str; 17] = [
    "registered",
    "needs_consent",
    "needs_wizard",
    "not_eligible",
    "needs_sponsor",
    "not_found",
    "forbidden",
    "rejected",
    "unavailable",
    "locked_out",
    "unsupported",
    "unrecognised",
    "pin_refused",
    "pin_blocked",
    "pin_not_sent",
    "card_failed",
    "failed_here",
];

macro_rules! metrics {
    ($($constant:ident = $of:ident $name:literal $labels:expr, $help:literal;)*) => {
        $(pub(super) const $constant: Metric = Metric {
            name: $name,
            of: Type::$of,
            labels: &$labels,
            help: $help,
        };)*

        /// In the order in which they are given out.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    UP = Gauge "cacd_up" [],
        "Whether cacd runs; 0 stands in the text file after it was told to end";
    BUILD_INFO = Gauge "cacd_build_info" ["version"],
        "Always 1; which version of cacd runs";
    START_TIME = Gauge "cacd_start_time_seconds" [],
        "When cacd was started, in seconds since 1970";
    PCSCD_UP = Gauge "cacd_pcscd_up" [],
        "Whether the smart card service, pcscd, can be used";
    PCSCD_RESTARTS = Counter "cacd_pcscd_restarts_total" [],
        "How often pcscd came back after it had gone";
    READERS = Gauge "cacd_readers" ["status"],
        "Readers, by what is in them";
    CARDS = Gauge "cacd_cards" ["stage"],
        "Cards in readers, by how far they are read";
    CERTIFICATE_EXPIRY = Gauge "cacd_first_certificate_expiry_timestamp_seconds" [],
        "The day on which the first certificate of the cards in readers ends, retired ones left out, \
         as its first second since 1970; absent without a card";
    REGISTRATIONS = Gauge "cacd_registrations" ["portal", "status"],
        "Cards that are known, by where they stand at a portal";
    PIN_PROMPTS = Counter "cacd_pin_prompts_total" [],
        "How often a holder was asked for the PIN";
    PINS_REFUSED = Counter "cacd_pins_refused_total" [],
        "How often a card refused a PIN";
    SIGN_INS = Counter "cacd_sign_ins_total" ["portal", "outcome"],
        "Sign-ins that have ended, by their outcome";
    SIGN_IN_FAILURES = Counter "cacd_sign_in_failures_total" ["portal", "cause"],
        "Sign-ins that did not lead to a registration, by the cause's name in the catalogue of causes";
    SIGN_IN_DURATION = Histogram "cacd_sign_in_duration_seconds" ["portal"],
        "How long sign-ins took, from the PIN in hand to the portal's word";
    REQUESTS_REFUSED = Counter "cacd_requests_refused_total" ["reason"],
        "Requests on the socket that were refused, by the name of the error";
    CONNECTIONS_REFUSED = Counter "cacd_connections_refused_total" [],
        "Connections to the socket that were turned away, since there were too many";
    QUEUE_LENGTH = Gauge "cacd_queue_length" ["queue"],
        "What waits to be worked on: events and requests for the daemon, work for cards, work for \
         the database's keeper";
    DATABASE_UP = Gauge "cacd_database_up" [],
        "Whether the database can be used";
    DATABASE_SIZE = Gauge "cacd_database_size_bytes" [],
        "How large the database is; absent while it cannot be asked";
    HISTORY_ENTRIES = Gauge "cacd_history_entries" [],
        "Entries of the history that are kept; absent while the database cannot be asked";
    CONFIGURATION_LOADS = Counter "cacd_configuration_loads_total" ["result"],
        "How often the configuration, the profiles and the authorities were read";
    CONFIGURATION_OK = Gauge "cacd_configuration_last_load_successful" [],
        "Whether nothing was wrong when they were last read";
}
