import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LIB = fileURLToPath(new URL('../../lib', import.meta.url));

/** Words that name no actor, or no thing. As names of consumers in tests, in quotation marks, they are data. */
const NO_ACTOR = /(?<!['-])\b(?:whoever|nobody|somebody|anybody|everybody|whatever|whichever)\b/i;

/** Lines of lib with such a word, as `file:line: text`. */
function found(): string[] {
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      readFileSync(join(LIB, file), 'utf8')
        .split('\n')
        .flatMap((text, at) => (NO_ACTOR.test(text) ? [`${file}:${at + 1}: ${text.trim()}`] : [])),
    );
}

describe('comments and texts of lib', () => {
  it('name the actor: the consumer, the owner, the producer, the caller, the server', () => {
    expect(found()).toEqual([]);
  });
});
