//! Tables, as runc's users know them.

/// Narrowest column, and the room between columns.
const MINIMUM: usize = 12;
const GAP: usize = 3;

/// The rows, the headings first, with columns that begin below one another; nothing after the last.
pub fn text(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell_width = |row: &Vec<String>, column| row.get(column).map_or(0, |cell: &String| cell.chars().count() + GAP);
    let widths: Vec<_> = (0..columns)
        .map(|column| rows.iter().map(|row| cell_width(row, column)).max().unwrap_or(0).max(MINIMUM))
        .collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.extend(std::iter::repeat_n(' ', widths[column] - cell.chars().count()));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_stand_below_one_another() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["ID", "PID", "OWNER"]), row(["a-rather-long-id", "7", "root"])];
        let expected = "ID                 PID         OWNER\na-rather-long-id   7           root\n";
        assert_eq!(super::text(&rows), expected);
    }
}
