//! What is asked of the ledger, and what it answers with.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::{Database, Encode, QueryBuilder, Type};

use crate::post::identity::MessageId;
use crate::post::state::State;

use super::Post;

/// What could be mistaken for a post whose answer was lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rivals {
    /// The platform's ids that other posts have receipts for.
    pub receipts: HashSet<String>,
    /// Another post's request is the same, byte for byte, and unaccounted for too.
    pub twin: bool,
}

/// Which published posts are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    /// Those whose words were made with this fact.
    WithFact(String),
    /// Those of this message.
    Of(MessageId),
    /// Those whose words were made with any fact.
    WithFacts,
}

/// A request that may have left, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Of which part, counted from 0.
    pub part: u16,
    /// Counted from 1, over all parts of the post.
    pub number: u32,
    pub intended: Timestamp,
    /// Whether it is known what came of it.
    pub answered: bool,
    /// `accepted`, or the class of the failure; `None`: there was no answer, or it did not leave.
    pub class: Option<String>,
    /// What the platform said, where it failed.
    pub words: Option<String>,
}

/// Which rows of the history: newest due first, then by message, account and id.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Due then or later.
    pub since: Option<Timestamp>,
    /// Due before.
    pub until: Option<Timestamp>,
    /// Only what comes after this one: the next page.
    pub after: Option<Post>,
    pub message: Option<String>,
    pub account: Option<String>,
    pub state: Option<State>,
    pub limit: Option<u32>,
}

impl Filter {
    /// The conditions, the order and the limit, after a `WHERE` that is true. States stand in it as they are, and one
    /// that few posts are in is named twice, so that the indexes of just these states are used.
    pub(super) fn write<'q, DB: Database>(&self, sql: &mut QueryBuilder<DB>)
    where
        i64: Encode<'q, DB> + Type<DB>,
        String: Encode<'q, DB> + Type<DB>,
    {
        // Said in any case: then the engine walks along the index of due times and stops after a page.
        let since = self.since.map_or(i64::MIN, Timestamp::as_microsecond);
        sql.push(" AND due >= ").push_bind(since);
        if let Some(until) = self.until {
            sql.push(" AND due < ").push_bind(until.as_microsecond());
        }
        if let Some(message) = &self.message {
            sql.push(" AND message = ").push_bind(message.clone());
        }
        if let Some(account) = &self.account {
            sql.push(" AND account = ").push_bind(account.clone());
        }
        if let Some(state) = self.state {
            sql.push(" AND state = '").push(state.as_str()).push("'");
            if !matches!(state, State::Sent | State::Skipped) {
                sql.push(" AND state NOT IN ('sent', 'skipped')");
            }
        }
        if let Some(last) = &self.after {
            let due = last.due.as_microsecond();
            sql.push(" AND due <= ").push_bind(due);
            sql.push(" AND (due < ").push_bind(due);
            sql.push(" OR (message, account, id) > (")
                .push_bind(last.message.to_string());
            sql.push(", ").push_bind(last.account.to_string());
            sql.push(", ").push_bind(last.id.to_string()).push("))");
        }
        sql.push(" ORDER BY due DESC, message, account, id");
        if let Some(limit) = self.limit {
            sql.push(" LIMIT ").push_bind(i64::from(limit));
        }
    }
}
