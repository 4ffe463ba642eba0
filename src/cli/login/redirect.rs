//! The address that a browser comes back to with a code: one that listens on this machine, or one that is pasted.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::super::Failed;

/// How long a person is waited for.
const PATIENCE: Duration = Duration::from_mins(15);
/// How long a browser may take to say what it wants, and how much of it is read.
const REQUEST: Duration = Duration::from_secs(5);
const REQUEST_MAX: usize = 16 << 10;

/// What an app has to have registered.
pub fn address(port: u16) -> String {
    format!("http://127.0.0.1:{port}/callback")
}

/// Waits for one browser, on this machine alone.
pub struct Listener {
    listener: TcpListener,
    port: u16,
}

impl Listener {
    /// Port 0: any that is free.
    pub async fn bind(port: u16) -> Result<Self, Failed> {
        let wrong = |e: std::io::Error| {
            Failed::Wrong(format!(
                "nothing can listen on 127.0.0.1:{port}: {e}; end what does, or use `--paste`"
            ))
        };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(wrong)?;
        let port = listener.local_addr().map_err(wrong)?.port();
        Ok(Self { listener, port })
    }

    pub fn address(&self) -> String {
        address(self.port)
    }

    /// The code that comes back with this state. What asks for anything else (an icon, a scan) is sent away.
    pub async fn code(self, state: &str) -> Result<String, Failed> {
        let waiting = async {
            loop {
                let Ok((mut browser, _)) = self.listener.accept().await else {
                    continue;
                };
                let Some(path) = tokio::time::timeout(REQUEST, asked_for(&mut browser))
                    .await
                    .ok()
                    .flatten()
                else {
                    continue;
                };
                if !path.starts_with("/callback?") {
                    answer(&mut browser, "404 Not Found", "There is nothing here.").await;
                    continue;
                }
                let came = code_in(&format!("http://127.0.0.1:{}{path}", self.port), state);
                let words = match &came {
                    Ok(_) => "Thank you. Go back to the terminal: it says whether it worked.",
                    Err(_) => "It did not work. The terminal says why.",
                };
                answer(&mut browser, "200 OK", words).await;
                return came;
            }
        };
        let late = |_| {
            Failed::Wrong("nobody came back from the browser in 15 minutes; nothing was stored".to_owned())
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(late)?
    }
}

/// The path in the first line of a request.
async fn asked_for(browser: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut bytes = [0; 2048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        match browser.read(&mut bytes).await {
            Ok(0) | Err(_) => break,
            Ok(n) => request.extend_from_slice(bytes.get(..n)?),
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let mut words = text.lines().next()?.split(' ');
    (words.next() == Some("GET")).then(|| words.next().map(str::to_owned))?
}

async fn answer(browser: &mut TcpStream, status: &str, words: &str) {
    let length = words.len();
    let page = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n{words}"
    );
    // A browser that has gone knows all it wants to.
    drop(browser.write_all(page.as_bytes()).await);
    drop(browser.shutdown().await);
}

/// The code in an address that a browser came to, if it is an answer to what we asked (RFC 6749 §4.1.2, §10.12).
pub fn code_in(address: &str, state: &str) -> Result<String, Failed> {
    let wrong = |words: &str| Err(Failed::Wrong(format!("{words}; nothing was stored")));
    let Ok(url) = Url::parse(address.trim()) else {
        return wrong("that is no address: paste all of it, from `http` on");
    };
    let said = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    if said("state").as_deref() != Some(state) {
        return wrong(
            "the browser came back from another sign-in than this one (its `state` is not ours): begin again",
        );
    }
    match (said("error"), said("code")) {
        (Some(error), _) if error == "access_denied" => wrong("it was not allowed"),
        (Some(error), _) => {
            let words = said("error_description").unwrap_or(error);
            wrong(&format!(
                "the platform says: {}",
                crate::post::outcome::one_line(&words, 200)
            ))
        }
        // Meta puts `#_` behind it; of an address that is no part of the query.
        (None, Some(code)) if !code.is_empty() => Ok(code.trim_end_matches("#_").to_owned()),
        (None, _) => wrong("there is no code in that address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(address: &str) -> String {
        match code_in(address, "ours") {
            Ok(code) => code,
            Err(failed) => failed.to_string(),
        }
    }

    #[test]
    fn a_code_is_taken_with_our_state_alone() {
        assert_eq!(said("https://c.example/?code=a%2Bb&state=ours#_"), "a+b");
        for theirs in [
            "https://c.example/?code=abc&state=theirs",
            "https://c.example/?code=abc",
            "https://c.example/?error=access_denied&state=theirs",
        ] {
            assert!(said(theirs).contains("another sign-in"), "{theirs}");
        }
        assert!(said("https://c.example/?error=access_denied&state=ours").contains("it was not allowed"));
        let told = said("https://c.example/?error=invalid_scope&error_description=No%0Asuch&state=ours");
        assert_eq!(told, "the platform says: No such; nothing was stored");
        assert!(said("https://c.example/?state=ours").contains("no code"));
        assert!(said("abc").contains("paste all of it"));
    }
}
