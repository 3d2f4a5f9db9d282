//! The table of figures with their goals, and the same as JSON.

use serde_json::{Value, json};

/// A goal: what must be reached, and what would be splendid.
#[derive(Clone, Copy)]
pub struct Goal {
    pub must: f64,
    pub stretch: f64,
    pub better: Better,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Better {
    More,
    Less,
}

pub const fn at_most(must: f64, stretch: f64) -> Option<Goal> {
    Some(Goal { must, stretch, better: Better::Less })
}

pub const fn at_least(must: f64, stretch: f64) -> Option<Goal> {
    Some(Goal { must, stretch, better: Better::More })
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    details: serde_json::Map<String, Value>,
}

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
}

impl Report {
    /// Keeps a figure, and prints it.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Option<Goal>) {
        let figure = Figure { name: name.into(), value, unit, goal };
        println!("{figure}");
        self.figures.push(figure);
    }

    /// The value of a figure.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }

    /// Keeps what belongs into the JSON only.
    pub fn detail(&mut self, name: &str, value: Value) {
        self.details.insert(name.to_owned(), value);
    }

    /// The figures with goals, as a table.
    pub fn print(&self) {
        println!("\n{:<58} {:>10} {:>10} {:>10}", "figure", "value", "must", "stretch");
        for figure in self.figures.iter().filter(|figure| figure.goal.is_some()) {
            println!("{figure}");
        }
    }

    /// Everything, as JSON.
    pub fn json(&self) -> Value {
        let figures: Vec<Value> = self.figures.iter().map(Figure::json).collect();
        json!({ "figures": figures, "details": self.details })
    }
}

impl Figure {
    fn verdict(&self) -> &'static str {
        let Some(goal) = self.goal else { return "" };
        let reached = |bound: f64| if goal.better == Better::Less { self.value <= bound } else { self.value >= bound };
        match (reached(goal.stretch), reached(goal.must)) {
            (true, _) => "stretch",
            (_, true) => "reached",
            _ => "MISSED",
        }
    }

    fn json(&self) -> Value {
        let (must, stretch) =
            self.goal.map_or((Value::Null, Value::Null), |goal| (goal.must.into(), goal.stretch.into()));
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "must": must, "stretch": stretch,
                "verdict": self.verdict() })
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = if self.value.abs() >= 1_000.0 { 0 } else { 2 };
        write!(f, "{:<58} {:>10.digits$}", self.name, self.value)?;
        if let Some(goal) = self.goal {
            write!(f, " {:>10} {:>10}", goal.must, goal.stretch)?;
        }
        write!(f, " {} {}", self.unit, self.verdict())
    }
}

/// The value below which `share` of `values` are, in milliseconds.
pub fn percentile_ms(values: &mut [std::time::Duration], share: f64) -> f64 {
    values.sort_unstable();
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * share).ceil() as usize).map_or(f64::NAN, |value| value.as_secs_f64() * 1e3)
}
