import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';

/** A part of a page that the code writes: `<!-- generated: name -->` … `<!-- end of name -->`. */
const PART = /^( *)<!-- generated: (.+?) -->\n[\s\S]*?^ *<!-- end of \2 -->$/gm;

/**
 * A page with its generated parts as `textOf` gives them, formatted as the other files are.
 * @param textOf the text of the part with this name
 */
export async function withParts(
  page: string,
  textOf: (name: string) => string | Promise<string>,
): Promise<string> {
  const texts = new Map<string, string>();
  for (const name of partsOf(page)) texts.set(name, await textOf(name));
  const filled = page.replaceAll(PART, (_, indent: string, name: string) => {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end of ${name} -->`];
    const lines = [begin, '', ...texts.get(name)!.split('\n'), '', end];
    return lines.map((line) => (line === '' ? '' : indent + line)).join('\n');
  });
  const style = await resolveConfig(fileURLToPath(import.meta.url));
  return format(filled, { ...style, parser: 'markdown', embeddedLanguageFormatting: 'off' });
}

/** The names of the generated parts of a page. */
export const partsOf = (page: string): string[] =>
  [...page.matchAll(PART)].map(([, , name]) => name!);

/** What is written by hand. Each line keeps its number. */
export const withoutParts = (page: string): string =>
  page.replaceAll(PART, (part) => '\n'.repeat(part.split('\n').length - 1));

/** A table of Markdown. A `|` in a cell does not end the cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '-')), ...rows.map(line)].join('\n');
}
