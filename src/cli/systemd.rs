//! What systemd is told of the daemon (`Type=notify`, `WatchdogSec=`): that it is ready, reads its files anew, stops,
//! and is alive. Where nobody listens (`NOTIFY_SOCKET` is not set) nothing is told.
//!
//! Source: `sd_notify(3)`.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::{Notify, watch};
use tracing::warn;

use crate::campaign::Campaign;
use crate::clock::Clock;
use crate::daemon::pulse::{Finger, Pulse};
use crate::ledger::Ledger;

/// How long files are waited for before systemd hears that they were read; they are read all the same.
const READ_MAX: Duration = Duration::from_secs(30);
/// How soon a ledger must answer that is not waited for.
const ANSWER: Duration = Duration::from_secs(1);

/// The daemon as systemd sees it.
pub(super) struct Systemd {
    pub campaign: watch::Receiver<Arc<Campaign>>,
    pub accounts: usize,
    pub listen: SocketAddr,
    /// It was said. Before that nothing else may be: systemd would take the end of a reload for it.
    pub ready: AtomicBool,
}

impl Systemd {
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Release);
        let messages = self.campaign.borrow().messages.len();
        let (accounts, listen) = (self.accounts, self.listen);
        let status = format!("messages: {messages}, accounts: {accounts}, http://{listen}");
        tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    pub fn stopping() {
        tell(&[
            NotifyState::Stopping,
            NotifyState::Status("stopping: what is in flight may finish"),
        ]);
    }

    /// Has the files read, and tells when that begins and ends.
    pub async fn reload(&self, rescan: &Notify, looked: &Notify) {
        let mut read = pin!(looked.notified());
        read.as_mut().enable();
        let told = self.ready.load(Ordering::Acquire);
        if told {
            tell(&[NotifyState::Reloading]);
        }
        rescan.notify_one();
        if told {
            drop(tokio::time::timeout(READ_MAX, read).await);
            self.ready();
        }
    }
}

/// Says twice in each term of systemd's watchdog that the daemon is alive, as long as it is; without a watchdog,
/// nothing. A daemon of which nothing is heard is ended and started again.
pub(super) async fn watchdog(pulse: Arc<Pulse>, ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) {
    let Some(term) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut finger = Finger::on(&pulse);
    loop {
        if finger.is_alive(answers(&*ledger, &*clock)).await {
            // systemd may be slow to listen, and nothing that is due may wait for it.
            drop(tokio::task::spawn_blocking(|| tell(&[NotifyState::Watchdog])).await);
        } else {
            warn!(
                event = "daemon.hung",
                "nothing is sent though the ledger answers: if this goes on, systemd starts the daemon again"
            );
        }
        tokio::time::sleep(term / 2).await;
    }
}

async fn answers(ledger: &dyn Ledger, clock: &dyn Clock) -> bool {
    let now = clock.now().to_string();
    let answer = tokio::time::timeout(ANSWER, ledger.note("probed", &now)).await;
    answer.is_ok_and(|done| done.is_ok())
}

fn tell(words: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(words) {
        warn!(event = "daemon.untold", error = %e, "systemd can't be told how the daemon is: {e}");
    }
}
