//! Laws of endpoints and of what they are told.

use super::{Bed, asks, at, stems};
use crate::clock::Timestamp;
use crate::store::NewJob;
use crate::store::webhooks::{AddedWebhook, Load, NewWebhook};
use crate::tenant::Tenant;
use crate::webhook::{
    DeliveryState, Event, FAILING_DAYS_MAX, Failed, Fate, OLD_SECRET_SIGNS, PATIENCE, Parcel, Secret,
    WEBHOOKS_MAX, Webhook,
};
use tributary_protocol::vocab::{EventId, JobId, WebhookId};

const FREELY: Load = Load { deliveries: 1000, of_one_endpoint: 1000 };

fn wish(events: &[Event], secret: &str) -> NewWebhook {
    let secret = Secret::new(&secret.repeat(43));
    NewWebhook {
        id: WebhookId::generate(),
        url: "https://h.example/x".into(),
        events: events.to_vec(),
        secret,
        made_by: None,
    }
}

async fn add(bed: &Bed, tenant: &Tenant, events: &[Event]) -> Webhook {
    match bed.store.add_webhook(tenant, &wish(events, "s"), at(0)).await.unwrap() {
        AddedWebhook::Yes(webhook) => webhook,
        other => panic!("not added: {other:?}"),
    }
}

/// An endpoint and a delivery: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    let webhook = add(bed, tenant, &Event::CHOICES).await;
    assert!(bed.store.test_webhook(tenant, webhook.id, EventId::generate(), at(1)).await.unwrap());
}

fn event_of(job: JobId) -> EventId {
    EventId::from_slice(job.as_bytes()).unwrap()
}

async fn take(bed: &Bed, load: Load, now: i64) -> Vec<Parcel> {
    bed.store.take_deliveries(load, at(now), at(now + 60)).await.unwrap()
}

pub(in crate::store) async fn an_end_is_told_to_those_who_want_it_once(bed: &Bed) {
    let (tenant, other) = (bed.account(50).await, bed.account(50).await);
    let all = add(bed, &tenant, &Event::CHOICES).await;
    let failures = add(bed, &tenant, &[Event::JobFailed]).await;
    add(bed, &other, &Event::CHOICES).await;
    let done = bed.running(&tenant, 4).await;
    for _ in 0..2 {
        bed.store.finish(&done, &stems(), at(3)).await.unwrap();
    }
    let failed = bed.running(&tenant, 4).await;
    bed.store.fail(&failed, "broken", at(4)).await.unwrap();
    let stopped = bed.running(&tenant, 4).await;
    bed.store.stopped(&stopped, 1, at(5)).await.unwrap();
    let waiting = bed.admit(&tenant, &asks(1), 5).await;
    for _ in 0..2 {
        bed.store.cancel(&tenant, waiting.id, at(6)).await.unwrap();
    }
    // Of a clip that never came, too.
    let never = NewJob { clip_is_stored: false, upload_until: at(7), ..asks(1) };
    bed.admit(&tenant, &never, 5).await;
    for reaped in [1, 0] {
        assert_eq!(bed.store.reap(3, at(8), 10).await.unwrap().len(), reaped);
    }
    let told = async |webhook: &Webhook| {
        let told = bed.store.deliveries(&tenant, webhook.id, 100).await.unwrap();
        told.iter().map(|told| (told.event_id, told.event, told.created_at)).collect::<Vec<_>>()
    };
    let failure = (event_of(failed.job.id), Event::JobFailed, at(4));
    assert_eq!(told(&failures).await, [failure]);
    assert_eq!(
        told(&all).await,
        [
            (event_of(never.id), Event::JobExpired, at(8)),
            (event_of(waiting.id), Event::JobCancelled, at(6)),
            (event_of(stopped.job.id), Event::JobCancelled, at(5)),
            failure,
            (event_of(done.job.id), Event::JobDone, at(3)),
        ]
    );
    let parcels = take(bed, FREELY, 10).await;
    assert_eq!(parcels.len(), 6, "none of the other account's");
    assert!(parcels.iter().all(|parcel| parcel.account == tenant.account()));
}

