//! What is asked of the ledger, and what it answers with.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::post::identity::MessageId;
use crate::post::state::State;

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

/// Which rows of the history.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub since: Option<Timestamp>,
    pub message: Option<String>,
    pub account: Option<String>,
    pub state: Option<State>,
    pub limit: Option<u32>,
}
