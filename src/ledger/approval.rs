//! Who approved what, and when: only ever added to.

use async_trait::async_trait;

use crate::campaign::approval::Approval;
use crate::post::identity::MessageId;

use super::LedgerError;

/// What a ledger keeps of approvals.
#[async_trait]
pub trait Approving: Send + Sync {
    /// Adds these words, all or none, each with what it is about for people to read (nothing, where it withdraws).
    async fn approve(&self, said: Vec<(Approval, String)>) -> Result<(), LedgerError>;
    /// All that was ever said, in order.
    async fn approvals(&self) -> Result<Vec<Approval>, LedgerError>;
    /// What was approved last of this message, as it was read then, whether that still counts or not.
    async fn approved_last(&self, message: &MessageId) -> Result<Option<String>, LedgerError>;
}
