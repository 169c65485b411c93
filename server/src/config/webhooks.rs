//! How customers are told.

use serde::{Deserialize, Serialize};

/// Where customers may be told at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// On one's own machine alone: `http`, any port, and machines of networks that are not the internet's. On a server that
    /// strangers have accounts on this lets them reach whatever the server reaches.
    pub development: bool,
    /// Ports from 1024 on, beside 443 and 8443.
    pub high_ports: bool,
}
