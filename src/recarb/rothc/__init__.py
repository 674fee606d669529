"""The RothC-26.3 model: equations, closed forms, kernels. Imports no other room."""
