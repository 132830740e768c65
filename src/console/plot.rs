//! Columns as SVG, drawn on the server: attributes of presentation alone, since the pages allow no inline style. The
//! numbers stand in a table beside it for whoever does not see it.

/// Width of the drawing, in its own units.
pub(super) const WIDTH: u64 = 600;

/// Height of the columns.
pub(super) const HEIGHT: u64 = 100;

/// One column.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) value: u64,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// A drawing.
pub(super) struct Plot {
    /// Names its parts for labels.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What one column stands for.
    pub(super) each: &'static str,
    pub(super) columns: Vec<Column>,
    pub(super) most: u64,
    pub(super) total: u64,
}

impl Plot {
    pub(super) fn new(
        id: &'static str,
        title: &'static str,
        each: &'static str,
        values: Vec<(String, u64)>,
    ) -> Self {
        let most = values.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let total = values.iter().map(|(_, value)| *value).sum();
        let step = WIDTH.checked_div(u64::try_from(values.len()).unwrap_or(1)).unwrap_or(WIDTH).max(1);
        let columns = values
            .into_iter()
            .zip((0..).step_by(usize::try_from(step).unwrap_or(1)))
            .map(|((label, value), x)| {
                // A column that is not nothing is seen.
                let height =
                    value.saturating_mul(HEIGHT).checked_div(most).unwrap_or(0).max(u64::from(value > 0));
                let width = step.saturating_sub(2).max(1);
                Column { label, value, x, y: HEIGHT.saturating_sub(height), width, height }
            })
            .collect();
        Self { id, title, each, columns, most, total }
    }

    pub(super) fn first(&self) -> &str {
        self.columns.first().map_or("", |column| &column.label)
    }

    pub(super) fn last(&self) -> &str {
        self.columns.last().map_or("", |column| &column.label)
    }

    /// In one sentence.
    pub(super) fn sentence(&self) -> String {
        format!("{} in all, at most {} in one {}", self.total, self.most, self.each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_the_drawing() {
        let values = (0..60).map(|n| (n.to_string(), n * 1_000)).collect();
        let plot = Plot::new("p", "t", "minute", values);
        let last = plot.columns.last().unwrap();
        assert_eq!((last.y, last.height), (0, HEIGHT));
        assert!(last.x + last.width <= WIDTH);
        assert_eq!(plot.columns.iter().map(|c| c.height).find(|h| *h > 0), Some(1));
        let none = Plot::new("p", "t", "day", vec![("a".into(), 0)]);
        assert_eq!((none.columns[0].height, none.most), (0, 0));
        assert!(Plot::new("p", "t", "day", Vec::new()).columns.is_empty());
    }
}
