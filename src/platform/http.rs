//! The only door to the network. It knows three ends of a request: an answer; certainly not sent; unknown.
//! It never repeats a request, follows no redirect, and reads no more than it must (reliability, rule 6).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::dates::Dates;
use crate::clock::{Clock, sample};
use crate::text::limits::Doubt;
use trouble::words;

mod answer;
mod base;
mod field;
mod request;
mod socket;
mod trouble;
mod wait;
mod whole;

pub use answer::{ANSWER_MAX, Answer};
pub use base::BaseUrl;
pub(super) use base::is_loopback;
pub use field::Field;
pub use request::Request;
pub use socket::Talk;
pub use trouble::Trouble;
pub(super) use trouble::with_causes;
pub use wait::retry_after;

/// The largest header section that is believed (reliability P16); hyper itself gives up at about 400 KiB.
const HEADERS_MAX: usize = 64 << 10;
/// From the first packet to the last byte of the answer (reliability P15).
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How much of the deadline connecting may take: name, TCP and TLS together, with all addresses of the host
/// (reliability P40). What ends here was certainly not sent.
const CONNECTING: u32 = 3;
/// How long a connection that has just served a visible request may wait for the next. Far less than any
/// server's own patience (the shortest usual one is Node's, 5 s): in a burst the next comes within
/// milliseconds, and posts that are spaced never share one.
pub const BURST: Duration = Duration::from_secs(1);
/// How many such connections wait at most; as many as there may be attempts in flight at once.
const BURST_IDLE: usize = 64;

/// Chooses the process's TLS implementation. Needed before any client is made; doing it again is nothing.
pub fn install_tls() {
    // An error means that it was done before.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The door. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    /// For what the world can see and the platform knows again when it is repeated. In a burst, posts follow
    /// each other on the same few connections.
    bursts: reqwest::Client,
    /// For what the world can see and a repeat would double: a connection each.
    singles: reqwest::Client,
    /// For reads and uploads, which may be repeated.
    harmless: reqwest::Client,
    deadline: Duration,
    clock: Arc<dyn Clock>,
    dates: Dates,
    contact: Arc<str>,
}

impl Http {
    /// `contact` is where the people behind the bot can be reached: a URL or an address.
    pub fn new(contact: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Self::with_deadline(contact, clock, DEADLINE)
    }

    /// As `new`, with another total deadline.
    pub fn with_deadline(contact: &str, clock: Arc<dyn Clock>, deadline: Duration) -> Result<Self, String> {
        install_tls();
        let client = || {
            reqwest::Client::builder()
                .user_agent(user_agent(contact))
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .no_proxy()
                .tls_version_min(reqwest::tls::Version::TLS_1_2)
                .connect_timeout(deadline / CONNECTING)
                .timeout(deadline)
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder
                .build()
                .map_err(|e| format!("the HTTP client cannot start: {}", words(e)))
        };
        Ok(Self {
            bursts: build(
                client()
                    .pool_max_idle_per_host(BURST_IDLE)
                    .pool_idle_timeout(BURST),
            )?,
            singles: build(client().pool_max_idle_per_host(0))?,
            harmless: build(client().pool_max_idle_per_host(2))?,
            deadline,
            clock,
            dates: Dates::default(),
            contact: printable(contact).into(),
        })
    }

    /// What time the servers say it is.
    pub fn dates(&self) -> Dates {
        self.dates.clone()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How long the machine has been on, sleep included.
    pub fn uptime(&self) -> Duration {
        self.clock.uptime()
    }

    /// Where the people behind the bot can be reached, as it may stand in a header. May be empty.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// Sends a request that the world does not see and that may be repeated.
    pub async fn send(&self, request: Request) -> Result<Answer, Trouble> {
        let server = request.server();
        let answer = self.exchange(&self.harmless, request).await?;
        self.dates.hear(&server, &answer.headers, sample(&*self.clock));
        Ok(answer)
    }

    /// Sends a request that the world can see: once.
    ///
    /// A connection that is used again may be closed by the other side just as the request leaves, and then
    /// nobody knows whether it was received. So one that was used before is only for platforms where such a
    /// doubt costs no more than the same request once more. The HTTP library sends again by itself, on another
    /// connection, only a request of which it has not yet written a byte (`TrySendError` of hyper);
    /// `tests/platforms/connections.rs` closes at every moment and counts.
    ///
    /// It keeps the deadline whatever it carries: how long a doubt lasts and when another replica may look counts on
    /// that.
    pub async fn publish(&self, request: Request, doubt: Doubt) -> Result<Answer, Trouble> {
        let request = request.impatient();
        let client = match doubt {
            Doubt::Key { .. } | Doubt::OwnId => &self.bursts,
            Doubt::TwoSteps { .. } | Doubt::ReadBack { .. } | Doubt::Ask => &self.singles,
        };
        let server = request.server();
        let answer = self.exchange(client, request).await?;
        self.dates
            .hear_again(&server, &answer.headers, sample(&*self.clock));
        Ok(answer)
    }

    async fn exchange(&self, client: &reqwest::Client, request: Request) -> Result<Answer, Trouble> {
        Answer::read(self.ask(client, request).await?, &*self.clock).await
    }

    /// Sends a request and reads the header of its answer.
    async fn ask(&self, client: &reqwest::Client, request: Request) -> Result<reqwest::Response, Trouble> {
        let (builder, whole) = request.by(client)?;
        let response = builder.send().await.map_err(|e| whole.judge(e.into()))?;
        let size: usize = response
            .headers()
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if size > HEADERS_MAX {
            return Err(Trouble::Unknown(format!(
                "its header is larger than {HEADERS_MAX} bytes"
            )));
        }
        Ok(response)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}

/// `steadfast/0.1.0 (bot; +https://campaign.example)`.
fn user_agent(contact: &str) -> String {
    let contact = printable(contact);
    let version = env!("CARGO_PKG_VERSION");
    if contact.is_empty() {
        format!("steadfast/{version} (bot)")
    } else {
        format!("steadfast/{version} (bot; +{contact})")
    }
}

/// What may stand in a comment of a header.
fn printable(contact: &str) -> String {
    let kept = |c: &char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | ';' | '\\');
    contact.chars().filter(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_agent_names_the_bot_and_the_contact() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            user_agent("https://a.example"),
            format!("steadfast/{version} (bot; +https://a.example)")
        );
        assert_eq!(
            user_agent("x\r\ny: z"),
            format!("steadfast/{version} (bot; +xy:z)")
        );
        assert_eq!(user_agent(""), format!("steadfast/{version} (bot)"));
    }
}
