//! Refusals as a person reads them: in the JSON chat's `error` and in the body of a refused upgrade. Spanish, as the
//! protocols are; where their text gives a sentence, that one.

use crate::chat::domain::command::Refusal;
use crate::chat::domain::event::Standing;

/// The sentence that tells a refusal.
pub fn sentence(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NameEmpty => "El nombre está vacío",
        Refusal::NameTooLong => "El nombre tiene más de 255 bytes",
        Refusal::NameNotUtf8 => "El nombre no es UTF-8",
        Refusal::NameHasControlCharacter => "El nombre tiene caracteres de control",
        Refusal::NameReserved => "El nombre está reservado",
        Refusal::NameTaken => "El usuario ya existe",
        Refusal::NoSuchUser => "Usuario no encontrado",
        Refusal::InvalidStatus => "El estado es inválido",
        Refusal::EmptyMessage => "El mensaje está vacío",
        Refusal::RecipientDisconnected => "El destinatario no está conectado",
        Refusal::OutOfTurn => "No es posible en este momento",
        Refusal::CutOff => "El servidor está aislado; inténtalo de nuevo en un momento",
    }
}

/// The sentence that tells how the server stands with the others.
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::CutOff => {
            "El servidor está aislado: lo que digas se entregará cuando deje de estarlo, o se avisará de que no"
        }
        Standing::Healed => "El servidor ya no está aislado",
        Standing::NotSent => "Lo último que dijiste no se ha entregado",
        Standing::Anew => "El chat ha empezado de nuevo: puede faltar lo último que se dijo",
    }
}

/// Said to an author whose message is delivered and cannot be put on disk.
pub const UNKEPT: &str =
    "El historial no está disponible: el mensaje se entrega, pero puede perderse";
