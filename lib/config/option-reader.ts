import type { AnyOption, DeclaredOptions, Form } from '../core/option-schema/option.js';
import { nearest } from '../core/option-schema/wording.js';
import { inWordsOfFiles, keysOf, nameInCode, nameInFiles, type FileKey } from './file-keys.js';
import {
  below,
  isEmpty,
  joined,
  type FileEntry,
  type FileNode,
  type FileScalar,
  type Place,
} from './file-node.js';
import { Findings } from './findings.js';
import type { Variables } from './interpolate.js';
import { accepted, scalarValues, type Scalar } from './scalar-values.js';
import { Assignments, BROKEN, type Values } from './assignments.js';
import { missing, mustBe } from './wording.js';

const ONLY_IN_CODE = 'can only be given in code: docs/configuration.md#what-only-code-can-give';

/** Reads one option in another way than its declaration says. Undefined: as its declaration says. */
export type ReadOtherwise = (
  shape: DeclaredOptions,
  name: string,
  siblings: Readonly<Values>,
) => ((node: FileNode, path: string) => unknown) | undefined;

interface ReaderOptions {
  readonly variables: Variables;
  /** Whether a variable that is not set is a mistake. */
  readonly needsVariables: boolean;
  readonly otherwise?: ReadOtherwise;
}

/** Reads values of options from the nodes of a file, as the options are declared. */
export class OptionReader {
  constructor(
    private readonly findings: Findings,
    private readonly options: ReaderOptions,
  ) {}

  /** The value of one option, as code would give it; `BROKEN` where it is wrong. */
  read(option: AnyOption, node: FileNode, path: string): unknown {
    const { form } = option.kind;
    if (!form || !fits(form, node)) return this.wrong(option, node, path);
    if (node.is === 'scalar') return this.readScalar(option, node, path);
    switch (form.is) {
      case 'options':
        return this.readOptions(form.shape, node, path, node.at);
      case 'list':
        return this.readList(option, form, node, path);
      case 'either':
        return this.readEither(form.alternatives, node, path);
      default:
        return this.data(node, path);
    }
  }

  /** @param at where a key that is missing would belong */
  readOptions(shape: DeclaredOptions, node: FileNode, path: string, at: Place): unknown {
    const keys = keysOf(shape);
    const before = this.findings.count;
    const entries = node.is === 'map' ? node.entries : [];
    const given = new Map(entries.map((entry) => [entry.key, entry]));
    for (const entry of entries) {
      if (!keys.has(entry.key)) this.unknown(entry, shape, keys, below(path, entry));
    }
    const set = new Assignments();
    // In the order of the declaration, not of the file: how a driver's options are read depends on
    // its name.
    for (const [key, meaning] of keys) {
      const entry = given.get(key);
      if (!entry || isEmpty(entry.node)) continue;
      const inside = below(path, entry);
      const value = this.readKey(shape, meaning, entry, set.values, inside);
      const other = set.all(key, meaning.targets, value);
      if (other !== undefined) {
        this.findings.add(entry.keyAt, inside, `sets the same as ${other}: give one of them`);
      }
    }
    for (const [name, option] of Object.entries(shape.options)) {
      if (option.presence !== 'required' || name in set.values) continue;
      this.findings.add(at, joined(path, nameInFiles(name, option)), missing(option));
    }
    const { values } = set;
    if (Object.values(values).includes(BROKEN)) return BROKEN;
    this.checkRules(shape, values, path, at);
    return this.findings.count === before ? values : BROKEN;
  }

  private readKey(
    shape: DeclaredOptions,
    { as, targets, own }: FileKey,
    { node }: FileEntry,
    siblings: Values,
    path: string,
  ): unknown {
    const name = targets[0]!.path[0]!;
    const otherwise = own ? this.options.otherwise?.(shape, name, siblings) : undefined;
    if (otherwise) return otherwise(node, path);
    if (as.kind.form) return this.read(as, node, path);
    this.findings.add(node.at, path, ONLY_IN_CODE);
    return BROKEN;
  }

