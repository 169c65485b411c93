//! Router, table, document and what is really answered are one.

use super::super::routes::Content;
use super::super::{openapi, routes, schema};
use super::cases::Things;
use super::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tributary_protocol::limits::{CHANNELS_MAX, NAME_CHARS_MAX, RATE_HZ_MIN};

/// What of a value is smaller, larger, shorter or longer than its schema says.
fn out_of_range(value: &Value, schema: &Value) -> Option<String> {
    let counted = |low: &str, high: &str, count: u64| {
        let fits = schema[low].as_u64().is_none_or(|low| low <= count)
            && schema[high].as_u64().is_none_or(|high| count <= high);
        (!fits).then(|| format!("{value} is beyond {} to {}", schema[low], schema[high]))
    };
    match value {
        Value::Number(number) if number.is_i64() && !number.is_u64() && schema["minimum"].is_u64() => {
            Some(format!("{value} is below zero"))
        }
        Value::Number(number) => counted("minimum", "maximum", number.as_u64()?),
        Value::String(text) => counted("minLength", "maxLength", text.chars().count() as u64),
        Value::Array(items) => counted("minItems", "maxItems", items.len() as u64),
        Value::Object(fields) => counted("minProperties", "maxProperties", fields.len() as u64),
        Value::Null | Value::Bool(_) => None,
    }
}

/// What is wrong with a value by a schema of the kind that `schema` writes: types, closed objects, fields that must be there,
/// lists, words, constants, ranges.
fn faults(value: &Value, schema: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(one_of) = schema["oneOf"].as_array() {
        let fits = |schema: &&Value| {
            let mut found = Vec::new();
            faults(value, schema, at, &mut found);
            found.is_empty()
        };
        if one_of.iter().filter(fits).count() != 1 {
            found.push(format!("{at}: {value} is not exactly one of several"));
        }
        return;
    }
    if let Some(constant) = schema.get("const") {
        if value != constant {
            found.push(format!("{at}: {value} is not {constant}"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    if !kinds.iter().any(|allowed| allowed == kind || (allowed == "number" && kind == "integer")) {
        found.push(format!("{at}: {value} is no {kinds:?}"));
        return;
    }
    if let (Some(words), false) = (schema["enum"].as_array(), value.is_null())
        && !words.contains(value)
    {
        found.push(format!("{at}: {value} is none of {words:?}"));
    }
    found.extend(out_of_range(value, schema).map(|fault| format!("{at}: {fault}")));
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(item, &schema["items"], &format!("{at}[{place}]"), found);
    }
    let Some(fields) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, field) in fields {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) | (None, schema @ Value::Object(_)) => faults(field, schema, &at, found),
            _ => found.push(format!("{at} is in no schema")),
        }
    }
}

fn check(value: &Value, schema: &Value) {
    let mut found = Vec::new();
    faults(value, schema, "$", &mut found);
    assert!(found.is_empty(), "{found:#?}\n{value}");
}

#[test]
fn the_check_of_schemas_finds_what_is_wrong() {
    let good = json!({ "committed_bytes": 1, "complete": true });
    let schema = schema::clip_state();
    for (value, count) in [
        (good.clone(), 0),
        (json!({ "committed_bytes": 1.5, "complete": true }), 1),
        (json!({ "complete": true }), 1),
        (json!({ "committed_bytes": 1, "complete": null, "more": 1 }), 2),
        (json!({ "committed_bytes": -1, "complete": true }), 1),
        (json!([]), 1),
    ] {
        let mut found = Vec::new();
        faults(&value, &schema, "$", &mut found);
        assert_eq!(found.len(), count, "{value}: {found:?}");
    }
    let [shortest, longest] = [1, NAME_CHARS_MAX].map(|chars| json!("é".repeat(chars)));
    let longer = json!("é".repeat(NAME_CHARS_MAX + 1));
    let schema = schema::quote_wish();
    for (model, channels, count) in
        [(&shortest, 1, 0), (&longest, CHANNELS_MAX, 0), (&json!(""), 0, 2), (&longer, CHANNELS_MAX + 1, 2)]
    {
        let wish = json!({ "model": model, "frames": 1, "channels": channels, "rate_hz": RATE_HZ_MIN });
        let mut found = Vec::new();
        faults(&wish, &schema, "$", &mut found);
        assert_eq!(found.len(), count, "{wish}: {found:?}");
    }
}

