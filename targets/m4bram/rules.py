"""What the unroll factors of a design must keep to, whatever the network and the widths.

Source: Chen et al. 2023, arXiv 2311.02758, and the configuration search of the authors' simulators.
"""

from __future__ import annotations

from typing import Final

from targets.m4bram.configuration import Configuration
from targets.m4bram.design import WEIGHT_WIDTHS
from targets.m4bram.engine import Engine

# Inputs of an adder tree.
WIDEST_TREE: Final = 64
CHANNELS_PER_BRAM: Final = 2
# Output pixels that share a word of a block RAM.
WIDEST_SHARE: Final = {"m4bram": 5, "no-dsp": 4}


def broken_rules(engine: Engine, configuration: Configuration) -> list[str]:
    """What the configuration breaks, which is nothing for what the search finds.

    Factors that follow from others are judged as they follow at the engine's widths, but have to be what they would be
    at some width.
    """
    family, c, rvec = engine.design.family, configuration, engine.rvec
    rules: list[tuple[bool, str]] = []
    if family != "no-dsp":
        rules.append((c.dsp_cvec * rvec <= WIDEST_TREE, f"dsp_cvec * rvec of at most {WIDEST_TREE}"))
    if family == "dla":
        rules.append((c.dsp_kvec % c.dsp_cvec == 0, "dsp_kvec as a multiple of dsp_cvec"))
        return _broken(rules)
    bram_cvec = c.bram_cvec
    if family == "bramac":
        widest = [c.dsp_cvec * engine.design.iteration_cycles(bits, bits) for bits in WEIGHT_WIDTHS]
        columns = engine.design.bram_columns
        rules = [
            (c.pvec == 1, "pvec 1"),
            (c.bram_qvec == columns, f"bram_qvec {columns}"),
            (c.bram_kvec == c.dsp_kvec, "bram_kvec equal to dsp_kvec"),
            (c.bram_cvec in widest, f"bram_cvec {', '.join(map(str, widest))} (dsp_cvec * cycles of an iteration)"),
        ]
        bram_cvec = c.dsp_cvec * engine.iteration_cycles
    else:
        share = WIDEST_SHARE[family]
        rules.append((c.pvec * c.bram_qvec <= share, f"pvec * bram_qvec of at most {share}"))
    tree = WIDEST_TREE * CHANNELS_PER_BRAM
    rules.append((bram_cvec * rvec <= tree, f"bram_cvec * rvec of at most {tree}"))
    if family == "no-dsp":
        rules.append((c.bram_kvec % (2 * c.bram_cvec) == 0, "bram_kvec as a multiple of 2 bram_cvec"))
    if family == "m4bram":
        rules += [
            (c.bram_cvec % (CHANNELS_PER_BRAM * c.dsp_cvec) == 0, "bram_cvec as a multiple of 2 dsp_cvec"),
            (c.bram_kvec % c.dsp_kvec == 0, "bram_kvec as a multiple of dsp_kvec"),
            (c.dsp_kvec % (2 * c.dsp_cvec) == 0, "dsp_kvec as a multiple of 2 dsp_cvec"),
        ]
    return _broken(rules)


def _broken(rules: list[tuple[bool, str]]) -> list[str]:
    return [text for is_kept, text in rules if not is_kept]
