//! What a row says, of whichever engine it is. Each engine asks in an SQL of its own, and they call the columns alike.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Postgres, Row, Sqlite, Type};

use super::engagement::{AskedAfter, Counted};
use super::evidence::Event;
use super::session::Session;
use super::token::{KeptToken, TokenWords};
use super::{Attempt, Fence, Hold, LedgerError, Post, Scope, SentPart, Spoken};
use crate::campaign::approval::Approval;
use crate::post::engagement::Counts;
use crate::post::identity::Occurrence;
use crate::post::outcome::Receipt;
use crate::post::sealed::{Key, Prepared};
use crate::post::state::{Standing, Unsure};

pub(super) type Read<T> = Result<T, LedgerError>;

/// What a cell of either engine can hold.
pub(super) trait Cell<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}

impl<'r, T> Cell<'r> for T where T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres> {}

/// A row of either engine.
pub(super) trait Cells {
    fn cell<'r, T: Cell<'r>>(&'r self, column: &str) -> Read<T>;
}

impl Cells for SqliteRow {
    fn cell<'r, T: Cell<'r>>(&'r self, column: &str) -> Read<T> {
        Ok(self.try_get(column)?)
    }
}

impl Cells for PgRow {
    fn cell<'r, T: Cell<'r>>(&'r self, column: &str) -> Read<T> {
        Ok(self.try_get(column)?)
    }
}

// One cell.

pub(super) fn damaged(what: &str) -> LedgerError {
    LedgerError::Broken(format!("a row in it makes no sense ({what})"))
}

fn instant(micros: i64) -> Read<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| damaged("an instant"))
}

pub(super) fn instant_at(row: &impl Cells, column: &str) -> Read<Timestamp> {
    instant(row.cell(column)?)
}

pub(super) fn maybe_instant(row: &impl Cells, column: &str) -> Read<Option<Timestamp>> {
    row.cell::<Option<i64>>(column)?.map(instant).transpose()
}

pub(super) fn parsed<T: FromStr>(row: &impl Cells, column: &str) -> Read<T> {
    row.cell::<&str>(column)?.parse().map_err(|_| damaged(column))
}

fn maybe_parsed<T: FromStr>(row: &impl Cells, column: &str) -> Read<Option<T>> {
    let text: Option<&str> = row.cell(column)?;
    text.map(|text| text.parse().map_err(|_| damaged(column)))
        .transpose()
}

pub(super) fn number_at<T: TryFrom<i64>>(row: &impl Cells, column: &str) -> Read<T> {
    T::try_from(row.cell::<i64>(column)?).map_err(|_| damaged(column))
}

// A whole row.

/// The columns of a post.
pub(super) const POST: &str = "id, message, account, platform, occurrence, due, late, expires, recurring, breaking, slot, \
     file, parts, content, state, part, tries, not_before, late_from, first_intent, unsure_since, unsure_looks, unsure_foreign, resent, crashes, fence, why, attempts, error, began, sent, through";

pub(super) fn post_of(row: &impl Cells) -> Read<Post> {
    Ok(Post {
        id: parsed(row, "id")?,
        message: parsed(row, "message")?,
        account: parsed(row, "account")?,
        platform: row.cell("platform")?,
        occurrence: Occurrence::from_stored(row.cell("occurrence")?),
        due: instant_at(row, "due")?,
        late: Duration::from_micros(number_at(row, "late")?),
        expires: maybe_instant(row, "expires")?,
        recurring: row.cell("recurring")?,
        breaking: row.cell("breaking")?,
        slot: maybe_instant(row, "slot")?,
        file: row.cell("file")?,
        parts: number_at(row, "parts")?,
        content: serde_json::from_str(row.cell("content")?).map_err(|_| damaged("content"))?,
        standing: Standing {
            state: parsed(row, "state")?,
            part: number_at(row, "part")?,
            tries: number_at(row, "tries")?,
            not_before: instant_at(row, "not_before")?,
            late_from: maybe_instant(row, "late_from")?,
            first_intent: maybe_instant(row, "first_intent")?,
            unsure: match maybe_instant(row, "unsure_since")? {
                None => None,
                Some(since) => Some(Unsure {
                    since,
                    looks: number_at(row, "unsure_looks")?,
                    foreign: row.cell("unsure_foreign")?,
                }),
            },
            resent: row.cell("resent")?,
            crashes: number_at(row, "crashes")?,
            why: row.cell("why")?,
        },
        fence: Fence(row.cell("fence")?),
        attempts: number_at(row, "attempts")?,
        error: row.cell("error")?,
        began: maybe_instant(row, "began")?,
        sent: maybe_instant(row, "sent")?,
        through: row.cell("through")?,
    })
}

pub(super) fn posts_of<R: Cells>(rows: &[R]) -> Read<Vec<Post>> {
    rows.iter().map(post_of).collect()
}

