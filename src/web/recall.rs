//! `/facts/NAME/recall`: what is out with a fact, what would be done about it, and the word to do it. Nobody can say
//! that word without having seen the list, and it counts for that list alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tracing::info;

use crate::campaign::Campaign;
use crate::desk::Office;
use crate::desk::recall::ask::{Act, Ask, Asking};
use crate::desk::recall::found::{Found, find};
use crate::desk::recall::{came_to_nothing, carry_out};
use crate::ledger::{NewPost, Post, Published};
use crate::post::content::Part;
use crate::settings::Role;

use super::Site;
use super::frame::{Frame, Room};
use super::show::{Chip, Link, Times, When, link};
use super::trouble::Trouble;
use super::verbs::{files, reason};
use super::visit::{Act as Form, Visit};
use super::words::{Words, fill};

/// How many posts a page lists.
const PAGE: usize = 50;
/// The longest correction, in characters: more than any account takes.
const TEXT_MAX: usize = 5000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    /// `delete`, `correct` or `edit`; else it is only looked at.
    act: String,
    /// The words of a correction.
    text: String,
    /// Only what said this value.
    said: String,
    from: usize,
    done: Option<String>,
}

impl Asked {
    /// What is to be done, once it is clear.
    fn act(&self) -> Option<Act> {
        // As a form sends its lines.
        let text = self.text.replace("\r\n", "\n");
        match self.act.as_str() {
            "delete" => Some(Act::Delete),
            "edit" => Some(Act::Edit),
            "correct" if !text.trim().is_empty() => Some(Act::Reply(text.trim().to_owned())),
            _ => None,
        }
    }

    fn address(&self, name: &str, from: usize) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("act", &self.act)
            .append_pair("text", &self.text)
            .append_pair("said", &self.said)
            .append_pair("from", &from.to_string())
            .finish();
        format!("/facts/{name}/recall?{query}")
    }
}

#[derive(Template)]
#[template(path = "web/recall.html")]
struct Page<'a> {
    frame: Frame<'a>,
    asked: &'a Asked,
    name: &'a str,
    /// What it says now, if it is in the files.
    value: Option<String>,
    /// Each value that was said, and by how many posts.
    said: Vec<(String, usize)>,
    /// How many posts are out.
    count: usize,
    rows: Vec<Row>,
    next: Option<String>,
    /// What was chosen, and all that it comes to.
    chosen: Option<Chosen>,
}

struct Chosen {
    correction: Option<String>,
    /// Of the whole list.
    digest: String,
    /// How many posts it would change, and how many it can't.
    changes: usize,
    by_hand: usize,
    /// The accounts on which it would.
    accounts: Vec<Chip>,
    /// Why the words can't go out.
    objections: Vec<String>,
    /// What would stop it for now.
    held: Vec<String>,
    button: String,
}

struct Row {
    id: String,
    message: String,
    account: Chip,
    /// When it went out, if that is known.
    began: Option<When>,
    value: String,
    links: Vec<Link>,
    /// What was done about it before.
    since: Vec<String>,
    unsure: bool,
    /// What would be done, and whether that is anything.
    what: String,
    acts: bool,
    /// The words that an edit would give it, part by part.
    words: Vec<String>,
}

pub(super) async fn page(
    State(site): State<Arc<Site>>,
    visit: Visit,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let t = visit.t;
    let title = fill(t.recall_of, &[&name]);
    let frame = Frame::new(&site, &visit, Room::Facts, &title, asked.done.as_deref()).await?;
    let times = Times {
        t,
        zone: site.zone(),
        now: site.now(),
    };
    let act = asked.act();
    let campaign = campaign(&site, act.as_ref()).await?;
    let all = out(&site, &name, "").await?;
    if all.is_empty() && !campaign.facts.contains_key(&name) {
        return Err(Trouble::Nothing);
    }
    let mut said: BTreeMap<String, usize> = BTreeMap::new();
    for one in &all {
        *said.entry(value(one, &name)).or_default() += 1;
    }
    let meant = |one: &Found| asked.said.is_empty() || value(one, &name) == asked.said;
    let found: Vec<Found> = all.into_iter().filter(meant).collect();
    let asking = act.as_ref().map(|act| asking(&site, &campaign, act, None, ""));
    let chosen = match &asking {
        Some(asking) => Some(chosen(&site, t, asking, &found).await?),
        None => None,
    };
    let row = |one: &Found| row(&site, &times, &name, asking.as_ref(), one);
    // What somebody is about to confirm must not change under their hand.
    let frame = Frame {
        live: chosen.is_none(),
        ..frame
    };
    let page = Page {
        value: campaign.facts.get(&name).map(|fact| fact.value.clone()),
        said: said.into_iter().collect(),
        count: found.len(),
        rows: found.iter().skip(asked.from).take(PAGE).map(row).collect(),
        next: asked
            .from
            .checked_add(PAGE)
            .filter(|next| *next < found.len())
            .map(|next| asked.address(&name, next)),
        chosen,
        name: &name,
        asked: &asked,
        frame,
    };
    Ok(Html(page.render()?).into_response())
}

