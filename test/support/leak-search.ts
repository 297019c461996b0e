import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The types in which options are declared: what stands in them is part of the options themselves. */
const TRANSPARENT = /^lib\/core\/option-schema\//;

/**
 * Finds types of ours that public signatures name and no door exports. Walks declarations as the
 * compiler writes them for users: no bodies, nothing private or `@internal`.
 */
export class LeakSearch {
  readonly found: string[] = [];
  private readonly seen = new Set<ts.Node | ts.Type>();
  private owner = '';

  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly known: ReadonlySet<ts.Symbol>,
  ) {}

  follow(owner: string, symbol: ts.Symbol): void {
    this.owner = owner;
    for (const declaration of symbol.declarations ?? []) this.visit(declaration);
  }

  private visit(node: ts.Node): void {
    if (this.seen.has(node) || isHidden(node)) return;
    this.seen.add(node);
    if (ts.isTypeReferenceNode(node)) return this.reference(node, node.typeName);
    if (ts.isExpressionWithTypeArguments(node)) return this.reference(node, node.expression);
    if (ts.isTypeQueryNode(node)) return this.reference(node, node.exprName);
    if (ts.isFunctionLike(node) && isOverloaded(node)) return;
    if (hasType(node) && !node.type) this.inferred(node);
    node.forEachChild((child) => {
      if (!isCode(node, child)) this.visit(child);
    });
  }

  /** What a declaration without a written type comes to. */
  private inferred(node: HasType): void {
    if (!ts.isFunctionLike(node)) return this.type(this.checker.getTypeAtLocation(node));
    const signature = this.checker.getSignatureFromDeclaration(node);
    if (signature) this.type(signature.getReturnType());
  }

  private reference(node: ts.Node, name: ts.Node): void {
    const symbol = this.symbolOf(name);
    if (symbol && isTransparent(symbol)) return this.members(this.checker.getTypeAtLocation(node));
    if (symbol && !this.isFine(symbol)) {
      if (isComposed(node) || isShorthand(symbol))
        symbol.declarations!.forEach((it) => this.visit(it));
      else this.report(symbol);
    }
    node.forEachChild((child) => this.visit(child));
  }

  /** Named types end the way; the others are looked into. */
  private type(type: ts.Type): void {
    const symbol = type.aliasSymbol ?? namedSymbol(type);
    const args = type.aliasTypeArguments ?? typeArguments(this.checker, type);
    args.forEach((argument) => this.type(argument));
    if (symbol && !isTransparent(symbol))
      return this.isFine(symbol) ? undefined : this.report(symbol);
    if (type.isUnionOrIntersection()) return type.types.forEach((part) => this.type(part));
    if (symbol ?? type.symbol) this.members(type);
  }

  private members(type: ts.Type): void {
    if (this.seen.has(type)) return;
    this.seen.add(type);
    for (const property of this.checker.getPropertiesOfType(type)) {
      if (isOurs(property)) this.type(this.checker.getTypeOfSymbol(property));
    }
    for (const signature of this.checker.getSignaturesOfType(type, ts.SignatureKind.Call)) {
      const { declaration } = signature;
      if (declaration && isOurs(this.checker.getSymbolAtLocation(declaration) ?? type.symbol)) {
        signature.parameters.forEach((it) => this.type(this.checker.getTypeOfSymbol(it)));
        this.type(signature.getReturnType());
      }
    }
  }

  private symbolOf(name: ts.Node): ts.Symbol | undefined {
    const symbol = this.checker.getSymbolAtLocation(name);
    return symbol && symbol.flags & ts.SymbolFlags.Alias
      ? this.checker.getAliasedSymbol(symbol)
      : symbol;
  }

  private isFine(symbol: ts.Symbol): boolean {
    return (
      this.known.has(symbol) || !isOurs(symbol) || !!(symbol.flags & ts.SymbolFlags.TypeParameter)
    );
  }

  private report(symbol: ts.Symbol): void {
    const leak = `${this.owner}: ${symbol.name} of ${fileOf(symbol)}`;
    if (!this.found.includes(leak)) this.found.push(leak);
  }
}

type HasType = (ts.SignatureDeclaration | ts.PropertyDeclaration | ts.VariableDeclaration) & {
  readonly type?: ts.TypeNode;
};

function hasType(node: ts.Node): node is HasType {
  return (
    (ts.isFunctionLike(node) && !ts.isConstructorDeclaration(node) && !ts.isSetAccessor(node)) ||
    ts.isPropertyDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node)
  );
}

/** Bodies, values and decorators are no part of what users see. */
function isCode(parent: ts.Node, child: ts.Node): boolean {
  return (
    ts.isBlock(child) ||
    ts.isDecorator(child) ||
    ('initializer' in parent && parent.initializer === child) ||
    (ts.isArrowFunction(parent) && parent.body === child)
  );
}

function isHidden(node: ts.Node): boolean {
  if (ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')) return true;
  if (ts.isParameter(node)) return false;
  const named =
    ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name);
  const flags = ts.canHaveModifiers(node) ? ts.getCombinedModifierFlags(node as ts.Declaration) : 0;
  return named || (flags & ts.ModifierFlags.Private) !== 0;
}

/** The one with the body, beside the signatures that users see. */
function isOverloaded(node: ts.SignatureDeclaration): boolean {
  if (!('body' in node) || !node.body || !node.name) {
    if (!ts.isConstructorDeclaration(node) || !node.body) return false;
    const { members } = node.parent;
    return members.some((other) => ts.isConstructorDeclaration(other) && !other.body);
  }
  const name = node.name.getText();
  const siblings = ts.isClassLike(node.parent) ? node.parent.members : [];
  const functions = ts.isSourceFile(node.parent) ? node.parent.statements : [];
  return [...siblings, ...functions].some(
    (other) =>
      (ts.isMethodDeclaration(other) || ts.isFunctionDeclaration(other)) &&
      !other.body &&
      other.name?.getText() === name,
  );
}

/** What a type extends, adds by an intersection, or stands for as a whole is part of the type itself. */
const isComposed = ({ parent }: ts.Node): boolean =>
  ts.isHeritageClause(parent) ||
  ts.isIntersectionTypeNode(parent) ||
  ts.isTypeAliasDeclaration(parent);

/** Saves its own file some writing. */
const isShorthand = (symbol: ts.Symbol): boolean =>
  !!symbol.declarations?.every(
    (it) =>
      ts.isTypeAliasDeclaration(it) &&
      (ts.getCombinedModifierFlags(it) & ts.ModifierFlags.Export) === 0,
  );

function namedSymbol(type: ts.Type): ts.Symbol | undefined {
  const named = ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.Enum;
  return type.symbol && type.symbol.flags & named ? type.symbol : undefined;
}

function typeArguments(checker: ts.TypeChecker, type: ts.Type): readonly ts.Type[] {
  const { objectFlags } = type as ts.ObjectType;
  if (!(objectFlags & ts.ObjectFlags.Reference)) return [];
  return checker.getTypeArguments(type as ts.TypeReference).filter((it) => !it.isTypeParameter());
}

const fileOf = (symbol: ts.Symbol): string =>
  relative(ROOT, symbol.declarations?.[0]?.getSourceFile().fileName ?? '')
    .split(sep)
    .join('/');

const isOurs = (symbol: ts.Symbol): boolean => fileOf(symbol).startsWith('lib/');

const isTransparent = (symbol: ts.Symbol): boolean => TRANSPARENT.test(fileOf(symbol));
