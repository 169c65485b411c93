//! What is PostgreSQL's own: several servers at once, connections that are refused. The laws of all stores are in
//! `conformance`; what one account may see and write is in `isolation_tests`.

use super::setup::migrate;
use super::*;
use crate::store::conformance::{Bed, asks, at, interleavings, laws};
use std::sync::Arc;
use tributary_cluster::{ADMIN, Cluster};

/// What tables are brought to.
const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Brings a database's tables up to date, on a thread that is not a runtime's.
fn made(database: &str) -> anyhow::Result<()> {
    let admin = Address::parse(&Cluster::of_this_process()?.address(ADMIN, database))?;
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            anyhow::Ok(runtime.block_on(migrate(&admin, None)).map(drop)?)
        });
        made.join().expect("migrating does not panic")
    })
}

/// A new database with tables; answers its name.
pub(in crate::store) fn database() -> String {
    Cluster::of_this_process().unwrap().copy_of("store", made).unwrap()
}

pub(in crate::store) fn address(role: &str, database: &str) -> Address {
    Address::parse(&Cluster::of_this_process().unwrap().address(role, database)).unwrap()
}

pub(in crate::store) fn addresses_of(database: &str) -> Addresses {
    addresses(APP, SCHEDULER, database)
}

fn addresses(app: &str, scheduler: &str, database: &str) -> Addresses {
    Addresses { app: address(app, database), scheduler: address(scheduler, database) }
}

pub(in crate::store) async fn open(database: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(&addresses(APP, SCHEDULER, database)).await.unwrap())
}

/// Removes its database when it is dropped: there are hundreds of these.
struct Removed(String);

impl Drop for Removed {
    fn drop(&mut self) {
        Cluster::of_this_process().unwrap().remove(&self.0).unwrap();
    }
}

async fn a_database() -> Bed {
    let database = database();
    Bed { store: open(&database).await, _keep: Box::new(Removed(database)) }
}

laws!(a_database);

#[test]
fn random_interleavings_agree_with_the_model() {
    interleavings::random_interleavings_agree_with_the_model(150, a_database);
}