pub(in crate::store) async fn an_account_has_so_many_endpoints_and_sees_its_own(bed: &Bed) {
    let (tenant, other) = (bed.account(0).await, bed.account(0).await);
    let mut made = Vec::new();
    for _ in 0..WEBHOOKS_MAX {
        made.push(add(bed, &tenant, &[Event::JobDone]).await);
    }
    let one_more = wish(&[Event::JobDone], "s");
    assert_eq!(bed.store.add_webhook(&tenant, &one_more, at(1)).await.unwrap(), AddedWebhook::TooMany);
    assert_eq!(bed.store.webhooks(&tenant).await.unwrap(), made);
    let (first, event) = (made[0].id, EventId::generate());
    assert!(bed.store.test_webhook(&tenant, first, event, at(1)).await.unwrap());
    // Another account's is the same as none.
    let (store, secret) = (&bed.store, Secret::new(&"t".repeat(43)));
    assert_eq!(store.webhooks(&other).await.unwrap(), []);
    assert_eq!(store.webhook(&other, first).await.unwrap(), None);
    assert_eq!(store.deliveries(&other, first, 10).await.unwrap(), []);
    assert!(!store.test_webhook(&other, first, EventId::generate(), at(2)).await.unwrap());
    assert_eq!(store.deliver_again(&other, first, event, at(2)).await.unwrap(), None);
    assert!(!store.rotate_webhook(&other, first, &secret, at(9)).await.unwrap());
    assert!(!store.remove_webhook(&other, first).await.unwrap());
    assert_eq!(take(bed, FREELY, 2).await.len(), 1);
    // What is removed is told nothing any more, and there is room again.
    assert!(store.remove_webhook(&tenant, first).await.unwrap());
    assert!(!store.remove_webhook(&tenant, first).await.unwrap());
    assert_eq!(take(bed, FREELY, 1000).await, []);
    assert!(matches!(store.add_webhook(&tenant, &one_more, at(3)).await.unwrap(), AddedWebhook::Yes(_)));
}

pub(in crate::store) async fn an_endpoint_that_changes_hears_of_other_ends_from_then_on(bed: &Bed) {
    let (tenant, other) = (bed.account(50).await, bed.account(50).await);
    let store = &bed.store;
    let made = add(bed, &tenant, &[Event::JobDone, Event::JobFailed]).await;
    let beside = add(bed, &tenant, &[Event::JobDone]).await;
    let done = bed.running(&tenant, 4).await;
    store.finish(&done, &stems(), at(3)).await.unwrap();
    // Another account's is the same as none, and nothing of it changes.
    let wanted = [Event::JobFailed, Event::JobExpired];
    assert_eq!(store.change_webhook(&other, made.id, &wanted).await.unwrap(), None);
    assert_eq!(store.change_webhook(&tenant, WebhookId::generate(), &wanted).await.unwrap(), None);
    assert_eq!(store.webhook(&tenant, made.id).await.unwrap().as_ref(), Some(&made));
    // Nothing but its events changes, as often as it is asked for.
    let changed = Webhook { events: wanted.to_vec(), ..made.clone() };
    for _ in 0..2 {
        let answer = store.change_webhook(&tenant, made.id, &wanted).await.unwrap();
        assert_eq!(answer.as_ref(), Some(&changed));
    }
    assert_eq!(store.webhooks(&tenant).await.unwrap(), [changed.clone(), beside.clone()]);
    // An endpoint that hears of nothing is none: the database says so, too.
    assert!(store.change_webhook(&tenant, made.id, &[]).await.is_err());
    assert_eq!(store.webhook(&tenant, made.id).await.unwrap(), Some(changed));
    // From then on it hears of these, and what it was to be told before it is still told.
    let unheard = bed.running(&tenant, 4).await;
    store.finish(&unheard, &stems(), at(4)).await.unwrap();
    let never = NewJob { clip_is_stored: false, upload_until: at(5), ..asks(1) };
    bed.admit(&tenant, &never, 4).await;
    assert_eq!(store.reap(3, at(6), 10).await.unwrap().len(), 1);
    let expired = (made.id, event_of(never.id), Event::JobExpired);
    let before = (made.id, event_of(done.job.id), Event::JobDone);
    let parcels = take(bed, FREELY, 10).await;
    let told = parcels.iter().map(|parcel| (parcel.webhook, parcel.event_id, parcel.event));
    let (own, others): (Vec<_>, Vec<_>) = told.partition(|(webhook, ..)| *webhook == made.id);
    assert_eq!(own, [before, expired]);
    assert_eq!(others.len(), 2, "the one beside it hears of both that are done");
    // Who asks with the name it was made by asks for what it was.
    let AddedWebhook::Conflict = store
        .add_webhook(&tenant, &NewWebhook { id: made.id, ..wish(&made.events, "s") }, at(7))
        .await
        .unwrap()
    else {
        panic!("it has other events by now")
    };
}

