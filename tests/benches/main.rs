//! Figures, each beside its baseline in the same run: see `./test bench --help`.

fn main() {}
