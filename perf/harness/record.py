"""A record: the JSON with every round, the Markdown that a reader opens first, and the page with plots."""

import json
import os

from harness import page, table
from harness.measure import WAITED_MAX


COST_NOTE = ("Times are per message, medians of the rounds. A polling server is busy also while it waits, and the generator's "
             "idle share is the share of its time in polls that found nothing: near zero, it may be what limits the rate.")


def commit(result):
    machine = result["machine"]
    return f"commit {machine['commit']}" + (", with changes that were not committed" if machine["changed"] else "")


def conditions(result):
    machine = result["machine"]
    return (f"{machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}, TCP congestion control "
            f"{machine['congestion_control']}; {machine['compiler']}; {machine['rust']}. "
            f"Server on CPU {result['server_cpu']}, generator on CPU {result['client_cpu']}, "
            f"{result['rounds']} rounds of {result['seconds']:g} s, A B A B.")


def disturbances(result):
    return (f"Runs repeated because another program took more than {100 * WAITED_MAX:g} % of their cores: "
            f"{result['repeated']}; kept although disturbed: {result['disturbed']}.")


def markdown(result):
    parts = [
        f"# Comparison of {result['date']}",
        f"`{result['command']}` at {commit(result)}.",
        conditions(result),
        table.markdown(table.ratio_cells(result["lines"])),
        disturbances(result),
        "## Where the time goes",
        table.markdown(table.cost_cells(result["lines"])),
        COST_NOTE,
        "## Floors of the same run",
        table.markdown(table.floor_cells(result["floors"])),
    ]
    return "\n\n".join(parts) + "\n"


def json_text(result):
    return json.dumps(result, indent=1) + "\n"


def html(result):
    notes = [f"{result['command']} at {commit(result)}.", conditions(result), disturbances(result)]
    return page.page(result, notes, COST_NOTE)


def write(directory, result):
    """Writes the files and returns the path of the Markdown."""
    os.makedirs(directory, exist_ok=True)
    stem = os.path.join(directory, "{}-{}".format(
        result["date"].replace(":", "").replace(" ", "-"), result["machine"]["commit"]))
    texts = {".json": json_text(result), ".md": markdown(result), ".html": html(result)}
    for ending, text in texts.items():
        with open(stem + ending, "w", encoding="utf-8") as file:
            file.write(text)
    return stem + ".md"
