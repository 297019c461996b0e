// @ts-check
const WIDTH = 760;
const LEFT = 170;
const RIGHT = 90;
const BAR = 18;
const GAP = 6;
const OURS = '#e0234e';
const OTHERS = '#8a94a6';
const INK = '#24292f';

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {string} text
 * @property {boolean} ours
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/**
 * Horizontal bars in groups, each with a line from the lowest to the highest round.
 *
 * @param {string} title
 * @param {readonly { label: string, bars: readonly Bar[] }[]} groups
 */
export function bars(title, groups) {
  const highest = Math.max(...groups.flatMap((group) => group.bars.map((bar) => bar.max)));
  const x = (/** @type {number} */ value) =>
    LEFT + (value / (highest || 1)) * (WIDTH - LEFT - RIGHT);
  let y = 40;
  const parts = groups.flatMap((group) => {
    const head = text(10, (y += 20) - 6, group.label, 'font-weight="bold"');
    const rows = group.bars.map((bar) => {
      const drawn = oneBar(bar, y, x);
      y += BAR + GAP;
      return drawn;
    });
    y += GAP;
    return [head, ...rows];
  });
  return frame(title, y + 6, parts);
}

/** @param {Bar} bar @param {number} y @param {(value: number) => number} x */
function oneBar({ label, text: shown, ours, median, min, max }, y, x) {
  const middle = y + BAR / 2;
  const fill = ours ? OURS : OTHERS;
  return [
    text(LEFT - 8, middle + 4, label, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y}" width="${at(x(median) - LEFT)}" height="${BAR}" fill="${fill}"/>`,
    `<path d="M${at(x(min))} ${middle}H${at(x(max))}" stroke="${INK}" stroke-width="2"/>`,
    text(x(Math.max(median, max)) + 6, middle + 4, shown),
  ].join('');
}

/**
 * One line per curve over evenly spaced points, from zero.
 *
 * @param {string} title
 * @param {readonly { label: string, ours: boolean, values: readonly number[] }[]} curves
 */
export function lines(title, curves) {
  const [top, bottom] = [60, 300];
  const highest = Math.max(...curves.flatMap((curve) => curve.values));
  const parts = curves.map(({ label, ours, values }) => {
    const step = (WIDTH - LEFT - 60) / Math.max(1, values.length - 1);
    const y = (/** @type {number} */ value) => bottom - (value / highest) * (bottom - top);
    const points = values.map((value, index) => `${at(60 + index * step)},${at(y(value))}`);
    const color = ours ? OURS : OTHERS;
    const last = values.at(-1) ?? 0;
    return [
      `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="3"/>`,
      text(60 + (values.length - 1) * step + 6, y(last) + 4, `${label}, ${Math.round(last)}`),
    ].join('');
  });
  const axis = `<path d="M60 ${bottom}H${WIDTH - LEFT}" stroke="${INK}"/>`;
  const labels = [
    text(52, bottom + 4, '0', 'text-anchor="end"'),
    text(52, top + 4, String(Math.round(highest)), 'text-anchor="end"'),
  ];
  return frame(title, bottom + 20, [axis, ...labels, ...parts]);
}

/** @param {string} title @param {number} height @param {readonly string[]} parts */
function frame(title, height, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="${INK}">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(10, 24, title, 'font-size="15" font-weight="bold"'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** @param {number} x @param {number} y @param {string} content @param {string} [attributes] */
function text(x, y, content, attributes = '') {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${at(x)}" y="${at(y)}" ${attributes}>${escaped}</text>`;
}

/** @param {number} value */
function at(value) {
  return Math.round(value * 10) / 10;
}
