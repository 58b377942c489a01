"""A record: the JSON with every round, and the Markdown that a reader opens first."""

import json
import os

from harness import table
from harness.measure import WAITED_MAX


def markdown(result):
    machine = result["machine"]
    changed = ", with changes that were not committed" if machine["changed"] else ""
    parts = [
        f"# Comparison of {result['date']}",
        f"`{result['command']}` at commit {machine['commit']}{changed}.",
        f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}, TCP congestion control "
        f"{machine['congestion_control']}; {machine['compiler']}; {machine['rust']}. "
        f"Server on CPU {result['server_cpu']}, generator on CPU {result['client_cpu']}, "
        f"{result['rounds']} rounds of {result['seconds']:g} s, A B A B.",
        table.table_markdown(result["lines"]),
        f"Runs repeated because another program took more than {100 * WAITED_MAX:g} % of their cores: "
        f"{result['repeated']}; kept although disturbed: {result['disturbed']}.",
        "## Where the time goes",
        table.cost_markdown(result["lines"]),
        "Times are per message, medians of the rounds. A polling server is busy also while it waits, and the generator's "
        "idle share is the share of its time in polls that found nothing: near zero, it may be what limits the rate.",
        "## Floors of the same run",
        table.floors_markdown(result["floors"]),
    ]
    return "\n\n".join(parts) + "\n"


def write(directory, result):
    """Writes the pair of files and returns the path of the Markdown."""
    os.makedirs(directory, exist_ok=True)
    stem = os.path.join(directory, "{}-{}".format(
        result["date"].replace(":", "").replace(" ", "-"), result["machine"]["commit"]))
    with open(stem + ".json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    with open(stem + ".md", "w") as file:
        file.write(markdown(result))
    return stem + ".md"
