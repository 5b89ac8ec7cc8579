"""The whole extraction before a person's eyes, in under four minutes: `make story`."""
