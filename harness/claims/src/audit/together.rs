//! One fact that several tables print is one finding.

use std::collections::BTreeMap;

use super::context::{Context, method};
use super::finding::{AlsoAt, AuditFinding, Detector};

/// Joins findings about the same value of the same method in several tables: the first one names the other places and has
/// the gravest of their severities. Which questions and members are behind the value is in the message.
pub(super) fn join(context: &Context<'_>, findings: &mut Vec<AuditFinding>) {
    let mut methods: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for table in &context.tables {
        methods.extend(table.layout.rows.iter().map(|row| ((table.name, row.id.as_str()), method(row))));
    }
    let mut joined: Vec<AuditFinding> = Vec::with_capacity(findings.len());
    let mut first_of = BTreeMap::new();
    for finding in findings.drain(..) {
        let of_cells = matches!(finding.detector, Detector::Grid | Detector::Average | Detector::Precision);
        let row = finding.row.clone().filter(|_| of_cells);
        let of = row.as_deref().and_then(|row| methods.get(&(finding.table.as_str(), row)).copied());
        let (Some(row), Some(of)) = (row, of) else {
            joined.push(finding);
            continue;
        };
        let key = (finding.detector, of, finding.columns.clone(), finding.message.clone());
        let at = *first_of.entry(key).or_insert(joined.len());
        match joined.get_mut(at) {
            Some(first) => {
                first.severity = first.severity.min(finding.severity);
                first.also.push(AlsoAt { table: finding.table, row });
            }
            None => joined.push(finding),
        }
    }
    *findings = joined;
}
