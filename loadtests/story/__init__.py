"""A complete extraction under load with a timeline page, in under four minutes: `make story`."""
