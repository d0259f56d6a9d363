//! Rehearsals: the embedded pipeline calibrated from live figures and run in virtual time. Not built yet (README).