/// What is out with this fact; `said`: only what said this value.
async fn out(site: &Site, name: &str, said: &str) -> Result<Vec<Found>, Trouble> {
    let which = Published::WithFact(name.to_owned());
    let said = Some(said).filter(|said| !said.is_empty());
    Ok(find(&*site.pages.ledger, &which, said).await?)
}

/// The campaign as it goes out. Of an edit the files say the words, as far as they are approved.
async fn campaign(site: &Site, act: Option<&Act>) -> Result<Arc<Campaign>, Trouble> {
    if act != Some(&Act::Edit) {
        return Ok(Arc::clone(&site.pages.campaign.borrow()));
    }
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let files = files(site).await?;
    let campaign = Office::campaign(&files)?;
    Ok(Arc::new(
        office.approved_only(&files, campaign, Some(ledger)).await?,
    ))
}

/// `by`: who asks, where it is more than a look.
fn asking<'a>(
    site: &'a Site,
    campaign: &'a Campaign,
    act: &'a Act,
    why: Option<&'a str>,
    by: &'a str,
) -> Asking<'a> {
    Asking {
        campaign,
        roster: &site.pages.roster,
        act,
        why,
        by,
        now: site.now(),
    }
}

/// The value that it said.
fn value(one: &Found, name: &str) -> String {
    let quoted = one.says().facts.get(name);
    quoted.map(|quoted| quoted.value.clone()).unwrap_or_default()
}

