"""Layers unrolled on FPGA fabric with their weights as constants.

Source: Dai et al. 2024, "Kratos: An FPGA Benchmark for Unrolled DNNs with Fine-Grained Sparsity and Mixed Precision",
FPL'24, arXiv 2407.06033.
"""
