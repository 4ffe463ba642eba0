//! Letters, by SMTP: the one door to the network beside `http`, for alerts alone. Never without encryption but on this
//! machine.

use async_trait::async_trait;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Host;

use super::alert::{PATIENCE, Way, Wires};
use super::http::{Http, is_loopback, with_causes};
use super::secret::SecretSource;
use crate::alert::Said;
use crate::post::digest::Digest;

/// `[alert.NAME]` with `by = "email"`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The mail server, with its port where it is not the usual one: `smtp.example.org`, `smtp.example.org:465`.
    server: String,
    /// `starttls` (the default, port 587), `tls` (the default with port 465), or `none`, for this machine alone.
    encryption: Option<Encryption>,
    /// As whom it signs in there, if it must.
    user: Option<String>,
    /// That user's password.
    password: Option<SecretSource>,
    /// Who writes: `steadfast@example.org`, or `Steadfast <steadfast@example.org>`.
    from: String,
    /// Who gets it.
    to: Vec<String>,
}

/// How the way to the server is made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Encryption {
    /// Begun in the clear, and never without it.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// Where it goes, as the config means it.
struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
}

impl Config {
    /// Whether the keys belong together.
    pub(super) fn together(&self) -> Result<(), String> {
        self.server()?;
        mailbox("from", &self.from)?;
        for to in &self.to {
            mailbox("to", to)?;
        }
        if self.to.is_empty() {
            return Err("`to` is empty: nobody would get it".into());
        }
        match (&self.user, &self.password) {
            (Some(_), None) => Err("`user` goes with `password`".into()),
            (None, Some(_)) => Err("`password` goes with `user`".into()),
            _ => Ok(()),
        }
    }

    fn server(&self) -> Result<Server, String> {
        const SHAPE: &str = "`server` is a name and perhaps a port, as in \"smtp.example.org:587\"";
        let url = url::Url::parse(&format!("smtp://{}", self.server.trim())).map_err(|_| SHAPE)?;
        let host = url.host().ok_or(SHAPE)?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
        if !bare {
            return Err(SHAPE.into());
        }
        let usual = url.port().is_none_or(|port| port != SUBMISSIONS);
        let encryption = self.encryption.unwrap_or(if usual {
            Encryption::Starttls
        } else {
            Encryption::Tls
        });
        let near = match &host {
            // The scheme is none that the crate knows, so an address is a name to it.
            Host::Domain(name) => Host::parse(name).is_ok_and(|host| is_loopback(&as_ref(&host))),
            host => is_loopback(host),
        };
        if encryption == Encryption::None && !near {
            return Err("`encryption = \"none\"` is for a server on this machine alone".into());
        }
        let port = url.port().unwrap_or(match encryption {
            Encryption::Tls => SUBMISSIONS,
            Encryption::Starttls => SUBMISSION,
            Encryption::None => 25,
        });
        Ok(Server {
            host: host.to_string(),
            port,
            encryption,
        })
    }
}

fn as_ref(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name.as_str()),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

fn mailbox(key: &str, written: &str) -> Result<Mailbox, String> {
    let parsed = written.parse();
    parsed.map_err(|_| format!("`{key}` has an address that is none: \"{written}\""))
}

pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    http: Http,
}

impl Mail {
    pub fn open(config: Config, wires: &Wires<'_>) -> Result<Self, String> {
        config.together()?;
        let server = config.server()?;
        let from = mailbox("from", &config.from)?;
        let to = config
            .to
            .iter()
            .map(|to| mailbox("to", to))
            .collect::<Result<_, _>>()?;
        let tls = || TlsParameters::new(server.host.clone()).map_err(|e| format!("server: {e}"));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .timeout(Some(PATIENCE))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .tls(match server.encryption {
                Encryption::Starttls => Tls::Required(tls()?),
                Encryption::Tls => Tls::Wrapper(tls()?),
                Encryption::None => Tls::None,
            });
        if let (Some(user), Some(password)) = (config.user, config.password) {
            let password = password.resolve().map_err(|e| format!("password: {e}"))?;
            wires.scrubber.learn(&password);
            transport = transport.credentials(Credentials::new(user, password.expose().to_owned()));
        }
        Ok(Self {
            transport: transport.build(),
            from,
            to,
            http: wires.http.clone(),
        })
    }

    fn letter(&self, said: &Said) -> Result<Message, lettre::error::Error> {
        let now = self.http.now();
        // Ours alone (RFC 5322, 3.6.4): by itself the library would say `localhost`, which looks like spam.
        let id = format!(
            "<{}.{}@{}>",
            now.as_microsecond(),
            Digest::of(said.text.as_bytes()).short(),
            self.from.email.domain()
        );
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(&said.subject)
            .date(now.into())
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let mut letter = builder.body(said.text.clone())?;
        // Nobody's "I am away" comes back (RFC 3834).
        letter.headers_mut().insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
        Ok(letter)
    }
}

#[async_trait]
impl Way for Mail {
    async fn tell(&self, said: &Said) -> Result<(), String> {
        let letter = self.letter(said).map_err(|e| e.to_string())?;
        self.transport
            .send(letter)
            .await
            .map(drop)
            .map_err(|e| with_causes(&e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(server: &str, encryption: Option<Encryption>) -> Result<(String, u16, Encryption), String> {
        let config = Config {
            server: server.to_owned(),
            encryption,
            user: None,
            password: None,
            from: "a@example.org".to_owned(),
            to: vec!["b@example.org".to_owned()],
        };
        config.together()?;
        config
            .server()
            .map(|server| (server.host, server.port, server.encryption))
    }

    #[test]
    fn the_port_says_how_and_how_says_the_port() {
        for (written, how, port, so) in [
            ("smtp.example.org", None, 587, Encryption::Starttls),
            ("smtp.example.org:2525", None, 2525, Encryption::Starttls),
            ("smtp.example.org:465", None, 465, Encryption::Tls),
            ("smtp.example.org", Some(Encryption::Tls), 465, Encryption::Tls),
        ] {
            let expected = ("smtp.example.org".to_owned(), port, so);
            assert_eq!(server(written, how), Ok(expected), "{written}");
        }
    }

    #[test]
    fn nothing_goes_unencrypted_but_on_this_machine() {
        for near in ["127.0.0.1:2525", "localhost:25", "[::1]:25"] {
            assert!(server(near, Some(Encryption::None)).is_ok(), "{near}");
        }
        for far in ["smtp.example.org", "192.0.2.7:25", "127.0.0.1.example.org"] {
            assert!(server(far, Some(Encryption::None)).is_err(), "{far}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for bad in [
            "",
            "a",
            "a@",
            "a b@example.org",
            "x@example.org\r\nBcc: y@example.org",
        ] {
            assert!(mailbox("to", bad).is_err(), "{bad}");
        }
        assert!(mailbox("to", "Ann <ann@example.org>").is_ok());
        for bad in ["", "smtp.example.org/path", "user@smtp.example.org"] {
            assert!(server(bad, None).is_err(), "{bad}");
        }
    }
}
