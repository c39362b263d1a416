//! Prometheus' text format, version 0.0.4, which node_exporter's textfile
//! collector reads too; it does not read OpenMetrics.

use std::fmt::{Display, Write as _};
use std::time::Duration;

/// What a metric is, in Prometheus' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Counter,
    Gauge,
    Histogram,
}

impl Type {
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric: what it is called, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub of: Type,
    pub labels: &'static [&'static str],
    /// One sentence, without a full stop.
    pub help: &'static str,
}

/// Upper bounds of the buckets of a histogram, in seconds.
pub(super) const BOUNDS: [f64; 7] = [1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// How long something took, so often.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    /// Not cumulative; what is above the last bound is in none.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    pub(super) fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS
            .iter()
            .zip(&mut self.within)
            .find(|(bound, _)| seconds <= **bound);
        if let Some((_, count)) = bucket {
            *count += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

/// Text under way.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// Samples of a metric follow; without any nothing is said of it.
    pub(super) fn metric(&mut self, metric: &'static Metric) -> Samples<'_> {
        Samples {
            text: &mut self.0,
            metric,
            is_begun: false,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

/// Writes samples of one metric.
pub(super) struct Samples<'a> {
    text: &'a mut String,
    metric: &'static Metric,
    is_begun: bool,
}

impl Samples<'_> {
    /// `values` are those of the metric's labels, in their order.
    pub(super) fn sample(&mut self, values: &[&str], value: impl Display) -> &mut Self {
        self.line("", values, None, value);
        self
    }

    pub(super) fn histogram(&mut self, values: &[&str], histogram: &Histogram) {
        let mut so_far = 0;
        for (bound, count) in BOUNDS.iter().zip(histogram.within) {
            so_far += count;
            self.line("_bucket", values, Some(&bound.to_string()), so_far);
        }
        self.line("_bucket", values, Some("+Inf"), histogram.count);
        self.line("_sum", values, None, histogram.sum);
        self.line("_count", values, None, histogram.count);
    }

    fn line(&mut self, suffix: &str, values: &[&str], bound: Option<&str>, value: impl Display) {
        debug_assert_eq!(values.len(), self.metric.labels.len());
        if !std::mem::replace(&mut self.is_begun, true) {
            let Metric { name, of, help, .. } = self.metric;
            let of = of.name();
            write(
                self.text,
                format_args!("# HELP {name} {help}.\n# TYPE {name} {of}\n"),
            );
        }
        write(self.text, format_args!("{}{suffix}", self.metric.name));
        let labels = self
            .metric
            .labels
            .iter()
            .copied()
            .zip(values.iter().copied());
        let mut before = '{';
        for (label, value) in labels.chain(bound.map(|bound| ("le", bound))) {
            write(
                self.text,
                format_args!("{before}{label}=\"{}\"", escaped(value)),
            );
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        write(self.text, format_args!(" {value}\n"));
    }
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string takes everything");
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Metric = Metric {
        name: "box_size_bytes",
        of: Type::Gauge,
        labels: &["box"],
        help: "How large a box is",
    };

    const TOOK: Metric = Metric {
        name: "took_seconds",
        of: Type::Histogram,
        labels: &[],
        help: "How long it took",
    };

    #[test]
    fn what_a_label_holds_cannot_end_it() {
        let mut exposition = Exposition::default();

        exposition.metric(&SIZE).sample(&["a\"b\\c\nd"], 7);

        assert_eq!(
            exposition.into_text(),
            "# HELP box_size_bytes How large a box is.\n# TYPE box_size_bytes gauge\n\
             box_size_bytes{box=\"a\\\"b\\\\c\\nd\"} 7\n"
        );
    }

    #[test]
    fn buckets_hold_all_that_is_not_above_their_bound() {
        let mut histogram = Histogram::default();
        for milliseconds in [250, 1000, 7000, 500_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let mut exposition = Exposition::default();

        exposition.metric(&TOOK).histogram(&[], &histogram);

        let text = exposition.into_text();
        for line in [
            "took_seconds_bucket{le=\"1\"} 2",
            "took_seconds_bucket{le=\"2.5\"} 2",
            "took_seconds_bucket{le=\"10\"} 3",
            "took_seconds_bucket{le=\"120\"} 3",
            "took_seconds_bucket{le=\"+Inf\"} 4",
            "took_seconds_sum 508.25",
            "took_seconds_count 4",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
