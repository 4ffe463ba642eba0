//! The `oauth2` crate's requests go through our own door; and what became of a request for a token.

use std::pin::Pin;

use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse, RequestTokenError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::http::{Answer, BaseUrl, Http, Request};
use crate::post::outcome::{Class, Failure};
use crate::text::limits::Doubt;

/// One request, on a connection of its own: what was received twice could be refused the second time.
pub(super) async fn once(http: &Http, request: Request) -> Result<Answer, Failure> {
    Ok(http.publish(request, Doubt::Ask).await?)
}

/// The crate's requests go through our door.
pub(super) struct Door(pub Http);

impl<'c> AsyncHttpClient<'c> for Door {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failure>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.pass(request))
    }
}

impl Door {
    async fn pass(&self, request: HttpRequest) -> Result<HttpResponse, Failure> {
        let (head, body) = request.into_parts();
        let to = BaseUrl::endpoint(&head.uri.to_string());
        let to = to.map_err(|why| Failure::new(Class::Rejected, why))?;
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let form = header("content-type").unwrap_or("application/x-www-form-urlencoded");
        let mut ours = Request::post(&to, "")
            .header("accept", "application/json")
            .body(form, body);
        if let Some(basic) = header("authorization") {
            ours = ours.secret("authorization", basic);
        }
        let answer = once(&self.0, ours).await?;
        let said: Value = expected(&answer)?;
        // Instagram's manual puts it into a list of one.
        let token = match said.pointer("/data/0") {
            Some(one) if one.get("access_token").is_some() => one.to_string().into_bytes(),
            _ => answer.body.to_vec(),
        };
        Ok(HttpResponse::new(token))
    }
}

/// What the crate makes of an answer that is no token: without its body, which may hold one.
pub(super) fn unread<E: oauth2::ErrorResponse + 'static>(error: RequestTokenError<Failure, E>) -> Failure {
    match error {
        RequestTokenError::Request(failure) => failure,
        _ => Failure::new(Class::InDoubt, "its answer is no token"),
    }
}

/// The answer, if it is what the manual says; else what became of the request.
pub(super) fn expected<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    if matches!(answer.status, 200 | 201) {
        let odd = || Failure::new(Class::InDoubt, "it answered something else than its manual says");
        return answer.json().ok_or_else(odd);
    }
    Err(refusal(answer))
}

/// RFC 6749 §5.2, Meta's `{"error": {"message": …}}`, and others that just have a message.
fn refusal(answer: &Answer) -> Failure {
    let said: Option<Value> = answer.json();
    let text = |pointer: &str| said.as_ref()?.pointer(pointer)?.as_str().map(str::to_owned);
    let code = text("/error").unwrap_or_default();
    let words = [
        "/error_description",
        "/error/message",
        "/error_message",
        "/message",
        "/error",
    ]
    .iter()
    .find_map(|at| text(at));
    let passing = matches!(&*code, "temporarily_unavailable" | "server_error")
        || said.as_ref().and_then(|said| said.pointer("/error/is_transient")) == Some(&Value::Bool(true));
    let class = match answer.class(words.is_some()) {
        Class::Rejected | Class::Auth if passing => Class::Transient,
        Class::Rejected => Class::Auth,
        class => class,
    };
    let words = match words {
        Some(words) if !code.is_empty() && words != code => Some(format!("{code}: {words}")),
        words => words,
    };
    answer.failure(class, words.as_deref())
}
