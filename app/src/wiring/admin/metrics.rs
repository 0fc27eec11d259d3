//! The picture as Prometheus reads it: collected when it is asked for, so that nothing is stale.

use crate::snapshot::{Activity, Journal, Kind, Process, Reader};
use crate::wiring::http_metrics::HttpMetrics;
use projections::State;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;

pub(super) use prometheus_text::CONTENT_TYPE;

#[derive(Debug)]
struct Scrape {
    /// Absent when the database does not answer; the process's own numbers remain.
    journal: Option<Journal>,
    process: Process,
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

pub(super) fn render(
    journal: Option<Journal>,
    process: Process,
    http: &HttpMetrics,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    http.register(&mut registry);
    registry.register_collector(Box::new(Scrape { journal, process }));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        page.gauge(
            "database_up",
            "Whether the journal's database answered within the scrape",
            u32::from(self.journal.is_some()),
        )?;
        if let Some(journal) = &self.journal {
            readers(&mut page, journal)?;
            steps(&mut page, journal)?;
        }
        writer(&mut page, &self.process)?;
        relay(&mut page, &self.process)
    }
}

fn readers(page: &mut Page<'_>, journal: &Journal) -> fmt::Result {
    page.gauge("journal_head_position", "Last position of the journal", journal.head)?;
    let all = || journal.readers.iter().map(|one| (of_reader(one), one));
    let flows =
        || journal.flows.iter().map(|one| (vec![("reader", one.flow.as_str()), ("kind", "flow")], one));
    let positions = all().map(|(labels, one)| (labels, one.position));
    let positions = positions.chain(flows().map(|(labels, one)| (labels, one.position)));
    page.gauges("journal_reader_position", "Everything up to here is handled", positions)?;
    let events = all().map(|(labels, one)| (labels, one.behind_events));
    let events = events.chain(flows().map(|(labels, one)| (labels, one.waiting)));
    page.gauges("journal_reader_lag_events", "Events up to the head that are not handled", events)?;
    let ages = all().map(|(labels, one)| (labels, seconds(one.behind_ms)));
    let ages = ages.chain(flows().map(|(labels, one)| (labels, seconds(one.waiting_ms))));
    page.gauges("journal_reader_lag_seconds", "Age of the first event that is not handled", ages)?;
    let models = all().filter(|(_, one)| one.kind == Kind::ReadModel);
    let stopped = models.map(|(_, one)| {
        (vec![("projection", one.reader.as_str())], u32::from(matches!(one.state, State::Stopped { .. })))
    });
    page.gauges("projection_stopped", "Whether a read model met an event that it cannot apply", stopped)?;
    let held = journal.roles.iter().map(|one| (vec![("role", one.name.as_str())], u32::from(one.held)));
    page.gauges("role_held", "Whether any process does the work that one does for all", held)
}

fn of_reader(reader: &Reader) -> Labels<'_> {
    let kind = match reader.kind {
        Kind::ReadModel => "projection",
        Kind::Relay => "relay",
        Kind::Seals => "seals",
    };
    vec![("reader", reader.reader.as_str()), ("kind", kind)]
}

fn steps(page: &mut Page<'_>, journal: &Journal) -> fmt::Result {
    // Every flow has its zero, so that a rate or an alarm finds the series before the first failure.
    let names = || journal.flows.iter().map(|one| one.flow.as_str());
    let letters = || {
        names().chain(["timers"]).map(|name| {
            (vec![("flow", name)], journal.dead_letters.iter().find(|letters| letters.flow == name))
        })
    };
    let open = letters().map(|(labels, found)| (labels, found.map_or(0, |letters| letters.open)));
    page.gauges("dead_letters_open", "Steps that failed for good and wait for an operator", open)?;
    let ages =
        letters().map(|(labels, found)| (labels, seconds(found.map_or(0, |letters| letters.oldest_ms))));
    page.gauges("dead_letters_oldest_seconds", "Age of the oldest open dead letter", ages)?;
    let intents = || {
        names().map(|name| {
            let found = journal.intents.iter().map(|one| &one.intent).find(|intent| intent.flow == name);
            (vec![("flow", name)], found)
        })
    };
    let begun = intents().map(|(labels, found)| (labels, found.map_or(0, |intent| intent.unfinished)));
    page.gauges("intents_unfinished", "Steps that were begun and have no end", begun)?;
    let ages = intents().map(|(labels, found)| (labels, seconds(found.map_or(0, |intent| intent.age_ms))));
    page.gauges("intents_oldest_seconds", "Since the oldest of them was begun", ages)?;
    let timers = &journal.timers;
    page.gauge("timers_waiting", "Timers that have not fired", timers.waiting)?;
    page.gauge("timers_overdue", "Timers whose time has come", timers.overdue)?;
    page.gauge("timers_late_seconds", "How late the earliest is", seconds(timers.late_ms.unwrap_or(0)))
}

fn writer(page: &mut Page<'_>, process: &Process) -> fmt::Result {
    let writer = &process.writer;
    page.gauge("journal_writer_queue_depth", "Commands that wait for the writer", writer.queue_depth)?;
    page.gauge("journal_writer_largest_batch", "Most commands in one call", writer.largest_batch)?;
    let spent = Duration::from_micros(writer.commit_micros).as_secs_f64();
    page.counter("journal_writer_commit_seconds", "Time spent in calls that committed", spent)?;
    for (name, help, value) in [
        ("journal_writer_batches", "Calls that committed", writer.batches),
        ("journal_writer_commands", "Commands that got a verdict", writer.commands),
        ("journal_writer_events", "Events appended", writer.events),
        ("journal_writer_conflicts", "Commands that lost the race for their stream", writer.conflicts),
        ("journal_writer_splits", "Batches halved because a row could not be placed", writer.splits),
        ("journal_writer_refused", "Commands that the database refused", writer.refused),
        ("journal_writer_retries", "Calls repeated because of a passing error", writer.retried),
        ("journal_writer_lost_connections", "Connections lost during a call", writer.lost_connections),
    ] {
        page.counter(name, help, value)?;
    }
    Ok(())
}

fn relay(page: &mut Page<'_>, process: &Process) -> fmt::Result {
    let Some(relay) = &process.relay else { return Ok(()) };
    let states = [
        ("waiting", Activity::Waiting),
        ("connecting", Activity::Connecting),
        ("publishing", Activity::Publishing),
        ("interrupted", Activity::Interrupted),
    ];
    let states = states.map(|(name, state)| (vec![("state", name)], u32::from(relay.activity == state)));
    page.gauges("relay_state", "1 for what the relay of this process does", states)?;
    page.gauge("relay_state_seconds", "Since when it does that", relay.since_seconds)?;
    page.counter("relay_published", "Events that NATS acknowledged, repeats included", relay.published)?;
    page.counter("relay_failures", "Sessions with NATS that failed", relay.failures)
}

fn seconds(ms: i64) -> f64 {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0)).as_secs_f64()
}

struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    fn gauge<V: EncodeGaugeValue>(&mut self, name: &str, help: &str, value: V) -> fmt::Result {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    fn gauges<'l, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'l>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// The encoder adds `_total`.
    fn counter<V: EncodeCounterValue>(&mut self, name: &str, help: &str, value: V) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }
}
