//! The gate: what the files say goes in, and comes out with every message blocked that is not approved.

use std::sync::Arc;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::campaign::Campaign;
use crate::campaign::approval::{Approvals, Proposals, Rule};
use crate::ledger::LedgerError;

use super::{Shared, World, report};

/// Where approval is required.
pub(crate) struct Gate {
    rule: Rule,
    /// What the files say.
    files: watch::Receiver<Arc<Campaign>>,
    /// What of it may go out.
    gated: watch::Sender<Arc<Campaign>>,
    known: Mutex<Known>,
}

struct Known {
    files: Arc<Campaign>,
    proposals: Proposals,
    approvals: Approvals,
}

impl Gate {
    /// What everybody else is to work with; and the gate, if there is one.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn open(
        world: &World,
        mut files: watch::Receiver<Arc<Campaign>>,
    ) -> Result<(Option<Self>, watch::Receiver<Arc<Campaign>>), LedgerError> {
        let Some(rule) = world.approval else {
            return Ok((None, files));
        };
        let said = Arc::clone(&files.borrow_and_update());
        let known = Known {
            proposals: proposals(world, &said),
            approvals: Approvals::new(world.ledger.approvals().await?),
            files: said,
        };
        let gated = Arc::new(known.gated(world, rule));
        let (gated, campaign) = watch::channel(gated);
        let gate = Self {
            rule,
            files,
            gated,
            known: Mutex::new(known),
        };
        Ok((Some(gate), campaign))
    }

    /// Somebody may have approved something, or withdrawn it. In force when it returns.
    pub async fn hear(&self, world: &World) -> Result<(), LedgerError> {
        let mut known = self.known.lock().await;
        known.approvals = Approvals::new(world.ledger.approvals().await?);
        self.pass(world, &mut known);
        Ok(())
    }

    /// The files say something else.
    async fn look(&self, world: &World) {
        let mut known = self.known.lock().await;
        self.pass(world, &mut known);
    }

    /// Lets through what there is, if it is other than before.
    fn pass(&self, world: &World, known: &mut Known) {
        let files = Arc::clone(&self.files.borrow());
        let same = Arc::ptr_eq(&files, &known.files);
        if !same {
            known.proposals = proposals(world, &files);
            known.files = files;
        }
        let gated = known.gated(world, self.rule);
        let before = Arc::clone(&self.gated.borrow());
        if same && gated.approved == before.approved && gated.blocked == before.blocked {
            return;
        }
        report::approvals(&before, &gated, &known.approvals);
        self.gated.send_replace(Arc::new(gated));
    }
}

impl Known {
    /// What of the files may go out.
    fn gated(&self, world: &World, rule: Rule) -> Campaign {
        let (files, said) = (&self.files, self.approvals.clone());
        let hash = |file: &str| world.media.hash(file);
        let said = tokio::task::block_in_place(|| said.carried(files, &world.roster, &hash));
        files.gated(&self.proposals, &said, rule)
    }
}

/// Reading images may block.
fn proposals(world: &World, campaign: &Campaign) -> Proposals {
    tokio::task::block_in_place(|| Proposals::of(campaign, &world.roster, &|file| world.media.hash(file)))
}

/// Passes on what the files come to say, until `stop`.
pub(crate) async fn follow(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    let Some(gate) = &shared.gate else { return };
    let mut files = gate.files.clone();
    // What came between the opening and now.
    files.mark_changed();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = files.changed() => if changed.is_err() { return },
        }
        gate.look(&world).await;
    }
}