  /** The rules that no single option can check. */
  private checkRules(shape: DeclaredOptions, values: Values, path: string, at: Place): void {
    for (const problem of shape.rules.flatMap((rule) => rule(values))) {
      this.findings.add(at, path, inWordsOfFiles(problem, shape));
    }
  }

  private unknown(
    { key, keyAt }: FileEntry,
    shape: DeclaredOptions,
    keys: ReadonlyMap<string, FileKey>,
    path: string,
  ): void {
    const meant = nearest(key, [...keys.keys()]);
    const known = [...keys].filter(([, { as }]) => as.kind.form).map(([name]) => name);
    const hint = meant === undefined ? `there are ${known.join(', ')}` : `did you mean ${meant}?`;
    const of = inWordsOfFiles(shape.of, shape);
    const merging = 'merge keys are not read; name a whole object by an alias';
    this.findings.add(keyAt, path, key === '<<' ? merging : `is no option of ${of}: ${hint}`);
  }

  private readList(
    option: AnyOption,
    { of, least }: Form & { is: 'list' },
    node: FileNode,
    path: string,
  ): unknown {
    const items = node.is === 'list' ? node.items : [];
    if (items.length < least) return this.wrong(option, node, path);
    const values = items.map((item, index) =>
      isEmpty(item)
        ? this.wrong(of, item, `${path}[${index}]`)
        : this.read(of, item, `${path}[${index}]`),
    );
    return values.includes(BROKEN) ? BROKEN : values;
  }

  /** Of several forms that fit an object or list, the one with the fewest mistakes was meant. */
  private readEither(alternatives: readonly AnyOption[], node: FileNode, path: string): unknown {
    const fitting = alternatives.filter(({ kind }) => kind.form && fits(kind.form, node));
    const tried = fitting.map((alternative) => {
      const findings = new Findings(this.findings.file);
      const value = new OptionReader(findings, this.options).read(alternative, node, path);
      return { value, findings };
    });
    const best = tried.toSorted((a, b) => a.findings.count - b.findings.count)[0]!;
    this.findings.join(best.findings);
    return best.value;
  }

  /** Names and values that are not declared here. Names in snake_case become those of code. */
  data(node: FileNode, path: string): unknown {
    if (node.is === 'scalar') {
      const values = this.valuesOf(node, path);
      return values ? (values.at(-1) ?? undefined) : BROKEN;
    }
    if (node.is === 'list') {
      const items = node.items.map((item, index) => this.data(item, `${path}[${index}]`));
      return items.includes(BROKEN) ? BROKEN : items;
    }
    const entries = node.entries.map((entry): [string, unknown] => [
      nameInCode(entry.key),
      this.data(entry.node, below(path, entry)),
    ]);
    return entries.some(([, value]) => value === BROKEN) ? BROKEN : Object.fromEntries(entries);
  }

  private readScalar(option: AnyOption, node: FileScalar, path: string): unknown {
    const values = this.valuesOf(node, path);
    if (!values) return BROKEN;
    const value = accepted(option, values);
    return value === undefined ? this.wrong(option, node, path) : value;
  }

  /** Undefined where a variable is not set. */
  private valuesOf(node: FileScalar, path: string): readonly Scalar[] | undefined {
    const { values, problems } = scalarValues(node, this.options.variables);
    if (this.options.needsVariables) {
      for (const problem of problems) this.findings.add(node.at, path, problem);
    }
    return problems.length === 0 ? values : undefined;
  }

  private wrong(option: AnyOption, node: FileNode, path: string): typeof BROKEN {
    this.findings.add(node.at, path, mustBe(option, node));
    return BROKEN;
  }
}

/** Whether a form is written as this kind of node. */
function fits(form: Form, node: FileNode): boolean {
  switch (form.is) {
    case 'options':
    case 'object':
      return node.is === 'map';
    case 'list':
      return node.is === 'list';
    case 'either':
      return form.alternatives.some(({ kind }) => kind.form && fits(kind.form, node));
    default:
      return node.is === 'scalar';
  }
}
