//! Printed tables and their audit, scores and intervals, claims and their outcomes.
