//! Widgets over the API: made once a name, told what is wrong with them, revoked.

use super::world::World;
use serde_json::{Value, json};

fn wish() -> Value {
    json!({
        "name": "Band page",
        "model": "mini",
        "stems": ["drums", "vocals", "drums"],
        "origins": ["https://Band.example/", "http://localhost:8080"],
        "month_limit": 5,
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut wish = wish();
    wish[name] = value;
    wish
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widget_that_is_asked_for_again_is_the_same_one() {
    let world = World::new().await;
    let key = [("Idempotency-Key", "once")];
    let ask = async |wish: &Value| world.ask("POST", "/widgets", &key, wish.to_string().as_bytes()).await;
    let made = ask(&wish()).await.json();
    assert_eq!((&made["stems"], &made["settings"]), (&json!(["vocals", "drums"]), &json!({})));
    assert_eq!(made["origins"], json!(["https://band.example", "http://localhost:8080"]));
    assert_eq!((&made["month_spent"], &made["works"]), (&json!(0), &json!(true)));
    let (url, html) = (made["url"].as_str().unwrap(), made["html"].as_str().unwrap());
    assert!(
        html.starts_with(&format!("<iframe src=\"{url}\" title=\"")) && html.ends_with("</iframe>"),
        "{html}"
    );
    assert_eq!(ask(&wish()).await.json(), made, "the answer was lost, and comes again");
    assert_eq!(ask(&with("month_limit", json!(6))).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(ask(&with("stems", json!([]))).await.problem(), (409, "conflict".to_owned()));
    // Nobody names one of their own choice: it may be another account's.
    let named = world.post("/widgets", &with("id", made["id"].clone())).await;
    assert_eq!(named.problem(), (400, "invalid-request".to_owned()));
    // Another account's key of the same words names another widget.
    let (_, theirs) = world.account("theirs", 0, "manage").await;
    let answer =
        world.ask_as(&theirs.reveal(), "POST", "/widgets", &key, wish().to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(answer.json()["id"], made["id"]);
    // Without a name each is one more.
    let one_more = world.post("/widgets", &wish()).await.json();
    let listed = world.get("/widgets").await.json();
    let listed: Vec<_> = listed["widgets"].as_array().unwrap().iter().map(|each| &each["id"]).collect();
    assert!(
        listed.len() == 2 && listed.contains(&&made["id"]) && listed.contains(&&one_more["id"]),
        "{listed:?}"
    );

    let path = format!("/widgets/{}", made["id"].as_str().unwrap());
    let revoked = world.ask("DELETE", &path, &[], &[]).await.json();
    assert!(revoked["revoked_at"].is_string() && revoked["works"] == json!(false), "{revoked}");
    assert_eq!(world.get(&path).await.json(), revoked);
    assert_eq!(world.ask("DELETE", &path, &[], &[]).await.problem(), (404, "not-found".to_owned()));
    assert_eq!(world.get("/widgets").await.json()["widgets"].as_array().unwrap().len(), 1);
    assert_eq!(ask(&wish()).await.json(), revoked, "it does not come back to life");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_widget_can_be_is_said_when_it_is_asked_for() {
    let world = World::new().await;
    for (wish, words) in [
        (with("model", json!("nothing")), "choose a service"),
        (with("name", json!("")), "a name has"),
        (with("origins", json!([])), "sites"),
        (with("origins", json!(["band.example"])), "`band.example` is no site's address"),
        (with("month_limit", json!(0)), "how many credits"),
        (with("stems", json!(["flute"])), "flute"),
        (with("settings", json!({ "loudness": 1 })), "`loudness`"),
        (json!({ "model": "master", "settings": { "match_percent": 101 } }), "missing field"),
    ] {
        let refused = world.post("/widgets", &wish).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{wish}");
        assert!(refused.text().contains(words), "{words}: {}", refused.text());
    }
    for (settings, words) in [
        (json!({ "match_percent": 101 }), "from 0 to 100"),
        (json!({ "match_percent": "50" }), "from 0 to 100"),
        (json!({ "preset": "loud" }), "one of"),
        // Visitors send one file.
        (json!({ "preset": "reference" }), "needs a reference"),
        (json!({ "eq": 1 }), "on or off"),
    ] {
        let mut wish = with("model", json!("master"));
        (wish["settings"], wish["stems"]) = (settings, json!([]));
        let refused = world.post("/widgets", &wish).await;
        assert_eq!(refused.problem(), (400, "invalid-request".to_owned()), "{wish}");
        assert!(refused.text().contains(words), "{words}: {}", refused.text());
    }
    for _ in 0..crate::widget::WIDGETS_MAX {
        assert_eq!(world.post("/widgets", &wish()).await.status, 200);
    }
    assert_eq!(world.post("/widgets", &wish()).await.problem(), (409, "conflict".to_owned()));
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_widgets_has_none_over_the_api_either() {
    let world = World::with(|config| config.pages.widgets = false).await;
    assert_eq!(world.get("/widgets").await.problem(), (404, "not-found".to_owned()));
    assert_eq!(world.post("/widgets", &wish()).await.problem(), (404, "not-found".to_owned()));
    let (_, key) = world.account("reader", 0, "read run").await;
    assert_eq!(world.ask_as(&key.reveal(), "GET", "/widgets", &[], &[]).await.status, 403);
}
