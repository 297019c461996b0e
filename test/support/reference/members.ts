import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { docOf, type DocComment } from './doc-comment.js';

const LIB = fileURLToPath(new URL('../../../lib', import.meta.url));

/** A property or method of a class, interface or object of options. */
export interface Member {
  readonly name: string;
  readonly declaration: ts.Declaration | undefined;
  readonly doc: DocComment;
  readonly type: string;
  readonly optional: boolean;
  /** Empty for a property. */
  readonly signatures: readonly ts.Signature[];
}

/** The members that users see, in the order of their declaration. */
export function membersOf(type: ts.Type, checker: ts.TypeChecker): Member[] {
  const members = checker
    .getPropertiesOfType(type)
    .filter(({ name, declarations }) => !name.startsWith('__') && !isHidden(declarations?.[0]))
    .map((symbol) => memberOf(symbol, checker))
    .filter(({ doc }) => !doc.internal);
  const files = [...new Set(members.map(fileOf))];
  return members.sort(
    (a, b) => files.indexOf(fileOf(a)) - files.indexOf(fileOf(b)) || positionOf(a) - positionOf(b),
  );
}

const fileOf = ({ declaration }: Member): string => declaration?.getSourceFile().fileName ?? '';

const positionOf = ({ declaration }: Member): number => declaration?.pos ?? 0;

function memberOf(symbol: ts.Symbol, checker: ts.TypeChecker): Member {
  const [declaration] = symbol.declarations ?? [];
  const type = checker.getTypeOfSymbol(symbol);
  const optional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
  const isMethod = (symbol.flags & ts.SymbolFlags.Method) !== 0;
  return {
    name: symbol.name,
    declaration,
    doc: docOf(declaration),
    type: typeText(optional ? checker.getNonNullableType(type) : type, checker, declaration),
    optional,
    signatures: isMethod ? publicSignatures(type.getCallSignatures()) : [],
  };
}

/** Without overloads that only the library calls, and what Nest declares. */
export const publicSignatures = (signatures: readonly ts.Signature[]): ts.Signature[] =>
  signatures.filter(({ declaration }) => !isHidden(declaration) && !docOf(declaration).internal);

/** Private, protected, or declared by Nest or Node. */
function isHidden(declaration: ts.Declaration | ts.JSDocSignature | undefined): boolean {
  if (declaration === undefined) return false;
  if (relative(LIB, declaration.getSourceFile().fileName).startsWith('..')) return true;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(declaration as ts.Declaration) & hidden) !== 0;
}

/** A type as its declaration writes it, else as the compiler infers it. */
export function typeText(
  type: ts.Type,
  checker: ts.TypeChecker,
  declaration?: ts.Declaration,
): string {
  const written = (declaration as { readonly type?: ts.TypeNode } | undefined)?.type;
  return written ? readable(written.getText()) : compiled(checker.typeToString(type));
}

/** In one line, and without what says nothing to a reader. */
export const readable = (type: string): string =>
  type
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(?<=^|[\s(<|])readonly (?=[\w(])/g, '')
    .replaceAll(/"([^"']*)"/g, "'$1'")
    .replaceAll(/ \| undefined(?=[;,)\]} ]|$)/g, '')
    .replaceAll(/GivenOf<(\{[^}]*\})>/g, (_, options: string) => givenOf(options))
    .replaceAll('Known<Events>', 'Events')
    .trim();

/** As {@link readable}, with the names that the compiler has replaced by what they stand for. */
export const compiled = (type: string): string =>
  readable(type)
    .replaceAll("Redis<'legacy'>", 'Redis')
    .replaceAll('Readonly<Record<string, string>>', 'Metadata')
    .replaceAll(/Message<(\w+), string>/g, 'Message<$1>');

/** `{ port: Option<number, 'optional', number> }` is given as `{ port?: number }`. */
const givenOf = (options: string): string =>
  options.replaceAll(
    /(\w+): Option<(.+?), '(\w+)', [^;]+>;/g,
    (_, name: string, type: string, presence: string) =>
      `${name}${presence === 'required' ? '' : '?'}: ${type};`,
  );
