//! One case for every operation: what is asked of things that are there. A new operation without one fails.

use super::super::routes::{self, Route};
use super::world::{Answer, World};
use serde_json::{Value, json};
use tributary_protocol::vocab::{EventId, InvitationId, JobId, PersonId, PurchaseId, WebhookId, WidgetId};

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1/hook";

/// Things of one account.
pub(super) struct Things {
    /// A job that is done, and its clip.
    pub(super) job: String,
    pub(super) clip: Value,
    pub(super) sheet: String,
    pub(super) purchase: String,
    pub(super) webhook: String,
    /// What that webhook is told.
    pub(super) event: String,
    pub(super) widget: String,
    /// Who belongs to the account besides the key's person, and who is asked to; nobody of the operator's own account.
    pub(super) member: String,
    pub(super) invitation: String,
}

impl Things {
    /// A job of every kind of result, a clip and a purchase of whoever has `key`.
    pub(super) async fn of(world: &World, key: &str) -> Self {
        let (job, clip) = world.done_job_as(key, "beats").await;
        let sheet = job["sheets"][0]["name"].as_str().expect("beats are a sheet").to_owned();
        let purchase = PurchaseId::generate().to_string();
        let wish = json!({ "id": purchase, "pack": "small" }).to_string();
        let bought = world.ask_as(key, "POST", "/purchases", &[], wish.as_bytes()).await;
        assert_eq!(bought.status, 200, "{}", bought.text());
        let wish = json!({ "url": NOBODY }).to_string();
        let made = world.ask_as(key, "POST", "/webhooks", &[], wish.as_bytes()).await.json();
        let webhook = made["id"].as_str().unwrap().to_owned();
        let told = world.ask_as(key, "POST", &format!("/webhooks/{webhook}/test"), &[], &[]).await.json();
        let (job, event) = (job["id"].as_str().unwrap().to_owned(), told["id"].as_str().unwrap().to_owned());
        let wish = Self::widget_wish().to_string();
        let made = world.ask_as(key, "POST", "/widgets", &[], wish.as_bytes()).await.json();
        let widget = made["id"].as_str().unwrap().to_owned();
        let (member, invitation) = world.company_of(key).await;
        Self { job, clip, sheet, purchase, webhook, event, widget, member, invitation }
    }

    fn widget_wish() -> Value {
        json!({
            "name": "Band page", "model": "mini", "stems": ["vocals"], "origins": ["https://band.example"],
            "month_limit": 5,
        })
    }

    /// Names of the same form that nothing has.
    pub(super) fn nobodys(&self) -> Self {
        let mut clip = self.clip.clone();
        clip["sha256"] = json!("0".repeat(64));
        let (job, purchase) = (JobId::generate().to_string(), PurchaseId::generate().to_string());
        let (webhook, event) = (WebhookId::generate().to_string(), EventId::generate().to_string());
        let (member, invitation) = (PersonId::generate().to_string(), InvitationId::generate().to_string());
        let (widget, sheet) = (WidgetId::generate().to_string(), self.sheet.clone());
        Self { job, clip, purchase, webhook, event, widget, member, invitation, sheet }
    }

    /// The route's address, of these things.
    pub(super) fn path(&self, route: &Route) -> String {
        let filled = route
            .path
            .replace("{job}", &self.job)
            .replace("{sha256}", self.clip["sha256"].as_str().unwrap())
            .replace("{stem}", "vocals")
            .replace("{sheet}", &self.sheet)
            .replace("{purchase}", &self.purchase)
            .replace("{webhook}", &self.webhook)
            .replace("{event}", &self.event)
            .replace("{widget}", &self.widget)
            .replace("{person}", &self.member)
            .replace("{invitation}", &self.invitation);
        assert!(!filled.contains('{'), "{}: a name without a case", route.path);
        filled
    }

    /// What is sent there.
    pub(super) async fn body(&self, world: &World, route: &Route) -> Vec<u8> {
        let wish = match route.name {
            "quote" => json!({ "model": "mini", "frames": 44_100, "channels": 2, "rate_hz": 44_100 }),
            "createJob" => json!({ "id": self.job, "model": "mini", "clip": self.clip }),
            "buyPack" => json!({ "id": self.purchase, "pack": "small" }),
            "createWebhook" => json!({ "url": NOBODY, "events": ["job.failed"] }),
            "createWidget" => Self::widget_wish(),
            "changeWebhook" => json!({ "events": ["job.done", "job.expired"] }),
            "changeMember" => json!({ "role": "viewer", "month_limit": 7 }),
            "inviteMember" => json!({ "email": "one.more@example.org", "role": "member" }),
            "decodeClip" => return std::fs::read(world.song(2)).unwrap(),
            _ => {
                let takes_none = matches!(route.takes, routes::Content::Nothing);
                assert!(takes_none || route.name == "putClip", "{}: a body without a case", route.name);
                return Vec::new();
            }
        };
        wish.to_string().into_bytes()
    }

    pub(super) async fn ask(&self, world: &World, key: &str, route: &Route) -> Answer {
        let body = self.body(world, route).await;
        world.ask_as(key, route.method.word(), &self.path(route), &[], &body).await
    }
}
