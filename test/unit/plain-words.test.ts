import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Words that name no actor, or no thing. As names in tests, in quotation marks, they are data. */
const NO_ACTOR = /(?<!['`-])\b(?:whoever|nobody|somebody|anybody|everybody|whatever|whichever)\b/i;

const TEXTS = /\.(?:ts|js|lua|md|ya?ml)$/;
const GENERATED = /(?:^|\/)(?:node_modules|dist|cache)\//;
/** It names the words. */
const THIS_FILE = relative(ROOT, fileURLToPath(import.meta.url));

/** With types of entries, Node follows no links: a package of a sample links to this repository. */
function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => TEXTS.test(file) && !GENERATED.test(file) && file !== THIS_FILE);
}

/** Lines with such a word, as `file:line: text`. */
function found(files: readonly string[]): string[] {
  return files.flatMap((file) =>
    readFileSync(join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((text, at) => (NO_ACTOR.test(text) ? [`${file}:${at + 1}: ${text.trim()}`] : [])),
  );
}

describe('comments and texts', () => {
  it.each(['lib', 'test', 'bench', 'sample', 'docs'])(
    'of %s name the actor: the consumer, the owner, the producer, the caller, the server',
    (folder) => {
      expect(found(filesIn(folder))).toEqual([]);
    },
  );

  it('of the pages at the top name the actor, too', () => {
    expect(found(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])).toEqual([]);
  });
});
