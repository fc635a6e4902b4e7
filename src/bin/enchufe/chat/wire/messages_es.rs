//! Refusals as a person reads them: in the JSON chat's `error` and in the body of a refused upgrade. Spanish, as the
//! protocols are; where their text gives a sentence, that one.

use crate::chat::domain::command::Rejection;
use crate::chat::domain::event::ClusterStatus;

/// The sentence that tells a rejection.
pub fn sentence(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NameEmpty => "El nombre está vacío",
        Rejection::NameTooLong => "El nombre tiene más de 255 bytes",
        Rejection::NameNotUtf8 => "El nombre no es UTF-8",
        Rejection::NameHasControlCharacter => "El nombre tiene caracteres de control",
        Rejection::NameReserved => "El nombre está reservado",
        Rejection::NameTaken => "El usuario ya existe",
        Rejection::NoSuchUser => "Usuario no encontrado",
        Rejection::InvalidStatus => "El estado es inválido",
        Rejection::EmptyMessage => "El mensaje está vacío",
        Rejection::RecipientDisconnected => "El destinatario no está conectado",
        Rejection::InvalidState => "No es posible en este momento",
        Rejection::ClusterUnavailable => {
            "El servidor está aislado; inténtalo de nuevo en un momento"
        }
    }
}

/// The sentence that tells how the server stands with the others.
pub fn standing(standing: ClusterStatus) -> &'static str {
    match standing {
        ClusterStatus::ClusterUnavailable => {
            "El servidor está aislado: lo que digas se entregará cuando deje de estarlo, o se avisará de que no"
        }
        ClusterStatus::Healed => "El servidor ya no está aislado",
        ClusterStatus::NotSent => "Lo último que dijiste no se ha entregado",
        ClusterStatus::Anew => "El chat ha empezado de nuevo: puede faltar lo último que se dijo",
    }
}

/// Said to an author whose message is delivered and cannot be put on disk.
pub const UNKEPT: &str =
    "El historial no está disponible: el mensaje se entrega, pero puede perderse";
