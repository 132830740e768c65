//! A whole process whose ledger is behind pgbouncer, which has no session for a while.

use serde_json::json;

use crate::support::{
    daybridge::House,
    pgbouncer::{Mode, Pgbouncer},
    postgres::Postgres,
    sql::Sql,
    wait::until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_waits_for_a_pool_that_starves() {
    let start = || {
        let url = Postgres::url_of_new_database();
        Pgbouncer::start(&url, Mode::Transaction, 1, "query_wait_timeout = 1")
    };
    let pool = tokio::task::spawn_blocking(start).await.unwrap();
    let mut house = House::build("embedded", Some(&pool.url()), "").await;
    house.sim("channels", json!({"id": "DEMOCH-AB12C", "days": 10, "mode": "live"})).await;
    house.start("run").await;
    let pay = |n: &str| {
        House::event("charge.succeeded", &format!("evt_{n}"), &format!("pi_{n}"), "DEMOCH-AB12C", "30")
    };
    assert_eq!(house.post(&pay("1")).await, 200);
    house.payment_is("stripe/pi_1", "credited").await;

    let mut person = Sql::open(&pool.url()).await;
    person.execute("BEGIN").await;
    assert_eq!(house.post(&pay("2")).await, 200);
    let told = |text: &str| text.contains("default_pool_size") && text.contains("ledger.connections_max");
    until("the log says so", || async { told(&house.log("run")).then_some(()) }).await;
    let checked = house.command(&["check"]);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.code() == Some(1) && said.contains("FAIL  ledger") && told(&said), "{said}");

    person.execute("COMMIT").await;
    house.payment_is("stripe/pi_2", "credited").await;
    for payment in ["stripe/pi_1", "stripe/pi_2"] {
        assert_eq!(house.applied(payment).await, 1);
    }
    assert_eq!(house.stop("run").await, Some(0));
}
