//! Webhooks: the event, its signature, and what receivers answer.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use steadfast::platform::webhook;
use steadfast::post::outcome::Class;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Bench, Draft, NOW, answer, delivery, now, receipt};

#[test]
fn an_event_says_everything() {
    let draft = Draft {
        index: 1,
        of: 4,
        warn: Some("prison".into()),
        parent: Some(receipt("their-id", Some(&delivery(0).to_string()))),
        ..Draft::text("Lea #Justicia")
            .link("https://example.org/caso")
            .image()
    };
    let prepared = webhook::request(&draft.out()).unwrap();
    assert_eq!(prepared.path, "");
    assert_eq!(
        serde_json::from_str::<Value>(&prepared.body).unwrap(),
        json!({
            "type": "post.published",
            "timestamp": NOW,
            "data": {
                "delivery_id": delivery(1),
                "campaign": "case",
                "message": "ten-to-two",
                "language": "es-MX",
                "text": "Lea #Justicia",
                "warn": "prison",
                "link": "https://example.org/caso",
                "tags": ["Justicia"],
                "media": [{ "mime": "image/png", "alt": "The court", "width": 64, "height": 48, "base64": "iVBORyBwaXhlbHM=" }],
                "reply_to": delivery(0),
                "thread": { "index": 2, "of": 4 },
                "scheduled_for": NOW,
            },
        })
    );
    let share = Draft {
        share: Some("https://o.example/7".into()),
        ..Draft::text("")
    };
    let body: Value = serde_json::from_str(&webhook::request(&share.out()).unwrap().body).unwrap();
    assert_eq!(body["type"], "post.shared");
    assert_eq!(body["data"]["source_url"], "https://o.example/7");
}

#[test]
fn images_too_large_for_one_body_are_refused_and_not_left_out() {
    let mut draft = Draft::text("x").image().image();
    for image in &mut draft.images {
        image.bytes = vec![0; 3 << 20].into();
    }
    let failure = webhook::request(&draft.out()).unwrap_err();
    assert_eq!(failure.class, Class::Rejected);
}

#[test]
fn any_yes_is_a_receipt_and_every_no_has_a_class() {
    let key = Draft::text("").key();
    let own = format!("msg_{}", delivery(0));
    for (status, body, id, url) in [
        (200, "", own.as_str(), None),
        (204, "", &own, None),
        (202, "<html>thanks</html>", &own, None),
        (
            200,
            r#"{"id":"a","url":"https://a.example/1"}"#,
            "a",
            Some("https://a.example/1"),
        ),
        (200, r#"{"id":5}"#, &own, None),
        (200, r#"{"id":"","url":""}"#, &own, None),
        (409, r#"{"error":"seen"}"#, &own, None),
    ] {
        let done = webhook::read(key, &answer(status, body)).unwrap();
        assert_eq!(
            (done.id.as_str(), done.url.as_deref()),
            (id, url),
            "{status} {body}"
        );
        assert_eq!(done.pin, Some(delivery(0).to_string()));
    }
    for (status, class) in [
        (301, Class::Rejected),
        (400, Class::Rejected),
        (401, Class::Auth),
        (403, Class::Auth),
        (404, Class::Rejected),
        (405, Class::Rejected),
        (408, Class::InDoubt),
        (410, Class::Rejected),
        (413, Class::Rejected),
        (415, Class::Rejected),
        (422, Class::Rejected),
        (425, Class::InDoubt),
        (429, Class::RateLimited { until: None }),
        (500, Class::InDoubt),
        (503, Class::InDoubt),
    ] {
        assert_eq!(
            webhook::read(key, &answer(status, "")).unwrap_err().class,
            class,
            "{status}"
        );
    }
    let mut busy = answer(503, "");
    busy.headers.insert("retry-after", "120".parse().unwrap());
    assert!(matches!(
        webhook::read(key, &busy).unwrap_err().class,
        Class::RateLimited { until: Some(_) }
    ));
}

#[tokio::test]
async fn each_try_has_the_same_id_and_body_and_a_signature_that_receivers_accept() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/hook"))
        .and(query_param("key", "1"))
        .respond_with(ResponseTemplate::new(204))
        .expect(2)
        .mount(&server)
        .await;
    let bench = Bench::new();
    let account = bench.open_at("webhook", &server.uri());
    let draft = Draft::text("¡Hoy!");
    for _ in 0..2 {
        draft.send(account.as_ref()).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].body, requests[1].body);
    let get = |name: &str| {
        requests[0]
            .headers
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(get("webhook-id"), format!("msg_{}", delivery(0)));
    assert_eq!(get("webhook-timestamp"), now().as_second().to_string());
    assert_eq!(get("content-type"), "application/json");

    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"steadfast-test-secret-0123456789").unwrap();
    mac.update(format!("{}.{}.", get("webhook-id"), get("webhook-timestamp")).as_bytes());
    mac.update(&requests[0].body);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(get("webhook-signature"), format!("v1,{signature}"));
}