pub(super) fn part_of(row: &impl Cells) -> Read<SentPart> {
    Ok(SentPart {
        index: number_at(row, "idx")?,
        key: Key {
            delivery: parsed(row, "key")?,
            due: instant_at(row, "key_due")?,
        },
        prepared: Prepared {
            path: row.cell("path")?,
            body: row.cell("body")?,
        },
        receipt: receipt_of(row)?,
        sent: maybe_instant(row, "sent")?,
    })
}

pub(super) fn receipt_of(row: &impl Cells) -> Read<Option<Receipt>> {
    let id: Option<String> = row.cell("id")?;
    let (url, pin) = (row.cell("url")?, row.cell("pin")?);
    Ok(id.map(|id| Receipt {
        pin,
        ..Receipt::named(id, url)
    }))
}

pub(super) fn attempt_of(row: &impl Cells) -> Read<Attempt> {
    Ok(Attempt {
        part: number_at(row, "part")?,
        number: number_at(row, "no")?,
        intended: instant_at(row, "intended")?,
        answered: maybe_instant(row, "answered")?.is_some(),
        class: row.cell("class")?,
        words: row.cell("words")?,
    })
}

pub(super) fn event_of(row: &impl Cells) -> Read<Event> {
    Ok(Event {
        chain: row.cell("chain")?,
        seq: row.cell("seq")?,
        at: instant_at(row, "at")?,
        kind: row.cell("kind")?,
        post: maybe_parsed(row, "post")?,
        data: row.cell("data")?,
        hash: row.cell("hash")?,
    })
}

pub(super) fn hold_of(row: &impl Cells) -> Read<Hold> {
    let scope = match row.cell("scope")? {
        "account" => Scope::Account(parsed(row, "target")?),
        "message" => Scope::Message(parsed(row, "target")?),
        _ => Scope::All,
    };
    Ok(Hold {
        id: row.cell("id")?,
        scope,
        why: row.cell("why")?,
        by: row.cell("by")?,
        since: instant_at(row, "since")?,
        said: row.cell("said")?,
        released: maybe_instant(row, "released")?,
    })
}

pub(super) fn approval_of(row: &impl Cells) -> Read<Approval> {
    Ok(Approval {
        message: parsed(row, "message")?,
        by: row.cell("by")?,
        at: instant_at(row, "at")?,
        digest: maybe_parsed(row, "digest")?,
    })
}

pub(super) fn spoken_of(row: &impl Cells) -> Read<Spoken> {
    Ok(Spoken {
        post: parsed(row, "post")?,
        act: row.cell("act")?,
        by: row.cell("by")?,
        at: instant_at(row, "at")?,
    })
}

pub(super) fn session_of(row: &impl Cells) -> Read<Session> {
    Ok(Session {
        id: parsed(row, "id")?,
        user: row.cell("whose")?,
        password: parsed(row, "password")?,
        began: instant_at(row, "began")?,
        seen: instant_at(row, "seen")?,
    })
}

pub(super) fn token_of(row: &impl Cells) -> Read<KeptToken> {
    Ok(KeptToken {
        account: parsed(row, "account")?,
        version: row.cell("version")?,
        words: TokenWords {
            identity: row.cell("identity")?,
            access: row.cell("access")?,
            refresh: row.cell("refresh")?,
            issued: instant_at(row, "issued")?,
            expires: maybe_instant(row, "expires")?,
            refresh_expires: maybe_instant(row, "refresh_expires")?,
            scopes: row.cell("scopes")?,
        },
        refused: row.cell("refused")?,
        renewing: maybe_instant(row, "renewing")?,
        until: maybe_instant(row, "until")?,
    })
}

pub(super) fn asked_of(row: &impl Cells) -> Read<AskedAfter> {
    Ok(AskedAfter {
        post: parsed(row, "whose")?,
        sent: instant_at(row, "sent")?,
        receipt: receipt_of(row)?.ok_or_else(|| damaged("id"))?,
        last: maybe_instant(row, "last")?,
    })
}

/// With one reading.
pub(super) fn counted_of(row: &impl Cells) -> Read<Counted> {
    let count = |column: &str| -> Read<Option<u64>> {
        let count: Option<i64> = row.cell(column)?;
        Ok(count.and_then(|count| u64::try_from(count).ok()))
    };
    let counts = Counts {
        likes: count("likes")?,
        shares: count("shares")?,
        replies: count("replies")?,
        quotes: count("quotes")?,
        views: count("views")?,
    };
    Ok(Counted {
        post: parsed(row, "whose")?,
        message: parsed(row, "message")?,
        account: parsed(row, "account")?,
        platform: row.cell("platform")?,
        sent: instant_at(row, "sent")?,
        url: row.cell("url")?,
        readings: vec![(instant_at(row, "at")?, counts)],
    })
}
