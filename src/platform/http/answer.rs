//! What came back, read no further than it must be, and what its status alone says.

use bytes::{Bytes, BytesMut};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde::de::DeserializeOwned;
use url::Url;

use super::Trouble;
use super::wait::{bounded, reset, retry_after};
use crate::clock::Clock;
use crate::post::outcome::{Class, Failure, one_line};

/// The longest answer that is read, after decompression (reliability P17).
pub const ANSWER_MAX: usize = 1 << 20;

/// What came back, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body was longer than `ANSWER_MAX`, and its end was not read.
    pub truncated: bool,
    /// When it was complete, by our clock.
    pub at: Timestamp,
}

impl Answer {
    /// Reads it to its end, or to where it is too long.
    pub(super) async fn read(mut response: reqwest::Response, clock: &dyn Clock) -> Result<Self, Trouble> {
        let headers = std::mem::take(response.headers_mut());
        let mut body = BytesMut::new();
        let mut truncated = false;
        while let Some(chunk) = response.chunk().await.map_err(Trouble::from)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                truncated = true;
                break;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            status: response.status().as_u16(),
            headers,
            body: body.freeze(),
            truncated,
            at: clock.now(),
        })
    }

    /// The body, if it is whole and has the shape of `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        if self.truncated {
            None
        } else {
            serde_json::from_slice(&self.body).ok()
        }
    }

    /// Until when the platform asks us to wait: by `Retry-After`, else by its rate-limit header.
    pub fn wait_until(&self) -> Option<Timestamp> {
        self.header(RETRY_AFTER.as_str())
            .and_then(|value| retry_after(value, self.at))
            .or_else(|| self.reset("x-ratelimit-reset"))
            .or_else(|| self.reset("ratelimit-reset"))
            .or_else(|| self.reset("x-rate-limit-reset"))
    }

    /// Midnight, UTC, where a limit of the day ends; or as much of the wait as is believed.
    pub fn end_of_day(&self) -> Option<Timestamp> {
        const DAY: i64 = SignedDuration::from_hours(24).as_secs();
        let left = DAY - self.at.as_second().rem_euclid(DAY);
        bounded(SignedDuration::from_secs(left), self.at)
    }

    /// A header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// When the rate limit ends of which the header `name` tells.
    pub fn reset(&self, name: &str) -> Option<Timestamp> {
        self.header(name).and_then(|value| reset(value, self.at))
    }

    /// The beginning of the body, for people: 200 characters on one line (reliability P1).
    pub fn snippet(&self) -> String {
        let head = self.body.get(..self.body.len().min(2000)).unwrap_or_default();
        one_line(&String::from_utf8_lossy(head), 200)
    }

    /// The host that a redirect points to, which is not followed (reliability P18).
    pub fn redirect_host(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        Url::parse(location).ok()?.host_str().map(str::to_owned)
    }

    /// The class by status alone, for when the platform's own page says nothing else (reliability §2.6).
    ///
    /// `own_shape`: the body is such as the platform itself writes. A page of a proxy, a captive portal or
    /// a firewall proves nothing about what became of the request.
    pub fn class(&self, own_shape: bool) -> Class {
        match self.status {
            429 => Class::RateLimited {
                until: self.wait_until(),
            },
            401 if own_shape => Class::Auth,
            408 | 425 => Class::InDoubt,
            400..=499 if own_shape => Class::Rejected,
            _ => Class::InDoubt,
        }
    }

    /// A failure in the platform's words, or in ours if it has none.
    pub fn failure(&self, class: Class, words: Option<&str>) -> Failure {
        let words = match (words, self.redirect_host()) {
            (Some(words), _) if !words.is_empty() => words.to_owned(),
            (_, Some(host)) => format!("it redirects to {host}; redirects are not followed"),
            _ if self.body.is_empty() => format!("it answered {} without a word", self.status),
            _ => format!("it answered {}: {}", self.status, self.snippet()),
        };
        Failure::new(class, words).with_status(self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn rate_limits_end_as_each_platform_says_it() {
        let answer = |name: &'static str, value: &str| {
            let mut answer = Answer {
                status: 429,
                headers: HeaderMap::new(),
                body: Bytes::new(),
                truncated: false,
                at: at("2026-11-23T11:17:20Z"),
            };
            answer.headers.insert(name, value.parse().unwrap());
            answer.wait_until()
        };
        let five = Some(at("2026-11-23T11:22:20Z"));
        assert_eq!(answer("x-ratelimit-reset", "2026-11-23T11:22:20.000Z"), five);
        assert_eq!(answer("ratelimit-reset", "1795432940"), five);
        assert_eq!(answer("x-rate-limit-reset", "1795432940"), five);
        assert_eq!(answer("ratelimit-reset", "300"), five);
        assert_eq!(answer("retry-after", "300"), five);
        assert_eq!(answer("ratelimit-reset", "1000000001"), None);
        assert_eq!(answer("ratelimit-reset", "-1"), None);
    }
}
