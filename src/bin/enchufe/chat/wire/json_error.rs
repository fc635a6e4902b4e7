//! What may be wrong with a message of the JSON chat, and the sentence that says so.

use std::fmt;

use crate::chat::domain::command::Refusal;
use crate::chat::wire::messages_es::sentence;

/// Why a message has no effect. Displayed as the Spanish sentence that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
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
    Refused(Refusal),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NotText => "El mensaje no es de texto",
            Fault::NotUtf8 => "El mensaje no es UTF-8",
            Fault::NotJson => "El mensaje no es JSON válido",
            Fault::TooDeep => "El mensaje tiene demasiados niveles",
            Fault::NotAnObject => "El mensaje no es un objeto JSON",
            Fault::RepeatedField => "El mensaje repite un campo",
            Fault::Missing(field) => return write!(f, "Falta el campo {field}"),
            Fault::WrongType(field) => return write!(f, "El campo {field} es de otro tipo"),
            Fault::UnknownType => "El tipo de mensaje no existe",
            Fault::NotRegistered => "Primero hay que registrarse",
            Fault::AlreadyRegistered => "Ya hay un registro en esta conexión",
            Fault::NotTheSender => "El campo sender no es el nombre registrado",
            Fault::Refused(refusal) => sentence(*refusal),
        })
    }
}

impl std::error::Error for Fault {}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Refused(refusal)
    }
}
