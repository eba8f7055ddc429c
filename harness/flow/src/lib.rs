//! Recipes, scales, plans, keys, scheduling and the event log.
