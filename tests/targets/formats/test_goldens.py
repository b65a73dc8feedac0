"""Number formats against the published implementations' outputs, bit for bit."""

import csv

import numpy as np
import pytest

from targets.formats import (
    FORMATS,
    AdaptiveFormat,
    GridFormat,
    grids,
    mean_squared_error,
    normal_float,
    parse_format,
    student_float,
)

# BitMoD's integers are grids like any other: ties go down, not to even.
INTEGER_GRIDS = {f"int{bits}": GridFormat(f"int{bits}", bits, grids.integer(bits)) for bits in (3, 4, 5, 6)}
BITMOD = {
    **INTEGER_GRIDS,
    **{f"int{bits}_sym": parse_format(f"int{bits}") for bits in (3, 4, 6, 8)},
    **{f"int{bits}_asym": parse_format(f"int{bits}-asym") for bits in (3, 4)},
    **{
        f"fp{bits}_{kind}_{sign}": FORMATS[f"fp{bits}-{kind}{mark}"]
        for bits in (3, 4)
        for kind in ("er", "ea")
        for sign, mark in (("pos", "+"), ("neg", "-"))
    },
    "fp3": FORMATS["fp3"],
    "fp4": FORMATS["fp4"],
    "flint4": parse_format("flint4"),
    "flint5": parse_format("flint5"),
    "fp5": parse_format("e2m2"),
    "fp5_e2m2": parse_format("e2m2"),
    "fp5_e3m1": parse_format("e3m1"),
    "fp6": parse_format("e2m3"),
    "fp6_e2m3": parse_format("e2m3"),
    "fp6_e3m2": parse_format("e3m2"),
    "mx_fp3(group32)": FORMATS["mx-fp3"],
    "mx_fp4(group32)": FORMATS["mx-fp4"],
    "mx_int4(group32)": FORMATS["mx-int4"],
    "mixed_bitmod3": FORMATS["bitmod3"],
    "mixed_er3": FORMATS["bitmod3-er"],
    "mixed_ea3": FORMATS["bitmod3-ea"],
    "mixed_ant3": parse_format("ant3"),
    "mixed_bitmod4": FORMATS["bitmod4"],
    "mixed_er4": FORMATS["bitmod4-er"],
    "mixed_ea4": FORMATS["bitmod4-ea"],
    "mixed_ant4": parse_format("ant4"),
}
# Grids of the original that our names do not offer: misnamed (the two with 0.0625), or curiosities of one study.
NOT_OFFERED = {
    "E2M1_BNB",
    "E2M1_intel(0.0625)",
    "E2M1_nosub",
    "FP4_LOG",
    "EN_25",
    "E1M2_intel",
}


def student_formats(levels):
    """Every format of the Student Float study, those not offered from the table of levels."""
    offered = {
        "NF4": parse_format("nf4"),
        **{f"SF4_nu{nu}": parse_format(f"sf4({nu})") for nu in range(3, 8)},
        "SF3_nu5": GridFormat("sf3", 3, student_float(3, 5, tail_bits=4)),
        "NF3": parse_format("nf3"),
        "E2M1(subnormal)": GridFormat("e2m1", 4, grids.E2M1),
        "E2M1_SR(super-range)": FORMATS["e2m1-sr"],
        "E2M1_SP(super-precision)": FORMATS["e2m1-sp"],
        "E2M1_SP1(alt)": GridFormat("e2m1-sp1", 4, grids.extended(grids.E2M1, 2.5)),
        "APoT4": FORMATS["apot4"],
        "APoT4_SP": FORMATS["apot4-sp"],
    }
    tables = {
        name: GridFormat(name, 4, levels[f"student/{name}"], float(levels[f"student/{name}"].max()))
        for name in NOT_OFFERED
    }
    return {**offered, **tables}


@pytest.fixture(scope="module")
def levels(goldens_dir):
    with (goldens_dir / "datatypes_values.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = {
        row["format"]: np.array(row["values (ascending, space separated)"].split(), dtype=np.float64) for row in rows
    }
    assert [len(found[row["format"]]) for row in rows] == [int(row["n_levels"]) for row in rows]
    return found