pub(in crate::store) async fn an_endpoint_is_made_once_a_name(bed: &Bed) {
    let (tenant, other) = (bed.account(0).await, bed.account(0).await);
    let first = wish(&[Event::JobDone, Event::JobFailed], "s");
    let add =
        async |tenant: &Tenant, new: &NewWebhook| bed.store.add_webhook(tenant, new, at(1)).await.unwrap();
    let AddedWebhook::Yes(made) = add(&tenant, &first).await else { panic!("it is new") };
    // Another secret came with the second asking, and was not taken.
    let again = NewWebhook { secret: Secret::new(&"t".repeat(43)), ..first.clone() };
    assert_eq!(add(&tenant, &again).await, AddedWebhook::Known(made.clone()));
    let secret = async |tenant| bed.store.webhook_secret(tenant, first.id).await.unwrap();
    assert_eq!(secret(&tenant).await.as_ref(), Some(&first.secret));
    assert_eq!(secret(&other).await, None, "another's is none");
    let elsewhere = NewWebhook { url: "https://h.example/y".into(), ..first.clone() };
    let less = NewWebhook { events: vec![Event::JobDone], ..first.clone() };
    for different in [&elsewhere, &less] {
        assert_eq!(add(&tenant, different).await, AddedWebhook::Conflict);
    }
    assert!(matches!(add(&other, &elsewhere).await, AddedWebhook::Yes(_)), "names are an account's own");
    assert_eq!(bed.store.webhooks(&tenant).await.unwrap(), [made]);
    // Also where there is room for no more.
    for _ in 1..WEBHOOKS_MAX {
        let one_more = wish(&[Event::JobDone], "s");
        assert!(matches!(add(&tenant, &one_more).await, AddedWebhook::Yes(_)));
    }
    assert!(matches!(add(&tenant, &again).await, AddedWebhook::Known(_)));
}

