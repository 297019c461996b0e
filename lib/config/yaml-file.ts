import type * as yaml from 'yaml';
import { isEmpty, type FileEntry, type FileNode, type Place } from './file-node.js';
import type { Findings } from './findings.js';
import { BARE_VARIABLE, INDENTATION, SYNTAX, WHOLE_FILE } from './yaml-mistakes.js';

/** Most nodes of a file, each counted as often as it is named by an alias. */
const MOST_NODES = 20_000;

/** Keys that messages may name. Others may be a value whose colon is missing. */
const WORD = /^(?:[A-Za-z_$][\w.-]{0,60}|<<)$/;

/** Reads the nodes of a file, and resolves its aliases. */
export class YamlFile {
  private readonly lines: yaml.LineCounter;
  private readonly document: yaml.Document.Parsed;
  private readonly known = new Map<yaml.Node, FileNode>();
  private readonly sizes = new Map<FileNode, number>();
  private readonly open = new Set<yaml.Node>();

  constructor(
    private readonly yaml: typeof import('yaml'),
    private readonly text: string,
    private readonly findings: Findings,
  ) {
    const lineCounter = (this.lines = new yaml.LineCounter());
    this.document = yaml.parseDocument(text, { lineCounter, prettyErrors: false });
  }

  /** Undefined where the file cannot be read at all: the findings say why. */
  read(): FileNode | undefined {
    const { errors, warnings, contents } = this.document;
    this.findSyntax([...errors, ...warnings]);
    // What follows a syntax error is guesswork. A key that is there twice changes nothing else.
    if (errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return undefined;
    if (contents === null) {
      this.findings.add(undefined, '', WHOLE_FILE.empty);
      return undefined;
    }
    const node = this.node(contents);
    if ((this.sizes.get(node) ?? 0) <= MOST_NODES) return node;
    this.findings.add(undefined, '', WHOLE_FILE.tooLarge);
    return undefined;
  }

  private findSyntax(found: readonly (yaml.YAMLError | yaml.YAMLWarning)[]): void {
    const lines = new Set<number>();
    for (const one of found) {
      const at = this.placeAt(one.pos[0]);
      // What follows on the same line mostly comes of the same mistake.
      if (!lines.has(at.line)) this.findings.add(at, '', this.syntaxOf(one, found));
      lines.add(at.line);
      // The document has ended here. All that follows is reported in the same way.
      if (one.code === 'UNEXPECTED_TOKEN') return;
    }
  }

  private syntaxOf({ code, pos }: yaml.YAMLError, found: readonly yaml.YAMLError[]): string {
    if (this.text.startsWith('${', pos[0] - 1)) return BARE_VARIABLE;
    const isList = this.yaml.isSeq(this.document.contents);
    if (code === 'UNEXPECTED_TOKEN' && isList) return INDENTATION.besideList;
    const severalLines = found.some(
      (other) => other.code === 'MULTILINE_IMPLICIT_KEY' && other.pos[0] === pos[0],
    );
    if (code === 'BLOCK_AS_IMPLICIT_KEY' && severalLines) return INDENTATION.deeper;
    return SYNTAX[code] ?? SYNTAX['UNEXPECTED_TOKEN']!;
  }

  private node(found: yaml.Node): FileNode {
    const known = this.known.get(found);
    if (known) return known;
    this.open.add(found);
    const made = this.make(found);
    this.open.delete(found);
    this.known.set(found, made);
    this.sizes.set(made, this.sizeOf(made));
    return made;
  }

  private make(found: yaml.Node): FileNode {
    const { isAlias, isMap, isScalar, isSeq } = this.yaml;
    const at = this.placeAt(found.range?.[0] ?? 0);
    if (isAlias(found)) return this.aliased(found, at);
    if (isMap(found)) {
      const entries = found.items.map((pair) => this.entry(pair as yaml.Pair<yaml.Node>, at));
      return { is: 'map', at, entries };
    }
    if (isSeq(found)) {
      return { is: 'list', at, items: found.items.map((item) => this.node(item as yaml.Node)) };
    }
    return { is: 'scalar', at, value: isScalar(found) ? plain(found.value) : null };
  }

  private aliased(alias: yaml.Alias, at: Place): FileNode {
    const target = alias.resolve(this.document);
    if (target && !this.open.has(target)) return this.node(target);
    this.findings.add(at, '', target ? WHOLE_FILE.endless : SYNTAX['BAD_ALIAS']!);
    return { is: 'scalar', at, value: null };
  }

  private entry({ key, value }: yaml.Pair<yaml.Node>, around: Place): FileEntry {
    const named = this.node(key);
    const text = named.is === 'scalar' ? String(named.value) : '';
    const empty: FileNode = { is: 'scalar', at: named.at ?? around, value: null };
    const node = value === null ? empty : this.node(value as yaml.Node);
    return { key: text, keyAt: named.at, nameable: !isEmpty(node) && WORD.test(text), node };
  }

  private sizeOf(node: FileNode): number {
    if (node.is === 'scalar') return 1;
    const parts = node.is === 'list' ? node.items : node.entries.map((entry) => entry.node);
    return parts.reduce((sum, part) => sum + (this.sizes.get(part) ?? 1), 1);
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

/** Numbers of another kind, and dates, are texts here. */
function plain(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
