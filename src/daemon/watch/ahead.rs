//! What the plan of the next days has to be warned of, said in the log: few people run `check` each day.

use std::collections::HashSet;

use tracing::{debug, warn};

use super::{Watch, key};
use crate::calendar::outlook::outlook;
use crate::calendar::past::Past;
use crate::calendar::plan::View;
use crate::daemon::planner::asked;
use crate::ledger::LedgerError;

impl Watch {
    /// Logs what is new since `told`. Returns whether it could be looked at.
    pub(super) async fn tell_ahead(&self, told: &mut HashSet<String>) -> bool {
        let campaign = self.campaigns.borrow().clone();
        let now = self.clock.now();
        let past = async {
            let past = self.ledger.past(&asked(&campaign), now).await?;
            let recorded = self.ledger.recorded().await?;
            Ok::<_, LedgerError>(Past { recorded, ..past })
        };
        let past = match past.await {
            Ok(past) => past,
            // Whoever needs it more says so.
            Err(e) => {
                debug!("the plan can't be looked at: {e}");
                return false;
            }
        };
        let view = View {
            campaign: &campaign,
            roster: &self.roster,
            past: &past,
            late: self.late,
        };
        let found = tokio::task::block_in_place(|| outlook(&view, now, &self.folder));
        for problem in found.iter().filter(|problem| !told.contains(&key(problem))) {
            let (file, line, code, help) = (
                &problem.place.file,
                problem.place.line,
                problem.code,
                &problem.help,
            );
            warn!(event = "campaign.ahead", file = %file, line, code, help, "{}", problem.message);
        }
        *told = found.iter().map(key).collect();
        true
    }
}