async fn chosen(
    site: &Site,
    t: &'static Words,
    asking: &Asking<'_>,
    found: &[Found],
) -> Result<Chosen, Trouble> {
    let ledger = &*site.pages.ledger;
    let (mut changes, mut by_hand) = (Vec::new(), 0);
    for one in found {
        match asking.ask(one) {
            Ask::New(_) => changes.push(&one.post),
            Ask::Known(recall) if came_to_nothing(&recall) => changes.push(&one.post),
            Ask::ByHand(_) => by_hand += 1,
            Ask::Known(_) | Ask::Nothing | Ask::NotYet => {}
        }
    }
    let mut accounts: Vec<&str> = changes.iter().map(|post| post.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let holds = site.pages.office.holds(Some(ledger)).await?;
    let held = holds.iter().filter(|hold| {
        changes
            .iter()
            .any(|post| hold.scope.covers(&post.message, &post.account))
    });
    let count = changes.len().to_string();
    let (correction, button) = match asking.act {
        Act::Delete => (None, fill(t.delete_n, &[&count])),
        Act::Reply(text) => (Some(text.clone()), fill(t.correct_n, &[&count])),
        Act::Edit => (None, fill(t.edit_n, &[&count])),
    };
    Ok(Chosen {
        correction,
        digest: asking.digest(found).to_string(),
        changes: changes.len(),
        by_hand,
        accounts: accounts
            .into_iter()
            .map(|name| Chip::new(&site.pages.roster, name))
            .collect(),
        objections: asking.objections(found),
        held: held.map(|hold| format!("{}: {}", hold.scope, hold.why)).collect(),
        button,
    })
}

fn row(site: &Site, times: &Times, name: &str, asking: Option<&Asking<'_>>, one: &Found) -> Row {
    let t = times.t;
    let post = &one.post;
    let asked = asking.map(|asking| (asking.act, asking.ask(one)));
    let words = match &asked {
        Some((Act::Edit, Ask::New(edit))) => shown(site, edit),
        _ => Vec::new(),
    };
    let (what, acts) = match asked {
        None => (String::new(), false),
        Some((act, Ask::New(_))) => (to_be(t, act).to_owned(), true),
        Some((act, Ask::Known(recall))) if came_to_nothing(&recall) => (to_be(t, act).to_owned(), true),
        Some((_, Ask::Known(_))) => (t.asked_before.to_owned(), false),
        Some((_, Ask::Nothing)) => (t.nothing_left.to_owned(), false),
        Some((_, Ask::NotYet)) => (t.ask_again.to_owned(), false),
        Some((Act::Edit, Ask::ByHand(why))) => (fill(t.not_edited, &[&why]), false),
        Some((_, Ask::ByHand(why))) => (fill(t.by_hand, &[&why]), false),
    };
    let receipts = one.receipts();
    let links = receipts.iter().enumerate().filter_map(|(index, receipt)| {
        let text = if receipts.len() > 1 {
            fill(t.part_n, &[&index.saturating_add(1).to_string()])
        } else {
            t.see_it.to_owned()
        };
        link(receipt.url.as_deref()?, text)
    });
    Row {
        id: post.id.to_string(),
        message: post.message.to_string(),
        account: Chip::new(&site.pages.roster, post.account.as_str()),
        began: post.began.map(|began| times.when(began)),
        value: value(one, name),
        links: links.collect(),
        since: one.recalls.iter().map(|recall| became(t, recall)).collect(),
        unsure: one.is_unsure(),
        what,
        acts,
        words,
    }
}

/// The words of each part as readers will see them, with its link where no card shows it.
fn shown(site: &Site, edit: &NewPost) -> Vec<String> {
    let mut accounts = site.pages.roster.accounts.iter();
    let account = accounts.find(|account| account.name == edit.identity.account);
    let shown = |part: &Part| match account {
        Some(account) => part.shown_text(account.limits.abilities).into_owned(),
        None => part.text.clone(),
    };
    edit.content.parts.iter().map(shown).collect()
}

fn to_be(t: &'static Words, act: &Act) -> &'static str {
    match act {
        Act::Delete => t.to_be_deleted,
        Act::Reply(_) => t.to_be_corrected,
        Act::Edit => t.to_be_edited,
    }
}

/// What an earlier recall came to.
fn became(t: &'static Words, recall: &Post) -> String {
    let what = match (recall.content.deletes(), recall.content.is_edit()) {
        (Some(_), _) => t.deletion,
        (None, true) => t.edit,
        (None, false) => t.correction,
    };
    let why = recall.standing.why.as_deref().filter(|_| came_to_nothing(recall));
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{what}: {}{why}", t.state(recall.standing.state))
}

/// Does what the command does, if the list is still the one that was seen.
pub(super) async fn confirm(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    form: Form,
) -> Result<Response, Trouble> {
    let t = form.visit.t;
    let speaker = form.speaker()?;
    speaker.needs(Role::Operator)?;
    if !speaker.named {
        return Err(Trouble::Wrong(t.name_needed.to_owned()));
    }
    let by = &speaker.by;
    let why = reason(form.fields.get("why"), t)?;
    if why.is_empty() {
        return Err(Trouble::Wrong(t.recall_reason_needed.to_owned()));
    }
    let asked = Asked {
        act: form.fields.get("act").to_owned(),
        text: form.fields.get("text").to_owned(),
        said: form.fields.get("said").to_owned(),
        ..Asked::default()
    };
    let act = asked.act().ok_or(Trouble::Stale)?;
    if asked.text.chars().count() > TEXT_MAX {
        return Err(Trouble::TooLarge);
    }
    let (office, ledger) = (&site.pages.office, &*site.pages.ledger);
    let campaign = campaign(&site, Some(&act)).await?;
    let found = out(&site, &name, &asked.said).await?;
    let asking = asking(&site, &campaign, &act, Some(&why), by);
    if asking.digest(&found).to_string() != form.fields.get("digest") {
        return Err(Trouble::Refused(t.list_changed.to_owned()));
    }
    let during_hold = act == Act::Delete && form.fields.get("during_hold") == "yes";
    let recalled = carry_out(office, ledger, &asking, &found, during_hold).await?;
    info!(
        event = "web.acted",
        act = "recall",
        user = by,
        fact = name,
        posts = recalled.recalls.len(),
        why,
        "{by} recalls what used {name}, {} posts: {why}",
        recalled.recalls.len()
    );
    Ok(form.remembered(Redirect::to(&format!("/facts/{name}/recall?done=recalled"))))
}
