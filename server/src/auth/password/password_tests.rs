//! Passwords, their hashes and their limits.

use super::*;
use proptest::prelude::*;
use std::time::Duration;

const SMALL: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
const MIDDLE: Cost = Cost { memory_kib: 128, passes: 2, lanes: 1 };

fn chosen(text: &str) -> Chosen {
    Chosen::new(text.to_owned(), "nobody@example.org").unwrap()
}

fn typed(text: &str) -> Typed {
    Typed::new(text.to_owned()).unwrap()
}

const RIGHT: Verdict = Verdict::Right { better: None };

#[tokio::test]
async fn the_password_is_right_and_no_other_is() {
    let passwords = Passwords::new().unwrap();
    let stored = passwords.hash(chosen("correct horse battery")).await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(passwords.compare(typed("correct horse battery"), Some(&stored)).await.unwrap(), RIGHT);
    for wrong in ["correct horse batterY", "correct horse battery ", "", &"x".repeat(PASSWORD_BYTES_MAX)] {
        assert_eq!(passwords.compare(typed(wrong), Some(&stored)).await.unwrap(), Verdict::Wrong);
    }
    assert_eq!(passwords.compare(typed("correct horse battery"), None).await.unwrap(), Verdict::Wrong);
    let again = passwords.hash(chosen("correct horse battery")).await.unwrap();
    assert_ne!(stored, again, "each has its own salt");
}

#[tokio::test]
async fn a_hash_that_was_made_with_less_work_is_made_anew_when_its_owner_comes() {
    let old = Passwords::of(SMALL).unwrap();
    let stored = old.hash(chosen("correct horse battery")).await.unwrap();
    let new = Passwords::of(MIDDLE).unwrap();
    assert_eq!(new.compare(typed("wrong"), Some(&stored)).await.unwrap(), Verdict::Wrong);
    let right = new.compare(typed("correct horse battery"), Some(&stored)).await.unwrap();
    let Verdict::Right { better: Some(better) } = right else { panic!("{right:?}") };
    assert!(better.contains("$m=128,t=2,p=1$"), "{better}");
    assert_eq!(new.compare(typed("correct horse battery"), Some(&better)).await.unwrap(), RIGHT);
    assert_eq!(
        old.compare(typed("correct horse battery"), Some(&better)).await.unwrap(),
        RIGHT,
        "more is kept"
    );
}

#[tokio::test]
async fn what_is_no_hash_of_ours_is_refused_before_any_work() {
    let passwords = Passwords::of(SMALL).unwrap();
    let real = passwords.hash(chosen("correct horse battery")).await.unwrap();
    let (long, greedy) = ("$argon2id$".repeat(100), real.replace("m=64,t=1", "m=4000000,t=1"));
    let (slow, other) = (real.replace("t=1", "t=4000000"), real.replace("argon2id", "argon2d"));
    let cut = real.rsplit_once('$').unwrap().0;
    for stored in ["", "secret", "$argon2id$", &*long, &*greedy, &*slow, &*other, cut] {
        let refused = passwords.compare(typed("correct horse battery"), Some(stored)).await;
        assert!(matches!(refused, Err(HashError::Stored)), "{stored}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_told_to_come_again_and_the_rest_is_served() {
    let passwords = Passwords::of(Cost { memory_kib: 4096, passes: 2, lanes: 1 }).unwrap();
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..WAITING_MAX + 20 {
        let passwords = passwords.clone();
        crowd.spawn(async move { passwords.compare(typed("anything else"), None).await });
    }
    let (mut served, mut busy) = (0, 0);
    for answer in crowd.join_all().await {
        match answer {
            Ok(Verdict::Wrong) => served += 1,
            Err(HashError::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(served >= WAITING_MAX && busy > 0, "{served} served, {busy} not");
    let later = passwords.compare(typed("anything else"), None).await.unwrap();
    assert_eq!(later, Verdict::Wrong, "places are free again");
}

/// Whoever leaves while a hash is made does not make room for more hashes than there are hands.
#[tokio::test(flavor = "multi_thread")]
async fn a_place_is_free_when_its_work_is_done_not_when_nobody_waits_for_it() {
    let passwords = Passwords::of(SMALL).unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let work = passwords.beside(move || {
        let _ = held.recv();
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
    assert_eq!(passwords.hands.available_permits(), HASHING_MAX - 1);
    release.send(()).unwrap();
    while passwords.hands.available_permits() < HASHING_MAX {
        tokio::task::yield_now().await;
    }
}

#[test]
fn lengths_are_counted_in_characters_and_bounded_in_bytes() {
    let new = |text: String| Chosen::new(text, "nobody@example.org").err();
    let word = "zu8\u{e4}kx\u{1f3b5}q";
    assert_eq!(word.chars().count(), 8);
    assert_eq!(new(word.to_owned()), None);
    assert_eq!(new(word.chars().take(7).collect()), Some(NoPassword::TooShort));
    let long: String = word.repeat(32);
    assert_eq!(long.chars().count(), PASSWORD_CHARS_MAX);
    assert_eq!(new(long.replace('q', "qq")), Some(NoPassword::TooLong));
    assert_eq!(new("x".repeat(1 << 20)), Some(NoPassword::TooLong));
    assert_eq!(new("Password1".to_owned()), Some(NoPassword::Common));
    assert_eq!(new("my nobody 12".to_owned()), Some(NoPassword::OwnAddress));
    assert!(Typed::new("x".repeat(PASSWORD_BYTES_MAX)).is_ok());
    assert_eq!(Typed::new("x".repeat(PASSWORD_BYTES_MAX + 1)).err(), Some(NoPassword::TooLong));
}

#[test]
fn a_password_is_not_shown() {
    let shown = format!("{:?} {:?}", typed("s3cret words"), chosen("s3cret words"));
    assert_eq!(shown, "Typed(..) Chosen(..)");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_may_be_chosen_is_right_and_one_character_less_is_wrong(text in ".{8,64}") {
        let Ok(password) = Chosen::new(text.clone(), "nobody@example.org") else { return Ok(()) };
        let stored = hash(SMALL, &password.0).unwrap();
        prop_assert_eq!(compare(SMALL, &text, &stored).unwrap(), (true, false));
        let less: String = text.chars().skip(1).collect();
        prop_assert_eq!(compare(SMALL, &less, &stored).unwrap().0, false);
    }
}
