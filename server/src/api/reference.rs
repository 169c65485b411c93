//! The reference for people: one page made of the table of routes. No script, nothing from elsewhere.

use super::parameter::Parameter;
use super::routes::{self, Content, Route};
use super::{problem, schema};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color:#222;background:#fff}code{background:#f2f2f2;padding:0 .2em}h2{border-top:1px solid #ccc;padding-top:1rem}\
    pre{background:#f2f2f2;padding:.5rem;overflow:auto}\
    td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}";

pub(super) async fn page() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, made()).into_response()
}

fn made() -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Tributary API</title><style>{STYLE}</style>\
         <h1>Tributary API</h1><p>JSON over HTTP. Send your key with every request: \
         <code>Authorization: Bearer trb_...</code>. Every answer says in <code>RateLimit</code> how many calls \
         (<code>r</code>) your address, key and account have left, and when (<code>t</code> seconds) all of them are there \
         again. For programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>.</p>"
    );
    for route in routes::table() {
        add_route(&mut html, &route);
    }
    html.push_str(
        "<h2>Problems</h2><p>Errors are <code>application/problem+json</code> (RFC 9457): <code>detail</code> says what to \
         do, <code>Retry-After</code> when to come again, <code>type</code> ends in one of these.</p><table>",
    );
    for (kind, title) in problem::KINDS {
        let _ = write!(html, "<tr id=\"{kind}\"><td><code>{kind}</code><td>{}", escaped(title));
    }
    html.push_str("</table>");
    add_fields(&mut html, "Problem", &schema::problem());
    html.push_str("</html>");
    html
}

fn add_route(html: &mut String, route: &Route) {
    let needs = route.needs.map_or("Needs no key.".to_owned(), |right| {
        format!("Needs a key with the right <code>{}</code>.", right.word())
    });
    let _ = write!(
        html,
        "<h2 id=\"{}\"><code>{} {}</code></h2><p>{} {needs}</p>",
        route.name,
        route.method.word(),
        escaped(&routes::full(route.path)),
        escaped(route.help),
    );
    if !route.parameters.is_empty() {
        html.push_str("<table>");
        for Parameter { place, name, help, schema } in route.parameters {
            let _ =
                write!(html, "<tr><td>{place} <code>{name}</code><td>{}{}", escaped(help), range(&schema()));
        }
        html.push_str("</table>");
    }
    if let Content::Json(schema) = route.takes
        && let Some(example) = schema()["examples"].get(0)
    {
        let _ = write!(
            html,
            "<pre>curl -X {} \"$TRIBUTARY_API{}\" -H \"Authorization: Bearer $TRIBUTARY_KEY\" -d '{}'</pre>",
            route.method.word(),
            escaped(route.path),
            escaped(&example.to_string()),
        );
    }
    for (title, content) in [("Takes", route.takes), ("Gives", route.gives)] {
        match content {
            Content::Nothing => {}
            Content::Bytes(kinds) => {
                let _ = write!(html, "<p>{title} {}.</p>", kinds.join(" or "));
            }
            Content::Json(schema) => add_fields(html, title, &schema()),
            Content::Events(schema) => add_fields(html, &format!("{title} events with"), &schema()),
        }
    }
}

/// The fields of an object, its objects' fields below them.
fn add_fields(html: &mut String, title: &str, schema: &Value) {
    let _ = write!(html, "<table><tr><th colspan=3>{}", escaped(title));
    rows(html, "", schema);
    html.push_str("</table>");
}

fn rows(html: &mut String, before: &str, schema: &Value) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let kind = match &field["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            kind => kind.as_str().unwrap_or("one of several").to_owned(),
        };
        let words = field["enum"].as_array().map(|words| {
            format!(" One of {}.", words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        });
        let help = field["description"].as_str().unwrap_or_default();
        let path = format!("{before}{name}");
        let _ = write!(
            html,
            "<tr><td><code>{}</code><td>{kind}<td>{}{}{}",
            escaped(&path),
            escaped(help),
            range(field),
            escaped(&words.unwrap_or_default()),
        );
        rows(html, &format!("{path}."), field);
        rows(html, &format!("{path}[]."), &field["items"]);
    }
}

/// How large, how long or how many, as far as the schema says it.
fn range(field: &Value) -> String {
    let kinds = [
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", " of them"),
        ("minProperties", "maxProperties", " of them"),
    ];
    let words = kinds.into_iter().filter_map(|(low, high, unit)| {
        let low = field[low].as_u64().unwrap_or(0);
        match field[high].as_u64() {
            Some(high) => Some(format!(" {low} to {high}{unit}.")),
            None => (low > 0).then(|| format!(" At least {low}{unit}.")),
        }
    });
    words.collect()
}

/// An address in an example is text, too: written so that the page's source has none that leads elsewhere.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace("://", ":&#47;&#47;")
}
