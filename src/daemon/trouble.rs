//! What is wrong and needs a person, found in one place: for alerts, for `steadfast accounts`, and for the page that says
//! it first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::alert::{Condition, Kind, Look};
use crate::calendar::civil;
use crate::calendar::outlook::dry;
use crate::calendar::past::Past;
use crate::calendar::plan::{View, plan};
use crate::campaign::fact::Standing;
use crate::campaign::{Campaign, Roster};
use crate::ledger::token::KeptToken;
use crate::ledger::{BY_DAEMON, BY_ROLLBACK, BY_WATCH, Filter, Hold, Ledger, LedgerError, Post, Scope};
use crate::platform;
use crate::platform::sign_in::{Renewal, Way};
use crate::post::identity::{AccountName, PostId};
use crate::post::outcome::one_line;
use crate::post::state::State;
use crate::settings::AccountSettings;

/// For how long what a platform refused counts as new.
pub const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// From when on it is said that a token will run out.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far ahead a queue has to reach.
const AHEAD: SignedDuration = SignedDuration::from_hours(3 * 24);
/// How long a doubt may last that the platform itself may end.
const DOUBT: SignedDuration = SignedDuration::from_mins(10);
/// How late a post may be that is tried again and again.
const FAILING: SignedDuration = SignedDuration::from_hours(1);
/// How many posts of each state are looked at.
const POSTS: u32 = 200;
/// The longest of a platform's own words, in characters.
const WORDS: usize = 160;

// --- accounts -------------------------------------------------------------------------------------------

/// What is wrong with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ill {
    NobodySignedIn,
    /// The platform will not renew its token.
    Refused(String),
    RanOut(Timestamp),
    RunsOut(Timestamp),
    Held {
        by: String,
        why: String,
        since: Timestamp,
    },
}

impl Ill {
    /// What is wrong.
    pub fn what(&self) -> String {
        match self {
            Ill::NobodySignedIn => "nobody has signed in yet".to_owned(),
            Ill::Refused(why) => why.clone(),
            Ill::RanOut(at) => format!("its token ran out at {at}"),
            Ill::RunsOut(at) => format!("its token runs out at {at}"),
            Ill::Held { by, why, .. } => format!("held by {by}: {why}"),
        }
    }

    /// The same with what to do, in one sentence.
    pub fn words(&self, name: &AccountName) -> String {
        match self {
            Ill::Held { .. } => self.what(),
            _ => format!("{}: `steadfast login {name}`", self.what()),
        }
    }
}

/// When an account's token ends, if nobody signs in again.
pub fn ends(account: &AccountSettings, token: &KeptToken) -> Option<Timestamp> {
    let sign_in = (platform::find(account.platform)?.sign_in)(&account.keys)?;
    let by_refresh =
        matches!(sign_in.way, Way::Code(oauth) if matches!(oauth.renewal, Renewal::RefreshToken { .. }));
    if by_refresh && token.words.refresh.is_some() {
        token.words.refresh_expires
    } else {
        token.words.expires
    }
}

/// All that is wrong with an account. `token`: what it was signed in for.
pub fn ills(
    account: &AccountSettings,
    token: Option<&KeptToken>,
    holds: &[Hold],
    now: Timestamp,
) -> Vec<Ill> {
    let mut ills = Vec::new();
    match token {
        None if account.signs_in() => ills.push(Ill::NobodySignedIn),
        None => {}
        Some(token) => {
            let until = ends(account, token);
            if let Some(why) = &token.refused {
                ills.push(Ill::Refused(why.clone()));
            } else if let Some(until) = until.filter(|until| *until <= now) {
                ills.push(Ill::RanOut(until));
            } else if let Some(until) = until.filter(|until| until.duration_since(now) <= WEEK) {
                ills.push(Ill::RunsOut(until));
            }
        }
    }
    let of_it = Scope::Account(account.name.clone());
    let held = holds
        .iter()
        .filter(|hold| hold.scope == of_it && hold.released.is_none());
    ills.extend(held.map(|hold| Ill::Held {
        by: hold.by.clone(),
        why: hold.why.clone(),
        since: hold.since,
    }));
    ills
}

// --- posts ----------------------------------------------------------------------------------------------

/// Posts that wait for a person's word, `most` of each state: those in doubt, those held, and what was refused of late.
pub async fn waiting(ledger: &dyn Ledger, now: Timestamp, most: u32) -> Result<Vec<Post>, LedgerError> {
    let mut posts = Vec::new();
    for state in [State::InDoubt, State::Held] {
        posts.extend(ledger.in_state(state, most).await?);
    }
    let rejected = Filter {
        state: Some(State::Rejected),
        since: now.checked_sub(RECENT).ok(),
        limit: Some(most),
        ..Filter::default()
    };
    posts.extend(ledger.history(&rejected).await?);
    Ok(posts)
}

// --- queues ---------------------------------------------------------------------------------------------

