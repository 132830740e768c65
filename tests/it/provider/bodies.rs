use daybridge::config::Server;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::support::wait::until;

use super::bench::{Bench, exchange, now_s, post, reply, request, settings, signed};

const BODY_BYTES_MAX: usize = 32 * 1024;

/// Two bodies of the longest fit, and not a third.
async fn narrow() -> Bench {
    let bounds =
        Server { max_body_bytes: BODY_BYTES_MAX, bodies_bytes_max: 2 * BODY_BYTES_MAX, ..settings() };
    Bench::with(bounds).await
}

/// Well-formed, and nobody's.
fn forged() -> String {
    format!("Stripe-Signature: t={},v1={}", now_s(), "ab".repeat(32))
}

/// Begins a body of the longest and leaves out the last byte.
async fn begin(bench: &Bench, line: &str, headers: &[&str]) -> TcpStream {
    let whole = request(line, headers, &[b' '; BODY_BYTES_MAX]);
    let mut connection = bench.connect().await;
    connection.write_all(&whole[..whole.len() - 1]).await.unwrap();
    // Whoever is answered after it was heard after it.
    for _ in 0..3 {
        assert_eq!(bench.send(&signed(b"{}")).await.status, 200);
    }
    connection
}

#[tokio::test]
async fn beyond_the_budget_the_oldest_unfinished_body_gives_way() {
    let bench = narrow().await;
    let mut hostile = Vec::new();
    for _ in 0..4 {
        hostile.push(begin(&bench, "POST /webhooks/stripe", &[&forged()]).await);
    }
    let whole = [b' '; BODY_BYTES_MAX];
    assert_eq!(bench.send(&signed(&whole)).await.status, 200, "an honest one has the room");
    for mut connection in hostile.drain(..3) {
        connection.write_all(b" ").await.unwrap();
        let answer = reply(&mut connection).await.unwrap();
        assert_eq!(answer.short(), "503 crowded");
        assert!(answer.head.to_lowercase().contains("retry-after: 5"), "{}", answer.head);
        assert!(reply(&mut connection).await.is_none(), "and the connection ends");
    }
    // The last one had room, and is judged by its signature.
    let mut last = hostile.remove(0);
    last.write_all(b" ").await.unwrap();
    assert_eq!(reply(&mut last).await.unwrap().short(), "400 signature");
    for _ in 0..5 {
        assert_eq!(bench.send(&signed(&whole)).await.status, 200, "the room was given back");
    }
    bench.running.stop().await.unwrap();
}

/// What is refused whatever the body says takes no room.
#[tokio::test]
async fn bodies_that_need_not_be_kept_are_not() {
    let bench = narrow().await;
    let mut kept = begin(&bench, "POST /webhooks/stripe", &[&forged()]).await;
    let mut drained = Vec::new();
    for (line, header, want) in [
        ("POST /webhooks/nobody", forged(), "404 source"),
        ("POST /elsewhere", forged(), "404 source"),
        ("PUT /webhooks/stripe", forged(), "405 method"),
        ("POST /webhooks/stripe", "X-Nothing: 1".to_owned(), "400 signature"),
        ("POST /webhooks/stripe", "Stripe-Signature: t=1,v1=xx".to_owned(), "400 signature"),
    ] {
        for _ in 0..3 {
            drained.push((begin(&bench, line, &[&header]).await, want));
        }
    }
    for (connection, want) in &mut drained {
        connection.write_all(b" ").await.unwrap();
        assert_eq!(reply(connection).await.unwrap().short(), *want);
        // The body was taken, and the connection is as good as before.
        assert_eq!(exchange(connection, &signed(b"{}")).await.status, 200);
    }
    kept.write_all(b" ").await.unwrap();
    assert_eq!(reply(&mut kept).await.unwrap().short(), "400 signature", "it did not have to give way");
    bench.running.stop().await.unwrap();
}

/// A body comes through as it was sent, in whatever pieces.
#[tokio::test]
async fn pieces_and_chunks_of_any_size_are_one_body() {
    let bench = Bench::new().await;
    for (length, piece) in [(1, 1), (5_000, 1), (20_000, 7), (100_000, 4_096), (1_048_576, 100_000)] {
        let body: Vec<u8> = (0..length).map(|n: u32| b'a' + u8::try_from(n % 23).unwrap()).collect();
        let plain = signed(&body);
        let head = plain.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(plain[..head].to_vec()).unwrap();
        let chunked = head.replace(&format!("Content-Length: {length}"), "Transfer-Encoding: chunked");
        assert_ne!(head, chunked);
        let chunks = body
            .chunks(piece)
            .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
        let chunks: Vec<u8> =
            [format!("{chunked}\r\n\r\n").into_bytes(), chunks.collect(), b"0\r\n\r\n".to_vec()].concat();
        for sent in [plain, chunks] {
            let mut connection = bench.connect().await;
            for part in sent.chunks(piece.max(1_000)) {
                connection.write_all(part).await.unwrap();
            }
            assert_eq!(reply(&mut connection).await.unwrap().status, 200, "{length} in {piece}");
            assert!(bench.queue.last().body == body, "{length} in {piece}");
        }
    }
    bench.running.stop().await.unwrap();
}

/// One long head is read; many at a time would be as good as bodies for whoever wants the memory.
#[tokio::test]
async fn of_long_heads_there_are_few_at_a_time() {
    let bench = Bench::new().await;
    let long = |bytes: usize| post(&[&format!("X-Long: {}", "x".repeat(bytes))], b"");
    assert_eq!(bench.send(&long(64 * 1024)).await.status, 400);
    let mut heads = Vec::new();
    for _ in 0..40 {
        let mut connection = bench.connect().await;
        let _ = connection.write_all(&long(64 * 1024)[..32 * 1024]).await;
        heads.push(connection);
    }
    assert_eq!(bench.send(&long(12_000)).await.status, 400, "usual ones are heard meanwhile");
    let mut cut = bench.connect().await;
    let _ = cut.write_all(&long(64 * 1024)).await;
    assert!(reply(&mut cut).await.is_none(), "it is not waited for");
    drop(heads);
    until("their places are free", || async {
        let mut connection = bench.connect().await;
        let _ = connection.write_all(&long(64 * 1024)).await;
        reply(&mut connection).await
    })
    .await;
    bench.running.stop().await.unwrap();
}
