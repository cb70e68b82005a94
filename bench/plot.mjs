/** A chart as SVG: lines over a logarithmic x, one for us and one for each peer; readable in light and dark. */
import { number } from './table.mjs';

const [WIDTH, HEIGHT] = [720, 400];
const LEFT = 90;
const RIGHT = 24;
const TOP = 56;
const BOTTOM = 52;
const COLOURS = ['#2f6fde', '#d9822b', '#3a9d5d', '#a353b5'];

/** `series` is `[{ name, points: [{ x, y }] }]`; the first is drawn thicker. */
export function plot({ title, x, unit, series }) {
  const points = series.flatMap((one) => one.points);
  const acrossX = logarithmic(
    points.map((point) => point.x),
    LEFT,
    WIDTH - RIGHT,
  );
  const acrossY = vertical(points.map((point) => point.y));
  const grid = acrossY.ticks.map(
    (y) =>
      `<path class="grid" d="M${LEFT} ${acrossY.at(y)}H${WIDTH - RIGHT}"/>` +
      `<text x="${LEFT - 8}" y="${acrossY.at(y) + 4}" text-anchor="end">${number(y)}</text>`,
  );
  const marks = [...new Set(points.map((point) => point.x))].map(
    (value) =>
      `<text x="${acrossX.at(value)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${value.toLocaleString('en-US')}</text>`,
  );
  const lines = series.map(({ name, points }, i) => {
    const path = points.map(
      (point, n) => `${n === 0 ? 'M' : 'L'}${acrossX.at(point.x)} ${acrossY.at(point.y)}`,
    );
    const dots = points.map(
      (point) =>
        `<circle cx="${acrossX.at(point.x)}" cy="${acrossY.at(point.y)}" r="3.5"><title>${escaped(name)}: ${number(point.y)} ${escaped(unit)} at ${point.x.toLocaleString('en-US')}</title></circle>`,
    );
    return `<g style="--line:${COLOURS[i % COLOURS.length]}"><path class="line" stroke-width="${i === 0 ? 3 : 1.5}" d="${path.join('')}"/>${dots.join('')}<rect x="${LEFT + 130 * i}" y="34" width="14" height="4"/><text x="${LEFT + 130 * i + 20}" y="40">${escaped(name)}</text></g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">
<style>
  svg { background: #fff; color: #222; font: 12px system-ui, sans-serif }
  text { fill: currentColor }
  .title { font-weight: 600; font-size: 15px }
  .grid { stroke: currentColor; opacity: 0.15 }
  .line { fill: none; stroke: var(--line) }
  circle, rect { fill: var(--line) }
  @media (prefers-color-scheme: dark) { svg { background: #16181d; color: #ddd } }
</style>
<text class="title" x="${LEFT}" y="22">${escaped(title)}</text>
${grid.join('\n')}
${marks.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${escaped(x)}</text>
<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(unit)}</text>
${lines.join('\n')}
</svg>
`;
}

/** Where a value is between two edges. */
function logarithmic(values, from, to) {
  const [least, most] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  return { at: (value) => round(from + ((Math.log(value) - least) / (most - least || 1)) * (to - from)) };
}

/** From 0 where all values are of one size; logarithmic where they span more than a factor of 20. */
function vertical(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [bottom, top] = [HEIGHT - BOTTOM, TOP];
  if (least > 0 && most / least > 20) {
    const ticks = [];
    for (let tick = 10 ** Math.floor(Math.log10(least)); tick / 10 < most; tick *= 10) ticks.push(tick);
    return { ticks, ...logarithmic([ticks[0], ticks.at(-1)], bottom, top) };
  }
  const power = 10 ** Math.floor(Math.log10(most || 1));
  const step = [0.2, 0.5, 1, 2].map((factor) => factor * power).find((size) => most / size <= 6) ?? 5 * power;
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
  return { ticks, at: (value) => round(bottom + (value / ticks.at(-1)) * (top - bottom)) };
}

const round = (value) => Math.round(value * 10) / 10;
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The charts of what was measured, by name. A line has two points at least. */
export function plots(charts, rows, results) {
  return Object.entries(charts).flatMap(([name, chart]) => {
    const series = new Map();
    let unit = '';
    for (const row of rows.filter((one) => one.chart === name)) {
      const result = results.find(({ work }) => work === row.work);
      if (result === undefined) continue;
      unit = row.unit;
      for (const [who, y] of Object.entries({ ours: result.ours, ...result.peers })) {
        series.set(who, [...(series.get(who) ?? []), { x: row.x, y }]);
      }
    }
    const drawn = [...series]
      .map(([who, points]) => ({ name: who, points }))
      .filter(({ points }) => points.length > 1);
    return drawn.length === 0 ? [] : [[name, plot({ ...chart, unit, series: drawn })]];
  });
}
