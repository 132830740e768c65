//! The bare pipeline: the floor and one confirmed, persistent publish to a quorum queue. Nothing else: no
//! topology, no reconnect, no limits, no words around the message, no metrics.
//!
//! Each HTTP thread has a connection and a channel of its own, which no other thread touches; a publish is
//! handed over whole in one poll, so the confirms of one channel cannot be mixed up.

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, rt,
    web::{self, Bytes},
};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use crate::{
    THREADS,
    events::PATH,
    floor::{Key, accepted, genuine, key},
};

/// Its queue.
pub(crate) const QUEUE: &str = "bare";

/// Serves until killed.
pub(crate) fn run(port: u16, url: String) {
    let key = key();
    let server = HttpServer::new(move || {
        let url = url.clone();
        App::new()
            .app_data(web::Data::new(key.clone()))
            .data_factory(move || Publisher::open(url.clone()))
            .route(PATH, web::post().to(accept))
    });
    rt::System::new().block_on(server.workers(THREADS).bind(("127.0.0.1", port)).unwrap().run()).unwrap();
}

/// Of one thread.
struct Publisher {
    channel: Channel,
    _open: Connection,
}

impl Publisher {
    async fn open(url: String) -> Result<Self, lapin::Error> {
        let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(QUEUE.into(), options, arguments).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, _open: connection })
    }
}

async fn accept(
    request: HttpRequest,
    body: Bytes,
    key: web::Data<Key>,
    publisher: web::Data<Publisher>,
) -> HttpResponse {
    if !genuine(&key, &request, &body) {
        return HttpResponse::BadRequest().finish();
    }
    match publish(&publisher.channel, &body).await {
        Ok(Confirmation::Ack(None)) => accepted(),
        _ => HttpResponse::ServiceUnavailable().finish(),
    }
}

async fn publish(channel: &Channel, body: &[u8]) -> Result<Confirmation, lapin::Error> {
    let properties =
        BasicProperties::default().with_delivery_mode(2).with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), QUEUE.into(), options, body, properties).await?.await
}
