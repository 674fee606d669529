"""Protocol `fao-r`: the numerics of the published R scripts (GSOCseq v1.1), repeated on purpose.

For those who must repeat what they submitted. Where these numerics are wrong they are wrong here
too; `docs/faults` shows each fault. The default protocol shares none of this code.

`rates` the rate of each month, `phases` the three phases on arrays, `protocol` the chains of a run,
`uncertainty` the formulas and the filter of the last scripts.
"""
