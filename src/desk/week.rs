//! What a report of some days tells: what was posted and how the public answered, what did not go out, what was
//! stopped, which facts must be looked at, and what comes next.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::civil;
use crate::calendar::past::Past;
use crate::calendar::plan::{View, plan};
use crate::campaign::Campaign;
use crate::daemon::spending::spending;
use crate::ledger::{Filter, Hold, Ledger, Post, SentPart};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::agenda::{self, Row};
use super::facts::{self, users};
use super::insights::{Days, Insights, reckoned};
use super::{Failed, Files, Office};

/// So many posts of a kind are told one by one; the rest is counted.
const MOST: u32 = 500;
/// How far ahead it looks.
const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// All that a report tells.
pub struct Week {
    pub made: Timestamp,
    pub insights: Insights,
    /// What went out, with its parts; the first first.
    pub sent: Told<(Post, Vec<SentPart>)>,
    /// What did not, or nobody knows.
    pub failed: Told<Post>,
    /// All that were in force at any time in these days.
    pub holds: Vec<Hold>,
    /// Those that somebody must look at, in the campaign's own order.
    pub facts: Vec<facts::Row>,
    /// What is planned for the coming week.
    pub next: Vec<Row>,
}

/// The first of some, and whether there are more.
pub struct Told<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

/// Reads all that a report of these days tells.
///
/// # Errors
/// If the ledger can't be read.
pub async fn week(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    ledger: &dyn Ledger,
    days: Days,
) -> Result<Week, Failed> {
    let now = office.clock.now();
    let posted = told(ledger, &days, &[State::Sent]).await?;
    let ids: Vec<PostId> = posted.rows.iter().map(|post| post.id).collect();
    let mut parts = ledger.parts_of(&ids).await?;
    let sent = posted.rows.into_iter().map(|post| {
        let parts = parts.remove(&post.id).unwrap_or_default();
        (post, parts)
    });
    let unsent = [State::Rejected, State::InDoubt, State::Held, State::Skipped];
    let failed = told(ledger, &days, &unsent).await?;
    let today = civil::local(&campaign.settings.zone, now).date();
    Ok(Week {
        made: now,
        sent: Told {
            rows: sent.collect(),
            more: posted.more,
        },
        failed,
        holds: in_force(ledger, &days).await?,
        facts: to_look_at(campaign, today),
        next: next(office, files, campaign, ledger, now).await?,
        insights: reckoned(ledger, days, None).await?,
    })
}

/// What was due in these days and is in one of these states, in the order of time.
async fn told(ledger: &dyn Ledger, days: &Days, states: &[State]) -> Result<Told<Post>, Failed> {
    let mut told = Told {
        rows: Vec::new(),
        more: false,
    };
    for state in states {
        let filter = Filter {
            since: Some(days.since()),
            until: Some(days.end()),
            state: Some(*state),
            limit: Some(MOST + 1),
            ..Filter::default()
        };
        let mut posts = ledger.history(&filter).await?;
        if posts.len() > MOST as usize {
            posts.truncate(MOST as usize);
            told.more = true;
        }
        told.rows.extend(posts);
    }
    told.rows.sort_by_key(|post| (post.due, post.id));
    Ok(told)
}

async fn in_force(ledger: &dyn Ledger, days: &Days) -> Result<Vec<Hold>, Failed> {
    let mut holds = ledger.held_since(days.since()).await?;
    holds.retain(|hold| hold.since < days.end());
    Ok(holds)
}

fn to_look_at(campaign: &Campaign, today: Date) -> Vec<facts::Row> {
    let row = |(name, fact): (&String, _)| {
        let mut row = facts::Row::new(name, Some(fact), today);
        row.used = users(campaign, name);
        row
    };
    let rows = campaign.facts.iter().map(row);
    rows.filter(|row| row.state != "confirmed").collect()
}

/// What is to go out in the coming week, what waits for it too, as the holds leave it.
async fn next(
    office: &Office,
    files: &Files,
    campaign: &Campaign,
    ledger: &dyn Ledger,
    now: Timestamp,
) -> Result<Vec<Row>, Failed> {
    let past: Past = office.past(campaign, ledger).await?;
    let view = View {
        campaign,
        roster: &files.roster,
        past: &past,
        late: office.settings.late,
    };
    let until = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let tally = spending(ledger, campaign, &files.roster.accounts, now).await?;
    let mut rows = agenda::recorded(ledger, campaign, &files.roster).await?;
    rows.extend(agenda::planned(&view, &plan(&view, now, until), tally));
    rows.retain(|row| row.due.is_some_and(|due| now <= due && due < until));
    agenda::under(&office.holds(Some(ledger)).await?, &mut rows);
    agenda::sort(&mut rows);
    Ok(rows)
}
