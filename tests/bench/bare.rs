//! The bare pipeline: the floor and one confirmed, persistent publish to a quorum queue. Nothing else: no
//! topology, no reconnect, no limits, no words around the message, no metrics.
//!
//! Each HTTP thread has a channel of its own, which no other thread touches; a publish is handed over whole
//! in one poll, so the confirms of one channel cannot be mixed up.

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
    rt::System::new().block_on(async move {
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        declare(&connection).await;
        let connection = web::Data::new(connection);
        let server = HttpServer::new(move || {
            let connection = connection.clone();
            App::new()
                .app_data(web::Data::new(key.clone()))
                .data_factory(move || channel(connection.clone()))
                .route(PATH, web::post().to(accept))
        });
        server.workers(THREADS).bind(("127.0.0.1", port)).unwrap().run().await.unwrap();
    });
}

async fn declare(connection: &Connection) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let channel = connection.create_channel().await.unwrap();
    channel.queue_declare(QUEUE.into(), options, arguments).await.unwrap();
}

async fn channel(connection: web::Data<Connection>) -> Result<Channel, lapin::Error> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

async fn accept(
    request: HttpRequest,
    body: Bytes,
    key: web::Data<Key>,
    channel: web::Data<Channel>,
) -> HttpResponse {
    if !genuine(&key, &request, &body) {
        return HttpResponse::BadRequest().finish();
    }
    match publish(&channel, &body).await {
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
