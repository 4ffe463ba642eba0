//! Where an account's platform is.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A server, or an address on it: https, or http on this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(pub(super) Url);

impl BaseUrl {
    /// A server: scheme, host and port (reliability P44).
    pub fn parse(text: &str) -> Result<Self, String> {
        let Self(url) = Self::endpoint(text)?;
        if url.path() != "/" || url.query().is_some() {
            return Err(format!(
                "write the server alone, without a path: `{}`",
                url.origin().ascii_serialization()
            ));
        }
        Ok(Self(url))
    }

    /// One address on a server, path and query included.
    pub fn endpoint(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let mut url = Url::parse(text).map_err(|e| {
            if text.contains("://") {
                format!("it is not a URL: {e}")
            } else {
                "it is not a URL: it must begin with `https://`".to_owned()
            }
        })?;
        let Some(host) = url.host() else {
            return Err("it names no host".into());
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&host) => {}
            "http" => return Err("`http://` is for this machine alone: write `https://`".into()),
            other => return Err(format!("`{other}://` is not spoken here: write `https://`")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a login does not belong in a URL".into());
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// With its path and query.
    pub(in super::super) fn whole(&self) -> String {
        self.0.to_string()
    }

    /// It is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.host().is_some_and(|host| is_loopback(&host))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

pub(in super::super) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => Ipv4Addr::is_loopback(address),
        Host::Ipv6(address) => Ipv6Addr::is_loopback(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p44_base_urls_are_normalised_or_refused() {
        let shown = |text: &str| BaseUrl::parse(text).map(|url| url.to_string());
        assert_eq!(
            shown(" https://Mastodon.Social/ ").unwrap(),
            "https://mastodon.social"
        );
        assert_eq!(shown("https://example.org:443").unwrap(), "https://example.org");
        assert_eq!(
            shown("https://example.org:8443").unwrap(),
            "https://example.org:8443"
        );
        assert_eq!(
            shown("https://bücher.example").unwrap(),
            "https://xn--bcher-kva.example"
        );
        assert_eq!(shown("http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(shown("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for bad in [
            "http://example.org",
            "http://localhost.example.org",
            "http://192.168.0.1",
            "https://me:secret@example.org",
            "https://example.org/@me",
            "https://example.org/?a=b",
            "ftp://example.org",
            "mastodon.social",
            "https://",
            "",
        ] {
            let error = shown(bad).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(BaseUrl::endpoint("https://example.org/hook?key=1").is_ok());
    }
}
