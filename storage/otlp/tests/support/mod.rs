//! Requests for the tests: arbitrary ones, ways to rearrange their bytes, and the form in which they are compared.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod arbitrary;
pub mod normal;
pub mod rearrange;
