"""The debugger: breakpoints that are kept with their files, and consoles that wait where code was stopped."""
