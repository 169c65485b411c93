//! The developer API of a whole running server: over sockets, with real keys and real jobs.

#[path = "api_tests/cases.rs"]
mod cases;
#[path = "api_tests/document.rs"]
mod document;
#[path = "api_tests/examples.rs"]
mod examples;
#[path = "api_tests/isolation.rs"]
mod isolation;
#[path = "api_tests/jobs.rs"]
mod jobs;
#[path = "api_tests/keys.rs"]
mod keys;
#[path = "api_tests/members.rs"]
mod members;
#[path = "api_tests/ranges.rs"]
mod ranges;
#[path = "api_tests/secured.rs"]
mod secured;
#[path = "api_tests/webhooks.rs"]
mod webhooks;
#[path = "api_tests/widgets.rs"]
mod widgets;
#[path = "api_tests/world.rs"]
mod world;
