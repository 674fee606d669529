"""The GSOCseq protocol: inputs, spin-up, warm-up, forward, products."""
