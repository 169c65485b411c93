//! What one account may see and write when everything else fails: raw SQL on the connections that the store uses. One
//! account's rows are all that `tributary_app` ever sees; no role changes what is only added.

use super::tests::{address, database, open};
use super::*;
use crate::store::conformance::{
    Bed, asks, at, keeping, nobodys, people, purchases, stems, terms, webhooks, widgets,
};
use sqlx::{AssertSqlSafe, Row};
use std::sync::Arc;
use tributary_cluster::{ADMIN, Cluster};

/// Every table that belongs to accounts, and the column that says to whom.
const TABLES: [(&str, &str); 20] = [
    ("account", "id"),
    ("api_key", "account_id"),
    ("member", "account_id"),
    ("invitation", "account_id"),
    ("lot", "account_id"),
    ("lot_use", "account_id"),
    ("purchase", "account_id"),
    ("payer", "account_id"),
    ("wallet", "account_id"),
    ("book", "account_id"),
    ("hold", "account_id"),
    ("settlement", "account_id"),
    ("transfer", "account_id"),
    ("job", "account_id"),
    ("job_reference", "account_id"),
    ("erasure", "account_id"),
    ("stem_artifact", "account_id"),
    ("webhook", "account_id"),
    ("webhook_delivery", "account_id"),
    ("widget", "account_id"),
];

/// Tables of nobody's account: people and their secrets (of `person` an account sees its members), and what the payment
/// service tells.
const PEOPLES: [&str; 8] = [
    "person",
    "session",
    "email_link",
    "address_change",
    "device_login",
    "payment_event",
    "address_key",
    "former_address",
];

/// A store where two accounts have rows in every table.
struct World {
    database: String,
    store: Arc<PostgresStore>,
    bed: Bed,
    tenants: [Tenant; 2],
}

impl World {
    async fn new() -> Self {
        let database = database();
        let store = open(&database).await;
        let bed = Bed { store: Arc::clone(&store) as Arc<dyn Store>, _keep: Box::new(()) };
        let tenants = [bed.account(10).await, bed.account(20).await];
        for (tenant, prefix) in tenants.iter().zip(["aaaaaaaaaaaa", "bbbbbbbbbbbb"]) {
            let key = KeyRow {
                account: tenant.account(),
                prefix: prefix.into(),
                secret_sha256: Sha256([1; 32]),
                label: String::new(),
                ..nobodys()
            };
            store.add_key(tenant, &key, at(0)).await.unwrap();
            let mut new = asks(4);
            new.references.push((new.clip, true));
            bed.admit(tenant, &new, 1).await;
            let claim = bed.claim(2).await.unwrap();
            store.finish(&claim, &stems(), at(3)).await.unwrap();
            people::fill(&bed, tenant).await;
            // Before there is a lot, whose credits it would spend.
            keeping::fill(&bed, tenant).await;
            terms::fill(&bed, tenant).await;
            purchases::fill(&bed, tenant).await;
            webhooks::fill(&bed, tenant).await;
            widgets::fill(&bed, tenant).await;
        }
        Self { database, store, bed, tenants }
    }

    /// Runs one statement as the app for the first account; its rows' number, or why it was refused.
    async fn app(&self, sql: &str) -> Result<u64, String> {
        let mut tx = self.store.account(self.tenants[0].account()).await.unwrap();
        let ran = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await;
        ran.map(|done| done.rows_affected()).map_err(|error| error.to_string())
    }

    fn other(&self) -> String {
        rows::account_in(self.tenants[1].account()).to_string()
    }
}

