//! Columns as SVG, drawn on the server: attributes of presentation alone, since the pages allow no inline style. The
//! numbers stand in a table beside it for whoever does not see it.

/// Width of the drawing, in its own units.
pub(super) const WIDTH: u64 = 600;

/// Height of the columns.
pub(super) const HEIGHT: u64 = 100;

/// A part of a column; the first stands on the ground.
pub(super) struct Part {
    pub(super) value: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// One column.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) x: u64,
    pub(super) width: u64,
    pub(super) parts: Vec<Part>,
}

/// A drawing.
pub(super) struct Plot {
    /// Names its parts for labels.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What one column stands for.
    pub(super) each: &'static str,
    /// What the parts of a column stand for.
    pub(super) names: Vec<&'static str>,
    pub(super) columns: Vec<Column>,
    most: u64,
    /// Of each part.
    totals: Vec<u64>,
}

impl Plot {
    /// Columns of one part.
    pub(super) fn new(
        id: &'static str,
        title: &'static str,
        each: &'static str,
        values: Vec<(String, u64)>,
    ) -> Self {
        let values = values.into_iter().map(|(label, value)| (label, vec![value])).collect();
        Self::of(id, title, each, vec!["value"], values)
    }

    /// Columns of two parts, the second on top of the first.
    pub(super) fn stacked(
        id: &'static str,
        title: &'static str,
        each: &'static str,
        names: [&'static str; 2],
        values: Vec<(String, u64, u64)>,
    ) -> Self {
        let values = values.into_iter().map(|(label, low, high)| (label, vec![low, high])).collect();
        Self::of(id, title, each, names.to_vec(), values)
    }

    fn of(
        id: &'static str,
        title: &'static str,
        each: &'static str,
        names: Vec<&'static str>,
        values: Vec<(String, Vec<u64>)>,
    ) -> Self {
        let sum = |parts: &[u64]| parts.iter().fold(0_u64, |sum, part| sum.saturating_add(*part));
        let most = values.iter().map(|(_, parts)| sum(parts)).max().unwrap_or(0);
        let total = |part: usize| {
            let of_part: Vec<u64> = values.iter().filter_map(|(_, parts)| parts.get(part).copied()).collect();
            sum(&of_part)
        };
        let totals = (0..names.len()).map(total).collect();
        let step = WIDTH.checked_div(u64::try_from(values.len()).unwrap_or(1)).unwrap_or(WIDTH).max(1);
        let columns = values
            .into_iter()
            .zip((0..).step_by(usize::try_from(step).unwrap_or(1)))
            .map(|((label, values), x)| {
                let width = step.saturating_sub(2).max(1);
                Column { label, x, width, parts: parts(&values, most) }
            })
            .collect();
        Self { id, title, each, names, columns, most, totals }
    }

    pub(super) fn first(&self) -> &str {
        self.columns.first().map_or("", |column| &column.label)
    }

    pub(super) fn last(&self) -> &str {
        self.columns.last().map_or("", |column| &column.label)
    }

    /// In one sentence.
    pub(super) fn sentence(&self) -> String {
        let all = match (&*self.totals, &*self.names) {
            ([one, other], [first, second]) => format!("below {one} for {first}, above {other} for {second}"),
            (totals, _) => format!("{} in all", totals.first().copied().unwrap_or(0)),
        };
        format!("{all}, at most {} in one {}", self.most, self.each)
    }
}

/// The parts of a column, one on top of the other.
fn parts(values: &[u64], most: u64) -> Vec<Part> {
    let mut top = HEIGHT;
    let part = |value: &u64| {
        // A part that is not nothing is seen.
        let height = value.saturating_mul(HEIGHT).checked_div(most).unwrap_or(0).max(u64::from(*value > 0));
        let height = height.min(top);
        top = top.saturating_sub(height);
        Part { value: *value, y: top, height }
    };
    values.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_the_drawing() {
        let values = (0..60).map(|n| (n.to_string(), n * 1_000)).collect();
        let plot = Plot::new("p", "t", "minute", values);
        let last = plot.columns.last().unwrap();
        assert_eq!((last.parts[0].y, last.parts[0].height), (0, HEIGHT));
        assert!(last.x + last.width <= WIDTH);
        assert_eq!(plot.columns.iter().map(|c| c.parts[0].height).find(|h| *h > 0), Some(1));
        assert_eq!(plot.sentence(), "1770000 in all, at most 59000 in one minute");
        let none = Plot::new("p", "t", "day", vec![("a".into(), 0)]);
        assert_eq!((none.columns[0].parts[0].height, none.most), (0, 0));
        assert!(Plot::new("p", "t", "day", Vec::new()).columns.is_empty());
    }

    #[test]
    fn the_second_part_stands_on_the_first() {
        let values = vec![("a".into(), 30, 10), ("b".into(), 0, 20), ("c".into(), 1, 0)];
        let plot = Plot::stacked("p", "t", "day", ["what is owed", "new payments"], values);
        let drawn = |column: &Column| column.parts.iter().map(|p| (p.y, p.height)).collect::<Vec<_>>();
        assert_eq!(
            plot.columns.iter().map(drawn).collect::<Vec<_>>(),
            [vec![(25, 75), (0, 25)], vec![(100, 0), (50, 50)], vec![(98, 2), (98, 0)],]
        );
        assert_eq!(
            plot.sentence(),
            "below 31 for what is owed, above 30 for new payments, at most 40 in one day"
        );
    }
}
