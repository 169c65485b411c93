//! What the document says of sizes is what the server does: one beyond is refused, and the last one within is not.

use super::super::routes::{self, Content};
use super::cases::Things;
use super::world::World;
use serde_json::{Map, Value, json};
use tributary_protocol::limits::{CHANNELS_MAX, RATE_HZ_MAX, RATE_HZ_MIN, TITLE_CHARS_MAX};
use tributary_protocol::vocab::JobId;

/// A good value and its schema: the same value, each time with one thing that is just beyond what the schema says. `clip` is
/// a good one, for lists that the good value has none in.
fn beyond(good: &Value, schema: &Value, clip: &Value) -> Vec<Value> {
    let number = |name: &str| schema[name].as_u64();
    let size = |name: &str| number(name).map(|size| usize::try_from(size).unwrap());
    let mut found: Vec<Value> = Vec::new();
    found.extend(number("minimum").map(|low| low.checked_sub(1).map_or(json!(-1), |below| json!(below))));
    found.extend(number("maximum").map(|high| json!(high + 1)));
    found.extend(size("minLength").filter(|low| *low > 0).map(|low| json!("x".repeat(low - 1))));
    found.extend(size("maxLength").map(|high| json!("x".repeat(high + 1))));
    if schema["type"] == "array" {
        let item = match good.get(0) {
            Some(item) => item.clone(),
            None if schema["items"]["type"] == "object" => clip.clone(),
            None => json!("vocals"),
        };
        found.extend(size("minItems").map(|low| json!(vec![&item; low - 1])));
        found.extend(size("maxItems").map(|high| json!(vec![&item; high + 1])));
        found.extend(beyond(&item, &schema["items"], clip).into_iter().map(|wrong| json!([wrong])));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        for wrong in beyond(&good[name], field, clip) {
            let mut object = good.clone();
            object[name] = wrong;
            found.push(object);
        }
    }
    if let Some(high) = size("maxProperties") {
        let many: Map<_, _> = (0..=high).map(|place| (format!("x{place}"), json!(true))).collect();
        found.push(Value::Object(many));
        let longest = size_of_names(schema);
        found.push(json!({ "x".repeat(longest + 1): true }));
        found.extend(
            beyond(&json!("x"), &schema["additionalProperties"], clip)
                .into_iter()
                .map(|wrong| json!({ "x": wrong })),
        );
    }
    found
}

fn size_of_names(schema: &Value) -> usize {
    usize::try_from(schema["propertyNames"]["maxLength"].as_u64().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_beyond_what_a_schema_says_is_refused() {
    let world = World::new().await;
    let (_, key) = world.person("ann", 50, "read run manage buy").await;
    let key = key.reveal();
    let things = Things::of(&world, &key).await;
    let (mut asked, mut others) = (0, Vec::new());
    for route in routes::table() {
        let Content::Json(schema) = route.takes else { continue };
        let good: Value = serde_json::from_slice(&things.body(&world, &route).await).unwrap();
        for wrong in beyond(&good, &schema(), &things.clip) {
            let body = wrong.to_string();
            let refused =
                world.ask_as(&key, route.method.word(), &things.path(&route), &[], body.as_bytes()).await;
            asked += 1;
            if refused.status != 400 || refused.problem().1 != "invalid-request" {
                others.push(format!("{} of {body}: {} {}", route.name, refused.status, refused.text()));
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(asked >= 40, "{asked}");
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_what_a_schema_allows_is_taken() {
    let world = World::new().await;
    for (channels, rate_hz) in [(1, RATE_HZ_MIN), (CHANNELS_MAX, RATE_HZ_MAX)] {
        let quote = json!({ "model": "mini", "frames": 1, "channels": channels, "rate_hz": rate_hz });
        let answer = world.post("/quotes", &quote).await;
        assert_eq!(answer.status, 200, "{quote}: {}", answer.text());
    }
    let title = "é".repeat(TITLE_CHARS_MAX);
    let clip = json!({ "sha256": "1".repeat(64), "frames": 44_100, "channels": 2, "rate_hz": 44_100 });
    let job = json!({ "id": JobId::generate().to_string(), "model": "mini", "clip": clip, "title": title });
    let answer = world.post("/jobs", &job).await;
    assert_eq!((answer.status, &answer.json()["title"]), (200, &json!(title)));
}
