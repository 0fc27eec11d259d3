//! The rules of the house that no compiler checks. Each failure names the file, and what to do instead.

#[cfg(test)]
mod code;
#[cfg(test)]
mod codes;
#[cfg(test)]
mod dependencies;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod goldens;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod names;
#[cfg(test)]
mod places;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tree;
