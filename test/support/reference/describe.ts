import ts from 'typescript';
import { table } from '../generated-parts.js';
import { cut, docOf, type DocComment } from './doc-comment.js';
import {
  compiled,
  membersOf,
  publicSignatures,
  readable,
  typeText,
  type Member,
} from './members.js';

/** Writes what the types and comments of public names say, as Markdown. */
export class Describer {
  constructor(private readonly checker: ts.TypeChecker) {}

  /** A class, function, interface, type or constant. */
  describe(name: string, symbol: ts.Symbol): string {
    if (symbol.flags & ts.SymbolFlags.Class) return this.classText(name, symbol);
    if (symbol.flags & ts.SymbolFlags.Interface) return this.interfaceText(symbol);
    if (symbol.flags & ts.SymbolFlags.TypeAlias) return aliasText(name, symbol);
    const type = this.checker.getTypeOfSymbol(symbol);
    const calls = type.getCallSignatures();
    if (calls.length > 0) return this.callsText(name, calls);
    return section(block(`${name}: ${typeText(type, this.checker)}`), below(commentOf(symbol)));
  }

  /**
   * A table of options.
   * @param without types whose options stand elsewhere
   * @param inFiles what files of configuration call an option. Undefined: they have none of these
   */
  options(
    symbol: ts.Symbol,
    without: readonly ts.Symbol[] = [],
    inFiles?: (option: string) => string,
  ): string {
    const elsewhere = new Set(without.flatMap((it) => this.members(it).map(({ name }) => name)));
    const more: string[] = [];
    const rows = this.members(symbol)
      .filter(({ name }) => !elsewhere.has(name))
      .map(({ name, type, optional, doc }) => [
        `\`${name}\``,
        `\`${type}\``,
        optional ? doc.default : 'required',
        ...(inFiles ? [inFiles(name)] : []),
        inCell(name, doc, more),
      ]);
    const files = inFiles ? ['in a file'] : [];
    const head = ['option', 'type', 'default', ...files, 'meaning'];
    return section(table(head, rows), more.join('\n'));
  }

  private classText(name: string, symbol: ts.Symbol): string {
    const own = this.members(symbol).filter(({ declaration }) => isOwn(declaration, symbol));
    const methods = own.filter((member) => !isShort(member));
    return section(
      commentOf(symbol).text,
      this.constructorText(name, symbol),
      memberTable(own.filter(isShort)),
      ...methods.flatMap((method) => [
        `### ${name}.${method.name}`,
        this.callsText(method.name, method.signatures),
      ]),
      this.staticText(name, symbol),
    );
  }

  private constructorText(name: string, symbol: ts.Symbol): string {
    const made = this.checker.getTypeOfSymbol(symbol).getConstructSignatures();
    return this.callsText(`new ${name}`, made);
  }

  private staticText(name: string, symbol: ts.Symbol): string {
    const type = this.checker.getTypeOfSymbol(symbol);
    const methods = membersOf(type, this.checker).filter(({ signatures }) => signatures.length > 0);
    return section(
      ...methods.flatMap((method) => [
        `### ${name}.${method.name}`,
        this.callsText(`${name}.${method.name}`, method.signatures),
      ]),
    );
  }

  private callsText(name: string, signatures: readonly ts.Signature[]): string {
    const texts = publicSignatures(signatures).map((signature) => {
      const { declaration } = signature;
      const whole = ts.TypeFormatFlags.NoTruncation;
      const written = this.checker.signatureToString(signature, declaration, whole);
      const call = name.startsWith('new ') ? written.replace(/\): [^)]*$/, ')') : written;
      return section(block(name + compiled(call)), below(docOf(declaration)));
    });
    return section(...texts);
  }

  private interfaceText(symbol: ts.Symbol): string {
    return section(commentOf(symbol).text, memberTable(this.members(symbol)));
  }

  private members(symbol: ts.Symbol): Member[] {
    return membersOf(this.checker.getDeclaredTypeOfSymbol(symbol), this.checker);
  }
}

/** Declared by the class itself, or by a class that no door exports. */
function isOwn(member: ts.Declaration | undefined, owner: ts.Symbol): boolean {
  const declared = member?.parent;
  if (declared === undefined || !ts.isClassDeclaration(declared)) return true;
  return declared.name?.text === owner.name || declared.name?.text === 'RunContext';
}

/** A property, or a method of which one line says everything. */
const isShort = ({ signatures: [signature, ...others], doc }: Member): boolean =>
  signature === undefined ||
  (others.length === 0 &&
    signature.parameters.length === 0 &&
    !signature.typeParameters &&
    doc.throws.length === 0 &&
    cut(doc.text)[1] === '');

function aliasText(name: string, symbol: ts.Symbol): string {
  const alias = symbol.declarations!.find(ts.isTypeAliasDeclaration)!;
  const params = alias.typeParameters?.map((param) => param.getText()).join(', ');
  const head = `type ${name}${params === undefined ? '' : `<${params}>`}`;
  const isComputed = ts.isConditionalTypeNode(alias.type) || ts.isIndexedAccessTypeNode(alias.type);
  const code = `${head} = ${isComputed ? '…' : readable(alias.type.getText())}`;
  return section(block(code), below(commentOf(symbol)));
}

function memberTable(members: readonly Member[]): string {
  if (members.length === 0) return '';
  const more: string[] = [];
  const rows = members.map(({ name, optional, type, doc, signatures }) => [
    `\`${name}${optional ? '?' : ''}${signatures.length > 0 ? parametersOf(signatures[0]!) : ''}\``,
    `\`${type}\``,
    inCell(name, doc, more),
  ]);
  return section(table(['member', 'type', 'meaning'], rows), more.join('\n'));
}

/** `(ms: number)` */
function parametersOf({ declaration }: ts.Signature): string {
  const parameters = (declaration as ts.SignatureDeclaration).parameters;
  return `(${parameters.map((parameter) => readable(parameter.getText())).join(', ')})`;
}

/** The beginning of a comment. What is too long for a cell goes to the list below the table. */
function inCell(name: string, doc: DocComment, more: string[]): string {
  const returns = doc.returns && `Returns ${ended(doc.returns)}`;
  const [first, rest] = cut([doc.text, returns, ...throwsOf(doc)].filter(Boolean).join(' '));
  if (rest !== '') more.push(`- \`${name}\`: ${rest.replaceAll('\n', '\n  ')}`);
  return first;
}

/** What stands below a signature. */
function below(doc: DocComment): string {
  const params = [...doc.typeParams, ...doc.params].filter(({ text }) => text !== '');
  const list = params.map(({ name, text }) => `- \`${name}\`: ${text}`).join('\n');
  const heading = params.length > 0 ? 'Parameters:' : '';
  const returns = doc.returns && ended(`Returns ${doc.returns}`);
  return section(doc.text, heading, list, returns, ...throwsOf(doc));
}

const throwsOf = (doc: DocComment): string[] => doc.throws.map((text) => ended(`Throws ${text}`));

const commentOf = ({ declarations }: ts.Symbol): DocComment => docOf(declarations?.[0]);

const ended = (text: string): string => (/[.:]$/.test(text) ? text : `${text}.`);

const block = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;

const section = (...parts: readonly string[]): string => parts.filter(Boolean).join('\n\n');
