//! Laws of widgets: whose they are, what their visitors may spend, and whose job is whose.

use super::{Bed, asks, at, stems};
use crate::ledger::CameBy;
use crate::store::widgets::{AddedWidget, NewWidget};
use crate::store::{Admission, NewJob, SpendLimit};
use crate::tenant::Tenant;
use crate::widget::{Fixed, Origin, Visitor, WIDGETS_MAX, Widget};
use tributary_protocol::settings::Setting;
use tributary_protocol::vocab::{Credits, Sha256, WidgetId};

fn wish() -> NewWidget {
    let id = WidgetId::generate();
    let digits = id.to_string().replace('-', "");
    NewWidget {
        id,
        name: "The band's page".into(),
        token: format!("{digits}{}", &"t".repeat(43)[digits.len()..]),
        model: "mini".into(),
        fixed: fixed(),
        origins: ["https://band.example", "http://localhost:8080"]
            .map(|text| Origin::parse(text).unwrap())
            .to_vec(),
        month_limit: Credits(10),
        created_by: None,
    }
}

fn fixed() -> Fixed {
    let settings = [
        ("midi".to_owned(), Setting::Switch(false)),
        ("strength".to_owned(), Setting::Number(-1.5)),
        ("style".to_owned(), Setting::Choice("w\u{e4}rm".into())),
    ];
    Fixed { settings: settings.into(), stems: vec!["vocals".into(), "drums".into()] }
}

