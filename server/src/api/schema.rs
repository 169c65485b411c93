//! JSON Schemas (2020-12) of everything that is sent and answered. Objects are closed and every field of an answer is there:
//! a test holds real answers against them.

mod widgets;

pub(super) use widgets::{widget, widget_wish, widgets};

use crate::billing::{PACK_CHARS_MAX, PurchaseState};
use crate::people::{EMAIL_CHARS_MAX, Role};
use crate::team::MEMBERS_MAX;
use crate::webhook::{DeliveryState, Event, URL_BYTES_MAX};
use serde_json::{Map, Value, json};
use tributary_protocol::limits::{
    CHANNELS_MAX, CLIP_SECONDS_MAX, CREDITS_MAX, NAME_CHARS_MAX, RATE_HZ_MAX, RATE_HZ_MIN, REFERENCES_MAX,
    SETTINGS_MAX, STEMS_MAX, TITLE_CHARS_MAX,
};

/// A JSON Schema.
pub(super) type Schema = Value;

/// An object in which every field is there.
fn object(fields: &[(&str, Schema)]) -> Schema {
    let required: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    with_required(fields, &required)
}

fn with_required(fields: &[(&str, Schema)], required: &[&str]) -> Schema {
    let properties: Map<_, _> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn said(kind: &str, description: &str) -> Schema {
    json!({ "type": kind, "description": description })
}

fn text(description: &str) -> Schema {
    said("string", description)
}

/// A whole number, zero or more.
fn count(description: &str) -> Schema {
    json!({ "type": "integer", "minimum": 0, "description": description })
}

/// A whole number from `low` to `high`.
fn between(low: u64, high: u64, description: &str) -> Schema {
    json!({ "type": "integer", "minimum": low, "maximum": high, "description": description })
}

/// Text of `low` to `high` characters.
fn sized(low: usize, high: usize, description: &str) -> Schema {
    json!({ "type": "string", "minLength": low, "maxLength": high, "description": description })
}

/// What a model, a stem or a setting is called.
fn name(description: &str) -> Schema {
    sized(1, NAME_CHARS_MAX, description)
}

/// The same list, of at most so many.
fn at_most(high: usize, mut list: Schema) -> Schema {
    list["maxItems"] = json!(high);
    list
}

/// The same list, of at least one.
fn at_least_one(mut list: Schema) -> Schema {
    list["minItems"] = json!(1);
    list
}

fn flag(description: &str) -> Schema {
    said("boolean", description)
}

fn list(items: Schema, description: &str) -> Schema {
    json!({ "type": "array", "items": items, "description": description })
}

fn moment(description: &str) -> Schema {
    json!({ "type": "string", "format": "date-time", "description": description })
}

fn word(words: &[&str], description: &str) -> Schema {
    json!({ "type": "string", "enum": words, "description": description })
}

/// The same, or null.
fn maybe(mut schema: Schema) -> Schema {
    let kind = schema["type"].clone();
    schema["type"] = json!([kind, "null"]);
    schema
}

/// The same, with an example for people.
fn like(mut schema: Schema, example: Value) -> Schema {
    schema["examples"] = json!([example]);
    schema
}

fn sha256(description: &str) -> Schema {
    json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": description })
}

pub(super) fn clip() -> Schema {
    object(&[
        ("sha256", sha256("Of the canonical bytes: interleaved 32-bit little-endian float.")),
        ("frames", frames("Samples on every channel.")),
        ("channels", channels("In a frame.")),
        ("rate_hz", rate_hz("Frames in a second.")),
    ])
}

/// As far as any server may be told to go; `limits` of `listModels` says how far this one goes.
fn frames(description: &str) -> Schema {
    between(1, CLIP_SECONDS_MAX * u64::from(RATE_HZ_MAX), description)
}

fn channels(description: &str) -> Schema {
    between(1, CHANNELS_MAX.into(), description)
}

fn rate_hz(description: &str) -> Schema {
    between(RATE_HZ_MIN.into(), RATE_HZ_MAX.into(), description)
}

pub(super) fn clip_state() -> Schema {
    object(&[
        ("committed_bytes", count("Canonical bytes that are here.")),
        ("complete", flag("All of them are here and their hash is right.")),
    ])
}

pub(super) fn account() -> Schema {
    let credits = object(&[
        ("posted", count("All credits, held ones included.")),
        ("held", count("Set aside for jobs that have not ended.")),
        ("available", count("What a new job may use.")),
        (
            "expiring",
            list(
                object(&[("credits", count("How many.")), ("at", moment("When they go."))]),
                "The soonest first.",
            ),
        ),
    ]);
    let person = object(&[
        ("email", text("Address.")),
        ("role", role("In the account.")),
        ("month_limit", maybe(count("Credits that their jobs may take in a calendar month."))),
        ("month_spent", count("What of that is spent or held.")),
    ]);
    let storage = object(&[
        ("kept_bytes", count("What clips and results take, with room for those of open jobs.")),
        ("kept_bytes_max", maybe(count("What they may take; null for any amount."))),
        ("keep_days", count("Results are deleted so many days after their job has ended.")),
    ]);
    object(&[
        ("name", text("Of the account.")),
        ("credits", credits),
        (
            "suspended",
            flag("No job is started any more, since a payment was taken back or the operator says so."),
        ),
        ("rights", list(word(&["read", "run", "manage", "buy"], "A right."), "What the key may do.")),
        ("person", maybe(person)),
        ("buy_url", maybe(text("The page that sells credits."))),
        ("storage", storage),
    ])
}

pub(super) fn history() -> Schema {
    let line = object(&[
        ("line", count("Rises.")),
        ("at", moment("When.")),
        ("kind", word(&["grant", "capture", "refund", "expiry", "takeback"], "Why credits moved.")),
        ("credits", said("integer", "Below zero: credits went.")),
        ("credits_after", count("Credits of the account after this line.")),
        ("job", maybe(text("The job that was paid."))),
        ("note", text("For people.")),
        ("widget", maybe(text("The widget by which that job came: its name."))),
    ]);
    object(&[
        ("lines", list(line, "Newest first.")),
        ("next_before_line", maybe(count("For the next page."))),
    ])
}

pub(super) fn packs() -> Schema {
    let pack = object(&[
        ("name", text("What a purchase names.")),
        ("title", text("For people.")),
        ("credits", count("How many.")),
        ("amount_minor", count("The price in the currency's smallest unit: 900 for 9.00 EUR.")),
        ("currency", text("Three letters.")),
    ]);
    object(&[
        ("packs", list(pack, "On offer now.")),
        ("test", flag("The payment service only pretends: no money moves.")),
    ])
}

pub(super) fn purchase_wish() -> Schema {
    with_required(
        &[
            (
                "id",
                json!({ "type": "string", "format": "uuid", "description": "A UUID of your own; or send an Idempotency-Key." }),
            ),
            ("pack", sized(1, PACK_CHARS_MAX, "A pack's name.")),
            ("keep_payment_method", flag("The account may be topped up later without anybody.")),
        ],
        &["pack"],
    )
}

pub(super) fn purchase() -> Schema {
    object(&[
        ("id", text("A UUID.")),
        ("state", word(&PurchaseState::ALL.map(PurchaseState::word), "`paid`: the credits came.")),
        ("pack", text("Its pack.")),
        ("credits", count("As agreed.")),
        ("amount_minor", count("As agreed.")),
        ("currency", text("As agreed.")),
        ("url", maybe(text("Where a person pays, while it is open."))),
        ("receipt_url", maybe(text("Where the receipt is."))),
        ("failure", maybe(text("Why there are no credits."))),
        ("created_at", moment("When it was agreed.")),
    ])
}

fn events(description: &str) -> Schema {
    list(word(&Event::CHOICES.map(Event::word), "An event."), description)
}

fn webhook_fields() -> Vec<(&'static str, Schema)> {
    vec![
        ("id", text("A UUID.")),
        ("url", text("Where it is.")),
        ("events", events("What it hears of.")),
        ("old_secret_until", maybe(moment("Until when the secret before signs, too."))),
        ("created_at", moment("When it was made.")),
        ("disabled_at", maybe(moment("Switched off since: nothing was taken there for three days."))),
        ("disabled_reason", maybe(text("Why the last event was not taken."))),
    ]
}

pub(super) fn webhook() -> Schema {
    object(&webhook_fields())
}

pub(super) fn webhooks() -> Schema {
    object(&[("webhooks", list(webhook(), "The oldest first."))])
}

pub(super) fn webhook_wish() -> Schema {
    with_required(
        &[
            (
                "id",
                json!({ "type": "string", "format": "uuid", "description": "A UUID of your own, or none." }),
            ),
            ("url", sized(1, URL_BYTES_MAX, "https, on port 443 or 8443, of a machine on the internet.")),
            ("events", at_least_one(events("All where nothing is said."))),
        ],
        &["url"],
    )
}

pub(super) fn webhook_change() -> Schema {
    let events = at_least_one(events("All that it hears of from now on."));
    like(object(&[("events", events)]), json!({ "events": ["job.done", "job.failed", "job.expired"] }))
}

pub(super) fn webhook_with_secret() -> Schema {
    let mut fields = webhook_fields();
    fields.push(("secret", text("Signs what is sent. It is shown when it is made, and for a day to whoever asks for the same again.")));
    object(&fields)
}

fn role(description: &str) -> Schema {
    word(&Role::ALL.map(Role::word), description)
}

fn month_limit() -> Schema {
    maybe(between(0, CREDITS_MAX, "Credits that their jobs may take in a calendar month; null for no limit."))
}

pub(super) fn member() -> Schema {
    object(&[
        ("id", text("A UUID.")),
        ("email", text("Address.")),
        ("name", text("May be empty.")),
        ("role", role("In the account.")),
        ("month_limit", month_limit()),
        ("month_spent", count("What their jobs took or hold since the calendar month (UTC) began.")),
        ("joined_at", moment("Since when.")),
    ])
}

pub(super) fn members() -> Schema {
    object(&[("members", at_most(MEMBERS_MAX, list(member(), "The greatest role first.")))])
}

pub(super) fn member_wish() -> Schema {
    let wish = object(&[("role", role("No greater than your own.")), ("month_limit", month_limit())]);
    like(wish, json!({ "role": "member", "month_limit": 100 }))
}

pub(super) fn invitation() -> Schema {
    object(&[
        ("id", text("A UUID.")),
        ("email", text("Who is asked.")),
        ("role", role("As what.")),
        ("month_limit", month_limit()),
        ("invited_by", text("Who asked: a name, or an address.")),
        ("until", moment("Until when it is good.")),
    ])
}

pub(super) fn invitations() -> Schema {
    object(&[("invitations", list(invitation(), "Open ones, newest first."))])
}

pub(super) fn invitation_wish() -> Schema {
    let wish = with_required(
        &[
            (
                "id",
                json!({ "type": "string", "format": "uuid", "description": "A UUID of your own, or none." }),
            ),
            ("email", sized(1, EMAIL_CHARS_MAX, "The letter goes there, and only there it can be accepted.")),
            ("role", role("No greater than your own.")),
            ("month_limit", month_limit()),
        ],
        &["email", "role"],
    );
    like(wish, json!({ "email": "bob@example.org", "role": "viewer" }))
}

pub(super) fn removed() -> Schema {
    object(&[("removed", flag("It is gone."))])
}

pub(super) fn event() -> Schema {
    object(&[("id", text("Of the event, as it will be sent."))])
}

pub(super) fn delivery() -> Schema {
    let kinds = [&Event::CHOICES[..], &[Event::Test]].concat();
    let kinds = kinds.into_iter().map(Event::word).collect::<Vec<_>>();
    object(&[
        ("id", text("Of the event, the same at every try; of a job's end the job's.")),
        ("type", word(&kinds, "What happened.")),
        ("state", word(&DeliveryState::ALL.map(DeliveryState::word), "`dead`: given up after a day.")),
        ("tries", count("How often it was sent.")),
        ("next_try_at", maybe(moment("When it is sent next."))),
        ("last_status", maybe(count("Of the last answer."))),
        ("last_error", maybe(text("Why the last try failed."))),
        ("created_at", moment("When it happened.")),
        ("ended_at", maybe(moment("When it was taken, or given up."))),
    ])
}

pub(super) fn deliveries() -> Schema {
    object(&[("deliveries", list(delivery(), "Newest first."))])
}

pub(super) fn models() -> Schema {
    let number = object(&[
        ("type", json!({ "const": "number" })),
        ("min", said("number", "Smallest.")),
        ("max", said("number", "Largest.")),
        ("step", said("number", "A notch.")),
        ("default", said("number", "When nothing is said.")),
        ("unit", text("dB, %, LUFS; empty for none.")),
    ]);
    let switch =
        object(&[("type", json!({ "const": "switch" })), ("default", flag("When nothing is said."))]);
    let option = object(&[("word", text("What a job says.")), ("title", text("For people."))]);
    let choice = object(&[
        ("type", json!({ "const": "choice" })),
        ("options", list(option, "Words.")),
        ("default", text("When nothing is said.")),
    ]);
    let control = object(&[
        ("name", text("What `settings` names.")),
        ("title", text("For people.")),
        ("help", text("For people.")),
        ("advanced", flag("Only for those who ask for more.")),
        ("values", json!({ "oneOf": [number, switch, choice] })),
    ]);
    let model = object(&[
        ("name", text("What a job names.")),
        ("title", text("For people.")),
        ("task", text("separate, enhance, master, transcribe or speech.")),
        ("grade", text("preview, standard or studio.")),
        ("stems", list(text("Name."), "What comes out as sound.")),
        ("sheets", list(text("Name."), "What comes out as files, with nothing set.")),
        ("description", text("For people.")),
        ("licence", text("Of the weights.")),
        ("commercial_use", word(&["yes", "no", "unstated"], "Of what comes out.")),
        ("quality", text("As measured.")),
        ("version", text("Of the weights.")),
        ("credits_per_minute", count("Of a started minute.")),
        ("references_max", count("References a job may name.")),
        ("controls", list(control, "What a job may set.")),
    ]);
    let limits = object(&[
        ("clip_seconds_max", count("Longest clip.")),
        ("channels_max", count("Most channels.")),
        ("rate_hz_min", count("Lowest rate.")),
        ("rate_hz_max", count("Highest rate.")),
        ("jobs_open_max", count("Jobs of an account that may be open at once.")),
    ]);
    object(&[("models", list(model, "By name.")), ("limits", limits)])
}

fn settings() -> Schema {
    json!({
        "type": "object",
        "description": "Values of the model's controls, by name.",
        "additionalProperties": { "type": ["number", "boolean", "string"] },
    })
}

/// The same, as they are asked for.
fn settings_wish() -> Schema {
    let mut wish = settings();
    wish["maxProperties"] = json!(SETTINGS_MAX);
    wish["propertyNames"] = json!({ "minLength": 1, "maxLength": NAME_CHARS_MAX });
    wish["additionalProperties"]["maxLength"] = json!(NAME_CHARS_MAX);
    wish
}

pub(super) fn quote_wish() -> Schema {
    with_required(
        &[
            ("model", name("A model's name.")),
            ("frames", frames("Of the clip.")),
            ("channels", channels("Of the clip.")),
            ("rate_hz", rate_hz("Of the clip.")),
            ("settings", settings_wish()),
        ],
        &["model", "frames", "channels", "rate_hz"],
    )
}

pub(super) fn quote() -> Schema {
    object(&[
        ("credits", count("The most that the job can cost.")),
        ("available", count("What the account could spend.")),
        ("reason", text("How the price is made, for people.")),
    ])
}

pub(super) fn job_wish() -> Schema {
    with_required(
        &[
            (
                "id",
                json!({ "type": "string", "format": "uuid", "description": "A UUID of your own; or send an Idempotency-Key." }),
            ),
            ("model", name("A model's name.")),
            ("clip", clip()),
            ("stems", at_most(STEMS_MAX, list(name("Name."), "Which; empty for all."))),
            ("title", sized(0, TITLE_CHARS_MAX, "For lists.")),
            ("settings", settings_wish()),
            (
                "references",
                at_most(REFERENCES_MAX, list(clip(), "Clips that the result shall be made like.")),
            ),
            ("credits_max", count("The quote that was seen: a job that would cost more by now is refused.")),
        ],
        &["model", "clip"],
    )
}

pub(super) fn job() -> Schema {
    let made = object(&[
        ("name", text("Its name; a sheet's ends in its format.")),
        ("sha256", sha256("Of its bytes; of a stem, the canonical ones.")),
        ("bytes", count("How many.")),
        ("url", text("Where it is fetched.")),
    ]);
    let credits = object(&[
        ("held", count("Set aside: the most it can cost.")),
        ("captured", count("Taken when it ended.")),
        ("released", count("Given back when it ended.")),
    ]);
    let states = ["uploading", "queued", "running", "done", "failed", "cancelled", "expired"];
    object(&[
        ("id", text("A UUID.")),
        ("state", word(&states, "Where it is.")),
        ("ended", flag("Nothing changes any more.")),
        ("seq", count("Rises with every change.")),
        ("model", text("Its model.")),
        ("title", text("For lists.")),
        ("clip", clip()),
        ("references", list(clip(), "As asked for.")),
        ("settings", settings()),
        ("wanted_stems", list(text("Name."), "As asked for.")),
        ("uploaded_bytes", count("Of its clips, while uploading.")),
        ("queue_position", count("Jobs in front of it, while queued.")),
        ("chunks_done", count("Work done.")),
        ("chunks", count("Work to do.")),
        ("attempt", count("Times a worker has taken it.")),
        ("credits", credits),
        ("failure", maybe(text("Why it failed."))),
        ("stems", list(made.clone(), "When it is done.")),
        ("sheets", list(made, "When it is done.")),
        ("created_at", moment("When it was admitted.")),
        ("started_at", maybe(moment("When a worker first took it."))),
        ("ended_at", maybe(moment("When it ended."))),
        (
            "kept_until",
            maybe(moment("When its clip and results are deleted; null while it is open, and once they are.")),
        ),
        ("erased", flag("Clip and results are deleted.")),
    ])
}

pub(super) fn jobs() -> Schema {
    object(&[("jobs", list(job(), "Newest first.")), ("next_before", maybe(text("For the next page.")))])
}

pub(super) fn problem() -> Schema {
    with_required(
        &[
            ("type", text("Names the kind of problem; the reference page has all of them.")),
            ("title", text("The kind in words.")),
            ("status", count("As in the answer's first line.")),
            ("detail", text("What is wrong with this request, and what to do.")),
            ("reason", word(&["NOT_ENOUGH_CREDITS", "OVER_LIMIT", "SUSPENDED"], "For programs.")),
            ("needed", count("Credits that the job needs.")),
            ("available", count("Credits that the account could spend.")),
            ("committed_bytes", count("Where a clip goes on.")),
        ],
        &["type", "title", "status", "detail"],
    )
}
