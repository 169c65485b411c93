//! Whatever one account has, another is told the same as of what never was: over every operation of the table.

use super::super::routes;
use super::cases::Things;
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_another_account_has_is_the_same_as_what_never_was() {
    let world = World::new().await;
    let (_, owner) = world.person("owner", 50, "read run manage buy").await;
    let (_, other) = world.person("other", 50, "read run manage buy").await;
    let (_, maker) = world.person("maker", 50, "read run manage buy").await;
    let (owner, other, maker) = (owner.reveal(), other.reveal(), maker.reveal());
    let things = Things::of(&world, &owner).await;
    let nobodys = things.nobodys();
    let (mut compared, mut listed) = (0, 0);
    for route in routes::table() {
        if route.path.contains('{') {
            let foreign = things.ask(&world, &other, &route).await;
            assert_eq!(foreign.problem(), (404, "not-found".to_owned()), "{}", route.name);
            let never = nobodys.ask(&world, &other, &route).await;
            assert_eq!((foreign.status, foreign.text()), (never.status, never.text()), "{}", route.name);
            compared += 1;
        } else {
            // A list, or something new of one's own, which the other's may not stand in the way of.
            let is_list = matches!(route.takes, routes::Content::Nothing);
            let answer = things.ask(&world, if is_list { &other } else { &maker }, &route).await;
            assert_eq!(answer.status, 200, "{}: {}", route.name, answer.text());
            if is_list {
                let secrets = [
                    &things.job,
                    &things.purchase,
                    &things.webhook,
                    &things.widget,
                    &things.member,
                    &things.invitation,
                ];
                for secret in secrets {
                    assert!(!answer.text().contains(secret.as_str()), "{}", route.name);
                }
                listed += 1;
            }
        }
    }
    assert!(compared >= 18 && listed >= 7, "{compared} and {listed}");
    // The owner's are as they were, and the other's of the same names are others.
    for route in routes::table().iter().filter(|route| route.path.contains('{')) {
        if route.method == routes::Method::Delete {
            continue;
        }
        let answer = things.ask(&world, &owner, route).await;
        let is_stem = route.name == "getStem";
        assert_eq!(answer.status, if is_stem { 404 } else { 200 }, "{}: {}", route.name, answer.text());
    }
    assert!(world.server.store.audit().await.unwrap().is_clean());
}
