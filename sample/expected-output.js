// @ts-check

/** A line of expected output that stands for any run of lines, none included. */
const ANY_LINES = '...';

/** @type {Record<string, string>} */
const PLACEHOLDERS = { '<number>': '-?\\d[\\d,]*(?:\\.\\d+)?', '<text>': '.+' };

/**
 * Compares what a sample printed with its expected output, in the format of sample/README.md.
 *
 * @param {string} expected
 * @param {string} output
 * @returns {string | undefined} what differs, `undefined` where it matches
 */
export function difference(expected, output) {
  const blocks = blocksOf(linesOf(expected));
  const lines = linesOf(output);
  let from = 0;
  for (const [index, block] of blocks.entries()) {
    const isLast = index === blocks.length - 1;
    // The first block stands at the very beginning, the last at the very end, others where they fit.
    const first = isLast && index > 0 ? Math.max(from, lines.length - block.length) : from;
    const last = index === 0 ? 0 : lines.length - block.length;
    const at = findBlock(block, lines, first, last);
    if (at === undefined) return missing(block, lines, from);
    from = at + block.length;
  }
  return from === lines.length ? undefined : missing([], lines, from);
}

/** @param {string} text */
function linesOf(text) {
  // oxlint-disable-next-line no-control-regex -- the colours of a terminal
  const plain = text.replace(/\u001b\[[\d;]*[A-Za-z]/g, '');
  return plain
    .trim()
    .split('\n')
    .map((line) => line.slice(line.trimEnd().lastIndexOf('\r') + 1).trimEnd());
}

/** Splits at `...`; the empty block before or after one anchors nothing. @param {readonly string[]} lines */
function blocksOf(lines) {
  /** @type {string[][]} */
  const blocks = [[]];
  for (const line of lines) {
    if (line.trim() === ANY_LINES) blocks.push([]);
    else blocks.at(-1)?.push(line);
  }
  return blocks;
}

/**
 * @param {readonly string[]} block
 * @param {readonly string[]} lines
 * @param {number} first
 * @param {number} last
 */
function findBlock(block, lines, first, last) {
  for (let at = first; at <= last; at++) {
    if (matchingLines(block, lines, at) === block.length) return at;
  }
  return undefined;
}

/** @param {string} line */
function patternOf(line) {
  const parts = line.split(/(<number>|<text>)/).map((part) => PLACEHOLDERS[part] ?? escape(part));
  return new RegExp(`^${parts.join('')}$`);
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/**
 * Says it by the place where most lines of the block match in turn.
 *
 * @param {readonly string[]} block
 * @param {readonly string[]} lines
 * @param {number} from
 */
function missing(block, lines, from) {
  let best = { at: from, matching: 0 };
  for (let at = from; at < lines.length; at++) {
    const matching = matchingLines(block, lines, at);
    if (matching > best.matching) best = { at, matching };
  }
  const printed = lines[best.at + best.matching] ?? '(nothing more)';
  const wanted = block[best.matching] ?? '(nothing more)';
  return `Expected after line ${best.at + best.matching}:\n  ${wanted}\nIt printed:\n  ${printed}`;
}

/** @param {readonly string[]} block @param {readonly string[]} lines @param {number} at */
function matchingLines(block, lines, at) {
  const wrong = block.findIndex((line, index) => !matches(line, lines[at + index]));
  return wrong < 0 ? block.length : wrong;
}

/** @param {string} expected @param {string | undefined} line */
function matches(expected, line) {
  return line !== undefined && patternOf(expected).test(line);
}
