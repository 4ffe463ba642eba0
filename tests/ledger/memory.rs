//! The contract's model in memory, which the simulation relies on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use steadfast::ledger::Ledger;
use steadfast::post::identity::PostId;

use crate::model::{Model, Store, Time};
use crate::support::*;

/// One that a single daemon has.
pub struct Alone(Model);

/// One that several share, and the seat of one of them.
pub struct Among(Model);

fn still() -> Time {
    Arc::new(|| Duration::from_hours(1))
}

fn attempts(model: &Model, post: PostId) -> Vec<Attempt> {
    let rows = model.store.rows();
    let attempts = rows.posts.get(&post).map(|row| row.attempts.clone());
    let attempt = |attempt: crate::model::Attempt| Attempt {
        part: attempt.part,
        no: attempt.no,
        answered: attempt.answered,
        class: attempt.class.map(str::to_owned),
        status: attempt.status,
        words: attempt.words,
    };
    attempts.unwrap_or_default().into_iter().map(attempt).collect()
}

#[async_trait]
impl Engine for Alone {
    async fn make() -> Self {
        Self(Store::alone(still()).open())
    }

    async fn reopened(self) -> Self {
        Self(self.0.store.open())
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::new(self.0.clone())
    }

    async fn attempts(&self, post: PostId) -> Vec<Attempt> {
        attempts(&self.0, post)
    }

    async fn heard(&self) -> i64 {
        self.0.daemons().await.unwrap()[0].heard
    }
}

#[async_trait]
impl Engine for Among {
    async fn make() -> Self {
        let model = Store::shared(still()).join("one", still());
        assert!(model.leads().await.unwrap().is_some());
        Self(model)
    }

    async fn reopened(self) -> Self {
        self.0.leave();
        let model = self.0.store.join("one", still());
        assert!(model.leads().await.unwrap().is_some());
        Self(model)
    }

    fn ledger(&self) -> Arc<dyn Ledger> {
        Arc::new(self.0.clone())
    }

    async fn attempts(&self, post: PostId) -> Vec<Attempt> {
        attempts(&self.0, post)
    }

    async fn heard(&self) -> i64 {
        self.0.daemons().await.unwrap()[0].heard
    }
}
