import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIB = `${ROOT}lib/`;
const CONFIG_HOST: ts.ParseConfigFileHost = {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
    throw new Error(ts.flattenDiagnosticMessageText(messageText, '\n'));
  },
};

/**
 * Every place of lib/ that reads the name of a function or class, as `file: expression`. Two
 * functions of a minified bundle may have one name.
 * @param more source text of a file in lib/ that does not exist, by its path
 */
export function functionNames(more: Readonly<Record<string, string>> = {}): string[] {
  const { fileNames, options } = ts.getParsedCommandLineOfConfigFile(
    `${ROOT}tsconfig.build.json`,
    {},
    CONFIG_HOST,
  )!;
  const added = new Map(Object.entries(more).map(([path, text]) => [LIB + path, text]));
  const program = ts.createProgram(
    [...fileNames, ...added.keys()],
    options,
    hostOf(options, added),
  );
  const checker = program.getTypeChecker();
  const found: string[] = [];
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(LIB)) continue;
    const visit = (node: ts.Node): void => {
      const owner = ownerOfName(node);
      if (owner && isFunction(checker.getTypeAtLocation(owner), checker)) {
        found.push(`${relative(LIB, file.fileName)}: ${node.getText(file).replace(/\s+/g, ' ')}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found.sort();
}

/** The expression, or the pattern, whose property `name` the node reads. */
function ownerOfName(node: ts.Node): ts.Node | undefined {
  if (ts.isPropertyAccessExpression(node) && node.name.text === 'name') return node.expression;
  if (ts.isElementAccessExpression(node)) {
    const { argumentExpression: key, expression } = node;
    return ts.isStringLiteralLike(key) && key.text === 'name' ? expression : undefined;
  }
  if (!ts.isBindingElement(node) || !ts.isObjectBindingPattern(node.parent)) return undefined;
  return (node.propertyName ?? node.name).getText() === 'name' ? node.parent : undefined;
}

function isFunction(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (type.isUnionOrIntersection()) return type.types.some((one) => isFunction(one, checker));
  const known = type.flags & ts.TypeFlags.TypeParameter ? checker.getApparentType(type) : type;
  if (known !== type) return isFunction(known, checker);
  if (type.getCallSignatures().length + type.getConstructSignatures().length > 0) return true;
  return type.symbol?.name === 'Function' || (type.flags & ts.TypeFlags.Any) !== 0;
}

function hostOf(options: ts.CompilerOptions, added: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  return {
    ...host,
    fileExists: (path) => added.has(path) || host.fileExists(path),
    readFile: (path) => added.get(path) ?? host.readFile(path),
    getSourceFile: (path, version) => {
      const text = added.get(path);
      return text === undefined
        ? host.getSourceFile(path, version)
        : ts.createSourceFile(path, text, version, true);
    },
  };
}
