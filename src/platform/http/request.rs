//! A request before it is sent.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};
use url::Url;

use super::super::secret::Secret;
use super::super::video::{Stream, patience};
use super::field::{Field, form};
use super::whole::Whole;
use super::{BaseUrl, Trouble};

/// It is made from a base that was checked, so it can go nowhere else.
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Body,
    /// How long it may take, where that is longer than usual.
    patience: Option<Duration>,
    /// Why it cannot be sent as it is.
    problem: Option<String>,
}

enum Body {
    Bytes(Bytes),
    Form(Vec<Field>),
    /// And how many bytes it has.
    Stream(Stream, u64),
}

impl Request {
    pub fn get(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::GET, base, path)
    }

    pub fn post(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::POST, base, path)
    }

    /// As the Web's forms are sent.
    #[must_use]
    pub fn pairs(self, pairs: &[(&str, &str)]) -> Self {
        let encoded = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.body("application/x-www-form-urlencoded", encoded)
    }

    pub fn put(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::PUT, base, path)
    }

    pub fn patch(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::PATCH, base, path)
    }

    pub fn delete(base: &BaseUrl, path: &str) -> Self {
        Self::new(Method::DELETE, base, path)
    }

    /// `path` replaces the base's own; "" keeps it.
    fn new(method: Method, base: &BaseUrl, path: &str) -> Self {
        let mut url = base.0.clone();
        if !path.is_empty() {
            url.set_path(path);
        }
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Bytes(Bytes::new()),
            patience: None,
            problem: None,
        }
    }

    #[must_use]
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        self.url.query_pairs_mut().extend_pairs(pairs);
        self
    }

    /// A query as it is written, for a platform that reads signs which [`Self::query`] would escape.
    #[must_use]
    pub fn written_query(mut self, query: &str) -> Self {
        self.url.set_query(Some(query));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.insert(HeaderName::from_static(name), value, false);
        self
    }

    /// A header that is never shown.
    #[must_use]
    pub fn secret(mut self, name: &'static str, value: &str) -> Self {
        self.insert(HeaderName::from_static(name), value, true);
        self
    }

    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.insert(AUTHORIZATION, &format!("Bearer {}", token.expose()), true);
        self
    }

    #[must_use]
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        self.body("application/json", body)
    }

    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.insert(CONTENT_TYPE, content_type, false);
        self.body = Body::Bytes(body.into());
        self
    }

    /// A body of `length` bytes that is never as a whole in memory, and may take as long as that takes on a slow line.
    #[must_use]
    pub fn stream(self, content_type: &str, length: u64, stream: Stream) -> Self {
        let mut request = self.patience(patience(length));
        request.insert(CONTENT_TYPE, content_type, false);
        request.insert(CONTENT_LENGTH, &length.to_string(), false);
        request.body = Body::Stream(stream, length);
        request
    }

    /// Until the last byte of the answer, instead of [`DEADLINE`](super::DEADLINE). For what is large alone.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// With a file that is streamed it may take as long as that takes on a slow line, if it is no visible one.
    #[must_use]
    pub fn form(self, fields: Vec<Field>) -> Self {
        let streamed = fields.iter().map(|field| match field {
            Field::Stream { length, .. } => *length,
            _ => 0,
        });
        let mut request = match streamed.sum() {
            0 => self,
            length => self.patience(patience(length)),
        };
        request.body = Body::Form(fields);
        request
    }

    /// Within the usual time, whatever it carries.
    #[must_use]
    pub(super) fn impatient(mut self) -> Self {
        self.patience = None;
        self
    }

    /// As the HTTP library sends it, and whether the last byte of a stream has left.
    pub(super) fn by(self, client: &reqwest::Client) -> Result<(RequestBuilder, Whole), Trouble> {
        if let Some(problem) = self.problem {
            return Err(Trouble::NotSent(problem));
        }
        let builder = client.request(self.method, self.url).headers(self.headers);
        let mut whole = Whole::default();
        let builder = match self.body {
            Body::Bytes(bytes) => builder.body(bytes),
            Body::Form(fields) => builder.multipart(form(fields, &mut whole)?),
            Body::Stream(stream, length) => builder.body(whole.watch(stream, length)),
        };
        let builder = match self.patience {
            Some(patience) => builder.timeout(patience),
            None => builder,
        };
        Ok((builder, whole))
    }

    /// Scheme, host and port.
    pub(super) fn server(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn insert(&mut self, name: HeaderName, value: &str, sensitive: bool) {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(sensitive);
                self.headers.insert(name, value);
            }
            Err(_) => self.problem = Some(format!("the header `{name}` cannot hold its value")),
        }
    }
}

/// Where it goes, and nothing that may be secret: neither path nor header nor body.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} to {}",
            self.method,
            self.url.host_str().unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_lead_to_another_host() {
        let base = BaseUrl::parse("https://example.org").unwrap();
        for path in [
            "//evil.example/x",
            "@evil.example",
            "/../../x",
            "https://evil.example",
        ] {
            assert_eq!(
                Request::get(&base, path).url.host_str(),
                Some("example.org"),
                "{path}"
            );
        }
    }

    #[test]
    fn d9_a_request_shows_no_secret() {
        let base = BaseUrl::endpoint("https://example.org/hooks/s3cret").unwrap();
        let request = Request::post(&base, "")
            .bearer(&Secret::new("t0ken"))
            .json("b0dy");
        assert_eq!(format!("{request:?}"), "POST to example.org");
        assert!(!format!("{:?}", request.headers).contains("t0ken"));
    }
}
