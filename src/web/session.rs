//! Sessions: kept in the ledger, so that a restart ends none and every replica knows them all; what was read of one is
//! believed for a moment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock;
use crate::ledger::LedgerError;
use crate::ledger::session::{Session, SessionStep, Sessions as Kept};
use crate::post::digest::{Digest, hex};
use crate::settings::User;

/// A session ends so long after it began, and sooner when nothing is asked for.
pub(super) const LIFE: Duration = Duration::from_hours(12);
const IDLE: Duration = Duration::from_hours(2);
/// How many sessions there are at most; the longest unused makes room.
const MOST: u32 = 1000;
/// How long what was read of one is believed: so long after a sign-out elsewhere it may still open pages here.
const FRESH: Duration = Duration::from_secs(3);
/// That it is in use is written down so often.
const TOUCH: SignedDuration = SignedDuration::from_mins(10);
/// A clock that is behind where a session began was set back; a little of that is between any two machines.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What was read of late, with when: by the machine's uptime.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Digest, (Session, Duration)>>);

/// What is kept of a session's secret.
fn id_of(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}

fn password_of(user: &User) -> Digest {
    Digest::of(user.password.as_bytes())
}

fn is_over(session: &Session, now: Timestamp) -> bool {
    let age = now.duration_since(session.began);
    let rest = now.duration_since(session.seen);
    age < -AHEAD || age > signed(LIFE) || rest > signed(IDLE)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

impl Sessions {
    /// Whose session this is, as the config has them now.
    ///
    /// # Errors
    /// If the ledger can't be read.
    pub async fn who<'u>(
        &self,
        ledger: &dyn Kept,
        secret: &str,
        users: &'u [User],
        now: Timestamp,
        uptime: Duration,
    ) -> Result<Option<&'u User>, LedgerError> {
        let id = id_of(secret);
        let Some(mut session) = self.read(ledger, id, uptime).await? else {
            return Ok(None);
        };
        let theirs = |user: &&User| user.name == session.user && password_of(user) == session.password;
        let Some(user) = users.iter().find(theirs).filter(|_| !is_over(&session, now)) else {
            return Ok(None);
        };
        if now.duration_since(session.seen) >= TOUCH {
            // Nobody is kept out because that can't be written.
            drop(ledger.step_session(SessionStep::Seen(id, now)).await);
            session.seen = now;
            self.remember(session, uptime);
        }
        Ok(Some(user))
    }

    async fn read(
        &self,
        ledger: &dyn Kept,
        id: Digest,
        uptime: Duration,
    ) -> Result<Option<Session>, LedgerError> {
        let fresh = |(_, read): &&(Session, Duration)| uptime.saturating_sub(*read) < FRESH;
        let known = {
            let read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            read.get(&id).filter(fresh).map(|(session, _)| session.clone())
        };
        if known.is_some() {
            return Ok(known);
        }
        let read = ledger.session(id).await?;
        if let Some(session) = &read {
            self.remember(session.clone(), uptime);
        }
        Ok(read)
    }

    /// Only what is believed is kept: nobody fills the memory.
    fn remember(&self, session: Session, uptime: Duration) {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|_, (_, read)| uptime.saturating_sub(*read) < FRESH);
        read.insert(session.id, (session, uptime));
    }

    /// Begins one; returns its secret.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn begin(&self, ledger: &dyn Kept, user: &User, now: Timestamp) -> Result<String, LedgerError> {
        let secret = hex(&clock::secret());
        let before = |duration: Duration| now.saturating_sub(signed(duration)).unwrap_or(now);
        let step = SessionStep::Begun {
            session: Session {
                id: id_of(&secret),
                user: user.name.clone(),
                password: password_of(user),
                began: now,
                seen: now,
            },
            began_after: before(LIFE),
            seen_after: before(IDLE),
            most: MOST,
        };
        ledger.step_session(step).await?;
        Ok(secret)
    }

    /// Ends it, everywhere.
    ///
    /// # Errors
    /// If the ledger can't be written: then it goes on.
    pub async fn end(&self, ledger: &dyn Kept, secret: &str) -> Result<(), LedgerError> {
        let id = id_of(secret);
        ledger.step_session(SessionStep::Ended(id)).await?;
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        read.remove(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::settings::Role;

    /// A ledger that has sessions and nothing else, and counts what is asked of it.
    #[derive(Default)]
    struct Shelf {
        sessions: Mutex<HashMap<Digest, Session>>,
        reads: Mutex<u32>,
        writes: Mutex<u32>,
    }

    #[async_trait]
    impl Kept for Shelf {
        async fn step_session(&self, step: SessionStep) -> Result<(), LedgerError> {
            *self.writes.lock().unwrap() += 1;
            let mut sessions = self.sessions.lock().unwrap();
            match step {
                SessionStep::Begun { session, .. } => drop(sessions.insert(session.id, session)),
                SessionStep::Seen(id, at) => sessions.get_mut(&id).unwrap().seen = at,
                SessionStep::Ended(id) => drop(sessions.remove(&id)),
            }
            Ok(())
        }

        async fn session(&self, id: Digest) -> Result<Option<Session>, LedgerError> {
            *self.reads.lock().unwrap() += 1;
            Ok(self.sessions.lock().unwrap().get(&id).cloned())
        }
    }

    fn user(name: &str, password: &str) -> User {
        User {
            name: name.to_owned(),
            role: Role::Editor,
            password: password.to_owned(),
        }
    }

    fn minute(n: i64) -> (Timestamp, Duration) {
        let seconds = n * 60;
        let at = Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        (at, Duration::from_secs(u64::try_from(100_000 + seconds).unwrap()))
    }

    async fn who(
        sessions: &Sessions,
        shelf: &Shelf,
        secret: &str,
        users: &[User],
        at: i64,
    ) -> Option<String> {
        let (now, uptime) = minute(at);
        let who = sessions.who(shelf, secret, users, now, uptime).await.unwrap();
        who.map(|user| user.name.clone())
    }

    #[tokio::test]
    async fn a_session_ends_by_age_by_rest_and_by_word() {
        let (shelf, here) = (Shelf::default(), Sessions::default());
        let users = [user("ann", "$a"), user("ben", "$b")];
        let one = here.begin(&shelf, &users[0], minute(0).0).await.unwrap();
        let other = here.begin(&shelf, &users[1], minute(0).0).await.unwrap();
        assert_ne!(one, other);
        assert!(
            !shelf
                .sessions
                .lock()
                .unwrap()
                .values()
                .any(|kept| kept.id.to_string() == one)
        );
        assert_eq!(who(&here, &shelf, &one, &users, 1).await.as_deref(), Some("ann"));
        assert_eq!(who(&here, &shelf, "made up", &users, 1).await, None);
        // Nobody asked for two hours.
        assert_eq!(who(&here, &shelf, &other, &users, 121).await, None);
        // In use, but for too long.
        for hour in 1..=12 {
            assert!(
                who(&here, &shelf, &one, &users, 60 * hour).await.is_some(),
                "{hour}"
            );
        }
        assert_eq!(who(&here, &shelf, &one, &users, 12 * 60 + 1).await, None);
        let third = here.begin(&shelf, &users[0], minute(0).0).await.unwrap();
        here.end(&shelf, &third).await.unwrap();
        assert_eq!(who(&here, &shelf, &third, &users, 0).await, None);
        // A clock that was set back makes none last longer.
        let fourth = here.begin(&shelf, &users[0], minute(60).0).await.unwrap();
        assert_eq!(who(&here, &shelf, &fourth, &users, 0).await, None);
    }

    #[tokio::test]
    async fn a_restart_and_another_replica_know_it_and_a_sign_out_counts_everywhere() {
        let shelf = Shelf::default();
        let users = [user("ann", "$a")];
        let (here, there) = (Sessions::default(), Sessions::default());
        let secret = here.begin(&shelf, &users[0], minute(0).0).await.unwrap();
        assert!(who(&there, &shelf, &secret, &users, 0).await.is_some());
        here.end(&shelf, &secret).await.unwrap();
        assert_eq!(who(&here, &shelf, &secret, &users, 0).await, None);
        // There it may be believed for a moment more.
        assert!(who(&there, &shelf, &secret, &users, 0).await.is_some());
        assert_eq!(who(&there, &shelf, &secret, &users, 1).await, None);
    }

    #[tokio::test]
    async fn who_is_gone_from_the_config_or_has_another_password_is_out() {
        let (shelf, here) = (Shelf::default(), Sessions::default());
        let secret = here.begin(&shelf, &user("ann", "$a"), minute(0).0).await.unwrap();
        for users in [vec![user("ben", "$a")], vec![user("ann", "$new")], vec![]] {
            assert_eq!(who(&here, &shelf, &secret, &users, 1).await, None);
        }
        assert!(
            who(&here, &shelf, &secret, &[user("ann", "$a")], 1)
                .await
                .is_some()
        );
    }

    #[tokio::test]
    async fn pages_in_a_row_cost_one_look_and_seldom_a_write() {
        let (shelf, here) = (Shelf::default(), Sessions::default());
        let users = [user("ann", "$a")];
        let secret = here.begin(&shelf, &users[0], minute(0).0).await.unwrap();
        for _ in 0..20 {
            who(&here, &shelf, &secret, &users, 1).await;
        }
        assert_eq!(
            (*shelf.reads.lock().unwrap(), *shelf.writes.lock().unwrap()),
            (1, 1)
        );
        for at in 1..60 {
            who(&here, &shelf, &secret, &users, at).await;
        }
        assert_eq!(*shelf.writes.lock().unwrap(), 1 + 5);
        for n in 0..5000 {
            who(&here, &shelf, &format!("made up {n}"), &users, 60).await;
        }
        assert!(here.0.lock().unwrap().len() <= 1);
    }
}