@pytest.fixture(scope="module")
def weights(goldens_dir):
    with np.load(goldens_dir / "dtype_weights.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.data
def test_dequantised_values_equal_every_golden_array_bit_for_bit(goldens_dir, weights):
    with np.load(goldens_dir / "dtype_dequant.npz") as file:
        arrays = {name: file[name] for name in file.files}
    assert len(arrays) == 37
    for key, expected in arrays.items():
        tensor, name = key.split("|bitmod/")
        quantised = BITMOD[name].quantise(weights[tensor], 32 if name.startswith("mx") else 128, np.float16)
        np.testing.assert_array_equal(quantised.dequantise().astype(np.float32), expected, err_msg=key)


@pytest.mark.data
def test_errors_equal_every_golden_row(goldens_dir, weights, levels):
    students = student_formats(levels)
    with (goldens_dir / "dtype_quant_golden.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 59
    for row in rows:
        family, name = row["format"].split("/", 1)
        assert row["group"] == "128"  # of the run; MX formats bring their own
        group_size = 32 if name.startswith("mx") else 128
        chosen, dtype = (BITMOD[name], np.float16) if family == "bitmod" else (students[name], np.float32)
        values = weights[row["weights"]]
        dequantised = chosen.quantise(values, group_size, dtype).dequantise()
        # The originals sum in single precision, and wrote Student Float's quantiles down with six digits.
        error, largest = mean_squared_error(values, dequantised), np.abs(values - dequantised.astype(np.float32)).max()
        rel = 3e-7 if family == "bitmod" else 5e-6
        assert error == pytest.approx(float(row["mse"]), rel=rel), row["format"]
        assert largest == pytest.approx(float(row["max_abs_err"]), rel=5e-6), row["format"]
        first = np.array(row["first8_dequant_row0"].split(), dtype=np.float64)
        np.testing.assert_allclose(dequantised[0, :8], first, rtol=1e-5, atol=1e-9, err_msg=row["format"])


@pytest.mark.data
def test_levels_equal_every_golden_grid(levels):
    ours = {
        **{f"bitmod/INT{bits}": grids.integer(bits) for bits in (3, 4, 5, 6)},
        **{f"bitmod/FLINT{bits}": grids.flint(bits) for bits in (4, 5)},
        "bitmod/FP3": grids.FP3,
        "bitmod/FP4_E2M1": grids.FP4,
        "bitmod/FP5_E2M2": grids.floating(2, 2),
        "bitmod/FP5_E3M1": grids.floating(3, 1),
        "bitmod/FP6_E2M3": grids.floating(2, 3),
        "bitmod/FP6_E3M2": grids.floating(3, 2),
        **{
            f"bitmod/FP{bits}_{kind}": grid
            for bits, candidates in grids.BITMOD.items()
            for kind, grid in zip(("ER_POS", "ER_NEG", "EA_POS", "EA_NEG"), candidates, strict=True)
        },
        **{f"student/{name}": each.grid for name, each in student_formats(levels).items()},
        "formula/NF4": normal_float(4),
        **{f"formula/SF4_nu{nu}": student_float(4, nu) for nu in range(3, 8)},
    }
    assert ours.keys() == levels.keys()
    for name, expected in levels.items():
        # The originals wrote their quantiles down with six digits.
        np.testing.assert_allclose(ours[name], expected, atol=6e-7, err_msg=name)


@pytest.mark.data
@pytest.mark.parametrize(
    ("tensor", "name", "expected"),
    [("normal", "nf4", 3.90), ("normal", "bitmod4", 3.89), ("student_t5", "sf4", 6.63), ("student_t5", "nf4", 7.20)],
)
def test_error_of_the_best_formats_is_the_published_one(weights, tensor, name, expected):
    values = weights[tensor]
    error = mean_squared_error(values, parse_format(name).quantise(values).dequantise())
    assert error * 1e6 == pytest.approx(expected, abs=0.005)


def test_adaptive_formats_hold_the_published_candidates():
    assert isinstance(FORMATS["bitmod4"], AdaptiveFormat)
    extra = [set(grid) - set(grids.FP4) for grid in FORMATS["bitmod4"].grids]
    assert extra == [{10.0}, {-10.0}, {16.0}, {-16.0}]
