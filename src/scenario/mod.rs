//! Scenario files to blueprints, load, faults and timeline.
