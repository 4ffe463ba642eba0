//! Reads one `[[message]]`, or the front matter of a Markdown file, which has the same keys.

mod nameless;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::allow::allow;
use super::report::{Found, Report, Span, Table, Value};
use super::settings::cron;
use super::time::{after, at, beginning, end, late, message_id, message_ids};
use super::words::{
    WORDS_KEYS, card, images, languages, one_beside, one_of_two, template, thread, url, variants, video,
    words, words_text,
};
use crate::calendar::cron::Cron;
use crate::campaign::allow::{Allow, Of};
use crate::campaign::message::{Beside, Local, Message, When, Words};
use crate::campaign::problem::{Severity, nearest, shown};
use crate::post::card::Style;
use crate::post::identity::MessageId;
use crate::text::parts::Threading;
use nameless::nameless;

/// The keys of `[[message]]` that are read.
pub const MESSAGE_KEYS: &[&str] = &[
    "id",
    "was",
    "text",
    "texts",
    "to",
    "at",
    "cron",
    "after",
    "evergreen",
    "priority",
    "starts",
    "expires",
    "late",
    "link",
    "image",
    "video",
    "reply_to",
    "share",
    "warn",
    "draft",
    "thread",
    "counter",
    "card",
    "author",
    "allow",
    "lang",
];
/// Those that are planned but not built.
pub const NOT_YET_KEYS: &[&str] = &["every", "rev", "fold"];

/// A message as it was read, and how well.
#[derive(Debug, Clone)]
pub struct Entry {
    pub message: Arc<Message>,
    /// Which `[[message]]` of its file, counted from 0.
    pub index: usize,
    /// Its id is its own. If not, `message.id` is only a proposal.
    pub named: bool,
    /// All was understood that says when, where and to whom. If not, it must not even be planned.
    pub understood: bool,
    /// The first error in it.
    pub error: Option<String>,
}

/// What has been read of a message so far.
#[derive(Default)]
struct Draft {
    id: Option<Found<String>>,
    was: Vec<MessageId>,
    at: Option<Found<Local>>,
    cron: Option<Found<Arc<Cron>>>,
    after: Option<Found<(MessageId, Duration)>>,
    evergreen: Option<Span>,
    breaking: Option<Span>,
    share: Option<Found<String>>,
    to: Vec<Box<str>>,
    words: Words,
    for_account: BTreeMap<Box<str>, Words>,
    for_language: BTreeMap<Box<str>, Words>,
    starts: Option<Local>,
    expires: Option<Local>,
    late: Option<Duration>,
    reply_to: Option<MessageId>,
    unfinished: bool,
    threading: Threading,
    counter: Option<Span>,
    card: Option<Style>,
    author: Option<Box<str>>,
    allow: Allow,
}

/// Reads the message in `table`, whose header is at `at`; `body` is the text of a Markdown file, `name`
/// what its id could be if it has none.
pub fn message(
    report: &mut Report<'_>,
    table: &Table<'_>,
    at: &Span,
    index: usize,
    body: Option<Found<String>>,
    name: Option<&str>,
) -> Option<Entry> {
    let before = report.problems.len();
    let (errors, misread) = (report.errors, report.misread);
    let id = table
        .get("id")
        .and_then(|value| value.get_ref().as_str()?.parse::<MessageId>().ok());
    report.about.clone_from(&id);

    let mut draft = Draft::default();
    if let Some((text, at)) = body {
        if let Some(other) = table.get("text").or_else(|| table.get("texts")) {
            report.error(
                "conflict",
                other.span(),
                "the text is below the second `+++`, so it cannot be here too",
                "delete one of them",
            );
        }
        super::lint::text(report, "text", &text, &at);
        draft.words.texts = template(report, text, at).into_iter().collect();
    }
    one_of_two(report, table);
    one_beside(report, table);
    for (key, value) in table {
        read_key(report, &mut draft, key.get_ref(), key.span(), value);
    }
    let when = draft.when(report);
    draft.agree(report, table, at);

    let named = id.is_some();
    let id = id.or_else(|| nameless(report, &draft, table, at, name, index));
    let words = std::mem::take(&mut draft.words);
    let message = Message {
        id: id?,
        was: draft.was.into(),
        place: report.spot(at.start),
        when,
        to: draft.to.into(),
        words,
        for_account: draft.for_account,
        for_language: draft.for_language,
        breaking: draft.breaking.is_some(),
        starts: draft.starts,
        expires: draft.expires,
        late: draft.late,
        reply_to: draft.reply_to,
        share: draft.share.map(|(url, _)| url.into()),
        draft: draft.unfinished,
        threading: draft.threading,
        card: draft.card,
        author: draft.author,
        allow: draft.allow,
    };
    report.about = None;
    let failed = report.errors > errors;
    let found = report.problems.get(before..).unwrap_or_default();
    let error = found
        .iter()
        .find(|problem| problem.severity == Severity::Error)
        .map_or_else(|| "it has an error".to_owned(), |problem| problem.message.clone());
    Some(Entry {
        message: Arc::new(message),
        index,
        named,
        understood: named && report.misread == misread,
        error: failed.then_some(error),
    })
}

