//! Whether an event is Stripe's, and what it is about.

use crate::scene::{BEGIN, SECRET, Scene};
use tributary_stripe::webhook::{BODY_BYTES_MAX, HEADER_BYTES_MAX, TOLERANCE_SECONDS, verify};
use tributary_stripe::{Envelope, SignatureError};
use tributary_stripe_double::{Event, Way, sign};

const SECOND: &str = "whsec_second";

fn secrets(all: &[&str]) -> Vec<String> {
    all.iter().map(|secret| (*secret).to_owned()).collect()
}

/// The event of a checkout that was paid.
async fn completed() -> (Scene, Event, String) {
    let scene = Scene::new().await;
    let opened = scene.open("p1").await;
    scene.double.pay(&opened.id, Way::Card).unwrap();
    let event = scene.double.events().pop().unwrap();
    (scene, event, opened.id)
}

#[tokio::test]
async fn an_event_says_what_to_ask_for() {
    let (_scene, event, checkout) = completed().await;
    let body = event.body();
    let header = sign(&body, &secrets(&[SECRET]), BEGIN);
    let expected = Envelope {
        id: event.id,
        kind: "checkout.session.completed".to_owned(),
        created_at_seconds: BEGIN,
        livemode: false,
        object_kind: Some("checkout.session".to_owned()),
        object: Some(checkout),
    };
    assert_eq!(verify(&body, &header, &secrets(&[SECRET]), BEGIN).unwrap(), expected);
}

#[tokio::test]
async fn every_event_of_a_whole_life_is_verified() {
    let (scene, event, checkout) = completed().await;
    let payment = scene.stripe.checkout(&checkout).await.unwrap().payment.unwrap();
    scene.double.refund(&payment, Some(1)).unwrap();
    scene.double.dispute(&payment).unwrap();
    let events = scene.double.events();
    assert!(events.len() > 8 && events.contains(&event));
    for event in events {
        let body = event.body();
        let header = sign(&body, &secrets(&[SECRET]), BEGIN);
        let envelope = verify(&body, &header, &secrets(&[SECRET]), BEGIN).unwrap();
        assert_eq!((envelope.id, envelope.kind), (event.id, event.kind));
        assert_eq!(envelope.object.as_deref(), event.object["id"].as_str());
    }
}

