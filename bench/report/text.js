// @ts-check
import { aboutInWords } from './about.js';
import { tableOf } from './table.js';

/**
 * Tables for the terminal.
 *
 * @param {import('../types.js').About} about
 * @param {readonly import('../types.js').WorkloadResult[]} results
 */
export function asText(about, results) {
  const parts = results.map((result) => {
    const { title, text } = result.workload;
    return `${title}\n${text}\n\n${columns(tableOf(result))}`;
  });
  return [...parts, aboutInWords(about)].join('\n\n');
}

/** @param {readonly string[][]} rows */
function columns(rows) {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
