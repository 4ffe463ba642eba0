//! Faults that are built in: each must be seen, or these tests see nothing (reliability, must-fail tests).
