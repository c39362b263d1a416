//! Those who listen to what goes between readers and cards.

use cac_common::interface::{ActivityReply, Reply};
use cac_common::wire::{Connection, WireError};

use super::{Server, send};

impl Server {
    /// Sends one reply at once, which is empty, and then what there is to tell.
    pub(super) async fn monitor_activity(
        &self,
        connection: &mut Connection,
    ) -> Result<(), WireError> {
        let mut listener = self.activity.listen();
        send(connection, &reply(&ActivityReply::default())).await?;
        loop {
            tokio::select! {
                told = listener.next() => {
                    let Some((apdus, missed)) = told else {
                        return Ok(());
                    };
                    send(connection, &reply(&ActivityReply { apdus, missed })).await?;
                }
                // Whoever listens has nothing more to say; that it went is seen here.
                received = connection.receive() => {
                    if received?.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn reply(told: &ActivityReply) -> Reply {
    Reply {
        error: None,
        parameters: serde_json::to_value(told).expect("replies are plain data"),
        continues: true,
    }
}