pub(in crate::store) async fn an_endpoint_that_takes_nothing_for_days_is_switched_off(bed: &Bed) {
    const DAY: i64 = 86_400;
    let days = i64::from(FAILING_DAYS_MAX);
    let (tenant, store) = (bed.account(20).await, &bed.store);
    let (broken, well) =
        (add(bed, &tenant, &[Event::JobDone]).await, add(bed, &tenant, &[Event::JobDone]).await);
    let failed = |reason: &str| Failed { status: Some(500), reason: reason.into() };
    let test = async |webhook: &Webhook, now| {
        let event = EventId::generate();
        store.test_webhook(&tenant, webhook.id, event, at(now)).await.unwrap();
        let taken = take(bed, FREELY, now).await;
        taken.into_iter().find(|parcel| parcel.event_id == event).unwrap()
    };
    let end = async |parcel, fate, now| store.end_delivery(&parcel, &fate, at(now)).await.unwrap();
    let look = async |webhook: &Webhook| store.webhook(&tenant, webhook.id).await.unwrap().unwrap();

    // What fails and is taken in the end is no reason, however often.
    let parcel = test(&broken, 1).await;
    assert_eq!(end(parcel.clone(), Fate::Again(at(DAY), failed("no")), 2).await, None);
    assert_eq!(end(parcel, Fate::Delivered(200), DAY).await, None);
    // The first that failed since begins the count.
    let begin = DAY + 10;
    let parcel = test(&broken, begin).await;
    assert_eq!(end(parcel.clone(), Fate::Again(at(2 * DAY), failed("no")), begin).await, None);
    assert_eq!(end(parcel, Fate::Dead(failed("no")), begin + days * DAY - 1).await, None, "not yet");
    let waiting = test(&broken, begin + days * DAY - 1).await;
    let job = bed.running(&tenant, 1).await;
    store.finish(&job, &stems(), at(begin + days * DAY)).await.unwrap();
    let parcel = test(&broken, begin + days * DAY).await;
    assert_eq!(end(parcel.clone(), Fate::Again(at(DAY), failed("no")), begin + days * DAY).await, None);
    let now = begin + days * DAY + 1;
    let off = end(parcel, Fate::Dead(failed("it answered 500")), now).await.expect("switched off");
    let disabled = off.disabled.clone().unwrap();
    assert_eq!((off.id, disabled.at, &*disabled.reason), (broken.id, at(now), "it answered 500"));
    assert_eq!((look(&broken).await, look(&well).await.disabled), (off, None));
    let told = store.deliveries(&tenant, broken.id, 100).await.unwrap();
    assert!(told.iter().all(|told| told.state != DeliveryState::Waiting), "{told:?}");
    assert_eq!(end(waiting, Fate::Delivered(200), now).await, None, "it was given up");

    // Jobs are not kept for it; what somebody asks for is sent, and switches it off no second time.
    let job = bed.running(&tenant, 1).await;
    store.finish(&job, &stems(), at(now + 1)).await.unwrap();
    assert_eq!(store.deliveries(&tenant, broken.id, 100).await.unwrap().len(), told.len());
    let on_their_way = take(bed, FREELY, now + 1).await;
    assert!(on_their_way.iter().all(|parcel| parcel.webhook == well.id));
    let parcel = test(&broken, now + 2).await;
    assert_eq!(end(parcel, Fate::Dead(failed("still")), now + 3).await, None);
    assert_eq!(look(&broken).await.disabled, Some(disabled));

    // Switched on again, the count begins anew.
    let other = bed.account(0).await;
    assert_eq!(store.enable_webhook(&other, broken.id).await.unwrap(), None);
    let on = store.enable_webhook(&tenant, broken.id).await.unwrap().unwrap();
    assert_eq!((&on.disabled, &look(&broken).await), (&None, &on));
    assert_eq!(store.enable_webhook(&tenant, broken.id).await.unwrap(), Some(on), "asked again");
    let parcel = test(&broken, now + 4).await;
    assert_eq!(end(parcel, Fate::Dead(failed("no")), now + 5).await, None);
    let job = bed.running(&tenant, 1).await;
    store.finish(&job, &stems(), at(now + 6)).await.unwrap();
    assert_eq!(store.deliveries(&tenant, broken.id, 1).await.unwrap()[0].event_id, event_of(job.job.id));
}

pub(in crate::store) async fn what_is_taken_up_is_nobody_elses_until_its_lease_ends(bed: &Bed) {
    let tenant = bed.account(0).await;
    let webhook = add(bed, &tenant, &[Event::JobDone]).await;
    let event = EventId::generate();
    bed.store.test_webhook(&tenant, webhook.id, event, at(5)).await.unwrap();
    assert_eq!(take(bed, FREELY, 4).await, [], "not before its time");
    let taken = take(bed, FREELY, 5).await;
    assert_eq!((taken.len(), taken[0].event_id, taken[0].tries), (1, event, 0));
    assert_eq!(taken[0].give_up_at, at(5).after(PATIENCE));
    assert_eq!(take(bed, FREELY, 64).await, []);
    // Whoever had it died.
    assert_eq!(take(bed, FREELY, 65).await, taken);
}

pub(in crate::store) async fn one_endpoint_keeps_no_other_waiting(bed: &Bed) {
    let tenant = bed.account(0).await;
    let (slow, quick) =
        (add(bed, &tenant, &[Event::JobDone]).await, add(bed, &tenant, &[Event::JobDone]).await);
    for second in 1..=10 {
        bed.store.test_webhook(&tenant, slow.id, EventId::generate(), at(second)).await.unwrap();
    }
    bed.store.test_webhook(&tenant, quick.id, EventId::generate(), at(20)).await.unwrap();
    let load = Load { deliveries: 3, of_one_endpoint: 2 };
    let taken = take(bed, load, 30).await;
    let of = |parcels: &[Parcel], webhook: &Webhook| {
        parcels.iter().filter(|parcel| parcel.webhook == webhook.id).count()
    };
    assert_eq!((of(&taken, &slow), of(&taken, &quick)), (2, 1));
    assert_eq!(taken[0].created_at, at(1), "the longest waiting first");
    assert_eq!(take(bed, load, 31).await, [], "two are on their way there");
    bed.store.end_delivery(&taken[0], &Fate::Delivered(204), at(32)).await.unwrap();
    assert_eq!(of(&take(bed, load, 33).await, &slow), 1);
}

