//! Guides: the code, deployment, clusters, writing a service, embedding the server.

#[doc = include_str!("tour.md")]
pub mod tour {}

#[doc = include_str!("deploy.md")]
pub mod deploy {}

#[doc = include_str!("cluster.md")]
pub mod cluster {}

#[doc = include_str!("write-a-service.md")]
pub mod write_a_service {}

#[doc = include_str!("embed-the-server.md")]
pub mod embed_the_server {}
