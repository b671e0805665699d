"""Turns figures into tables, and puts them between their marks in docs/benchmarks.md; what stands outside of marks is left alone."""
import math
import os
import re

import actors
import chart
import peers

PAGE = os.path.join(peers.ROOT, "docs/benchmarks.md")
CHART = os.path.join(peers.ROOT, "docs/benchmarks.svg")


def short(value, units):
    """Three digits and a unit, out of [(1e9, " G"), ..]."""
    for size, name in units:
        if value >= size:
            scaled = value / size
            return f"{scaled:.0f}{name}" if scaled >= 99.95 else f"{scaled:.1f}{name}" if scaled >= 9.995 else f"{scaled:.2f}{name}"
    return f"{value:.3g}"


def shown(row, value):
    """A figure as the table shows it."""
    if value is None:
        return "–"
    if value == math.inf:
        return "no answer"
    if row.unit == "ns":
        return "≤ 1 µs" if value <= actors.UNSEEN else short(value, [(1e9, " s"), (1e6, " ms"), (1e3, " µs")])
    if row.unit == "bytes":
        return f"{value:,.0f}"
    return short(value, [(1e6, " M"), (1e3, " k"), (1, "")])


def compared(row, ours, theirs):
    ratio = row.ratio(ours, theirs)
    if ratio is None:
        return "–"
    if ratio == math.inf:
        return "∞"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2f}" if ratio >= 0.1 or not ratio else f"{ratio:.2g}"


def actor_table(lines, languages):
    others = [l for l in languages if l != "Deed"]
    head = ["what", "unit", "workers", *languages, "Pony †", *[f"Deed : {l}" for l in others], "Deed : Pony †", "goal", "Deed : goal"]
    text = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for bench, row, found in lines:
        ours = found.get("Deed")
        reached = compared(row, ours, row.goal)
        cells = [row.label, "" if row.unit == "ns" else row.unit, str(bench.workers), *[shown(row, found.get(l)) for l in languages],
                 shown(row, row.pony or None), *[compared(row, ours, found.get(l)) for l in others], compared(row, ours, row.pony),
                 shown(row, row.goal or None), f"**{reached}**" if missed(row, ours) else reached]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)


def missed(row, ours):
    ratio = row.ratio(ours, row.goal)
    return ratio is not None and ratio < 1


def unreached(lines):
    """The labels of rows whose goal Deed misses, each once, without percentiles."""
    return list(dict.fromkeys(row.label.split(":")[0] for _, row, found in lines if missed(row, found.get("Deed"))))


def unexplained(lines, page):
    """Those of them that the hand-written reasons don't name."""
    reasons = page.split("## Goals not reached", 1)[-1]
    return [label for label in unreached(lines) if label not in reasons]


def chart_lines(lines):
    drawn = []
    for bench, row, found in lines:
        ours = found.get("Deed")
        if ours is None or not row.charted:
            continue
        ratios = {l: row.ratio(ours, theirs) for l, theirs in {**found, "Pony": row.pony}.items() if l != "Deed"}
        label = f"{row.label}, {bench.workers} worker{'s' if bench.workers > 1 else ''}" if row.more_is_better() else row.label
        drawn.append((label, {l: r for l, r in ratios.items() if r is not None}, row.ratio(ours, row.goal)))
    return drawn


def write_chart(lines):
    with open(CHART, "w") as f:
        f.write(chart.svg(chart_lines(lines)))


# ---- The page --------------------------------------------------------------------------------------------------------

def read_page():
    with open(PAGE) as f:
        return f.read()


def write_page(sections):
    """Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->` for each section."""
    page = read_page()
    for name, body in sections.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.S)
        if not pattern.search(page):
            raise SystemExit(f"docs/benchmarks.md has no marks <!-- {name} --> and <!-- /{name} -->")
        page = pattern.sub(lambda m: m[1] + body.rstrip() + "\n" + m[2], page)
    with open(PAGE, "w") as f:
        f.write(page)
