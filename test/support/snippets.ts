/**
 * Code blocks of README.md and docs/ come from files of sample/docs, which are compiled and run.
 *
 * A page says which one it shows, above the block:
 *
 *     <!-- snippet: retries/order.controller.ts -->      the whole file
 *     <!-- snippet: retries/order.controller.ts#retry --> a region of it, with the imports it needs
 *
 * A region stands between `// #region retry` and `// #endregion`. Regions may be nested; several
 * regions of one name are shown one below the other.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import ts from 'typescript';
import { withoutParts } from './generated-parts.js';

const samples = new URL('../../sample/docs/', import.meta.url);

const MARKER = /^( *)<!-- snippet: (\S+?)(?:#(\S+))? -->$/;
const FENCE = /^ *```/;
const LANGUAGES: Readonly<Record<string, string>> = {
  '.ts': 'ts',
  '.js': 'js',
  '.cjs': 'js',
  '.mjs': 'js',
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.sh': 'sh',
  '.go': 'go',
  '.txt': 'text',
  '.Dockerfile': 'dockerfile',
};
/** Blocks of these languages must come from a file. */
const CODE = /^ *```(?:ts|typescript|js|javascript)\b/;

/** A page with its snippets as their files have them now. @throws Error naming page, line and file */
export function withSnippets(name: string, page: string): string {
  const lines = page.split('\n');
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    out.push(line);
    const marker = MARKER.exec(line);
    if (marker === null) continue;
    const [, indent = '', file = '', region] = marker;
    const block = fencedBlockAfter(lines, at);
    if (block === undefined) throw new Error(`${name}:${at + 1}: no code block follows ${line}`);
    const code = snippet(file, region).map((text) => (text === '' ? '' : indent + text));
    out.push('', `${indent}\`\`\`${languageOf(file)}`, ...code, `${indent}\`\`\``);
    at = block.end;
  }
  return out.join('\n');
}

/**
 * Where code blocks stand that no file is behind, as `page:line`. Signatures in generated parts come
 * from the types of the library.
 */
export function unmarkedCode(name: string, page: string): string[] {
  const lines = withoutParts(page).split('\n');
  return lines.flatMap((line, at) => {
    if (!CODE.test(line)) return [];
    const above = lines.slice(0, at).findLast((text) => text.trim() !== '') ?? '';
    return MARKER.test(above) ? [] : [`${name}:${at + 1}`];
  });
}

/** A code block of a page. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** The file that it shows, `retries/bank.ts`, where a marker names one. */
  readonly file: string | undefined;
}