fn read_key(report: &mut Report<'_>, draft: &mut Draft, key: &str, key_at: Span, value: &Value<'_>) {
    match key {
        "id" => draft.id = report.text("id", value),
        "was" => draft.was = message_ids(report, "was", value),
        "text" => {
            let text = words_text(report, value);
            // Below the front matter of a Markdown file it is already.
            if draft.words.texts.is_empty() {
                draft.words.texts = text.into_iter().collect();
            }
        }
        "texts" => {
            let texts = variants(report, value);
            if draft.words.texts.is_empty() {
                draft.words.texts = texts;
            }
        }
        "to" => {
            let names = report.texts("to", value).unwrap_or_default();
            if names.is_empty() && value.get_ref().as_array().is_some_and(|list| list.is_empty()) {
                report.error(
                    "empty",
                    value.span(),
                    "`to` names no account",
                    "leave the line out for every account, or write `draft = true` for none yet",
                );
            }
            draft.to = names.into_iter().map(|(name, _)| name.into()).collect();
        }
        "at" => draft.at = at(report, value).map(|local| (local, key_at)),
        "cron" => {
            draft.cron = report
                .some_text("cron", value)
                .and_then(|(rule, at)| cron(report, &rule, &at))
                .map(|cron| (cron, key_at));
        }
        "after" => draft.after = after(report, value).map(|after| (after, key_at)),
        "evergreen" => {
            draft.evergreen = report
                .flag("evergreen", value)
                .filter(|flag| flag.0)
                .map(|_| key_at);
        }
        "priority" => {
            let word = report.text("priority", value);
            match word {
                Some((word, _)) if word == "breaking" => draft.breaking = Some(key_at),
                Some((word, at)) => report.error(
                    "bad-value",
                    at,
                    format!("`priority` cannot be `{}`", shown(&word)),
                    "write \"breaking\", or leave the line out",
                ),
                None => {}
            }
        }
        "starts" => draft.starts = beginning(report, "starts", value),
        "expires" => draft.expires = end(report, "expires", value),
        "late" => draft.late = late(report, value),
        "link" => draft.words.link = url(report, "link", value).map(|(url, _)| url.into()),
        "image" => draft.words.beside = Some(Beside::Images(images(report, value))),
        "video" => draft.words.beside = video(report, value),
        "reply_to" => draft.reply_to = message_id(report, "reply_to", value),
        "share" => draft.share = url(report, "share", value),
        "warn" => draft.words.warn = report.some_text("warn", value).map(|(warn, _)| warn.into()),
        "draft" => draft.unfinished = report.flag("draft", value).is_some_and(|flag| flag.0),
        "thread" => draft.threading.auto = thread(report, value),
        "counter" => {
            let flag = report.flag("counter", value).filter(|flag| flag.0);
            draft.threading.counter = flag.is_some();
            draft.counter = flag.map(|flag| flag.1);
        }
        "card" => draft.card = card(report, value),
        "author" => draft.author = report.some_text("author", value).map(|(name, _)| name.into()),
        "allow" => draft.allow = allow(report, value, Of::Message),
        "lang" => draft.for_language = languages(report, value),
        name if NOT_YET_KEYS.contains(&name) => {
            report.not_yet(&format!("`{name}`"), key_at, instead_of(name));
        }
        name => {
            let is_override = value.get_ref().as_table().is_some_and(|table| {
                table
                    .keys()
                    .all(|key| WORDS_KEYS.contains(&key.get_ref().as_ref()))
                    || nearest(name, MESSAGE_KEYS.iter().copied()).is_none()
            });
            if is_override {
                let words = words(report, value);
                draft.for_account.insert(name.into(), words);
            } else {
                report.unknown_key(name, key_at, MESSAGE_KEYS);
            }
        }
    }
}

/// What to write instead of one of [`NOT_YET_KEYS`].
fn instead_of(key: &str) -> &'static str {
    match key {
        "every" => "write `cron = \"0 9 * * MON\"` for a day and hour that come round",
        "rev" => "to post it again, copy the message and give it a new id",
        _ => "write the time with its offset: `at = 2026-11-01T01:30:00-06:00`",
    }
}