async fn count(connection: &mut PgConnection, table: &str) -> i64 {
    let sql = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn sql_that_forgets_to_ask_for_an_account_sees_one_accounts_rows_alone() {
    let world = World::new().await;
    let mut every = world.store.every_account().await.unwrap();
    for (table, column) in TABLES {
        let mut tx = world.store.account(world.tenants[0].account()).await.unwrap();
        let sql = AssertSqlSafe(format!("SELECT DISTINCT {column} FROM {table}"));
        let seen = sqlx::query(sql).fetch_all(&mut *tx).await.unwrap();
        assert_eq!(seen.len(), 1, "{table}");
        assert_eq!(rows::account_id(&seen[0], column).unwrap(), world.tenants[0].account(), "{table}");
        let (mine, all) = (count(&mut tx, table).await, count(&mut every, table).await);
        assert!(0 < mine && mine < all, "{table}: {mine} of {all}");
    }
}

#[tokio::test]
async fn without_an_account_or_after_its_transaction_nothing_is_seen() {
    let world = World::new().await;
    let mut connection = PgConnection::connect_with(&address(APP, &world.database).options()).await.unwrap();
    for (table, _) in TABLES {
        assert_eq!(count(&mut connection, table).await, 0, "{table}, before any account was named");
    }
    let name = format!("SET LOCAL tributary.account = '{}'", world.tenants[0].account());
    for end in ["COMMIT", "ROLLBACK"] {
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(name.clone())).execute(&mut connection).await.unwrap();
        assert_eq!(count(&mut connection, "wallet").await, 1);
        // As a statement that smuggles in an end of the transaction would.
        sqlx::raw_sql(end).execute(&mut connection).await.unwrap();
        for (table, _) in TABLES {
            assert_eq!(count(&mut connection, table).await, 0, "{table}, after {end}");
        }
    }
}

#[tokio::test]
async fn a_used_connection_carries_no_account_to_the_next() {
    let world = World::new().await;
    drop(world.store.account(world.tenants[0].account()).await.unwrap());
    let mut tx = world.store.app.begin().await.unwrap();
    assert_eq!(count(&mut tx, "job").await, 0);
}

#[tokio::test]
async fn the_app_cannot_become_another_role_or_switch_the_policies_off() {
    let world = World::new().await;
    for sql in [
        "SET ROLE tributary_owner",
        "SET ROLE tributary_scheduler",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE wallet DISABLE ROW LEVEL SECURITY",
        "ALTER ROLE tributary_app BYPASSRLS",
        "GRANT tributary_scheduler TO tributary_app",
        "DROP POLICY own ON wallet",
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ] {
        let refused = world.app(sql).await.unwrap_err();
        assert!(
            refused.contains("permission denied")
                || refused.contains("must be")
                || refused.contains("must have"),
            "{sql}: {refused}"
        );
    }
    // The store's statements are prepared, and such a one is never two.
    let refused = world.app("SELECT 1; COMMIT").await.unwrap_err();
    assert!(refused.contains("multiple commands"), "{refused}");
    let mut tx = world.store.account(world.tenants[0].account()).await.unwrap();
    sqlx::raw_sql("SET LOCAL row_security = off").execute(&mut *tx).await.unwrap();
    let refused = sqlx::query("SELECT * FROM wallet").fetch_all(&mut *tx).await.unwrap_err().to_string();
    assert!(refused.contains("would be affected by row-level security"), "{refused}");
}

