"""Plots as SVG files, without a library: panels below one another that share their x axis, lines or points in each."""
import html
import math

from engine import ROOT

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 190, 70, 170, 34, 34
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b")


def steps(most, count=4):
    """Round numbers from 0 to at least most."""
    raw = most / count if most > 0 else 1
    unit = 10 ** math.floor(math.log10(raw))
    step = next(f * unit for f in (1, 2, 5, 10) if f * unit >= raw)
    return [i * step for i in range(math.ceil(most / step) + 1)] if most > 0 else [0, 1]


def folder(options):
    """What is recorded is linked from RESULTS.md; other plots are for a look."""
    return ROOT / ("bench/plots" if options.record else "build/plots")


class Panel:
    """series: {name: [(x, y)]}; from zero on, since a curve that is flat shall look flat."""

    def __init__(self, title, unit, series, points=False, most=None):
        self.title, self.unit, self.series, self.points = title, unit, series, points
        self.ticks = steps(most or max((y for line in series.values() for _, y in line), default=1))

    def draw(self, top, x_of, bottom_labels):
        plot_top, plot_bottom = top + TOP, top + HEIGHT - BOTTOM
        most = self.ticks[-1]

        def y_of(y):
            return plot_bottom - (plot_bottom - plot_top) * min(y, most) / most

        out = [f'<text x="{LEFT}" y="{top + 20}" font-weight="bold">{html.escape(self.title)}</text>']
        for tick in self.ticks:
            y = y_of(tick)
            out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                       f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
        out.append(f'<text x="14" y="{(plot_top + plot_bottom) / 2:.0f}" text-anchor="middle" '
                   f'transform="rotate(-90 14 {(plot_top + plot_bottom) / 2:.0f})">{html.escape(self.unit)}</text>')
        for i, (name, line) in enumerate(self.series.items()):
            colour = COLOURS[i % len(COLOURS)]
            at = [(x_of(x), y_of(y)) for x, y in line]
            if self.points:
                out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="{colour}"/>' for x, y in at]
            elif at:
                out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="'
                           + " ".join(f"{x:.1f},{y:.1f}" for x, y in at) + '"/>')
                if len(at) < 12:
                    out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
            y = plot_top + 12 + 18 * i
            out.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 9}" width="10" height="10" fill="{colour}"/>'
                       f'<text x="{WIDTH - RIGHT + 28}" y="{y}">{html.escape(name)}</text>')
        out += [f'<text x="{x:.1f}" y="{plot_bottom + 16}" text-anchor="middle">{html.escape(text)}</text>' for x, text in bottom_labels]
        return out


def save(path, title, panels, x_title, logarithmic=False):
    """One file; with logarithmic the x axis has the points' own places for ticks."""
    xs = sorted({x for p in panels for line in p.series.values() for x, _ in line})
    place = (lambda x: math.log10(x)) if logarithmic else (lambda x: x)
    low, high = (place(xs[0]) if logarithmic else 0), place(xs[-1])

    def x_of(x):
        return LEFT + (WIDTH - LEFT - RIGHT) * ((place(x) - low) / (high - low) if high > low else 0.5)

    labels = [(x_of(x), f"{x:,g}") for x in (xs if logarithmic else [t for t in steps(xs[-1], 6) if t <= xs[-1]])]
    height = 34 + HEIGHT * len(panels) + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
           'font-family="sans-serif" font-size="12">', f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           f'<text x="{LEFT}" y="24" font-size="15">{html.escape(title)}</text>']
    for i, panel in enumerate(panels):
        out += panel.draw(30 + HEIGHT * i, x_of, labels)
    out += [f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{height - 8}" text-anchor="middle">{html.escape(x_title)}</text>', "</svg>"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(out) + "\n", encoding="utf-8")
    print(f"plot: {path}", flush=True)