#[tokio::test]
async fn one_secret_is_replaced_by_another_without_a_gap() {
    let (_scene, event, _) = completed().await;
    let body = event.body();
    for (signing, known, is_right) in [
        (&[SECRET][..], &[SECRET, SECOND][..], true),
        (&[SECOND], &[SECRET, SECOND], true),
        (&[SECRET, SECOND], &[SECOND], true),
        (&[SECRET, SECOND], &[SECRET], true),
        (&[SECRET], &[SECOND], false),
        (&[SECRET], &[], false),
        (&[], &[SECRET], false),
        (&[""], &[""], false),
    ] {
        let header = sign(&body, &secrets(signing), BEGIN);
        let verified = verify(&body, &header, &secrets(known), BEGIN);
        match verified {
            Ok(_) => assert!(is_right, "{signing:?} {known:?}"),
            Err(SignatureError::Mismatch) => assert!(!is_right, "{signing:?} {known:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_signature_is_taken_for_five_minutes() {
    let (_scene, event, _) = completed().await;
    let body = event.body();
    let header = sign(&body, &secrets(&[SECRET]), BEGIN);
    for (now, is_right) in [
        (BEGIN + TOLERANCE_SECONDS, true),
        (BEGIN - TOLERANCE_SECONDS, true),
        (BEGIN + TOLERANCE_SECONDS + 1, false),
        (BEGIN - TOLERANCE_SECONDS - 1, false),
        (i64::MAX, false),
        (i64::MIN, false),
    ] {
        match verify(&body, &header, &secrets(&[SECRET]), now) {
            Ok(_) => assert!(is_right, "{now}"),
            Err(SignatureError::TooOld { age_seconds }) => {
                assert!(!is_right);
                assert_eq!(age_seconds, now.saturating_sub(BEGIN));
            }
            other => panic!("{other:?}"),
        }
    }
    // An old one that nobody signed is no old one.
    let foreign = sign(&body, &secrets(&[SECOND]), BEGIN);
    let verified = verify(&body, &foreign, &secrets(&[SECRET]), BEGIN + 1000);
    assert!(matches!(verified, Err(SignatureError::Mismatch)));
}

#[tokio::test]
async fn one_changed_byte_of_body_time_or_signature_is_noticed() {
    let (_scene, event, _) = completed().await;
    let body = event.body();
    let header = sign(&body, &secrets(&[SECRET]), BEGIN);
    let mut changed = body.clone();
    let last = changed.len() - 1;
    changed[last] = b' ';
    for (body, header) in [
        (&changed, header.clone()),
        (&[&body[..], b" "].concat(), header.clone()),
        (&body, header.replacen(&BEGIN.to_string(), &(BEGIN + 1).to_string(), 1)),
        (&body, header.replacen("v1=", "v1=0", 1)),
        (&body, header.replacen("v1=", "v0=", 1)),
        (&body, header.replacen(",v0=", ",v1=", 1).replacen("v1=", "v2=", 1)),
    ] {
        let verified = verify(body, &header, &secrets(&[SECRET]), BEGIN);
        assert!(matches!(verified, Err(SignatureError::Mismatch)), "{header}: {verified:?}");
    }
}

/// Computed by another program (Python's `hmac`).
#[test]
fn a_known_signature_is_right() {
    let body = br#"{"id":"evt_1","type":"ping","created":1,"livemode":false}"#;
    let header = "t=1700000000,v1=4f1865649eaf7e9e7b162641323d1f07e10348da898c2bbc9bf98ef32c86aa7c";
    assert_eq!(verify(body, header, &secrets(&["whsec_known"]), 1_700_000_000).unwrap().kind, "ping");
}

#[test]
fn a_header_that_is_not_stripes_is_told_from_a_wrong_signature() {
    for header in ["", "v1=aa", "t=", "t=soon,v1=aa", "garbage", "t", &"t=1,".repeat(HEADER_BYTES_MAX)] {
        let verified = verify(b"{}", header, &secrets(&[SECRET]), BEGIN);
        assert!(matches!(verified, Err(SignatureError::Header)), "{header}");
    }
    for header in ["t=1", "t=1,v1=", "t=1,v1=zz", "t=1,v1=ä", "t=1,,v1"] {
        let verified = verify(b"{}", header, &secrets(&[SECRET]), BEGIN);
        assert!(matches!(verified, Err(SignatureError::Mismatch)), "{header}");
    }
}

#[tokio::test]
async fn an_event_of_a_later_stripe_is_still_an_event() {
    let (_scene, event, checkout) = completed().await;
    let drifted = event.drifted();
    let body = drifted.body();
    assert_ne!(body, event.body());
    let header = sign(&body, &secrets(&[SECRET]), BEGIN);
    let envelope = verify(&body, &header, &secrets(&[SECRET]), BEGIN).unwrap();
    assert_eq!((envelope.object, envelope.id), (Some(checkout), event.id));
}

#[test]
fn a_signed_event_needs_no_object_and_a_signed_text_is_no_event() {
    let verified = |body: &str| {
        let header = sign(body.as_bytes(), &secrets(&[SECRET]), BEGIN);
        verify(body.as_bytes(), &header, &secrets(&[SECRET]), BEGIN)
    };
    for data in ["", r#","data":null"#, r#","data":{"object":[1]}"#, r#","data":{"object":{"id":7}}"#] {
        let body =
            format!(r#"{{"id":"evt_1","type":"balance.available","created":1,"livemode":true{data}}}"#);
        let envelope = verified(&body).unwrap();
        assert_eq!((envelope.object, envelope.livemode), (None, true), "{data}");
    }
    for body in ["", "null", "hello", "[]", "{}", r#"{"id":1}"#, &"[".repeat(1000)] {
        assert!(matches!(verified(body), Err(SignatureError::NotAnEvent(_))), "{body}");
    }
}

#[test]
fn one_byte_over_the_limit_is_not_looked_at() {
    let begin = br#"{"id":"evt_1","type":"x","created":1,"livemode":false,"data":{}}"#;
    for (bytes, is_right) in [(BODY_BYTES_MAX, true), (BODY_BYTES_MAX + 1, false)] {
        let mut body = begin.to_vec();
        body.resize(bytes, b' ');
        let header = sign(&body, &secrets(&[SECRET]), BEGIN);
        match verify(&body, &header, &secrets(&[SECRET]), BEGIN) {
            Ok(_) => assert!(is_right),
            Err(SignatureError::TooLong { bytes: found }) => assert!(!is_right && found == bytes),
            other => panic!("{other:?}"),
        }
    }
}
