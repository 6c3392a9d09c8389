//! A plan to be read: [`human`] as the list of what will happen, [`json`] for programs. Both are total: they show every
//! value of the plan, whatever it is.

mod human;
mod json;
mod words;

pub use human::human;
pub use json::json;