/// The first day within the next three on which each account has a slot and its queue nothing for it.
pub fn dry_days(
    campaign: &Campaign,
    roster: &Roster,
    past: &Past,
    late: Duration,
    now: Timestamp,
) -> BTreeMap<AccountName, Date> {
    let view = View {
        campaign,
        roster,
        past,
        late,
    };
    let until = now.saturating_add(AHEAD).unwrap_or(now);
    let mut first = BTreeMap::new();
    for (day, accounts) in dry(&view, &plan(&view, now, until)) {
        for account in accounts {
            first.entry(account.clone()).or_insert(day);
        }
    }
    first
}

// --- all of it ------------------------------------------------------------------------------------------

/// What was found of which conditions are made.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    pub campaign: &'a Campaign,
    pub accounts: &'a [AccountSettings],
    pub tokens: &'a [KeptToken],
    pub holds: &'a [Hold],
    /// Those that wait for a word, and those that are tried again.
    pub posts: &'a [Post],
    pub dry: &'a BTreeMap<AccountName, Date>,
    pub now: Timestamp,
}

/// Looks at everything that the ledger and the files tell. `open`: posts that somebody was told of, which are looked at
/// however old they are.
///
/// # Errors
/// If the ledger can't be read.
pub async fn look(
    ledger: &dyn Ledger,
    campaign: &Campaign,
    accounts: &[AccountSettings],
    dry: &BTreeMap<AccountName, Date>,
    open: &BTreeSet<PostId>,
    now: Timestamp,
) -> Result<Look, LedgerError> {
    let mut posts = waiting(ledger, now, POSTS).await?;
    posts.extend(ledger.in_state(State::Retrying, POSTS).await?);
    let known: BTreeSet<PostId> = posts.iter().map(|post| post.id).collect();
    for missing in open.difference(&known) {
        posts.extend(ledger.post(*missing).await?);
    }
    let (tokens, holds) = (ledger.tokens(None).await?, ledger.holds().await?);
    let found = Found {
        campaign,
        accounts,
        tokens: &tokens,
        holds: &holds,
        posts: &posts,
        dry,
        now,
    };
    Ok(Look {
        conditions: conditions(&found),
        unseen: BTreeSet::new(),
    })
}

/// The key of a post that waits, and the post of such a key.
fn key_of(post: PostId) -> String {
    format!("post {post}")
}

/// Which post a condition is about.
pub fn post_of(key: &str) -> Option<PostId> {
    key.strip_prefix("post ")?.parse().ok()
}

/// All that needs a person.
pub fn conditions(found: &Found<'_>) -> Vec<Condition> {
    let mut all = Vec::new();
    all.extend(found.holds.iter().filter_map(hold));
    for account in found.accounts {
        let token = found.tokens.iter().find(|token| token.account == account.name);
        let token = token.filter(|_| account.signs_in());
        let ills = ills(account, token, found.holds, found.now);
        all.extend(ills.iter().filter_map(|ill| of_account(&account.name, ill)));
        all.extend(failing(&account.name, found));
    }
    all.extend(found.posts.iter().filter_map(|post| of_post(post, found.now)));
    all.extend(facts(found.campaign, found.now));
    all.extend(found.dry.iter().map(|(account, day)| {
        Condition {
            key: format!("queue {account}"),
            kind: Kind::Queue,
            grave: false,
            text: format!(
                "the queue of {account} runs dry: on {day} there is a slot and nothing left to say"
            ),
            help:
                "Write more messages, or some with `evergreen = true`; `steadfast plan` shows what there is."
                    .to_owned(),
            since: None,
        }
    }));
    all
}

/// Everything stands still, and no person said so.
fn hold(hold: &Hold) -> Option<Condition> {
    let automatic = [BY_DAEMON, BY_ROLLBACK, BY_WATCH].contains(&hold.by.as_str());
    (automatic && hold.scope == Scope::All && hold.released.is_none()).then(|| Condition {
        key: format!("hold {}", hold.by),
        kind: Kind::Hold,
        grave: true,
        text: format!("everything is held by {}: {}", hold.by, hold.why),
        help: "Nothing is sent until somebody has looked and says `steadfast release`.".to_owned(),
        since: Some(hold.since),
    })
}

fn of_account(name: &AccountName, ill: &Ill) -> Option<Condition> {
    let login = format!("`steadfast login {name}`");
    let (key, kind, grave, help, since) = match ill {
        Ill::NobodySignedIn => ("account", Kind::Account, true, format!("{login}."), None),
        Ill::Refused(_) => (
            "account",
            Kind::Account,
            true,
            format!("{login}, then `steadfast release --account {name}` if it is held."),
            None,
        ),
        Ill::RanOut(at) => ("token", Kind::Token, true, format!("{login}."), Some(*at)),
        Ill::RunsOut(_) => (
            "token",
            Kind::Token,
            false,
            format!("Sign in before: {login}."),
            None,
        ),
        Ill::Held { by, since, .. } if by == BY_DAEMON => (
            "held account",
            Kind::Account,
            true,
            format!("Mend it, then `steadfast release --account {name}`."),
            Some(*since),
        ),
        // A person knows what they said.
        Ill::Held { .. } => return None,
    };
    let what = one_line(&ill.what(), WORDS * 2);
    Some(Condition {
        key: format!("{key} {name}"),
        kind,
        grave,
        text: format!("account {name}: {what}"),
        help,
        since,
    })
}

