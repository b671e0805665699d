"""A chart of ratios as SVG: a line for each benchmark, on it a dot for each peer, as far to the right as Deed is better."""
import math
from xml.sax.saxutils import escape

WIDTH, LABELS, RIGHT, TOP, STEP = 800, 330, 20, 62, 15
COLOURS = {"Erlang": "#b3123c", "Go": "#0088aa", "CAF": "#d98200", "Pony": "#777777"}
GOAL = "#222222"


def decades(lines):
    """Powers of ten that hold all ratios, 1 among them, at most four to each side."""
    ratios = [r for _, peers, goal in lines for r in (*peers.values(), goal) if r and r < math.inf]
    low = math.floor(math.log10(min([*ratios, 1])))
    high = math.ceil(math.log10(max([*ratios, 1])))
    return max(low, -4), min(max(high, low + 1), 4)


def text(x, y, words, anchor="start", **more):
    style = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(words)}</text>'


def mark(name, x, y):
    if name == "goal":
        return f'<path d="M{x:.1f} {y - 5:.1f}l3.5 5l-3.5 5l-3.5 -5z" fill="none" stroke="{GOAL}"/>'
    filled = f'stroke="{COLOURS[name]}" fill="white"' if name == "Pony" else f'fill="{COLOURS[name]}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {filled}/>'


def legend(names):
    parts, x = [], LABELS
    for name in names:
        parts += [mark(name, x, 30), text(x + 8, 33.5, name)]
        x += 70
    return parts


def svg(lines):
    """The chart of [(label, {peer: ratio}, ratio to the goal or None)]. What lies beyond the axis stands at its end."""
    low, high = decades(lines)
    height = TOP + STEP * len(lines) + 12

    def place(ratio):
        power = high if ratio == math.inf else low if ratio <= 0 else min(max(math.log10(ratio), low), high)
        return LABELS + (WIDTH - LABELS - RIGHT) * (power - low) / (high - low)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
             'font-family="sans-serif" font-size="10">', '<rect width="100%" height="100%" fill="white"/>',
             text(LABELS, 14, "How many times better Deed is (logarithmic): faster, smaller, sooner", font_weight="bold")]
    parts += legend([*COLOURS, "goal"])
    for power in range(low, high + 1):
        x = place(10.0 ** power)
        parts.append(f'<path d="M{x:.1f} {TOP - 8}V{height - 8}" stroke="{"#555555" if power == 0 else "#dddddd"}"/>')
        parts.append(text(x, TOP - 12, f"{10 ** power if power >= 0 else 10.0 ** power:g} ×", "middle", fill="#555555"))
    for at, (label, peers, goal) in enumerate(lines):
        y = TOP + STEP * at + 6
        parts.append(text(LABELS - 12, y + 3.5, label, "end"))
        parts += [mark(name, place(ratio), y) for name, ratio in peers.items()]
        if goal is not None:
            parts.append(mark("goal", place(goal), y))
    return "\n".join([*parts, "</svg>"]) + "\n"
