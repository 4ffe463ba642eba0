//! What every page has around it: where else there is to go, who is here, and whether anything is held.

use crate::ledger::{Hold, Scope};
use crate::settings::Role;

use super::Site;
use super::assets::{ICON_NAME, SCRIPT_NAME, STYLE_NAME};
use super::trouble::Trouble;
use super::visit::Visit;
use super::words::{LANGUAGES, Words};

/// A page that the others lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Now,
    Calendar,
    Messages,
    History,
    Facts,
    Insights,
    Problems,
    Sandbox,
}

impl Room {
    const ALL: [(Room, &'static str); 8] = [
        (Room::Now, "/"),
        (Room::Calendar, "/calendar"),
        (Room::Messages, "/messages"),
        (Room::History, "/history"),
        (Room::Facts, "/facts"),
        (Room::Insights, "/insights"),
        (Room::Problems, "/problems"),
        (Room::Sandbox, "/sandbox"),
    ];

    fn name(self, t: &'static Words) -> &'static str {
        match self {
            Room::Now => t.now,
            Room::Calendar => t.calendar,
            Room::Messages => t.messages,
            Room::History => t.history,
            Room::Facts => t.facts,
            Room::Insights => t.insights,
            Room::Problems => t.problems,
            Room::Sandbox => t.sandbox,
        }
    }
}

/// A way to another page.
pub(super) struct Way {
    pub path: &'static str,
    pub name: &'static str,
    pub here: bool,
}

/// Everything around a page.
pub(super) struct Frame<'a> {
    pub t: &'static Words,
    /// All there are, for whoever would rather have another.
    pub languages: &'static [&'static Words],
    pub campaign: &'a str,
    pub title: String,
    pub style: &'static str,
    pub script: &'static str,
    pub icon: &'static str,
    /// `None`: nobody has come in yet.
    pub visit: Option<&'a Visit>,
    pub ways: Vec<Way>,
    /// The hold of everything, on pages that do not say it themselves.
    pub hold: Option<String>,
    /// What was just done, in one sentence.
    pub done: Option<&'static str>,
    /// Whether the page is told of news.
    pub live: bool,
}

impl<'a> Frame<'a> {
    /// For those who are not in.
    pub fn bare(site: &'a Site, t: &'static Words, title: &str) -> Self {
        Self {
            t,
            languages: &LANGUAGES,
            campaign: &site.name,
            title: title.to_owned(),
            style: &STYLE_NAME,
            script: &SCRIPT_NAME,
            icon: &ICON_NAME,
            visit: None,
            ways: Vec::new(),
            hold: None,
            done: None,
            live: false,
        }
    }

    /// For a page; `done`: the code of what was just done, from its address.
    pub async fn new(
        site: &'a Site,
        visit: &'a Visit,
        room: Room,
        title: &str,
        done: Option<&str>,
    ) -> Result<Self, Trouble> {
        let holds = site.pages.office.holds(Some(&*site.pages.ledger)).await?;
        let t = visit.t;
        let sandbox = site
            .pages
            .roster
            .accounts
            .iter()
            .any(|account| account.platform == "sandbox");
        let ways = Room::ALL
            .iter()
            .filter(|(way, _)| sandbox || *way != Room::Sandbox)
            .map(|(way, path)| Way {
                path,
                name: way.name(t),
                here: *way == room,
            });
        Ok(Self {
            visit: Some(visit),
            ways: ways.collect(),
            hold: everything(&holds)
                .filter(|_| room != Room::Now)
                .map(|hold| hold.why.clone()),
            done: done.and_then(|code| t.done(code)),
            live: true,
            ..Self::bare(site, t, title)
        })
    }

    /// What goes into each form, so that it is known for ours.
    pub fn token(&self) -> &str {
        self.visit.map_or("", |visit| &visit.token)
    }

    /// Where a form leads back to.
    pub fn here(&self) -> &str {
        let path = self.visit.map_or("/", |visit| &visit.path);
        // What was done is said once.
        let done = path.find("?done=").or_else(|| path.find("&done="));
        done.and_then(|at| path.get(..at)).unwrap_or(path)
    }

    pub fn signed_in(&self) -> Option<&str> {
        self.visit?.user.as_deref()
    }

    /// Whether whoever looks may do what takes an editor, approver or operator.
    pub fn may(&self, role: Role) -> bool {
        self.visit.is_some_and(|visit| visit.may(role))
    }

    pub fn edits(&self) -> bool {
        self.may(Role::Editor)
    }

    pub fn approves(&self) -> bool {
        self.may(Role::Approver)
    }

    pub fn operates(&self) -> bool {
        self.may(Role::Operator)
    }

    /// Whether a name is asked for in forms: nobody has signed in with one.
    pub fn asks_name(&self) -> bool {
        self.visit.is_some_and(|visit| visit.user.is_none())
    }

    pub fn last_name(&self) -> &str {
        self.visit
            .and_then(|visit| visit.name.as_deref())
            .unwrap_or_default()
    }
}

/// The hold of everything that is in force.
pub(super) fn everything(holds: &[Hold]) -> Option<&Hold> {
    holds.iter().find(|hold| hold.scope == Scope::All)
}
