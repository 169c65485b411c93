//! The way to a database is secret, and whoever answers there proves who they are: what the documents tell operators to ask
//! for, against a real PostgreSQL whose certificate no system knows.

use super::setup::migrate;
use super::*;
use crate::tenant::Tenant;
use crate::tls::authority::Authority;
use tributary_cluster::{ADMIN, Secured};

/// Each look starts a program, which takes longer than a server needs to read its settings.
const LOOKS_MAX: usize = 200;

/// What `connect` answers, in words, with what caused it.
async fn refusal(address: &str) -> String {
    let error = connect(&Address::parse(address).unwrap(), Part::App).await.unwrap_err();
    assert!(matches!(error, SetupError::Untrusted { .. }), "{error:?}");
    format!("{:#}", anyhow::Error::from(error))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_spoken_to_over_tls_or_not_at_all() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let signed = authority.sign("localhost");
    let database = Secured::start(&signed.certificate, &signed.key).unwrap();
    let name = database.cluster.empty().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let full = |authority: &Authority| {
        format!("sslmode=verify-full&sslrootcert={}", authority.written(folder.path()))
    };
    let known = full(&authority);
    let at = |role, host, more: &str| database.address(role, host, &name, more);

    migrate(&Address::parse(&at(ADMIN, "localhost", &known)).unwrap(), None).await.unwrap();
    let [app, scheduler] =
        [APP, SCHEDULER].map(|role| Address::parse(&at(role, "localhost", &known)).unwrap());
    let store = PostgresStore::open(&Addresses { app, scheduler }).await.unwrap();
    let id = AccountId::generate();
    store.create_account(id, "over TLS", 100, Timestamp(0)).await.unwrap();
    assert_eq!(Store::account(&store, &Tenant::acting_for(id)).await.unwrap().name, "over TLS");
    let seen = database
        .cluster
        .run(
            "postgres",
            "SELECT bool_and(ssl), count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'tributary'",
        )
        .unwrap();
    assert_eq!(seen, "t|t", "all of our connections, and there are some");

    for (why, address) in [
        ("another authority", at(APP, "localhost", &full(&stranger))),
        ("no system knows this one", at(APP, "localhost", "sslmode=verify-full")),
        ("another name than the certificate's", at(APP, "127.0.0.1", &known)),
    ] {
        let said = refusal(&address).await;
        assert!(said.contains("sslrootcert=FILE") && said.contains("certificate"), "{why}: {said}");
    }
    store.close().await;

    // The same server without TLS is not spoken to in the clear.
    for sql in ["ALTER SYSTEM SET ssl = off", "SELECT pg_reload_conf()"] {
        database.cluster.run("postgres", sql).unwrap();
    }
    let is_off = || database.cluster.run("postgres", "SHOW ssl").unwrap() == "off";
    assert!((0..LOOKS_MAX).any(|_| is_off()), "it read its settings again");
    let said = refusal(&at(APP, "localhost", &known)).await;
    assert!(said.contains("does not support TLS"), "{said}");
}