pub(in crate::store) async fn a_delivery_is_tried_until_it_is_taken_or_given_up(bed: &Bed) {
    let tenant = bed.account(0).await;
    let webhook = add(bed, &tenant, &[Event::JobDone]).await;
    let (store, event) = (&bed.store, EventId::generate());
    store.test_webhook(&tenant, webhook.id, event, at(1)).await.unwrap();
    let look = async || store.deliveries(&tenant, webhook.id, 10).await.unwrap().remove(0);
    let failed = Failed { status: Some(500), reason: "it answered 500".into() };
    let parcel = take(bed, FREELY, 1).await.remove(0);
    store.end_delivery(&parcel, &Fate::Again(at(20), failed.clone()), at(2)).await.unwrap();
    let waiting = look().await;
    assert_eq!((waiting.state, waiting.tries, waiting.next_try_at), (DeliveryState::Waiting, 1, at(20)));
    assert_eq!((waiting.last_status, waiting.last_error.as_deref()), (Some(500), Some("it answered 500")));
    assert_eq!(take(bed, FREELY, 19).await, []);
    let parcel = take(bed, FREELY, 20).await.remove(0);
    assert_eq!(parcel.tries, 1);
    let silent = Failed { status: None, reason: "silence".into() };
    store.end_delivery(&parcel, &Fate::Dead(silent), at(21)).await.unwrap();
    let dead = look().await;
    assert_eq!((dead.state, dead.tries, dead.ended_at), (DeliveryState::Dead, 2, Some(at(21))));
    assert_eq!((dead.last_status, take(bed, FREELY, 99).await), (None, vec![]));
    // What has ended stays as it ended, until somebody asks for it again.
    store.end_delivery(&parcel, &Fate::Delivered(200), at(22)).await.unwrap();
    assert_eq!(look().await, dead);
    let again = store.deliver_again(&tenant, webhook.id, event, at(30)).await.unwrap().unwrap();
    assert_eq!((again.state, again.tries, again.ended_at), (DeliveryState::Waiting, 0, None));
    let parcel = take(bed, FREELY, 30).await.remove(0);
    assert_eq!((parcel.give_up_at, parcel.created_at), (at(30).after(PATIENCE), at(1)));
    store.end_delivery(&parcel, &Fate::Delivered(200), at(31)).await.unwrap();
    let taken = look().await;
    assert_eq!(
        (taken.state, taken.last_status, taken.last_error),
        (DeliveryState::Delivered, Some(200), None)
    );
    assert_eq!(store.sweep_deliveries(at(31)).await.unwrap(), 0);
    assert_eq!(store.sweep_deliveries(at(32)).await.unwrap(), 1);
    assert_eq!(store.deliveries(&tenant, webhook.id, 10).await.unwrap(), []);
}

pub(in crate::store) async fn an_old_secret_signs_until_its_time(bed: &Bed) {
    let tenant = bed.account(0).await;
    let webhook = add(bed, &tenant, &[Event::JobDone]).await;
    bed.store.test_webhook(&tenant, webhook.id, EventId::generate(), at(0)).await.unwrap();
    let [old, new] = ["s", "t"].map(|letter| Secret::new(&letter.repeat(43)));
    let secrets = async |now: i64| take(bed, FREELY, now).await.remove(0).secrets;
    assert_eq!(secrets(0).await, std::slice::from_ref(&old));
    let until = at(100).after(OLD_SECRET_SIGNS);
    assert!(bed.store.rotate_webhook(&tenant, webhook.id, &new, until).await.unwrap());
    let Timestamp(us) = until;
    assert_eq!(secrets(100).await, [new.clone(), old]);
    assert_eq!(secrets(us / 1_000_000).await, [new]);
    let seen = bed.store.webhook(&tenant, webhook.id).await.unwrap().unwrap();
    assert_eq!(seen.old_until, Some(until));
}
