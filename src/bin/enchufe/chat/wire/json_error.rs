//! What may be wrong with a message of the JSON chat, and the sentence that says so.

use std::fmt;

use crate::chat::domain::command::Rejection;
use crate::chat::wire::messages_es::sentence;

/// Why a message has no effect. Displayed as the Spanish sentence that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// A binary message.
    NotText,
    /// Text that is not UTF-8: the connection fails with 1007
    /// ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
    NotUtf8,
    /// Not a JSON text.
    NotJson,
    /// Arrays and objects nested deeper than the limit.
    TooDeep,
    /// JSON, but not an object.
    NotAnObject,
    /// A key that comes twice in an object, at any depth.
    RepeatedField,
    /// A field that is needed is absent or null.
    Missing(&'static str),
    /// A field is of another type.
    WrongType(&'static str),
    /// No message is of this type.
    UnknownType,
    /// Anything else before `register`.
    NotRegistered,
    /// A second `register`.
    AlreadyRegistered,
    /// A `sender` other than the registered name.
    NotTheSender,
    /// Nothing is wrong with the message, but the chat refuses.
    Refused(Rejection),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequestError::NotText => "El mensaje no es de texto",
            RequestError::NotUtf8 => "El mensaje no es UTF-8",
            RequestError::NotJson => "El mensaje no es JSON válido",
            RequestError::TooDeep => "El mensaje tiene demasiados niveles",
            RequestError::NotAnObject => "El mensaje no es un objeto JSON",
            RequestError::RepeatedField => "El mensaje repite un campo",
            RequestError::Missing(field) => return write!(f, "Falta el campo {field}"),
            RequestError::WrongType(field) => return write!(f, "El campo {field} es de otro tipo"),
            RequestError::UnknownType => "El tipo de mensaje no existe",
            RequestError::NotRegistered => "Primero hay que registrarse",
            RequestError::AlreadyRegistered => "Ya hay un registro en esta conexión",
            RequestError::NotTheSender => "El campo sender no es el nombre registrado",
            RequestError::Refused(rejection) => sentence(*rejection),
        })
    }
}

impl std::error::Error for RequestError {}

impl From<Rejection> for RequestError {
    fn from(rejection: Rejection) -> RequestError {
        RequestError::Refused(rejection)
    }
}