#[tokio::test]
async fn another_accounts_rows_are_not_there_to_change_and_none_can_be_made() {
    let world = World::new().await;
    let other = world.other();
    for sql in [
        format!("UPDATE wallet SET held = 0 WHERE account_id = '{other}'"),
        format!("UPDATE job SET cancel_asked = true WHERE account_id = '{other}'"),
        format!("UPDATE api_key SET revoked_at = 1 WHERE account_id = '{other}'"),
        format!("UPDATE job_reference SET stored = true WHERE account_id = '{other}'"),
        format!("DELETE FROM webhook WHERE account_id = '{other}'"),
        format!("UPDATE webhook SET disabled_at = NULL WHERE account_id = '{other}'"),
        format!("UPDATE webhook SET events = 'job.done' WHERE account_id = '{other}'"),
        format!("UPDATE webhook_delivery SET next_try_at = 0 WHERE account_id = '{other}'"),
    ] {
        assert_eq!(world.app(&sql).await, Ok(0), "{sql}");
    }
    for sql in [
        format!(
            "INSERT INTO api_key VALUES ('cccccccccccc', '{other}', decode(repeat('00', 32), 'hex'), '', 0, NULL)"
        ),
        format!("INSERT INTO hold VALUES ('{other}', gen_random_uuid(), 1, 0)"),
        format!(
            "INSERT INTO settlement SELECT '{other}', job_id, amount, 0, amount, 'released', 0 FROM hold"
        ),
        format!("INSERT INTO job_reference SELECT '{other}', job_id, 7, sha256, 1, 1, 1 FROM job_reference"),
        format!(
            "INSERT INTO webhook (account_id, id, url, events, secret, created_at)
             VALUES ('{other}', gen_random_uuid(), 'https://h/', 'job.done', repeat('s', 32), 0)"
        ),
    ] {
        let refused = world.app(&sql).await.unwrap_err();
        assert!(refused.contains("violates row-level security policy"), "{sql}: {refused}");
    }
    world.bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn the_app_writes_the_columns_of_its_part_alone() {
    let world = World::new().await;
    for sql in [
        "UPDATE wallet SET posted = 1000",
        "UPDATE account SET weight = 1000",
        "UPDATE job SET attempt = 9",
        "UPDATE job SET lease_until = 9",
        "UPDATE api_key SET account_id = account_id",
        "INSERT INTO transfer SELECT * FROM transfer",
        "INSERT INTO wallet SELECT * FROM wallet",
        "INSERT INTO book (account_id, kind) SELECT account_id, kind FROM book",
        "INSERT INTO stem_artifact SELECT * FROM stem_artifact",
        "DELETE FROM stem_artifact",
        "DELETE FROM job",
        "DELETE FROM erasure",
        "DELETE FROM account",
        "TRUNCATE job CASCADE",
        "SELECT * FROM pg_authid",
        "SELECT password FROM person",
        "UPDATE person SET name = 'x'",
        "SELECT * FROM session",
        "SELECT * FROM email_link",
        "SELECT * FROM address_change",
        "SELECT * FROM device_login",
        "SELECT * FROM payment_event",
        "SELECT * FROM address_key",
        "SELECT * FROM former_address",
        "UPDATE account SET closed_at = 1",
        "UPDATE purchase SET state = 'paid'",
        "UPDATE payer SET customer = 'cus_other'",
        "INSERT INTO member SELECT * FROM member",
        "UPDATE invitation SET accepted_by = invited_by",
        "UPDATE account SET suspended_at = NULL",
        "INSERT INTO lot SELECT * FROM lot",
        "SELECT secret FROM webhook",
        "SELECT * FROM webhook",
        "UPDATE webhook SET url = 'https://elsewhere.example/'",
        "UPDATE webhook SET person_id = NULL",
        "UPDATE webhook_delivery SET last_error = ''",
        "UPDATE widget SET origins = 'https://elsewhere.example'",
        "UPDATE widget SET month_limit = 9000",
        "UPDATE widget SET fixed = '{}'",
        "DELETE FROM widget",
        "UPDATE job SET widget_id = NULL",
    ] {
        let refused = world.app(sql).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{sql}: {refused}");
    }
    // Of what it may write, a user cannot say that a job is done, nor take credits.
    let refused = world.app("UPDATE job SET state = 'done'").await.unwrap_err();
    assert!(refused.contains("violates row-level security policy"), "{refused}");
    let job = world.bed.admit(&world.tenants[0], &asks(1), 4).await;
    let refused = world
        .app(&format!(
            "INSERT INTO settlement SELECT account_id, job_id, amount, amount, 0, 'captured', 0 FROM hold
             WHERE job_id = '{}'",
            job.id
        ))
        .await
        .unwrap_err();
    assert!(refused.contains("violates row-level security policy"), "{refused}");
    world.bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn no_role_changes_or_deletes_what_is_only_added() {
    let world = World::new().await;
    for table in ["hold", "settlement", "transfer", "lot", "lot_use"] {
        for sql in [
            format!("UPDATE tributary.{table} SET account_id = account_id"),
            format!("DELETE FROM tributary.{table}"),
            format!("TRUNCATE tributary.{table} CASCADE"),
        ] {
            assert!(world.app(&sql).await.unwrap_err().contains("permission denied"), "{sql}");
            let mut tx = world.store.every_account().await.unwrap();
            let refused = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *tx).await.unwrap_err();
            assert!(refused.to_string().contains("permission denied"), "{sql}: {refused}");
            // The owner has every right, and a superuser passes every policy: the trigger stops them too.
            for role in ["SET ROLE tributary_owner; ", ""] {
                let cluster = Cluster::of_this_process().unwrap();
                let refused = cluster.run(&world.database, &format!("{role}{sql}")).unwrap_err().to_string();
                assert!(refused.contains("rows are only added"), "{role}{sql}: {refused}");
            }
        }
    }
    world.bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn the_owner_sees_no_accounts_rows() {
    let world = World::new().await;
    let mut owner = PgConnection::connect_with(&address(ADMIN, &world.database).options()).await.unwrap();
    sqlx::raw_sql("SET ROLE tributary_owner").execute(&mut owner).await.unwrap();
    for (table, _) in TABLES {
        assert_eq!(count(&mut owner, table).await, 0, "{table}");
    }
}

/// A new table that was forgotten here, or whose rows nobody hides, fails this.
#[tokio::test]
async fn every_table_is_in_the_list_of_this_test_and_hides_its_rows() {
    let world = World::new().await;
    let mut tx = world.store.every_account().await.unwrap();
    let found = sqlx::query(
        "SELECT relname::text, relrowsecurity AND relforcerowsecurity AS hides FROM pg_class
         WHERE relnamespace = 'tributary'::regnamespace AND relkind = 'r' AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let mut names = Vec::new();
    for row in found {
        let name: String = row.get("relname");
        assert!(row.get::<bool, _>("hides"), "{name}");
        names.push(name);
    }
    names.sort_unstable();
    let mut known = [&TABLES.map(|(table, _)| table)[..], &PEOPLES].concat();
    known.sort_unstable();
    assert_eq!(names, known);
}

#[tokio::test]
async fn the_tables_refuse_what_the_code_must_never_write() {
    let world = World::new().await;
    let cluster = Cluster::of_this_process().unwrap();
    for (sql, law) in [
        ("UPDATE wallet SET held = posted + 1", "check constraint"),
        ("UPDATE wallet SET posted = -1, held = -1", "check constraint"),
        ("UPDATE wallet SET posted = 9007199254740993", "check constraint"),
        ("UPDATE job SET state = 'lost'", "check constraint"),
        ("UPDATE job SET ended_at = NULL", "check constraint"),
        ("UPDATE job SET state = 'running'", "check constraint"),
        ("UPDATE job SET chunks_done = chunks + 1", "check constraint"),
        ("INSERT INTO settlement SELECT * FROM settlement", "unique constraint"),
        ("INSERT INTO book (account_id, kind) VALUES (NULL, 'revenue')", "unique constraint"),
        ("INSERT INTO book (account_id, kind) VALUES (NULL, 'wallet')", "check constraint"),
        (
            "INSERT INTO transfer (account_id, debit, credit, amount, kind, payment_id, posted_after, note, created_at)
             SELECT account_id, 1, 1, 5, 'grant', 'again' || account_id, 5, '', 0 FROM wallet",
            "check constraint",
        ),
        (
            "INSERT INTO transfer (account_id, debit, credit, amount, kind, job_id, posted_after, note, created_at)
             SELECT account_id, 3, 2, 1, 'capture', gen_random_uuid(), 5, '', 0 FROM wallet",
            "foreign key constraint",
        ),
        ("INSERT INTO hold SELECT account_id, gen_random_uuid(), 1, 0 FROM wallet", "foreign key constraint"),
    ] {
        let refused =
            cluster.run(&world.database, &format!("SET search_path = tributary; {sql}")).unwrap_err().to_string();
        assert!(refused.contains(law), "{sql}: {refused}");
    }
    world.bed.assert_audit_is_clean().await;
}

#[tokio::test]
async fn the_audit_finds_what_was_changed_behind_the_store() {
    let cluster = Cluster::of_this_process().unwrap();
    let free = "SET search_path = tributary; SET session_replication_role = replica; ";
    for (sql, field) in [
        ("UPDATE wallet SET posted = posted + 1 WHERE posted > 0", "accounts_off_ledger: 2"),
        ("UPDATE wallet SET held = held + 1 WHERE posted > 0", "accounts_off_holds: 2"),
        ("DELETE FROM settlement", "settlements_off: 6"),
        ("DELETE FROM settlement", "holds_off_jobs: 6"),
        ("UPDATE transfer SET posted_after = 9 WHERE kind = 'grant'", "accounts_off_ledger: 2"),
        (
            "ALTER TABLE transfer DROP CONSTRAINT transfer_out_of_issued; UPDATE transfer SET debit = 2, credit = 1
             WHERE kind = 'grant'",
            "transfers_off: 6",
        ),
        ("UPDATE lot SET amount = 1", "lots_off: 2"),
        ("UPDATE wallet SET posted = 0 WHERE posted > 0", "lots_off: 2"),
    ] {
        let world = World::new().await;
        world.bed.assert_audit_is_clean().await;
        cluster.run(&world.database, &format!("{free}{sql}")).unwrap();
        let found = format!("{:?}", world.store.audit().await.unwrap());
        assert!(found.contains(field), "{sql}: {found}");
    }
}