#[test]
fn every_example_is_what_its_schema_says() {
    let mut checked = 0;
    for route in routes::table() {
        let Content::Json(schema) = route.takes else { continue };
        for example in schema()["examples"].as_array().into_iter().flatten() {
            check(example, &schema());
            checked += 1;
        }
    }
    assert!(checked >= 2, "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_every_route_and_no_other() {
    let world = World::new().await;
    let served = world.ask_as("", "GET", "/openapi.json", &[], &[]).await.json();
    assert_eq!(served, openapi::made());
    let mut documented = BTreeSet::new();
    for (path, operations) in served["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert_eq!(operation["security"].is_array(), operation["x-right"].is_string(), "{path}");
            documented.insert((path.clone(), method.to_uppercase(), operation["operationId"].to_string()));
        }
    }
    let table = routes::table();
    let rows = table.iter().map(|route| {
        (routes::full(route.path), route.method.word().to_owned(), json!(route.name).to_string())
    });
    assert_eq!(documented, rows.collect());
    let page = world.ask_as("", "GET", "/", &[], &[]).await;
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("http://") && !text.contains("https://"));
    for route in &table {
        assert!(text.contains(&format!("id=\"{}\"", route.name)), "{}", route.name);
    }
    for (kind, _) in super::super::problem::KINDS {
        assert!(text.contains(&format!("id=\"{kind}\"")), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_its_schema_says() {
    let world = World::new().await;
    let (_, key) = world.person("ann", 50, "read run manage buy").await;
    let key = key.reveal();
    let things = Things::of(&world, &key).await;
    let (separated, _) = world.done_job_as(&key, "mini").await;
    let document = openapi::made();
    let (removing, others): (Vec<_>, Vec<_>) =
        routes::table().into_iter().partition(|route| route.method == routes::Method::Delete);
    for route in others.into_iter().chain(removing) {
        let path = routes::full(route.path);
        let operation = &document["paths"][&path][route.method.word().to_lowercase()];
        let content = &operation["responses"]["200"]["content"];
        let answer = match route.name {
            // Of a job that has stems, and of the job that made it.
            "getStem" => {
                let url = separated["stems"][0]["url"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
                world.ask_as(&key, "GET", url, &[], &[]).await
            }
            "createJob" => {
                let wish = json!({ "id": things.job, "model": "beats", "clip": things.clip });
                world.ask_as(&key, "POST", "/jobs", &[], wish.to_string().as_bytes()).await
            }
            _ => things.ask(&world, &key, &route).await,
        };
        assert_eq!(answer.status, 200, "{}: {}", route.name, answer.text());
        let kind = answer.headers["content-type"].split(';').next().unwrap().to_owned();
        match route.gives {
            Content::Json(_) => check(&answer.json(), &content["application/json"]["schema"]),
            Content::Events(_) => {
                let text = answer.text();
                let data: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                assert!(!data.is_empty(), "{text}");
                for data in data {
                    check(&serde_json::from_str(data).unwrap(), &content["text/event-stream"]["x-data"]);
                }
            }
            Content::Bytes(kinds) => {
                assert!(kinds.contains(&&*kind), "{}: {kind}", route.name);
                assert!(content[&kind].is_object() && !answer.body.is_empty(), "{}", route.name);
            }
            Content::Nothing => assert!(answer.body.is_empty(), "{}", route.name),
        }
    }
    check(&world.get("/nowhere").await.json(), &schema::problem());
}
