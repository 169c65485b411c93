//! The tables that both databases have, column by column, in an order in which no row comes before one it refers to. A
//! test compares the list with both schemas, so that a migration cannot forget it.

/// What a column holds, and so how it goes over: SQLite has numbers, texts and bytes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// 16 bytes; PostgreSQL's uuid.
    Id,
    /// Bytes.
    Bytes,
    /// A whole number.
    Number,
    /// 0 or 1; PostgreSQL's boolean.
    Flag,
    /// Text.
    Text,
    /// Text; PostgreSQL's jsonb.
    Json,
}

/// One table.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// Which rows; the house's books are made with the table.
    rows: &'static str,
}

use Kind::{Bytes, Flag, Id, Json, Number, Text};

pub(super) const TABLES: [Table; 28] = [
    Table {
        name: "account",
        columns: &[
            ("id", Id),
            ("name", Text),
            ("weight", Number),
            ("created_at", Number),
            ("kind", Text),
            ("title", Text),
            ("suspended_at", Number),
            ("closed_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "person",
        columns: &[
            ("id", Id),
            ("email", Text),
            ("name", Text),
            ("password", Text),
            ("created_at", Number),
            ("verified_at", Number),
            ("operates_since", Number),
        ],
        rows: "true",
    },
    Table {
        name: "member",
        columns: &[
            ("account_id", Id),
            ("person_id", Id),
            ("role", Text),
            ("month_limit", Number),
            ("joined_at", Number),
            ("left_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "invitation",
        columns: &[
            ("account_id", Id),
            ("id", Id),
            ("email", Text),
            ("role", Text),
            ("month_limit", Number),
            ("secret_sha256", Bytes),
            ("invited_by", Id),
            ("created_at", Number),
            ("until", Number),
            ("accepted_by", Id),
            ("ended_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "session",
        columns: &[
            ("secret_sha256", Bytes),
            ("person_id", Id),
            ("account_id", Id),
            ("browser", Text),
            ("created_at", Number),
            ("until", Number),
            ("ended_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "email_link",
        columns: &[
            ("secret_sha256", Bytes),
            ("person_id", Id),
            ("purpose", Text),
            ("created_at", Number),
            ("until", Number),
            ("used_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "address_change",
        columns: &[
            ("secret_sha256", Bytes),
            ("person_id", Id),
            ("email", Text),
            ("created_at", Number),
            ("until", Number),
            ("used_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "device_login",
        columns: &[
            ("secret_sha256", Bytes),
            ("code", Text),
            ("device", Text),
            ("created_at", Number),
            ("until", Number),
            ("state", Text),
            ("account_id", Id),
            ("person_id", Id),
            ("decided_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "api_key",
        columns: &[
            ("prefix", Text),
            ("account_id", Id),
            ("secret_sha256", Bytes),
            ("label", Text),
            ("created_at", Number),
            ("revoked_at", Number),
            ("person_id", Id),
            ("scopes", Text),
            ("expires_at", Number),
            ("used_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "wallet",
        columns: &[("account_id", Id), ("posted", Number), ("held", Number)],
        rows: "true",
    },
    Table {
        name: "book",
        columns: &[("id", Number), ("account_id", Id), ("kind", Text)],
        rows: "account_id IS NOT NULL",
    },
    Table {
        name: "hold",
        columns: &[("account_id", Id), ("job_id", Id), ("amount", Number), ("created_at", Number)],
        rows: "true",
    },
    Table {
        name: "widget",
        columns: &[
            ("account_id", Id),
            ("id", Id),
            ("name", Text),
            ("token", Text),
            ("model", Text),
            ("origins", Text),
            ("month_limit", Number),
            ("created_at", Number),
            ("created_by", Id),
            ("revoked_at", Number),
            ("fixed", Text),
        ],
        rows: "true",
    },
    Table {
        name: "job",
        columns: &[
            ("account_id", Id),
            ("id", Id),
            ("state", Text),
            ("seq", Number),
            ("model", Text),
            ("stems", Json),
            ("title", Text),
            ("clip_sha256", Bytes),
            ("clip_frames", Number),
            ("clip_channels", Number),
            ("clip_rate_hz", Number),
            ("chunks", Number),
            ("chunks_done", Number),
            ("attempt", Number),
            ("lost_leases", Number),
            ("settled_attempt", Number),
            ("lease_owner", Text),
            ("lease_until", Number),
            ("cancel_asked", Flag),
            ("failure", Text),
            ("forgotten", Flag),
            ("upload_until", Number),
            ("created_at", Number),
            ("queued_at", Number),
            ("started_at", Number),
            ("ended_at", Number),
            ("settings", Json),
            ("clip_stored", Flag),
            ("person_id", Id),
            ("device_us", Number),
            ("widget_id", Id),
            ("visitor_sha256", Bytes),
        ],
        rows: "true",
    },
    Table {
        name: "settlement",
        columns: &[
            ("account_id", Id),
            ("job_id", Id),
            ("amount", Number),
            ("captured", Number),
            ("released", Number),
            ("kind", Text),
            ("settled_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "transfer",
        columns: &[
            ("line", Number),
            ("account_id", Id),
            ("debit", Number),
            ("credit", Number),
            ("amount", Number),
            ("kind", Text),
            ("payment_id", Text),
            ("job_id", Id),
            ("refund_of", Id),
            ("posted_after", Number),
            ("note", Text),
            ("created_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "lot",
        columns: &[("account_id", Id), ("line", Number), ("amount", Number), ("expires_at", Number)],
        rows: "true",
    },
    Table {
        name: "lot_use",
        columns: &[("account_id", Id), ("lot", Number), ("line", Number), ("amount", Number)],
        rows: "true",
    },
    Table {
        name: "purchase",
        columns: &[
            ("account_id", Id),
            ("id", Id),
            ("person_id", Id),
            ("kind", Text),
            ("pack", Text),
            ("credits", Number),
            ("amount_minor", Number),
            ("currency", Text),
            ("live", Number),
            ("state", Text),
            ("session_id", Text),
            ("url", Text),
            ("payment_intent", Text),
            ("receipt_url", Text),
            ("failure", Text),
            ("returned_minor", Number),
            ("owed", Number),
            ("dispute", Text),
            ("dispute_taken", Number),
            ("created_at", Number),
            ("checked_at", Number),
            ("ended_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "payment_event",
        columns: &[
            ("id", Text),
            ("kind", Text),
            ("object", Text),
            ("object_id", Text),
            ("live", Number),
            ("raw", Bytes),
            ("deliveries", Number),
            ("state", Text),
            ("tries", Number),
            ("next_try_at", Number),
            ("last_error", Text),
            ("received_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "payer",
        columns: &[
            ("account_id", Id),
            ("live", Number),
            ("customer", Text),
            ("payment_method", Text),
            ("top_up_pack", Text),
            ("top_up_below", Number),
            ("top_up_max_minor", Number),
            ("top_up_failure", Text),
        ],
        rows: "true",
    },
    Table {
        name: "webhook",
        columns: &[
            ("account_id", Id),
            ("id", Id),
            ("url", Text),
            ("events", Text),
            ("secret", Text),
            ("old_secret", Text),
            ("old_until", Number),
            ("created_at", Number),
            ("person_id", Id),
            ("failing_since", Number),
            ("disabled_at", Number),
            ("disabled_reason", Text),
        ],
        rows: "true",
    },
    Table {
        name: "webhook_delivery",
        columns: &[
            ("account_id", Id),
            ("webhook_id", Id),
            ("event_id", Id),
            ("event", Text),
            ("state", Text),
            ("tries", Number),
            ("next_try_at", Number),
            ("give_up_at", Number),
            ("sending_until", Number),
            ("last_status", Number),
            ("last_error", Text),
            ("created_at", Number),
            ("ended_at", Number),
        ],
        rows: "true",
    },
    Table {
        name: "stem_artifact",
        columns: &[
            ("account_id", Id),
            ("job_id", Id),
            ("place", Number),
            ("name", Text),
            ("sha256", Bytes),
            ("bytes", Number),
        ],
        rows: "true",
    },
    Table {
        name: "erasure",
        columns: &[("account_id", Id), ("job_id", Id), ("asked_at", Number)],
        rows: "true",
    },
    Table { name: "address_key", columns: &[("one", Number), ("key", Bytes)], rows: "true" },
    Table { name: "former_address", columns: &[("hash", Bytes), ("noted_at", Number)], rows: "true" },
    Table {
        name: "job_reference",
        columns: &[
            ("account_id", Id),
            ("job_id", Id),
            ("place", Number),
            ("sha256", Bytes),
            ("frames", Number),
            ("channels", Number),
            ("rate_hz", Number),
            ("stored", Flag),
        ],
        rows: "true",
    },
];

impl Table {
    fn select(&self, column: impl Fn(&str, Kind) -> String) -> String {
        let columns: Vec<_> = self.columns.iter().map(|(name, kind)| column(name, *kind)).collect();
        format!("SELECT {} FROM {} WHERE {}", columns.join(", "), self.name, self.rows)
    }

    fn insert(&self, value: impl Fn(usize, Kind) -> String) -> String {
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<_> =
            self.columns.iter().enumerate().map(|(place, (_, kind))| value(place + 1, *kind)).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), values.join(", "))
    }

    /// Every row, in words that both databases have.
    pub(super) fn select_postgres(&self) -> String {
        self.select(|name, kind| match kind {
            Kind::Id => format!("uuid_send({name})"),
            Kind::Flag => format!("{name}::int::bigint"),
            Kind::Json => format!("{name}::text"),
            Kind::Bytes | Kind::Number | Kind::Text => name.to_owned(),
        })
    }

    /// Every row.
    pub(super) fn select_sqlite(&self) -> String {
        self.select(|name, _| name.to_owned())
    }

    /// A row, given as SQLite has it.
    pub(super) fn insert_postgres(&self) -> String {
        self.insert(|place, kind| match kind {
            Kind::Id => format!("encode(${place}, 'hex')::uuid"),
            Kind::Flag => format!("${place} <> 0::bigint"),
            Kind::Json => format!("${place}::jsonb"),
            Kind::Bytes | Kind::Number | Kind::Text => format!("${place}"),
        })
    }

    /// A row.
    pub(super) fn insert_sqlite(&self) -> String {
        self.insert(|place, _| format!("?{place}"))
    }
}
