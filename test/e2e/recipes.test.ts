import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addDriver, DRIVER_TEST } from '../support/recipes/driver-recipe.js';
import { addMiddleware, MIDDLEWARE_TESTS } from '../support/recipes/middleware-recipe.js';
import { RepositoryCopy } from '../support/recipes/repository-copy.js';

/** Types, lint and tests of a copy start a dozen processes. On two busy cores a recipe took up to 81 s. */
const TIMEOUT = 180_000;

describe('a recipe of CONTRIBUTING.md, applied to a copy, leaves lint and tests green', () => {
  let copy: RepositoryCopy;
  beforeEach(async () => void (copy = await RepositoryCopy.make()));
  afterEach(() => copy.remove());

  it('adds an option and its middleware', { timeout: TIMEOUT }, async () => {
    await addMiddleware(copy);
    await copy.lint();
    await copy.typecheck();
    const around = ['test/unit/consuming/pipeline.test.ts', 'test/unit/options.test.ts'];
    await copy.test('unit', ...MIDDLEWARE_TESTS, ...around);
  });

  it('adds a driver', { timeout: TIMEOUT }, async () => {
    await addDriver(copy);
    await copy.lint();
    await copy.typecheck();
    await copy.test('unit', 'test/unit/import-rules.test.ts', 'test/unit/glossary.test.ts');
    await copy.test('contracts', DRIVER_TEST);
  });

  it('says which line is gone when the code has changed under it', async () => {
    const pipeline = 'lib/consuming/pipeline.ts';
    const text = await copy.read(pipeline);
    await copy.write(pipeline, text.replace("  { name: 'middleware'", "  { name: 'around'"));
    await expect(addMiddleware(copy)).rejects.toThrow(
      `0 lines of ${pipeline} begin with "  { name: 'middleware'"; the recipe needs one.`,
    );
  });
});
