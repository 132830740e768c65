//! The list of channels, page by page, in both of its shapes.

use std::time::Duration;

use daybridge::{domain::reply::ReadError, partner::client::ANSWER_BYTES_MAX};

use super::*;

const CALM: Duration = Duration::from_secs(20);

/// More than an answer about one channel may be long.
const CHANNELS: usize = 400;

#[tokio::test]
async fn pages_of_both_shapes_end_and_show_no_token() {
    let (sim, client, _) = pair(100, CALM).await;
    for n in 1..CHANNELS {
        sim.control.add_channel(&format!("CHAN-{n:05}"), 10, Some("live"));
    }
    for bare in [false, true] {
        sim.control.switch(|s| s.list_bare = bare);
        let whole = clean(client.list(0, 1_000).await).unwrap();
        assert_eq!((whole.channels.len(), whole.shown), (CHANNELS, 400));
        let mut paged = Vec::new();
        loop {
            let offset = u32::try_from(paged.len()).unwrap();
            let page = clean(client.list(offset, 150).await).unwrap();
            assert!(page.shown <= 150);
            if page.shown == 0 {
                break;
            }
            paged.extend(page.channels);
        }
        assert_eq!(paged, whole.channels);
        let own = paged.iter().find(|one| one.channel == id()).unwrap();
        assert_eq!(own.active_till.unwrap(), sim.control.channel(ID).unwrap().active_till);
    }
    let object = serde_json::to_string(&sim.control.channel(ID).unwrap()).unwrap();
    assert!(object.len() * CHANNELS > ANSWER_BYTES_MAX, "a list has a limit of its own");
    let stranger = client_of(&sim.base_url(), "another", CALM);
    assert_eq!(stranger.list(0, 9).await, Err(ReadError::Unauthorized));
    sim.stop().await;
}
