"""What others report on NASFLAT's tasks from 20 timings, and what thousands of timings allow."""

from __future__ import annotations

from typing import Final

# Spearman correlation, mean over target devices. Source: Akhauri & Abdelfattah 2024, arXiv 2403.02446, which also
# measured HELP (Lee et al. 2021, arXiv 2106.08630) and MultiPredict (Akhauri & Abdelfattah 2023, arXiv 2306.02459).
PUBLISHED: Final[dict[str, dict[str, float]]] = {
    "HELP": {
        "ND": 0.948,
        "N1": 0.604,
        "N2": 0.509,
        "N3": 0.729,
        "N4": 0.746,
        "NA": 0.410,
        "FD": 0.910,
        "F1": 0.793,
        "F2": 0.543,
        "F3": 0.413,
        "F4": 0.799,
        "FA": 0.370,
    },
    "MultiPredict": {
        "ND": 0.930,
        "N1": 0.907,
        "N2": 0.757,
        "N3": 0.947,
        "N4": 0.952,
        "NA": 0.820,
        "FD": 0.960,
        "F1": 0.756,
        "F2": 0.567,
        "F3": 0.434,
        "F4": 0.763,
        "FA": 0.450,
    },
    "NASFLAT": {
        "ND": 0.959,
        "N1": 0.967,
        "N2": 0.857,
        "N3": 0.962,
        "N4": 0.959,
        "NA": 0.893,
        "FD": 0.961,
        "F1": 0.809,
        "F2": 0.871,
        "F3": 0.814,
        "F4": 0.734,
        "FA": 0.577,
    },
}
# About what a model with thousands of samples of the target reaches: measurement noise hides the rest.
CEILING: Final[dict[str, float]] = {
    "ND": 0.976,
    "N1": 0.984,
    "N2": 0.973,
    "N3": 0.978,
    "N4": 0.977,
    "NA": 0.991,
    "FD": 0.999,
    "F1": 0.933,
    "F2": 0.980,
    "F3": 0.979,
    "F4": 0.823,
    "FA": 0.817,
}