/** The code blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!FENCE.test(lines[at]!)) continue;
    const end = lines.findIndex((line, later) => later > at && FENCE.test(line));
    const above = lines.slice(0, at).findLast((text) => text.trim() !== '') ?? '';
    blocks.push({
      language: lines[at]!.replace(FENCE, ''),
      text: dedented(lines.slice(at + 1, end)).join('\n'),
      file: MARKER.exec(above)?.[2],
    });
    at = end;
  }
  return blocks;
}

/** The part of a page under a heading of the second level, without the heading. */
export function sectionOf(page: string, heading: string): string {
  const begin = page.indexOf(`\n## ${heading}\n`);
  if (begin < 0) throw new Error(`No section "${heading}"`);
  const rest = page.slice(begin + heading.length + 5);
  const end = rest.search(/^## /m);
  return end < 0 ? rest : rest.slice(0, end);
}

/** The files that a page shows, in their order: `retries/order.controller.ts`. */
export function filesShown(page: string): string[] {
  return page.split('\n').flatMap((line) => MARKER.exec(line)?.[2] ?? []);
}

/** The lines of a file, or of a region of it with the imports that the region uses. */
export function snippet(file: string, region?: string): string[] {
  const url = new URL(file, samples);
  if (!existsSync(url)) throw new Error(`sample/docs/${file} is not there`);
  const text = readFileSync(url, 'utf8').trimEnd();
  const lines = text.split('\n');
  if (region === undefined) return lines.filter((line) => !isMark(line));
  const parts = regionsOf(lines, region);
  if (parts.length === 0) throw new Error(`sample/docs/${file} has no region "${region}"`);
  const imports = /\.[cm]?[jt]s$/.test(file) ? importsFor(text, new Set(parts.flat())) : [];
  const bodies = parts.map((part) => dedented(part.map((at) => lines[at]!)));
  return [imports, ...bodies]
    .filter((block) => block.length > 0)
    .flatMap((block, at) => (at === 0 ? block : ['', ...block]));
}

function fencedBlockAfter(lines: readonly string[], marker: number): { end: number } | undefined {
  let begin = marker + 1;
  while (lines[begin]?.trim() === '') begin++;
  if (!FENCE.test(lines[begin] ?? '')) return undefined;
  const end = lines.findIndex((line, at) => at > begin && FENCE.test(line));
  return end < 0 ? undefined : { end };
}

function languageOf(file: string): string {
  const language = LANGUAGES[extname(file)] ?? LANGUAGES[`.${basename(file)}`];
  if (language === undefined)
    throw new Error(`test/support/snippets.ts knows no language of ${file}`);
  return language;
}

const isMark = (line: string): boolean => /^\s*(?:\/\/|#) #(?:end)?region\b/.test(line);

/** The lines, counted from 0, of each region of that name. */
function regionsOf(lines: readonly string[], name: string): number[][] {
  const parts: number[][] = [];
  const open: string[] = [];
  lines.forEach((line, at) => {
    const begun = /^\s*(?:\/\/|#) #region (\S+)/.exec(line)?.[1];
    if (begun !== undefined) {
      if (begun === name) parts.push([]);
      open.push(begun);
    } else if (isMark(line)) open.pop();
    else if (open.includes(name)) parts.at(-1)!.push(at);
  });
  return parts;
}

function dedented(lines: readonly string[]): string[] {
  const depths = lines.filter((line) => line !== '').map((line) => line.search(/\S/));
  const depth = Math.min(...depths);
  return lines.map((line) => line.slice(depth));
}

/** The import statements of a file, each with the names that stand in the lines. */
function importsFor(text: string, lines: ReadonlySet<number>): string[] {
  const source = ts.createSourceFile('sample.ts', text, ts.ScriptTarget.Latest, true);
  const imports = source.statements.filter(ts.isImportDeclaration);
  const used = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart());
      if (lines.has(line)) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  source.statements.filter((statement) => !ts.isImportDeclaration(statement)).forEach(visit);
  return imports.flatMap((statement) => importOf(statement, used));
}

function importOf(statement: ts.ImportDeclaration, used: ReadonlySet<string>): string[] {
  const { importClause: clause } = statement;
  if (clause === undefined) return [];
  const bindings = clause.namedBindings;
  const isUsed = ({ name }: { name?: ts.Identifier | undefined }): boolean =>
    name !== undefined && used.has(name.text);
  const parts = isUsed(clause) ? [clause.name!.text] : [];
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) {
    if (isUsed(bindings)) parts.push(bindings.getText());
  } else if (bindings !== undefined) {
    const names = bindings.elements.filter(isUsed).map((element) => element.getText());
    if (names.length > 0) parts.push(`{ ${names.join(', ')} }`);
  }
  if (parts.length === 0) return [];
  const type = clause.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type ' : '';
  return wrapped(`import ${type}${parts.join(', ')} from ${statement.moduleSpecifier.getText()};`);
}

/** An import that is too long for a line, with one name per line, as prettier writes it. */
function wrapped(statement: string): string[] {
  const names = /^(.*)\{ (.+) \}(.*)$/.exec(statement);
  if (statement.length <= 80 || names === null) return [statement];
  const [, before = '', list = '', after = ''] = names;
  return [`${before}{`, ...list.split(', ').map((name) => `  ${name},`), `}${after}`];
}
