//! What the client asks of the server: kept until it is answered, because the answers do not say what was asked.

use crate::chat::domain::status::Status;
use crate::chat::wire::binary_client;

/// One request, one message on the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Who is here?
    Users,
    /// How is this one?
    User(String),
    /// I am this now.
    SetStatus { name: String, status: Status },
    /// Say this: to one, or to everybody. At most 255 bytes.
    Say { to: Option<String>, text: String },
    /// What was said, with one or by everybody?
    History(Option<String>),
}

impl Request {
    /// The message that asks for it.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Users => binary_client::list_users(),
            Self::User(name) => binary_client::get_user(name),
            Self::SetStatus { name, status } => binary_client::change_status(name, *status),
            Self::Say { to, text } => binary_client::send_message(to.as_deref(), text).concat(),
            Self::History(with) => binary_client::get_history(with.as_deref()),
        }
    }
}
