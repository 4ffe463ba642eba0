//! `/api/…`: what the commands show and do, for programs. One table says each operation's path, parameters and answer;
//! the routes and the OpenAPI document are both made of it.
//!
//! What is shown is what the commands print with `--format json`.

mod acts;
mod caller;
mod document;
mod reads;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::desk::{accounts, agenda, check, facts, history, insights, pending, preview, recall, status};
use crate::settings::Role;

use super::Site;

/// Where it is described.
pub(super) const DOCUMENT: &str = "/api/openapi.json";

/// One thing that a program can ask for.
struct Operation {
    path: &'static str,
    verb: Verb,
    /// What it is called where code is made from the document.
    id: &'static str,
    summary: &'static str,
    /// Who may.
    role: Role,
    answer: fn(&mut SchemaGenerator) -> Schema,
    door: fn() -> MethodRouter<Arc<Site>>,
}

enum Verb {
    /// Looks. What may stand in the query, where anything may.
    Get(Option<fn(&mut SchemaGenerator) -> Schema>),
    /// Changes something. What must be in the body.
    Post(fn(&mut SchemaGenerator) -> Schema),
}

fn refer<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

const OPERATIONS: [Operation; 19] = [
    Operation {
        path: "/api/status",
        verb: Verb::Get(None),
        id: "status",
        summary: "How the daemon, the campaign and the accounts are",
        role: Role::Viewer,
        answer: refer::<status::Status>,
        door: || get(reads::status),
    },
    Operation {
        path: "/api/plan",
        verb: Verb::Get(Some(inline::<reads::Days>)),
        id: "plan",
        summary: "What goes out when, and for what does not: why",
        role: Role::Viewer,
        answer: refer::<Vec<agenda::Row>>,
        door: || get(reads::plan),
    },
    Operation {
        path: "/api/problems",
        verb: Verb::Get(None),
        id: "problems",
        summary: "Every problem in the message files, as `steadfast check` says them",
        role: Role::Viewer,
        answer: refer::<Vec<check::Row>>,
        door: || get(reads::problems),
    },
    Operation {
        path: "/api/facts",
        verb: Verb::Get(None),
        id: "facts",
        summary: "Each fact with its source, state and use",
        role: Role::Viewer,
        answer: refer::<Vec<facts::Row>>,
        door: || get(reads::facts),
    },
    Operation {
        path: "/api/accounts",
        verb: Verb::Get(None),
        id: "accounts",
        summary: "Each account: as whom, until when, what it can promise, and what is wrong with it",
        role: Role::Viewer,
        answer: refer::<Vec<accounts::Row>>,
        door: || get(reads::accounts),
    },
    Operation {
        path: "/api/pending",
        verb: Verb::Get(None),
        id: "pending",
        summary: "The messages that wait for approval, each with the digest to approve",
        role: Role::Viewer,
        answer: refer::<Vec<pending::Row>>,
        door: || get(reads::pending),
    },
    Operation {
        path: "/api/messages/{message}",
        verb: Verb::Get(None),
        id: "preview",
        summary: "A message's exact text, parts and lengths on each account",
        role: Role::Viewer,
        answer: refer::<Vec<preview::Row>>,
        door: || get(reads::preview),
    },
    Operation {
        path: "/api/history",
        verb: Verb::Get(Some(inline::<reads::Past>)),
        id: "history",
        summary: "What was posted, and what became of the rest, the latest first",
        role: Role::Viewer,
        answer: refer::<Vec<history::Row>>,
        door: || get(reads::history),
    },
    Operation {
        path: "/api/posts/{post}",
        verb: Verb::Get(None),
        id: "post",
        summary: "One post",
        role: Role::Viewer,
        answer: refer::<history::Row>,
        door: || get(reads::post),
    },
    Operation {
        path: "/api/published",
        verb: Verb::Get(Some(inline::<reads::Out>)),
        id: "published",
        summary: "What is out that used a fact, or of a message, and what was done about it",
        role: Role::Viewer,
        answer: refer::<Vec<recall::found::Row>>,
        door: || get(reads::published),
    },
    Operation {
        path: "/api/insights",
        verb: Verb::Get(Some(inline::<reads::Since>)),
        id: "insights",
        summary: "How the public answered, as far as the platforms count it",
        role: Role::Viewer,
        answer: refer::<Vec<insights::WithReadings>>,
        door: || get(reads::insights),
    },
    Operation {
        path: "/api/hold",
        verb: Verb::Post(inline::<acts::Hold>),
        id: "hold",
        summary: "Stops everything, an account or a message. It is in force when this answers",
        role: Role::Editor,
        answer: refer::<acts::Held>,
        door: || post(acts::hold),
    },
    Operation {
        path: "/api/release",
        verb: Verb::Post(inline::<acts::Release>),
        id: "release",
        summary: "Ends the holds of exactly this scope",
        role: Role::Operator,
        answer: refer::<acts::Released>,
        door: || post(acts::release),
    },
    Operation {
        path: "/api/posts/{post}/retry",
        verb: Verb::Post(inline::<acts::Word>),
        id: "retry",
        summary: "Sends a post that was rejected, skipped or held",
        role: Role::Operator,
        answer: refer::<acts::Moved>,
        door: || post(acts::retry),
    },
    Operation {
        path: "/api/posts/{post}/skip",
        verb: Verb::Post(inline::<acts::Reasoned>),
        id: "skip",
        summary: "Leaves a post out",
        role: Role::Operator,
        answer: refer::<acts::Moved>,
        door: || post(acts::skip),
    },
    Operation {
        path: "/api/posts/{post}/resolve",
        verb: Verb::Post(inline::<acts::Resolution>),
        id: "resolve",
        summary: "Ends the doubt about a post: it was sent, or it was not",
        role: Role::Operator,
        answer: refer::<acts::Moved>,
        door: || post(acts::resolve),
    },
    Operation {
        path: "/api/messages/{message}/approve",
        verb: Verb::Post(inline::<acts::Approval>),
        id: "approve",
        summary: "Approves what has this digest",
        role: Role::Approver,
        answer: refer::<acts::Done>,
        door: || post(acts::approve),
    },
    Operation {
        path: "/api/messages/{message}/withdraw",
        verb: Verb::Post(inline::<acts::Word>),
        id: "withdraw",
        summary: "Takes back what was approved of a message",
        role: Role::Approver,
        answer: refer::<acts::Done>,
        door: || post(acts::withdraw),
    },
    Operation {
        path: "/api/messages/{message}/post",
        verb: Verb::Post(inline::<acts::Targets>),
        id: "post_now",
        summary: "Posts a message now",
        role: Role::Operator,
        answer: refer::<acts::Posted>,
        door: || post(acts::post_now),
    },
];

pub(super) fn routes() -> Router<Arc<Site>> {
    let described = Router::new().route(DOCUMENT, get(document::answer));
    // A path may have a door for looking and one for changing.
    OPERATIONS.iter().fold(described, |routes, operation| {
        routes.route(operation.path, (operation.door)())
    })
}
