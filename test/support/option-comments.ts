import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { docOf } from './reference/doc-comment.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The comments above options, as they stand in the declarations of these files, by the owner of the
 * options and their name: `backoff.delay`. Options that a declaration spreads have no owner: `.delay`.
 */
export function optionComments(files: readonly string[]): ReadonlyMap<string, string> {
  const comments = new Map<string, string>();
  for (const file of files) {
    const text = readFileSync(ROOT + file, 'utf8');
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), comments);
  }
  return comments;
}

function visit(node: ts.Node, comments: Map<string, string>): void {
  if (ts.isCallExpression(node) && node.expression.getText() === 'declareOptions') {
    const [of, options] = node.arguments;
    // An owner that is no text has the comments of the options that it spreads.
    enter(of && ts.isStringLiteral(of) ? of.text : '', options, comments);
  }
  if (ts.isVariableDeclaration(node)) enter('', node.initializer, comments);
  node.forEachChild((child) => visit(child, comments));
}

function enter(of: string, options: ts.Node | undefined, comments: Map<string, string>): void {
  if (!options || !ts.isObjectLiteralExpression(options)) return;
  for (const option of options.properties) {
    const text = docOf(option).text;
    if (option.name && text !== '') comments.set(`${of}.${option.name.getText()}`, text);
  }
}
