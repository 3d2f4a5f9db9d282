//! The API as its clients see it, over real records in a real storage. Every answer is checked against the OpenAPI
//! document by [`server::Server::get`].

mod conduct;
mod damage;
mod deletions;
mod documents;
mod errors;
mod fields;
mod logs;
mod schema;
mod server;
mod services;
mod shop;
mod tail;
mod traces;