async fn added(bed: &Bed, tenant: &Tenant, new: &NewWidget, now: i64) -> Widget {
    match bed.store.add_widget(tenant, new, at(now)).await.unwrap() {
        AddedWidget::Yes(widget) => widget,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn add(bed: &Bed, tenant: &Tenant) -> Widget {
    added(bed, tenant, &wish(), 1).await
}

fn visitor(widget: &Widget) -> Visitor {
    let mut bytes = [5; 32];
    bytes[..16].copy_from_slice(WidgetId::generate().as_bytes());
    Visitor { widget: widget.id, secret_sha256: Sha256(bytes) }
}

/// A job of a visitor, as the widget's limit allows it from second 50 on.
fn visits(visitor: Visitor, quote: u64) -> NewJob {
    let spend_limit = Some(SpendLimit { credits: Credits(10), since: at(50) });
    NewJob { visitor: Some(visitor), spend_limit, ..asks(quote) }
}

/// A widget and a job that came by it: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    let widget = add(bed, tenant).await;
    // Its clip never comes: no test of other things claims it.
    let waits = NewJob { clip_is_stored: false, ..visits(visitor(&widget), 0) };
    bed.admit(tenant, &waits, 60).await;
}

pub(in crate::store) async fn an_account_has_so_many_widgets_and_sees_its_own(bed: &Bed) {
    let (tenant, other) = (bed.account(0).await, bed.account(0).await);
    let mut made = Vec::new();
    for _ in 0..WIDGETS_MAX {
        made.insert(0, add(bed, &tenant).await);
    }
    let store = &bed.store;
    assert_eq!(store.add_widget(&tenant, &wish(), at(2)).await.unwrap(), AddedWidget::TooMany);
    assert_eq!(store.widgets(&tenant).await.unwrap(), made);
    let new = NewWidget { name: "Träume".into(), fixed: Fixed::default(), ..wish() };
    let theirs = added(bed, &other, &new, 3).await;
    let expected = Widget {
        id: new.id,
        account: other.account(),
        name: new.name,
        token: new.token,
        model: new.model,
        fixed: new.fixed,
        origins: new.origins,
        month_limit: new.month_limit,
        created_at: at(3),
        created_by: None,
        revoked_at: None,
    };
    assert_eq!(theirs, expected);
    assert_eq!(made[0].fixed, fixed());
    assert_eq!(store.widgets(&other).await.unwrap(), [theirs]);
    assert_eq!(store.widget(&tenant, made[0].id).await.unwrap().as_ref(), Some(&made[0]));
    // Another account's is the same as none.
    assert_eq!(store.widget(&other, made[0].id).await.unwrap(), None);
    assert_eq!(store.widget(&other, WidgetId::generate()).await.unwrap(), None);
    assert!(!store.revoke_widget(&other, made[0].id, at(4)).await.unwrap());
    assert!(!store.revoke_widget(&other, WidgetId::generate(), at(4)).await.unwrap());
    assert_eq!(store.widget_spent(&other, made[0].id, at(0)).await.unwrap(), Credits::ZERO);
    assert!(store.revoke_widget(&tenant, made[0].id, at(4)).await.unwrap());
    // There is room again.
    added(bed, &tenant, &wish(), 5).await;
}

pub(in crate::store) async fn a_widget_is_made_once_a_name(bed: &Bed) {
    let (tenant, store) = (bed.account(0).await, &bed.store);
    let new = wish();
    let made = added(bed, &tenant, &new, 1).await;
    // Whoever asks again has made another token meanwhile.
    let again = NewWidget { token: wish().token, ..new.clone() };
    let answer = async |new: &NewWidget| store.add_widget(&tenant, new, at(9)).await.unwrap();
    assert_eq!(answer(&again).await, AddedWidget::Known(made.clone()));
    for other in [
        NewWidget { name: "Another".into(), ..new.clone() },
        NewWidget { model: "beats".into(), ..new.clone() },
        NewWidget { fixed: Fixed::default(), ..new.clone() },
        NewWidget { origins: new.origins[..1].to_vec(), ..new.clone() },
        NewWidget { month_limit: Credits(11), ..new.clone() },
    ] {
        assert_eq!(answer(&other).await, AddedWidget::Conflict, "{other:?}");
    }
    for _ in 1..WIDGETS_MAX {
        add(bed, &tenant).await;
    }
    assert_eq!(answer(&again).await, AddedWidget::Known(made.clone()), "also when there is no room");
    assert!(store.revoke_widget(&tenant, made.id, at(10)).await.unwrap());
    let dead = Widget { revoked_at: Some(at(10)), ..made };
    assert_eq!(answer(&again).await, AddedWidget::Known(dead), "it does not come back to life");
}

pub(in crate::store) async fn a_job_comes_by_a_widget_of_its_own_account(bed: &Bed) {
    let (tenant, stranger) = (bed.account(50).await, bed.account(50).await);
    let (own, foreign) = (add(bed, &tenant).await, add(bed, &stranger).await);
    for widget in [&foreign, &Widget { id: WidgetId::generate(), ..own.clone() }] {
        let new = visits(visitor(widget), 1);
        assert!(bed.store.admit(&tenant, &new, at(60)).await.is_err(), "{widget:?}");
        assert_eq!(bed.store.job(&tenant, new.id).await.unwrap(), None);
    }
    assert_eq!(bed.balance(&tenant).await, (50, 0), "nothing is held");
    let new = visits(visitor(&own), 1);
    assert_eq!(bed.admit(&tenant, &new, 61).await.widget, Some(own.id));
}

pub(in crate::store) async fn a_revoked_widget_is_found_by_nobody_and_stays_so(bed: &Bed) {
    let tenant = bed.account(0).await;
    let (widget, kept) = (add(bed, &tenant).await, add(bed, &tenant).await);
    let store = &bed.store;
    assert_eq!(store.find_widget(&widget.token).await.unwrap().as_ref(), Some(&widget));
    assert_eq!(store.find_widget(&"x".repeat(43)).await.unwrap(), None);
    assert!(store.revoke_widget(&tenant, widget.id, at(7)).await.unwrap());
    assert!(!store.revoke_widget(&tenant, widget.id, at(8)).await.unwrap());
    assert_eq!(store.find_widget(&widget.token).await.unwrap(), None);
    assert_eq!(store.find_widget(&kept.token).await.unwrap().as_ref(), Some(&kept));
    let listed = store.widgets(&tenant).await.unwrap();
    assert_eq!(listed, [kept, Widget { revoked_at: Some(at(7)), ..widget }]);
}

pub(in crate::store) async fn a_widgets_limit_is_for_what_its_visitors_hold_and_take_since_the_month_began(
    bed: &Bed,
) {
    let tenant = bed.account(100).await;
    let (widget, other) = (add(bed, &tenant).await, add(bed, &tenant).await);
    bed.admit(&tenant, &visits(visitor(&widget), 9), 49).await;
    let before = bed.claim(49).await.unwrap();
    bed.store.finish(&before, &stems(), at(60)).await.unwrap();
    bed.admit(&tenant, &visits(visitor(&widget), 6), 51).await;
    let claim = bed.claim(52).await.unwrap();
    let admit = |new: NewJob, now| async move { bed.store.admit(&tenant, &new, at(now)).await.unwrap() };
    // Whoever the visitor is: the limit is the widget's.
    assert_eq!(admit(visits(visitor(&widget), 5), 53).await, Admission::OverLimit { spent: Credits(6) });
    assert_eq!(bed.store.widget_spent(&tenant, widget.id, at(50)).await.unwrap(), Credits(6));
    let Admission::Admitted(_) = admit(visits(visitor(&other), 10), 53).await else {
        panic!("another widget's limit is its own")
    };
    let Admission::Admitted(_) = admit(asks(50), 53).await else {
        panic!("the account's own are not limited")
    };
    bed.store.fail(&claim, "broken", at(54)).await.unwrap();
    let Admission::Admitted(_) = admit(visits(visitor(&widget), 10), 55).await else {
        panic!("exactly the limit")
    };
    assert_eq!(admit(visits(visitor(&widget), 1), 56).await, Admission::OverLimit { spent: Credits(10) });
}

pub(in crate::store) async fn a_visitor_finds_their_own_job_and_nothing_else(bed: &Bed) {
    let (tenant, stranger) = (bed.account(50).await, bed.account(50).await);
    let (widget, second) = (add(bed, &tenant).await, add(bed, &tenant).await);
    let foreign = add(bed, &stranger).await;
    let (ann, bob) = (visitor(&widget), visitor(&widget));
    let (anns, bobs) = (visits(ann, 1), visits(bob, 1));
    bed.admit(&tenant, &anns, 60).await;
    bed.admit(&tenant, &bobs, 60).await;
    let found = async |tenant, visitor: Visitor| bed.store.visited(tenant, &visitor).await.unwrap();
    assert_eq!(found(&tenant, ann).await, Some(anns.id));
    assert_eq!(found(&tenant, bob).await, Some(bobs.id));
    assert_eq!(found(&tenant, visitor(&widget)).await, None);
    assert_eq!(found(&tenant, Visitor { widget: second.id, ..ann }).await, None, "by another widget");
    assert_eq!(found(&stranger, ann).await, None);
    assert_eq!(found(&stranger, Visitor { widget: foreign.id, ..ann }).await, None);
}

pub(in crate::store) async fn what_came_by_a_widget_says_so_in_every_list(bed: &Bed) {
    const DAY: i64 = 86_400;
    let tenant = bed.account(50).await;
    let widget = add(bed, &tenant).await;
    let job = bed.admit(&tenant, &visits(visitor(&widget), 4), 60).await;
    assert_eq!((job.widget, job.person), (Some(widget.id), None));
    let claim = bed.claim(61).await.unwrap();
    bed.store.finish(&claim, &stems(), at(62)).await.unwrap();
    let own = bed.running(&tenant, 3).await;
    bed.store.finish(&own, &stems(), at(63)).await.unwrap();
    let jobs = bed.store.jobs(&tenant, None, 10).await.unwrap();
    let by: Vec<_> = jobs.iter().map(|job| (job.id, job.widget)).collect();
    assert_eq!(by, [(job.id, Some(widget.id)), (own.job.id, None)]);
    let lines = bed.store.history(&tenant, None, 10).await.unwrap();
    let came_by = CameBy { id: widget.id, name: widget.name.clone() };
    let by: Vec<_> = lines.iter().map(|line| (line.job, line.widget.clone())).collect();
    assert_eq!(by, [(Some(own.job.id), None), (Some(job.id), Some(came_by)), (None, None)]);
    let mut usage = bed.store.usage(&tenant, at(0), at(DAY)).await.unwrap();
    usage.sort_by_key(|row| row.captured);
    let by: Vec<_> = usage.iter().map(|row| (row.captured.0, row.person, row.widget)).collect();
    assert_eq!(by, [(3, None, None), (4, None, Some(widget.id))]);
}
