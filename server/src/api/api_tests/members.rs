//! Members and invitations over the API: by the laws of the pages, in the name of the key's person.

use super::world::World;
use crate::auth::api_key::ApiKey;
use crate::clock::{Clock, SystemClock};
use crate::store::KeyRow;
use serde_json::{Value, json};
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, PersonId};

/// Letters leave by and by: this many of them to somebody, once there are any.
async fn letters_to(world: &World, to: &str) -> usize {
    let outbox = world.folder.path().join("data/outbox");
    let count = || {
        let files = std::fs::read_dir(&outbox).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.filter(|text| text.contains(&format!("To: {to}")) && text.contains("/invitation/")).count()
    };
    let came = async {
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        while count() == 0 {
            looks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), came).await.expect("a letter comes");
    count()
}

async fn ask(world: &World, key: &str, method: &str, path: &str, body: &Value) -> super::world::Answer {
    world.ask_as(key, method, path, &[], body.to_string().as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sees_and_changes_who_belongs_to_the_account() {
    let world = World::new().await;
    let (tenant, key) = world.person("ann", 50, "read run manage").await;
    let key = key.reveal();
    let (friend, _) = world.company_of(&key).await;
    world.done_job_as(&key, "mini").await;
    let members = ask(&world, &key, "GET", "/members", &Value::Null).await.json();
    let [ann, other] = &members["members"].as_array().unwrap()[..] else { panic!("{members}") };
    assert_eq!((&ann["email"], &ann["role"]), (&json!("ann@example.org"), &json!("owner")));
    assert_eq!((&ann["month_spent"], &ann["month_limit"]), (&json!(1), &Value::Null));
    assert_eq!((&other["id"], &other["month_limit"]), (&json!(friend), &json!(5)));

    // Both are said, or nothing changes; a limit is never lifted unawares.
    let path = format!("/members/{friend}");
    for wrong in [
        json!({ "role": "viewer" }),
        json!({ "month_limit": 3 }),
        json!({ "role": "boss", "month_limit": 3 }),
    ] {
        assert_eq!(ask(&world, &key, "PUT", &path, &wrong).await.status, 400, "{wrong}");
    }
    let changed =
        ask(&world, &key, "PUT", &path, &json!({ "role": "admin", "month_limit": null })).await.json();
    assert_eq!((&changed["role"], &changed["month_limit"]), (&json!("admin"), &Value::Null));
    let own = format!("/members/{}", ann["id"].as_str().unwrap());
    let less = ask(&world, &key, "PUT", &own, &json!({ "role": "viewer", "month_limit": null })).await;
    assert_eq!(less.problem(), (409, "conflict".to_owned()), "an account keeps an owner");

    // An admin's key makes no owner and takes none away.
    let theirs = ApiKey::generate();
    let row =
        KeyRow { person: Some(friend.parse::<PersonId>().unwrap()), ..theirs.row(tenant.account(), "") };
    world.server.store.add_key(&tenant, &row, SystemClock.now()).await.unwrap();
    let theirs = theirs.reveal();
    for (method, path, wish) in [
        ("PUT", &path, json!({ "role": "owner", "month_limit": null })),
        ("PUT", &own, json!({ "role": "viewer", "month_limit": null })),
        ("DELETE", &own, Value::Null),
    ] {
        let refused = ask(&world, &theirs, method, path, &wish).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{method} {path}");
    }
    // Whoever is let go takes their keys along.
    assert_eq!(ask(&world, &theirs, "GET", "/members", &Value::Null).await.status, 200);
    assert_eq!(ask(&world, &key, "DELETE", &path, &Value::Null).await.json(), json!({ "removed": true }));
    assert_eq!(ask(&world, &theirs, "GET", "/members", &Value::Null).await.status, 401);
    assert_eq!(ask(&world, &key, "DELETE", &path, &Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_sent_once_a_name_and_withdrawn() {
    let world = World::new().await;
    let (_, key) = world.person("ann", 0, "manage").await;
    let key = key.reveal();
    let wish = json!({ "email": " Bob@Example.ORG ", "role": "member", "month_limit": 30 });
    let once = [("Idempotency-Key", "bob")];
    let invite = async |wish: &Value| {
        world.ask_as(&key, "POST", "/invitations", &once, wish.to_string().as_bytes()).await
    };
    let made = invite(&wish).await.json();
    assert_eq!((&made["email"], &made["invited_by"]), (&json!("bob@example.org"), &json!("ann")));
    assert_eq!(invite(&wish).await.json(), made);
    assert_eq!(letters_to(&world, "bob@example.org").await, 1, "asked again, nobody is written to again");
    let other = json!({ "email": "bob@example.org", "role": "viewer" });
    assert_eq!(invite(&other).await.problem(), (409, "conflict".to_owned()));
    let listed = ask(&world, &key, "GET", "/invitations", &Value::Null).await.json();
    assert_eq!(listed["invitations"], json!([made]));
    let path = format!("/invitations/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&world, &key, "DELETE", &path, &Value::Null).await.status, 200);
    assert_eq!(ask(&world, &key, "DELETE", &path, &Value::Null).await.status, 404);
    assert_eq!(invite(&wish).await.problem(), (409, "conflict".to_owned()), "its name was given away");
    for wrong in
        [json!({ "email": "nobody", "role": "member" }), json!({ "email": "a@example.org", "role": "x" })]
    {
        assert_eq!(ask(&world, &key, "POST", "/invitations", &wrong).await.status, 400, "{wrong}");
    }
    // A key of nobody has no name to ask in.
    let (_, nobodys) = world.account(&AccountId::generate().to_string(), 0, "manage").await;
    let refused = ask(&world, &nobodys.reveal(), "POST", "/invitations", &other).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{}", refused.text());
}
