//! Spanish texts for users: in messages of type `error`, and in bodies of rejected upgrades. Where a protocol gives a
//! text, that one.

use crate::chat::domain::command::Rejection;
use crate::chat::domain::event::ClusterStatus;

/// Returns the text of a rejection.
pub fn rejection_text(rejection: Rejection) -> &'static str {
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

/// Returns the text of a change in the connection to the cluster.
pub fn cluster_status_text(status: ClusterStatus) -> &'static str {
    match status {
        ClusterStatus::Unavailable => {
            "El servidor está aislado: lo que digas se entregará cuando deje de estarlo, o se avisará de que no"
        }
        ClusterStatus::Available => "El servidor ya no está aislado",
        ClusterStatus::NotSent => "Lo último que dijiste no se ha entregado",
        ClusterStatus::Restarted => {
            "El chat ha empezado de nuevo: puede faltar lo último que se dijo"
        }
    }
}

/// Warns an author that the next message is delivered, but not on disk.
pub const NOT_PERSISTED: &str =
    "El historial no está disponible: el mensaje se entrega, pero puede perderse";
