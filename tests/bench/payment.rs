//! What a payment costs the worker: paced, one by one, and in a backlog; on each ledger, by one worker and by four. The days
//! are moved at the simulator, which asks for a share of the same two processors.

use std::{path::Path, time::Duration};

use crate::{
    postgres::{self, Postgres},
    process::{DAYBRIDGE, Server, cpu_ms, switches_and_kib},
    rabbitmq::Broker,
    whole::{calls, http, send, sim},
};

/// Payments of a case.
const PAYMENTS: usize = 1000;

/// One by one: so many in a second.
const PACED_PER_S: u32 = 20;

/// As fast as they are accepted.
const AT_ONCE_PER_S: u32 = 2000;

/// How long a partner that is far away takes to answer.
const AWAY_MS: u64 = 200;

/// How a worker meets its payments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Come {
    OneByOne,
    Backlog,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Sqlite,
    Postgres,
}

/// Each case, of the program beside this one, and of another one where it is named: one of before.
pub(crate) async fn run(broker: &Broker, before: Option<&str>) {
    postgres::SYNCED.store(true, std::sync::atomic::Ordering::Relaxed);
    println!("\n### A payment at the worker\n");
    println!(
        "{PAYMENTS} payments each; one by one: {PACED_PER_S} a second; far away: each answer takes {AWAY_MS} ms. KiB: written \
         by the worker itself.\n"
    );
    println!(
        "| program | ledger | workers | come | payments/s | CPU ms | switches | KiB | statements | commits | retries | ledger KiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let programs = [before.map(|path| ("before", path)), Some(("now", DAYBRIDGE))];
    for (on, workers, come, delay_ms) in [
        (On::Sqlite, 1, Come::OneByOne, 0),
        (On::Sqlite, 1, Come::Backlog, 0),
        (On::Postgres, 1, Come::OneByOne, 0),
        (On::Postgres, 1, Come::Backlog, 0),
        (On::Postgres, 4, Come::Backlog, 0),
        (On::Postgres, 1, Come::Backlog, AWAY_MS),
        (On::Postgres, 4, Come::Backlog, AWAY_MS),
    ] {
        for (name, program) in programs.iter().flatten() {
            case(broker, name, program, (on, workers, come, delay_ms)).await;
        }
    }
}

async fn case(
    broker: &Broker,
    name: &str,
    program: &str,
    (on, workers, come, delay_ms): (On, usize, Come, u64),
) {
    let folder = tempfile::tempdir().unwrap();
    let vhost = broker.new_vhost();
    let queue = broker.amqp_url(&vhost);
    let ledger = match on {
        On::Sqlite => format!("sqlite:{}/ledger.db", folder.path().display()),
        On::Postgres => Postgres::url_of_new_database(),
    };
    let (sim, api, admin) = sim(folder.path()).await;
    answers_after(admin, delay_ms).await;
    let role =
        async |role| Server::daybridge_on(program, role, folder.path(), &queue, &ledger, api, "").await;
    let serve = role("serve").await;
    if come == Come::Backlog {
        send(&serve, PAYMENTS, AT_ONCE_PER_S).await;
    }
    let mut work = Vec::new();
    for _ in 0..workers {
        work.push(role("work").await);
    }
    let begun = std::time::Instant::now();
    let before = costs(&work).await;
    if come == Come::OneByOne {
        send(&serve, PAYMENTS, PACED_PER_S).await;
    }
    calls(admin, PAYMENTS).await;
    let seconds = begun.elapsed().as_secs_f64();
    // Its last answer is written down.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = costs(&work).await;
    let each: Vec<f64> =
        after.iter().zip(before).map(|(after, before)| (after - before) / PAYMENTS as f64).collect();
    let [cpu, switches, kib, statements, commits, retries] = each[..] else { panic!("six costs") };
    let rate = if come == Come::Backlog { format!("{:.0}", PAYMENTS as f64 / seconds) } else { "–".into() };
    let on = if on == On::Sqlite { "SQLite" } else { "PostgreSQL" };
    let come = match (come, delay_ms) {
        (Come::OneByOne, _) => "one by one",
        (Come::Backlog, 0) => "backlog",
        (Come::Backlog, _) => "backlog, partner far away",
    };
    let size = size_kib(&ledger, folder.path()) / PAYMENTS as f64;
    println!(
        "| {name} | {on} | {workers} | {come} | {rate} | {cpu:.2} | {switches:.0} | {kib:.0} | {statements:.1} | {commits:.2} | \
         {retries:.3} | {size:.1} |"
    );
    drop((serve, work, sim));
}

async fn answers_after(admin: u16, ms: u64) {
    let switches = format!(r#"{{"answer_delay_ms":{ms}}}"#);
    let url = format!("http://127.0.0.1:{admin}/_sim/switches");
    let asked = http().post(url).header("content-type", "application/json").body(switches);
    assert!(asked.send().await.unwrap().status().is_success());
}

/// CPU in ms, switches, KiB written, and what the metrics say of statements, commits and retries; 0 of a program that does
/// not.
async fn costs(work: &[Server]) -> [f64; 6] {
    let http = http();
    let mut sum = [0.0; 6];
    for server in work {
        let (switches, kib) = switches_and_kib(server.pid());
        let url = format!("http://127.0.0.1:{}/metrics", server.console);
        let text = http.get(url).send().await.unwrap().text().await.unwrap();
        let told = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.map_or(0.0, |value| value.trim().parse().unwrap())
        };
        let of_ledger =
            ["statements", "commits", "retries"].map(|what| told(&format!("daybridge_ledger_{what}_total")));
        let own = [cpu_ms(server.pid()), switches, kib, of_ledger[0], of_ledger[1], of_ledger[2]];
        sum = std::array::from_fn(|at| sum[at] + own[at]);
    }
    sum
}

fn size_kib(ledger: &str, folder: &Path) -> f64 {
    let bytes: f64 = match ledger.starts_with("sqlite:") {
        true => std::fs::metadata(folder.join("ledger.db")).unwrap().len() as f64,
        false => postgres::sql(ledger, "SELECT pg_database_size(current_database())").parse().unwrap(),
    };
    bytes / 1024.0
}
