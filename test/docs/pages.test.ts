import { describe, expect, it } from 'vitest';
import { PARTS } from '../../docs/.vitepress/pages.js';
import { deadLinks, docPages, readPage } from '../support/doc-pages.js';
import { unmarkedCode, withSnippets } from '../support/snippets.js';

/** What was decided, and when: these show code of their time. */
const HISTORY = /^docs\/decisions\//;
const pages = docPages().filter((page) => !HISTORY.test(page));

it.each(pages)(
  '%s shows its snippets as sample/docs has them (else: npm run docs:snippets)',
  async (page) => {
    const text = readPage(page);
    await expect(withSnippets(page, text)).toMatchFileSnapshot(`../../${page}`);
  },
);

describe('each page', () => {
  it.each(pages)('%s has no code that is not compiled', (page) => {
    expect(unmarkedCode(page, readPage(page))).toEqual([]);
  });

  it('has no dead link', () => {
    const pages = [...docPages(), 'CHANGELOG.md', 'CONTRIBUTING.md'];
    expect(pages.flatMap((page) => deadLinks(page))).toEqual([]);
  });

  it('links only to what the package and the site have too', () => {
    const inPackage = (file: string): boolean =>
      /^(?:docs|docs\/.*|README\.md|CHANGELOG\.md|LICENSE)$/.test(file);
    const onSite = (file: string): boolean => file.startsWith('docs/');
    const dead = docPages().flatMap((page) =>
      deadLinks(page, page === 'README.md' ? inPackage : onSite),
    );
    expect(dead).toEqual([]);
  });

  it('is found from docs/README.md, but for decisions', () => {
    const home = readPage('docs/README.md');
    const indexed = PARTS.filter(({ title }) => title !== 'Decisions').flatMap(
      ({ pages }) => pages,
    );
    const missing = indexed.filter((page) => !home.includes(`](${page}.md)`));
    expect(missing, 'docs/README.md has no link to these').toEqual([]);
  });

  it('stands in the index once', () => {
    const indexed = PARTS.flatMap((part) => part.pages.map((page) => `docs/${page}.md`));
    const others = ['README.md', 'docs/README.md'];
    expect(indexed.toSorted()).toEqual(docPages().filter((page) => !others.includes(page)));
  });
});
