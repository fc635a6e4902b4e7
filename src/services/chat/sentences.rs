//! Refusals as a person reads them: in the JSON chat's `error` and in the body of a refused upgrade. Spanish, as the
//! protocols are; where their text gives a sentence, that one.

use super::command::Refusal;

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
    }
}

/// Said to an author whose message is delivered and cannot be put on disk.
pub const UNKEPT: &str =
    "El historial no está disponible: el mensaje se entrega, pero puede perderse";
