//! Whose account it is that the credentials open: written down when it is first used, and never another's after
//! (reliability §2.2, P38).

use crate::post::outcome::{Class, Failure};

use super::super::{granted_key, identity_key};
use super::Delivery;

impl Delivery<'_> {
    /// Whether the account is the one that it was. Asked before anything is prepared, repeated or looked for.
    pub(super) async fn is_ours(&self) -> Result<(), Failure> {
        let name = &self.post.account;
        let answered = self.outlet.platform.identity().await;
        if answered.is_err() {
            self.heard(&answered);
        }
        let Some(is) = answered? else {
            return Ok(());
        };
        let mut known = self.shared.identities.lock().await;
        if !known.contains_key(name) {
            let ledger = |e: crate::ledger::LedgerError| Failure::new(Class::Transient, e.to_string());
            let key = identity_key(name);
            let was = if let Some(was) = self.world.ledger.noted(&key).await.map_err(ledger)? {
                was
            } else {
                self.world.ledger.note(&key, &is).await.map_err(ledger)?;
                tracing::info!(event = "account.identified", account = %name, identity = is, "{name} is {is} from now on");
                is.clone()
            };
            known.insert(name.clone(), was);
            self.note_rights().await;
        }
        match known.get(name) {
            Some(was) if *was != is => Err(another(was, &is)),
            _ => Ok(()),
        }
    }
}

impl Delivery<'_> {
    /// What the credentials may do, for people: once in a life of the daemon. What is not told now is told another time.
    async fn note_rights(&self) {
        let name = &self.post.account;
        if let Ok(Some(granted)) = self.outlet.platform.granted().await {
            let words = serde_json::json!(granted).to_string();
            drop(self.world.ledger.note(&granted_key(name), &words).await);
        }
    }
}

/// The posts of one account never go to another.
fn another(was: &str, is: &str) -> Failure {
    let words = format!(
        "identity changed: they open {is}, and this account was {was} when it was first used; put the old ones back, or give the other account a name of its own"
    );
    Failure::new(Class::Auth, words)
}
