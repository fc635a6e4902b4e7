//! The two wire formats of the chat: binary and JSON.

pub mod binary;
pub mod binary_client;
pub mod binary_fields;
pub mod codec;
pub mod json_decode;
pub mod json_encode;
pub mod json_error;
pub mod json_object;
pub mod messages_es;
