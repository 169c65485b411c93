//! Events reach whoever listens: each as often as asked for, signed, and what was answered is remembered.

#![expect(clippy::unwrap_used, reason = "all of it is tests; clippy sees only the functions marked so")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tributary_stripe_double::{Delivery, Double, Event, Post, Settings, TEST_KEY, TIMES, Way, sign};

const NOW: i64 = 1_800_000_000;
const SECRETS: [&str; 2] = ["whsec_old", "whsec_new"];

type Heard = mpsc::Receiver<(Vec<u8>, String)>;

/// Somebody who listens, and what was heard.
async fn listener() -> (String, Heard) {
    let (heard, hears) = mpsc::channel(100);
    let listen = async |State(heard): State<mpsc::Sender<_>>, headers: HeaderMap, body: Bytes| {
        let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
        heard.send((body.to_vec(), signature)).await.unwrap();
        StatusCode::ACCEPTED
    };
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/events", socket.local_addr().unwrap());
    let router = Router::new().route("/events", post(listen)).with_state(heard);
    tokio::spawn(async move { axum::serve(socket, router).await });
    (url, hears)
}

async fn double(post: Post) -> Double {
    let secrets = SECRETS.map(str::to_owned).to_vec();
    Double::start(Settings { clock: Arc::new(|| NOW), secrets, post }).await.unwrap()
}

/// Something happens.
async fn customer(double: &Double) -> Event {
    let request = hyper::Request::post("/v1/customers")
        .header("host", "stripe")
        .header("authorization", format!("Bearer {TEST_KEY}"))
        .body(http_body_util::Full::new(Bytes::from("email=a%40b.c")))
        .unwrap();
    let address = double.url().strip_prefix("http://").unwrap();
    let stream = hyper_util::rt::TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    double.events().pop().unwrap()
}

#[tokio::test]
async fn an_event_comes_as_often_as_asked_for_with_a_signature_of_every_secret() {
    let (url, mut hears) = listener().await;
    let double = double(Post::To { url, times: TIMES }).await;
    let event = customer(&double).await;
    assert_eq!(event.kind, "customer.created");
    for _ in 0..TIMES {
        let (body, signature) = hears.recv().await.unwrap();
        assert_eq!(body, event.body());
        assert_eq!(signature, sign(&body, &SECRETS.map(str::to_owned), NOW));
        assert_eq!(signature.matches("v1=").count(), SECRETS.len());
    }
    // The last one is remembered after it was heard.
    customer(&double).await;
    hears.recv().await.unwrap();
    let first = Delivery { event: event.id, status: Some(202) };
    assert_eq!(double.deliveries()[..TIMES], vec![first; TIMES]);
}

#[tokio::test]
async fn events_that_are_kept_are_brought_in_any_order() {
    let (url, mut hears) = listener().await;
    let double = double(Post::Kept).await;
    let (first, second) = (customer(&double).await, customer(&double).await);
    assert_ne!(first.id, second.id);
    for event in [&second, &first, &second] {
        assert_eq!(double.bring(event, &url).await.unwrap(), 202);
        assert_eq!(hears.recv().await.unwrap().0, event.body());
    }
    assert!(double.deliveries().is_empty());
    assert!(double.pay("cs_test_none", Way::Card).is_err());
}

#[tokio::test]
async fn nobody_who_listens_is_remembered_too() {
    let double = double(Post::To { url: "http://127.0.0.1:1/".to_owned(), times: 1 }).await;
    let event = customer(&double).await;
    let (url, mut hears) = listener().await;
    double.post_to(Post::To { url, times: 1 });
    customer(&double).await;
    hears.recv().await.unwrap();
    assert_eq!(double.deliveries()[0], Delivery { event: event.id, status: None });
}
