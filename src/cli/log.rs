//! How events become lines: for people on a terminal, JSON otherwise. One event, one line; no secret.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde::Serializer;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::platform::secret::Scrubber;
use crate::settings::{Log, LogFormat};

use super::journal::Journal;

/// Starts logging to standard error, or where that leads to the journal, to the journal itself.
///
/// # Errors
/// In one sentence, if the filter makes no sense.
pub(super) fn start(log: &Log, scrubber: &Scrubber) -> Result<(), String> {
    let filter =
        EnvFilter::try_new(&log.filter).map_err(|e| format!("`log.filter = \"{}\"`: {e}", log.filter))?;
    if log.format == LogFormat::Auto
        && let Some(journal) = Journal::behind_stderr(scrubber)
    {
        let events = tracing_subscriber::registry().with(filter).with(journal);
        return events.try_init().map_err(|e| e.to_string());
    }
    let terminal = io::stderr().is_terminal();
    let pretty = match log.format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    let lines = Lines {
        scrubber: scrubber.clone(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines);
    let done = if pretty {
        let styled = terminal && std::env::var_os("NO_COLOR").is_none();
        builder
            .with_ansi(styled)
            .event_format(Pretty { styled })
            .try_init()
    } else {
        builder.with_ansi(false).event_format(Json).try_init()
    };
    done.map_err(|e| e.to_string())
}

/// `13:00:02 post.sent    sent hello to mastodon  url=…`
struct Pretty {
    styled: bool,
}

impl<S, N> FormatEvent<S, N> for Pretty
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let fields = Fields::of(event);
        let (on, off) = match (self.styled, *event.metadata().level()) {
            (false, _) => ("", ""),
            (true, Level::ERROR) => ("\x1b[31m", "\x1b[0m"),
            (true, Level::WARN) => ("\x1b[33m", "\x1b[0m"),
            (true, _) => ("\x1b[32m", "\x1b[0m"),
        };
        let (dim, plain) = if self.styled {
            ("\x1b[2m", "\x1b[0m")
        } else {
            ("", "")
        };
        SystemTime.format_time(&mut out)?;
        write!(
            out,
            " {on}{:<18}{off} {}{dim}",
            fields.event,
            printable(&fields.text)
        )?;
        // What the sentence says already is not said again.
        let said = [
            "message", "account", "platform", "due", "error", "why", "part", "parts",
        ];
        for (name, value) in fields.rest.iter().filter(|(name, _)| !said.contains(name)) {
            match value.as_str() {
                Some("") => {}
                Some(text) => write!(out, " {name}={}", printable(text))?,
                None => write!(out, " {name}={value}")?,
            }
        }
        writeln!(out, "{plain}")
    }
}

/// One JSON object: `timestamp`, `level`, `event`, `text` (the sentence), then the event's own fields.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let fields = Fields::of(event);
        let mut now = String::new();
        SystemTime.format_time(&mut Writer::new(&mut now))?;
        let level = event.metadata().level().as_str();
        let head: [(&str, Value); 4] = [
            ("timestamp", now.into()),
            ("level", level.into()),
            ("event", fields.event.into()),
            ("text", fields.text.into()),
        ];
        let mut line = Vec::with_capacity(512);
        serde_json::Serializer::new(&mut line)
            .collect_map(head.into_iter().chain(fields.rest))
            .map_err(|_| fmt::Error)?;
        writeln!(out, "{}", std::str::from_utf8(&line).map_err(|_| fmt::Error)?)
    }
}

/// The fields of an event. The sentence is tracing's `message`; ours of that name is a message's id, and is
/// recorded as `message_id`.
#[derive(Default)]
pub(super) struct Fields {
    pub event: String,
    pub text: String,
    pub rest: Vec<(&'static str, Value)>,
}

impl Fields {
    pub fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        if fields.event.is_empty() {
            event.metadata().target().clone_into(&mut fields.event);
        }
        fields
    }

    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message_id" => "message",
            name => name,
        };
        self.rest.push((name, value));
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => value.clone_into(&mut self.event),
            "message" => value.clone_into(&mut self.text),
            _ => self.put(field, value.into()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.text = value,
            _ => self.put(field, value.into()),
        }
    }
}

/// Without anything that could move a terminal's cursor or begin a line of its own (reliability D10).
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// Standard error, a line at a time: known secrets are starred, and a line break inside is shown, not made.
#[derive(Clone)]
struct Lines {
    scrubber: Scrubber,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\n');
        let text: Cow<'_, str> = if text.contains(['\n', '\r']) {
            text.replace('\n', "\\n").replace('\r', "\\r").into()
        } else {
            text.into()
        };
        // One write for the line and its end: nobody else's comes between.
        let mut text = self.scrubber.scrub(&text).into_owned();
        text.push('\n');
        // A log that can't be written must not stop the sending.
        drop(io::stderr().lock().write_all(text.as_bytes()));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_nothing_from_outside_can_begin_a_line_or_move_the_cursor() {
        assert_eq!(printable("a\nb\x1b[2Jc\u{85}d"), "a\\nb\\u{1b}[2Jc\\u{85}d");
    }
}
