/** Results as lines for a terminal, and as a table for README.md. */

/** Three digits and no more, with thousands set apart. */
export function number(value) {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: digits });
}

/**
 * One line for ours and each peer: `{ name, value, ratio, bound, holds }`, where `bound` is what the ratio, or our own
 * value, has to be.
 */
export function lines(row, result) {
  const bound = (least, most, value, unit) => {
    if (least !== undefined) return { bound: `≥ ${least}${unit}`, holds: value >= least };
    if (most !== undefined) return { bound: `≤ ${most}${unit}`, holds: value <= most };
    return {};
  };
  return [
    { name: 'ours', value: result.ours, ...bound(undefined, row.limit, result.ours, ` ${row.unit}`) },
    ...Object.entries(result.peers).map(([name, value]) => ({
      name,
      value,
      ratio: result.ratio[name],
      ...bound(row.floors?.[name], row.ceilings?.[name], result.ratio[name], '×'),
    })),
  ];
}

const verdict = ({ bound, holds }) =>
  bound === undefined ? '' : `${bound} ${holds ? 'holds' : 'DOES NOT HOLD'}`;

export function text(row, result) {
  const body = lines(row, result).map((line) =>
    [
      `  ${line.name.padEnd(20)}`,
      number(line.value).padStart(12),
      line.ratio === undefined ? ' '.repeat(10) : `${number(line.ratio)}×`.padStart(10),
      `  ${verdict(line)}`,
    ]
      .join('')
      .trimEnd(),
  );
  return `${row.work}, ${row.unit}\n${body.join('\n')}\n`;
}

export function markdown(rows, results) {
  const table = ['| work | | | ratio | has to be |', '| --- | --- | ---: | ---: | --- |'];
  for (const [i, row] of rows.entries()) {
    for (const line of lines(row, results[i])) {
      const isOurs = line.name === 'ours';
      table.push(
        `| ${[
          isOurs ? `**${row.work}**, ${row.unit}` : '',
          isOurs ? 'ours' : line.name,
          isOurs ? `**${number(line.value)}**` : number(line.value),
          line.ratio === undefined ? '' : `${number(line.ratio)}×`,
          verdict(line),
        ].join(' | ')} |`,
      );
    }
  }
  return `${table.join('\n')}\n`;
}
