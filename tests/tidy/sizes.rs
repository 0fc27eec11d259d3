//! Files that can be read in one go. The length of functions is the linter's business.

use super::tree::{files_with, refuse};

const LINES_MAX: usize = 400;
/// A file of this length says one thing; longer ones are allowed, but not as the habit.
const LINES_USUAL: usize = 150;
const LONGER_THAN_USUAL_PERCENT_MAX: usize = 35;

#[test]
fn no_file_is_too_long() {
    let long = files_with("rs").into_iter().map(|file| (file.text.lines().count(), file.path));
    let violations: Vec<String> = long
        .filter(|(lines, _)| *lines > LINES_MAX)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    refuse(&violations, &format!("Split it by what it says, into at most {LINES_MAX} lines each."));
}

#[test]
fn most_files_are_short() {
    let files = files_with("rs");
    let mut long: Vec<(usize, &str)> = files
        .iter()
        .map(|file| (file.text.lines().count(), file.path.as_str()))
        .filter(|(lines, _)| *lines > LINES_USUAL)
        .collect();
    long.sort_unstable_by(|one, other| other.cmp(one));
    let percent = 100 * long.len() / files.len().max(1);
    let list: Vec<String> = long.iter().map(|(lines, path)| format!("{path}: {lines} lines")).collect();
    assert!(
        percent <= LONGER_THAN_USUAL_PERCENT_MAX,
        "\n  {}\n{percent} % of the files have more than {LINES_USUAL} lines; split the longest.\n",
        list.join("\n  ")
    );
}
