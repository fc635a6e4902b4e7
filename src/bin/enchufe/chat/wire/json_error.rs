//! Errors in messages of the JSON wire.

use std::fmt;

use crate::chat::domain::command::Rejection;
use crate::chat::wire::messages_es::rejection_text;

/// Reason to reject a message. Displayed as the Spanish text for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// The message is binary.
    NotText,
    /// The text is not UTF-8: the connection closes with code 1007
    /// ([RFC 6455, 8.1](https://www.rfc-editor.org/rfc/rfc6455#section-8.1)).
    NotUtf8,
    /// The text is not JSON.
    NotJson,
    /// Arrays and objects are nested deeper than the limit.
    TooDeep,
    /// The JSON is not an object.
    NotAnObject,
    /// An object, at any depth, has a key twice.
    RepeatedField,
    /// A required field is absent or null.
    Missing(&'static str),
    /// A field has another type.
    WrongType(&'static str),
    /// The message has an unknown type.
    UnknownType,
    /// The first request is not `register`.
    NotRegistered,
    /// The connection is registered already.
    AlreadyRegistered,
    /// The field `sender` is not the registered name.
    NotTheSender,
    /// The message is valid, but the chat rejects the request.
    Rejected(Rejection),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotText => "El mensaje no es de texto",
            Self::NotUtf8 => "El mensaje no es UTF-8",
            Self::NotJson => "El mensaje no es JSON válido",
            Self::TooDeep => "El mensaje tiene demasiados niveles",
            Self::NotAnObject => "El mensaje no es un objeto JSON",
            Self::RepeatedField => "El mensaje repite un campo",
            Self::Missing(field) => return write!(f, "Falta el campo {field}"),
            Self::WrongType(field) => return write!(f, "El campo {field} es de otro tipo"),
            Self::UnknownType => "El tipo de mensaje no existe",
            Self::NotRegistered => "Primero hay que registrarse",
            Self::AlreadyRegistered => "Ya hay un registro en esta conexión",
            Self::NotTheSender => "El campo sender no es el nombre registrado",
            Self::Rejected(rejection) => rejection_text(*rejection),
        })
    }
}

impl std::error::Error for RequestError {}

impl From<Rejection> for RequestError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