/// It takes nothing, though nobody has refused anything: its server is down, or asks to wait.
fn failing(name: &AccountName, found: &Found<'_>) -> Option<Condition> {
    let tried = found.posts.iter().filter(|post| {
        let late = found.now.duration_since(post.due) >= FAILING;
        post.standing.state == State::Retrying && post.account == *name && late
    });
    let first = tried.min_by_key(|post| post.due)?;
    let why = one_line(first.error.as_deref().unwrap_or("it does not answer"), WORDS);
    Some(Condition {
        key: format!("failing account {name}"),
        kind: Kind::Account,
        grave: true,
        text: format!("account {name} takes nothing: {why}"),
        help: format!(
            "It is tried again by itself. See whether the platform is down; `steadfast history --account {name} --state retrying` lists what waits."
        ),
        since: Some(first.due),
    })
}

fn of_post(post: &Post, now: Timestamp) -> Option<Condition> {
    let (id, message, account) = (post.id, &post.message, &post.account);
    let why = |words: Option<&String>| one_line(words.map_or("", String::as_str), WORDS);
    let settle = format!(
        "Look on {account} whether it is there, then `steadfast resolve {id} --sent URL` or `--not-sent`."
    );
    let (text, help, since) = match (post.standing.state, post.standing.unsure) {
        (State::InDoubt, unsure) => {
            let since = unsure.map(|unsure| unsure.since);
            if since.is_some_and(|since| now.duration_since(since) < DOUBT) {
                return None;
            }
            (
                format!("nobody knows whether {account} has {message}"),
                settle,
                since,
            )
        }
        (State::Held, Some(_)) => (
            format!(
                "{message} is held on {account}: {}",
                why(post.standing.why.as_ref())
            ),
            settle,
            None,
        ),
        (State::Held, None) => (
            format!(
                "{message} is held on {account}: {}",
                why(post.standing.why.as_ref())
            ),
            format!("`steadfast retry {id}` sends it, `steadfast skip {id}` drops it."),
            None,
        ),
        (State::Rejected, _) => (
            format!("{account} refused {message}: {}", why(post.error.as_ref())),
            format!("Mend it, then `steadfast retry {id}`; `steadfast skip {id}` drops it."),
            None,
        ),
        _ => return None,
    };
    Some(Condition {
        key: key_of(id),
        kind: Kind::Post,
        grave: true,
        text,
        help,
        since,
    })
}

fn facts(campaign: &Campaign, now: Timestamp) -> impl Iterator<Item = Condition> {
    let today = civil::local(&campaign.settings.zone, now).date();
    campaign.facts.iter().filter_map(move |(name, fact)| {
        let by = fact.review_by?;
        let (grave, text, since) = match fact.standing(today) {
            Standing::ReviewSoon => (
                false,
                format!("the fact `{name}` must be checked again by {by}"),
                None,
            ),
            Standing::Overdue => (
                true,
                format!("the fact `{name}` had to be checked again by {by}, so its messages are held"),
                day_after(by, &campaign.settings.zone),
            ),
            // A person said that it is disputed or retracted.
            Standing::Confirmed | Standing::Disputed | Standing::Retracted => return None,
        };
        let (source, file) = (one_line(&fact.source, WORDS), &fact.spot.file);
        Some(Condition {
            key: format!("fact {name}"),
            kind: Kind::Fact,
            grave,
            text,
            help: format!("Check it against {source}, then set its `review_by` in {file}."),
            since,
        })
    })
}

fn day_after(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let midnight = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
    Some(midnight.timestamp())
}

/// The ledger is not well.
pub fn of_ledger(why: &str) -> Condition {
    Condition {
        key: "ledger".to_owned(),
        kind: Kind::Ledger,
        grave: true,
        text: format!("the ledger takes nothing, so nothing is sent: {}", one_line(why, WORDS)),
        help: "What is recorded is safe, and sending goes on by itself once it does: free some space, end the program that keeps it locked, or see whether the database is there.".to_owned(),
        since: None,
    }
}

/// The clock is not believed.
pub fn of_clock(why: &str) -> Condition {
    Condition {
        key: "clock".to_owned(),
        kind: Kind::Clock,
        grave: true,
        text: format!(
            "this machine's clock can't be right, so nothing is sent: {}",
            one_line(why, WORDS)
        ),
        help: "Set the clock, and let a time service keep it; sending goes on by itself.".to_owned(),
        since: None,
    }
}

#[cfg(test)]
mod tests;
