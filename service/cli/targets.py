"""`archcast targets`: hardware that costs can be computed for."""

from service.cli.options import AsJson
from service.cli.output import print_answer, print_table


def targets(as_json: AsJson = False) -> None:
    """List the targets of `archcast simulate`."""
    from service.device_costs import SIMULATED_METRICS
    from service.use_cases.describe_targets import list_targets

    answer = list_targets()
    if as_json:
        print_answer(answer)
        return
    rows = [
        (
            each.name,
            each.model,
            f"{each.native_weight_bits:g}",
            f"{each.native_activation_bits:g}",
            ", ".join(each.modes),
            ", ".join(metric for metric in each.metrics if metric in SIMULATED_METRICS),
        )
        for each in answer.targets
    ]
    print_table(("target", "model", "weight_bits", "activation_bits", "modes", "metrics"), rows)