impl Draft {
    /// The one way of saying when, or none; two are a conflict.
    fn when(&mut self, report: &mut Report<'_>) -> When {
        let at = |found: &Option<Span>, name| found.clone().map(|span| (span, name));
        let ways = [
            at(&self.at.as_ref().map(|found| found.1.clone()), "at"),
            at(&self.cron.as_ref().map(|found| found.1.clone()), "cron"),
            at(&self.after.as_ref().map(|found| found.1.clone()), "after"),
            at(&self.evergreen, "evergreen"),
        ];
        let mut ways: Vec<(Span, &str)> = ways.into_iter().flatten().collect();
        ways.sort_by_key(|way| way.0.start);
        if let [(_, first), (second_at, second), ..] = ways.as_slice() {
            report.error(
                "conflict",
                second_at.clone(),
                format!("`{first}` and `{second}` exclude each other"),
                "keep the one that is meant",
            );
        }
        if let Some(breaking) = &self.breaking {
            match ways.first() {
                Some((_, "evergreen")) => report.error(
                    "conflict",
                    breaking.clone(),
                    "`evergreen` and `priority = \"breaking\"` exclude each other",
                    "keep the one that is meant",
                ),
                Some((_, way)) => report.warning(
                    "no-effect",
                    breaking.clone(),
                    format!("`priority` changes nothing for a message with `{way}`"),
                    "leave the line out",
                ),
                None => {}
            }
        }
        if let Some((local, _)) = self.at {
            When::At(local)
        } else if let Some((cron, _)) = self.cron.take() {
            When::Cron(cron)
        } else if let Some(((message, wait), _)) = self.after.take() {
            When::After { message, wait }
        } else if self.evergreen.is_some() {
            When::Evergreen
        } else {
            When::Queue
        }
    }

    /// What there is to say, and that nothing is said in two ways.
    fn agree(&self, report: &mut Report<'_>, table: &Table<'_>, at: &Span) {
        let span = |key: &str| table.get_key_value(key).map_or(at.clone(), |(key, _)| key.span());
        let text_key = if table.contains_key("texts") {
            "texts"
        } else {
            "text"
        };
        let beside = match self.words.beside {
            Some(Beside::Video(_)) => "video",
            _ => "image",
        };
        if let Some((_, share)) = &self.share {
            for (key, present) in [
                (text_key, !self.words.texts.is_empty()),
                ("link", self.words.link.is_some()),
                (beside, self.words.beside.is_some()),
                ("reply_to", self.reply_to.is_some()),
                ("warn", self.words.warn.is_some()),
                ("card", self.card.is_some()),
            ] {
                if present {
                    report.error(
                        "conflict",
                        share.clone(),
                        format!("`share` and `{key}` exclude each other: a shared post is shown as it is"),
                        "keep the one that is meant; to add words, write a text with the post's address as `link`",
                    );
                }
            }
            if let Some(name) = self.for_account.keys().chain(self.for_language.keys()).next() {
                report.warning(
                    "no-effect",
                    share.clone(),
                    format!(
                        "a shared post is shown as it is, so the words for `{}` are not used",
                        shown(name)
                    ),
                    "delete them",
                );
            }
        } else if self.words.texts.is_empty() && !table.keys().take(64).any(|key| is_text(key.get_ref())) {
            // An override alone is not enough: the other accounts would have nothing to say.
            report.error(
                "missing",
                at.clone(),
                "this message has no `text`",
                "write `text = \"…\"`, or `share = \"https://…\"` for the post of another",
            );
        }
        if self.card.is_some() && self.words.beside.is_some() {
            report.error(
                "conflict",
                span("card"),
                format!("`card` and `{beside}` exclude each other: a card stands where there is no image"),
                "keep the one that is meant",
            );
        }
        if let Some(counter) = self.counter.clone().filter(|_| !self.may_have_parts()) {
            report.warning(
                "no-effect",
                counter,
                "`counter` numbers the parts of a thread, and this message has no parts",
                "leave the line out, or write `thread = \"auto\"` or lines of just `---`",
            );
        }
        if let (Some(Local::Civil(starts)), Some(Local::Civil(expires))) = (self.starts, self.expires)
            && starts >= expires
        {
            report.error(
                "expires-first",
                span("expires"),
                "this message expires before it starts",
                "write the later date as `expires`",
            );
        }
    }
}

impl Draft {
    /// Whether any text of it can become a thread.
    fn may_have_parts(&self) -> bool {
        let others = self.for_account.values().chain(self.for_language.values());
        let words = std::iter::once(&self.words).chain(others);
        let mut texts = words.flat_map(|words| words.texts.iter());
        let written = |text: &Arc<str>| text.lines().any(|line| line.trim() == "---");
        self.share.is_none() && (self.threading.auto || texts.any(written))
    }
}

/// Whether the key was meant to say what there is to say, though perhaps it does not.
fn is_text(key: &str) -> bool {
    let known = MESSAGE_KEYS.contains(&key);
    matches!(key, "text" | "texts" | "share")
        || (!known && nearest(key, MESSAGE_KEYS.iter().copied()) == Some("text"))
}