async fn refusal(app: &str, scheduler: &str, database: &str) -> String {
    match PostgresStore::open(&addresses(app, scheduler, database)).await {
        Ok(_) => panic!("{app} and {scheduler} were taken"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_superuser_an_owner_and_a_wrong_role_are_refused_with_what_to_do() {
    let (cluster, database) = (Cluster::of_this_process().unwrap(), database());
    let make = format!(
        "CREATE ROLE passes_by LOGIN BYPASSRLS IN ROLE tributary_app; CREATE ROLE an_owner LOGIN IN ROLE \
         tributary_owner; CREATE ROLE nobody_much LOGIN; CREATE ROLE both_roles LOGIN IN ROLE {APP}, {SCHEDULER}; \
         CREATE ROLE of_a_studio LOGIN IN ROLE {APP}"
    );
    cluster.run("postgres", &make).unwrap();
    for (app, scheduler, words) in [
        (ADMIN, SCHEDULER, "is a superuser"),
        (APP, ADMIN, "is a superuser"),
        ("passes_by", SCHEDULER, "passes row-level security"),
        ("an_owner", SCHEDULER, "owns the tables"),
        ("nobody_much", SCHEDULER, "is not tributary_app"),
        (SCHEDULER, SCHEDULER, "acts across accounts"),
        ("both_roles", SCHEDULER, "acts across accounts"),
        (APP, APP, "is not tributary_scheduler"),
    ] {
        let said = refusal(app, scheduler, &database).await;
        assert!(said.contains(words), "{app}, {scheduler}: {said}");
    }
    for role in [ADMIN, "passes_by", "an_owner"] {
        assert!(refusal(role, SCHEDULER, &database).await.contains("serve as tributary_app"));
    }
    PostgresStore::open(&addresses("of_a_studio", SCHEDULER, &database)).await.unwrap();
}

#[tokio::test]
async fn tables_that_are_missing_of_another_version_or_open_are_refused_with_what_to_do() {
    let cluster = Cluster::of_this_process().unwrap();
    database(); // the roles are there
    let empty = cluster.empty().unwrap();
    assert!(refusal(APP, SCHEDULER, &empty).await.contains("run `tributary db migrate"));
    let newest_is_missing = format!("DELETE FROM tributary._sqlx_migrations WHERE version = {NEWEST}");
    let older = format!("version {}, this program needs {NEWEST}", NEWEST - 1);
    for (change, words) in [
        (&*newest_is_missing, &*older),
        (
            "INSERT INTO tributary._sqlx_migrations SELECT 99, description, installed_on, success, checksum,
             execution_time FROM tributary._sqlx_migrations WHERE version = 1",
            "use the newer program",
        ),
        ("ALTER TABLE tributary.wallet NO FORCE ROW LEVEL SECURITY", "`wallet` does not hide its rows"),
        ("ALTER TABLE tributary.job DISABLE ROW LEVEL SECURITY", "`job` does not hide its rows"),
        ("CREATE TABLE tributary.added (account_id uuid)", "`added` does not hide its rows"),
    ] {
        let database = database();
        cluster.run(&database, change).unwrap();
        let said = refusal(APP, SCHEDULER, &database).await;
        assert!(said.contains(words), "{change}: {said}");
    }
    let gone = refusal(APP, SCHEDULER, "no_such_database").await;
    assert!(gone.contains("cannot connect to the database no_such_database"), "{gone}");
    let nobody = refusal("no_such_role", SCHEDULER, &database()).await;
    assert!(nobody.contains("as no_such_role: that role is not there"), "{nobody}");
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_sets_the_password() {
    let cluster = Cluster::of_this_process().unwrap();
    let database = cluster.empty().unwrap();
    let admin = address(ADMIN, &database);
    let server = Address::parse("postgres://tributary_app:it%27s%20a%20secret@localhost/x").unwrap();
    let first = migrate(&admin, None).await.unwrap();
    assert_eq!((first.from, first.to, first.password_set), (0, NEWEST, false));
    let second = migrate(&admin, Some(&server)).await.unwrap();
    assert_eq!((second.from, second.to, second.password_set), (NEWEST, NEWEST, true));
    assert_eq!(second.roles_made, [""; 0]);
    let with_password =
        "SELECT count(*) FROM pg_authid WHERE rolname LIKE 'tributary_%' AND rolpassword IS NOT NULL";
    assert_eq!(cluster.run("postgres", with_password).unwrap(), "2");
    let denied = migrate(&address(APP, &database), None).await.unwrap_err();
    assert!(denied.to_string().contains("--admin"), "{denied}");
}

/// As managed databases give it: no superuser, but a role that owns the database and makes roles.
#[tokio::test]
async fn a_role_that_makes_roles_and_owns_the_database_is_enough_to_migrate() {
    let cluster = Cluster::of_this_process().unwrap();
    database(); // the roles are there
    cluster.run("postgres", "CREATE ROLE manager LOGIN CREATEROLE").unwrap();
    let database = cluster.empty().unwrap();
    cluster.run("postgres", &format!("ALTER DATABASE {database} OWNER TO manager")).unwrap();
    assert_eq!(migrate(&address("manager", &database), None).await.unwrap().to, NEWEST);
    open(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_spend_and_claim_as_one() {
    let database = database();
    let beds = [open(&database).await, open(&database).await].map(|store| Bed { store, _keep: Box::new(()) });
    let tenant = beds[0].account(20).await;
    let spend = async |bed: &Bed| {
        for _ in 0..20 {
            bed.store.admit(&tenant, &asks(1), at(1)).await.unwrap();
        }
    };
    tokio::join!(spend(&beds[0]), spend(&beds[1]));
    assert_eq!(beds[1].balance(&tenant).await, (20, 20));
    let limits = ClaimLimits { per_account: 5, attempts: 3, models: None };
    let claim = async |bed: &Bed| {
        let mut claimed = 0;
        for _ in 0..10 {
            claimed += u32::from(bed.store.claim("w", limits, at(2), at(9)).await.unwrap().is_some());
        }
        claimed
    };
    let (one, two) = tokio::join!(claim(&beds[0]), claim(&beds[1]));
    assert_eq!(one + two, 5, "the account's limit holds across servers");
    let reap = async |bed: &Bed| bed.store.reap(3, at(100), 100).await.unwrap().len();
    let (one, two) = tokio::join!(reap(&beds[0]), reap(&beds[1]));
    assert_eq!(one + two, 5, "each lost lease is reaped once");
    beds[0].assert_audit_is_clean().await;
}

/// Two clips of one job arrive at the same moment at two servers: one of them queues the job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_two_clips_that_arrive_at_once_queues_the_job() {
    let database = database();
    let beds = [open(&database).await, open(&database).await].map(|store| Bed { store, _keep: Box::new(()) });
    let tenant = beds[0].account(50).await;
    for _ in 0..20 {
        let mut new = NewJob { clip_is_stored: false, ..asks(1) };
        let mut reference = new.clip;
        reference.sha256.0[31] ^= 1;
        new.references.push((reference, false));
        beds[0].admit(&tenant, &new, 1).await;
        let (one, two) = tokio::join!(
            beds[0].store.uploaded(&tenant, new.clip.sha256, at(2)),
            beds[1].store.uploaded(&tenant, reference.sha256, at(2))
        );
        assert_eq!([one.unwrap(), two.unwrap()].concat(), [new.id]);
    }
}

#[tokio::test]
async fn one_server_leads_until_it_is_gone() {
    let database = database();
    let (one, two) = (open(&database).await, open(&database).await);
    assert!(one.leads().await.unwrap() && one.leads().await.unwrap());
    assert!(!two.leads().await.unwrap());
    one.close().await;
    // The database learns of a closed connection a moment later.
    for _ in 0..1000 {
        if two.leads().await.unwrap() {
            return;
        }
    }
    panic!("nobody leads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_make_one_account_at_once_are_told_who_was_first() {
    let database = database();
    let stores = [open(&database).await, open(&database).await];
    let [one, two] = [AccountId::generate(), AccountId::generate()];
    let (one, two) = tokio::join!(
        stores[0].create_account(one, "local", 100, at(0)),
        stores[1].create_account(two, "local", 100, at(0))
    );
    let refused = [one, two].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(matches!(&refused[..], [StoreError::Exists(name)] if name == "local"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_database_ended_are_made_anew() {
    let (cluster, database) = (Cluster::of_this_process().unwrap(), database());
    let store = open(&database).await;
    let bed = Bed { store: Arc::clone(&store) as Arc<dyn Store>, _keep: Box::new(()) };
    let tenant = bed.account(5).await;
    assert!(store.leads().await.unwrap());
    let mut tx = store.account(tenant.account()).await.unwrap();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
    cluster.run("postgres", &end).unwrap();
    let cut = rows::job(&mut tx, tenant.account(), JobId::generate()).await;
    assert!(matches!(cut, Err(StoreError::Away(_))), "{cut:?}");
    drop(tx);
    bed.admit(&tenant, &asks(1), 1).await;
    assert!(bed.claim(2).await.is_some());
    assert!(store.leads().await.unwrap(), "the office is free, and taken again");
}
